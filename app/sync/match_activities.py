"""match_activities: finds the people of activities that came without one.

By the contact's link first, then by the email. Each orphan is looked at once when it is new, and
again only when its contact is linked or its email becomes somebody's, which triggers write down.
Where more changed than there are orphans, all of them are looked at, which is quicker then.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.db import PoolConnection
from app.services.erasure import SUBMITTING
from app.sync.engine import JobContext
from app.sync.statements import statements

SQL = statements("match_activities")

#: Orphans, or changes, of one transaction.
_SLICE = 50_000
_CHANGES = 2000
#: So many changes are looked up one by one, whatever there are of orphans.
_FEW_CHANGES = 20_000

Row = Mapping[str, Any]


async def run(context: JobContext) -> None:
    """Match what can be matched by now."""
    pool, account_id = context.database.pool, context.account_id
    state = await pool.fetchrow(SQL["state"], account_id)
    if state is None:
        # Nothing was ever read for this account.
        return
    matching = _Matching(context)
    if context.run.is_dry:
        await matching.rehearse(0 if context.run.mode == "full" else state["matched_up_to"])
        return
    begins_again = context.run.mode == "full" and context.run.checkpoint is None
    if begins_again or await matching.has_many_changes():
        async with context.run.fenced() as connection:
            await connection.execute(SQL["begin_again"], account_id)
    if begins_again:
        await context.run.save({"began_again": True})
    # Asked before the orphans are looked at: whoever is linked later is in the queue.
    await matching.new_orphans(keeps=state["is_queued"])
    await matching.changes()


class _Matching:
    """The parts of one run."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._pool = context.database.pool
        self._account_id = context.account_id

    async def has_many_changes(self) -> bool:
        """Say whether looking at all orphans is quicker than at what changed."""
        many = await self._pool.fetchval(SQL["count_queued"], self._account_id, 50 * _FEW_CHANGES)
        if many <= _FEW_CHANGES:
            return False
        orphans = await self._pool.fetchval(SQL["count_orphans"], self._account_id, 0)
        return bool(orphans < 10 * many)

    async def new_orphans(self, *, keeps: bool) -> None:
        """Look at the orphans that no run has looked at; ``keeps`` so that none does again."""
        run = self._context.run
        state = await self._pool.fetchrow(SQL["state"], self._account_id)
        after_id = state["matched_up_to"]
        last_id = await self._pool.fetchval(SQL["newest_orphan"], self._account_id)
        run.total = run.done + await self._pool.fetchval(
            SQL["count_orphans"], self._account_id, after_id
        )
        while True:
            slice_ = await self._pool.fetchrow(
                SQL["slice"], self._account_id, after_id, last_id, _SLICE
            )
            if not slice_["count"]:
                return
            bounds = (after_id, slice_["up_to"])
            async with run.fenced() as connection:
                await connection.execute(SUBMITTING)
                matched = await self._match_slice(connection, *bounds)
                if keeps:
                    await connection.execute(SQL["matched_up_to"], self._account_id, bounds[1])
            after_id = bounds[1]
            run.counts.update(considered=slice_["count"], matched=matched)
            run.done += slice_["count"]
            await run.save()

    async def changes(self) -> None:
        """Look at the orphans whose contact or email changed hands."""
        run = self._context.run
        while True:
            async with run.fenced() as connection:
                await connection.execute(SUBMITTING)
                rows = await connection.fetch(SQL["take_queued"], self._account_id, _CHANGES)
                considered, matched = await self._match_changes(connection, rows)
            run.counts.update(considered=considered, matched=matched)
            run.done += considered
            run.total = max(run.total or 0, run.done)
            await run.save()
            if len(rows) < _CHANGES:
                return

    async def rehearse(self, after_id: int) -> None:
        """Say how many orphans could be matched; writes nothing."""
        run = self._context.run
        if await self._pool.fetchval(SQL["count_queued"], self._account_id, 1):
            after_id = 0
        run.counts.update(
            considered=await self._pool.fetchval(SQL["count_orphans"], self._account_id, after_id),
            matched=await self._pool.fetchval(SQL["count_matchable"], self._account_id, after_id),
        )
        await run.save()

    async def _match_slice(self, connection: PoolConnection, after_id: int, up_to: int) -> int:
        bounds = (self._account_id, after_id, up_to)
        matched = _affected(await connection.execute(SQL["match_contacts"], *bounds))
        known = await connection.fetch(SQL["emails_known"], *bounds)
        return matched + await self._match_emails(connection, known)

    async def _match_changes(
        self, connection: PoolConnection, rows: Sequence[Row]
    ) -> tuple[int, int]:
        contact_ids = _each(rows, "contact_id")
        emails = _each(rows, "email_key")
        merged_ids = _each(rows, "merged_id")
        considered = matched = 0
        if contact_ids or emails:
            considered = await connection.fetchval(
                SQL["count_concerned"], self._account_id, contact_ids, emails
            )
        if considered:
            matched = _affected(
                await connection.execute(SQL["match_linked"], self._account_id, contact_ids)
            )
            known = await connection.fetch(SQL["emails_of"], self._account_id, emails)
            matched += await self._match_emails(connection, known)
        if merged_ids:
            await connection.execute(SQL["follow_merged"], self._account_id, merged_ids)
        return considered, matched

    async def _match_emails(self, connection: PoolConnection, known: Sequence[Row]) -> int:
        if not known:
            return 0
        return _affected(
            await connection.execute(
                SQL["match_emails"],
                self._account_id,
                [row["email_key"] for row in known],
                [row["person_id"] for row in known],
            )
        )


def _each(rows: Sequence[Row], name: str) -> list[Any]:
    return sorted({row[name] for row in rows if row[name] is not None})


def _affected(told: str) -> int:
    return int(told.rpartition(" ")[2])
