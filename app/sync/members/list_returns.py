"""Who opted out of a list and joins it anew: brought back the way the list says.

Dotdigital keeps who opted out of a list and when, so that is read once a run and list. Coming back
to a list brings a contact back to the account as well [inferred], so whoever is out of that stays.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from app.clients.dotdigital import (
    Rejected,
    ResubscribeOutcome,
    Suppression,
)
from app.sync.engine import JobContext
from app.sync.members.synced_lists import SyncedList
from app.sync.rules.coming_back import Consent, rejoins
from app.sync.rules.mailability import is_suppressed
from app.sync.runs import Superseded
from app.sync.statements import statements

SQL = statements("send_lists")
OPT_INS_SQL = statements("opt_ins")

_Row = Mapping[str, Any]

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_STATUS = {
    ResubscribeOutcome.ADDED: "subscribed",
    ResubscribeOutcome.CHALLENGED: "pending",
    ResubscribeOutcome.REFUSED: "suppressed",
}


class _Left(NamedTuple):
    """When a contact opted out of a list, and whether it is out of the account as well."""

    at: datetime | None
    is_out: bool


class ListReturns:
    """Those who come back to lists, in one run."""

    def __init__(self, context: JobContext) -> None:
        """Begin with nothing read."""
        self._context = context
        self._left: dict[int, dict[int, _Left]] = {}
        self._ahead: timedelta | None = None

    async def bring_back(self, one: SyncedList, row: _Row) -> None:
        """Bring a joining member back to a list where it opted out of that before.

        Costs a call for each 1000 who opted out of the list, once; then one for each who returns.
        """
        if one.options.resubscribe_mode == "never" or row["contact_there"] is not None:
            return
        left = await self._who_left(one)
        if row["contact_id"] in left:
            await self.ask(one, row)

    async def ask(self, one: SyncedList, row: _Row) -> bool:
        """Have a member who opted out of a list mailed again; says whether it is at once.

        A challenge whose answer was lost is not mailed again: it was noted before.
        """
        if one.options.resubscribe_mode == "never" or not await self._may_return(one, row):
            await self._note(row, "suppressed")
            return False
        email = row["email_key"] or row["email"] or ""
        challenges = one.options.resubscribe_mode == "challenge"
        if challenges and not await self._may_challenge(row):
            return False
        asked_at = self._context.clock.now()
        if not await self._may_ask(row, asked_at):
            await self._note(row, "suppressed")
            return False
        lists = self._context.client.lists
        resubscribe = lists.resubscribe if challenges else lists.resubscribe_no_challenge
        try:
            result = await resubscribe(one.twin_id or 0, email)
        except Rejected:
            await self._note(row, "suppressed", asked_at)
            return False
        status = _STATUS.get(result.outcome, "suppressed")
        await self._note(row, status, asked_at)
        return status == "subscribed"

    async def _may_return(self, one: SyncedList, row: _Row) -> bool:
        if is_suppressed(row["account_status"]):
            return False
        found = (await self._who_left(one)).get(row["contact_id"])
        if found is None or found.is_out:
            return False
        consent = Consent(
            no_email=row["no_email"],
            shared_opt_out=row["shared_opt_out"],
            opted_out_at=row["opted_out_at"],
            opted_in_at=row["opted_in_at"],
        )
        joined_at = row["added_at"] + await self._clock_ahead()
        return rejoins(consent, joined_at, found.at)

    async def _may_challenge(self, row: _Row) -> bool:
        """Note the challenge before it is mailed; False where it was noted before."""
        async with self._context.run.fenced() as connection:
            noted = await connection.fetchval(SQL["challenge"], row["list_id"], row["person_id"])
        return noted is not None

    async def _who_left(self, one: SyncedList) -> dict[int, _Left]:
        """Return the newest opt-out from the list of each contact that may come back to it."""
        if one.id not in self._left:
            found: dict[int, _Left] = {}
            lists = self._context.client.lists
            async for page in lists.unsubscribed_since(one.twin_id or 0, _LONG_AGO):
                ours = await self._may_join(one, page.items)
                for each in page.items:
                    contact_id = each.contact.id
                    if contact_id is None or contact_id not in ours:
                        continue
                    left = _Left(each.date_removed, is_suppressed(each.contact.status))
                    before = found.get(contact_id)
                    if before is None or _is_newer(left, before):
                        found[contact_id] = left
            self._left[one.id] = found
        return self._left[one.id]

    async def _may_join(self, one: SyncedList, who_left: Sequence[Suppression]) -> frozenset[int]:
        """Return which of these contacts are ours, and not on the list there already."""
        rows = await self._context.database.pool.fetch(
            SQL["may_join"],
            self._context.account_id,
            one.id,
            [each.contact.id for each in who_left if each.contact.id is not None],
        )
        return frozenset(row["contact_id"] for row in rows)

    async def _clock_ahead(self) -> timedelta:
        """Return how far Dotdigital's clock is ahead of ours. One call a run."""
        if self._ahead is None:
            there = await self._context.client.account.server_time()
            self._ahead = there - self._context.clock.now()
        return self._ahead

    async def _may_ask(self, row: _Row, at: datetime) -> bool:
        """Note that the contact is about to be brought back; False where it opted out since."""
        context = self._context
        async with context.run.fenced() as connection:
            noted = await connection.fetchval(
                SQL["may_ask"], context.account_id, row["person_id"], at
            )
        return noted is not None

    async def _note(self, row: _Row, status: str, asked_at: datetime | None = None) -> None:
        """Note how the contact stands in the list; ``asked_at``: it was asked, and answered."""
        context, person_id, now = self._context, row["person_id"], self._context.clock.now()
        try:
            async with context.run.fenced() as connection:
                await connection.execute(
                    SQL["note_list_status"], row["list_id"], person_id, status, None
                )
                if asked_at is not None:
                    await connection.execute(
                        OPT_INS_SQL["settle_doubt"], context.account_id, person_id, asked_at, now
                    )
        except Superseded:
            if asked_at is not None:
                # Another attempt goes on, and may have told of an opt-out before the call arrived.
                await context.database.pool.execute(
                    OPT_INS_SQL["doubt"], context.account_id, person_id, now
                )
            raise


def _is_newer(one: _Left, other: _Left) -> bool:
    """Compare by date; one without a date may be the newest."""
    if one.at is None or other.at is None:
        return one.at is None
    return one.at > other.at
