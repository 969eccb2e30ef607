"""send_people: tells Dotdigital of the people who are due.

First the opt-outs. Then page by page: what each person needs is decided, what needs nothing is
settled, and the rest goes out in the largest imports; who leaves a contact, or is to be mailed
again, is gathered for the end of it. The run watches its imports for a while and leaves those that
take longer to monitor_imports.
"""

from collections import Counter
from collections.abc import Sequence

from sqlmodel import col, select

from app.clients.dotdigital import ADD_CALLS_A_MINUTE, MergeOption
from app.db import PoolConnection
from app.models import Mapping
from app.services.account_settings import AccountSettings
from app.sync.address_opt_outs import keep_opted_out, tell_address_opt_outs
from app.sync.departures import MOST_AT_ONCE, delete_contacts, hand_over, leave_contacts
from app.sync.engine import JobContext
from app.sync.failures import heal_people, record_people
from app.sync.imports import release_abandoned
from app.sync.lost_targets import (
    explain_failures,
    look_for_lost_targets,
    lost_mappings,
)
from app.sync.opt_ins import bring_back
from app.sync.opt_outs import count_opt_outs, send_opt_outs
from app.sync.payloads import PayloadPlan
from app.sync.people_page import (
    Claims,
    Departure,
    Held,
    Leaving,
    Return,
    SortedPage,
    sort_page,
)
from app.sync.person_records import Row, Unchanged
from app.sync.person_standing import policy_of
from app.sync.queue import ensure_run
from app.sync.rules.call_estimate import estimate
from app.sync.rules.reasons import Reason
from app.sync.statements import statements
from app.sync.submissions import Batch, PlanChanged, Submissions

SQL = statements("send_people")

_PAGE = 5000
#: A few milliseconds of work.
_SLICE = 50
#: Once more for who was to follow: fills of a blank, heirs, who opted in; and again for their like.
_SWEEPS = 3
#: A run begins again so often when mappings or settings are changed under it.
_MOST_PLANS = 20
_OPTED_OUT = frozenset({Reason.OPTED_OUT, Reason.ADDRESS_OPTED_OUT, Reason.SUPPRESSED_THERE})


async def run(context: JobContext) -> None:
    """Send everyone who is due in the account."""
    if context.run.is_dry:
        await _rehearse(context)
        return
    await release_abandoned(context)
    if context.run.mode == "full" and context.run.checkpoint is None:
        await context.database.pool.execute(SQL["make_all_due"], context.account_id)
        await context.run.save({"made_due": True})
    await context.database.pool.execute(SQL["drop_gone"], context.account_id)
    await look_for_lost_targets(context)
    context.run.total = await _count_due(context)
    await _say_what_it_takes(context)
    await send_opt_outs(context)
    await tell_address_opt_outs(context)
    submissions = Submissions(context)
    try:
        for _ in range(_MOST_PLANS):
            if await _send_everyone(context, submissions):
                if not await explain_failures(context):
                    break
                continue
            await context.run.note("mappings_or_settings_changed")
            await reload_settings(context)
    finally:
        await submissions.close()
    await tell_address_opt_outs(context)
    context.run.counts["pending"] = submissions.pending
    if submissions.pending:
        await _hand_over(context)


async def _send_everyone(context: JobContext, submissions: Submissions) -> bool:
    """Send everyone due by one plan; says whether the plan stood until the end.

    Otherwise who was not submitted yet is still due, and gets what the new mappings say.
    """
    plan, submissions.generation = await load_plan(context)
    sender = _Sender(context, plan, submissions)
    try:
        for sweep in range(_SWEEPS):
            await sender.sweep(resend=sweep == 0)
            await submissions.watch()
            if submissions.pending or not sender.to_follow:
                break
    except PlanChanged:
        await submissions.close()
        return False
    return True


async def load_plan(context: JobContext) -> tuple[PayloadPlan, str]:
    """Return the account's mappings, compiled, and the generation that they are of."""
    async with context.database.transaction() as connection:
        generation: str = await connection.fetchval(SQL["generation"], context.account_id)
    lost = await lost_mappings(context)
    async with context.database.reading() as session:
        found = await session.execute(
            select(Mapping)
            .where(col(Mapping.account_id) == context.account_id)
            .order_by(col(Mapping.id))
        )
        mappings = [each for each in found.scalars() if each.id not in lost]
        return PayloadPlan(mappings), generation


async def reload_settings(context: JobContext) -> None:
    """Read the account's settings anew."""
    stored = await context.database.pool.fetchval(
        "SELECT settings FROM accounts WHERE id = $1", context.account_id
    )
    context.account_settings = AccountSettings.from_stored(stored)


class _Sender:
    """Goes through the due people once, from the first to the last."""

    def __init__(self, context: JobContext, plan: PayloadPlan, submissions: Submissions) -> None:
        settings = context.account_settings
        limits = (settings.batch_size, settings.batch_megabytes * 1_000_000)
        self._context = context
        self._plan = plan
        self._policy = policy_of(context.account_settings)
        self._submissions = submissions
        self._records = Batch(MergeOption.OVERWRITE, *limits)
        self._fills = Batch(MergeOption.OVERWRITE_IF_EMPTY, *limits)
        self._departing: list[Departure] = []
        self._leaving: list[Leaving] = []
        self._returning: list[Return] = []
        #: How many people this sweep left for another look.
        self.to_follow = 0

    async def sweep(self, *, resend: bool) -> None:
        """Send everyone due; when it returns, Dotdigital has every import."""
        self.to_follow = 0
        after_id = 0
        while True:
            # Taken before the page is read: what is recorded by then, the page shows itself.
            claims = self._claims()
            rows = await _due_people(self._context, after_id)
            if not rows:
                break
            before_id, after_id = after_id, rows[-1]["person_id"]
            page = await self._sorted(rows, claims, resend=resend)
            if page.opting_out:
                # They opted out since the run began, and go before the rest of it all the same.
                await send_opt_outs(self._context, before_id, after_id)
            await self._settle(page)
            await self._fill_batches(page)
            await self._see_off(MOST_AT_ONCE - 1)
            await self._submissions.look()
            self._context.run.counts["pending"] = self._submissions.pending
            await self._context.run.save()
        await self._submit(self._records)
        await self._submit(self._fills)
        await self._submissions.all_submitted()
        await self._see_off(0)
        self.to_follow += await leave_contacts(self._context, self._leaving)
        self.to_follow += await bring_back(self._context, self._returning)
        self._leaving, self._returning = [], []

    async def _see_off(self, fewer_than: int) -> None:
        """Let the contacts of the gathered people go, in as few calls as there can be."""
        while len(self._departing) > fewer_than:
            going = self._departing[:MOST_AT_ONCE]
            del self._departing[:MOST_AT_ONCE]
            self.to_follow += await hand_over(self._context, going)
            await delete_contacts(self._context, [each for each in going if each.heir is None])
            await self._context.run.save()

    async def _settle(self, page: SortedPage) -> None:
        """Write down whoever needs no import, in one transaction."""
        counts = _counts_of(page)
        async with self._context.run.fenced() as connection:
            await _write_held(self._context, connection, page.held)
            await _write_unchanged(self._context, connection, page.unchanged)
            await record_people(self._context, connection, page.failures)
            await keep_opted_out(
                self._context, connection, page.unknown_opt_outs, "never_a_contact"
            )
        self._context.run.counts.update(counts)
        settled = counts["skipped"] + counts["unchanged"] + counts["failed"]
        self._context.run.done += settled
        self.to_follow += page.to_follow
        self._departing += page.departing
        self._leaving += page.leaving
        self._returning += page.returning

    async def _fill_batches(self, page: SortedPage) -> None:
        for batch, entries in ((self._records, page.records), (self._fills, page.fills)):
            for entry in entries:
                if not batch.takes(entry):
                    await self._submit(batch)
                batch.add(entry)

    async def _sorted(self, rows: Sequence[Row], claims: Claims, *, resend: bool) -> SortedPage:
        """Sort the page a slice at a time: requests are answered in between."""
        page = SortedPage()
        for begin in range(0, len(rows), _SLICE):
            part = rows[begin : begin + _SLICE]
            page.extend(sort_page(part, self._plan, self._policy, claims, resend=resend))
            await self._context.clock.sleep(0)
        return page

    def _claims(self) -> Claims:
        """Return the emails and numbers that are on their way and in no table yet."""
        claims = Claims()
        in_hand = (*self._records.entries, *self._fills.entries)
        for entry in (*in_hand, *self._submissions.unrecorded()):
            claims.take(entry)
        return claims

    async def _submit(self, batch: Batch) -> None:
        if batch.entries:
            await self._submissions.submit(batch.take_all(), batch.merge_option)


async def _say_what_it_takes(context: JobContext) -> None:
    """Note in the timeline of a full run, or of a rehearsal, the calls and minutes to expect."""
    if context.run.mode == "changes":
        return
    allowed = await context.database.pool.fetchval(
        SQL["calls_a_minute"], str(context.account.dotdigital_account_id), "PUT /contacts/v3/import"
    )
    people, size = context.run.total or 0, context.account_settings.batch_size
    expected = estimate(people, size, allowed or ADD_CALLS_A_MINUTE)
    await context.run.note(
        "expected", people=people, calls=expected.calls, minutes=expected.minutes
    )


async def _rehearse(context: JobContext) -> None:
    """Say what a run would do; writes nothing on either side, and makes no call."""
    run = context.run
    run.total = await _count_due(context)
    await _say_what_it_takes(context)
    run.counts["suppressed"] = await count_opt_outs(context)
    plan, _ = await load_plan(context)
    policy, claims = policy_of(context.account_settings), Claims()
    after_id = 0
    while rows := await _due_people(context, after_id):
        after_id = rows[-1]["person_id"]
        page = sort_page(rows, plan, policy, claims, resend=True)
        run.counts.update(_counts_of(page))
        created = sum(entry.contact_id is None for entry in page.records)
        run.counts.update(created=created, updated=len(page.records) - created + len(page.fills))
        run.counts.update(
            deleted=sum(each.heir is None for each in page.departing),
            resubscribed=len(page.returning),
            suppressed=len(page.unknown_opt_outs),
        )
        run.done += len(rows)
        await run.save()


def _counts_of(page: SortedPage) -> Counter[str]:
    """Return what the page adds to the run's counts, but for what its imports bring."""
    sent = len(page.records) + len(page.fills)
    skipped = len(page.held)
    settled = skipped + len(page.unchanged) + len(page.failures)
    leaving = len(page.departing) + len(page.leaving) + len(page.returning)
    return Counter(
        considered=sent + settled + leaving,
        unchanged=len(page.unchanged),
        skipped=skipped,
        failed=len(page.failures),
    )


async def _count_due(context: JobContext) -> int:
    count: int = await context.database.pool.fetchval(
        SQL["count_due"], context.account_id, context.clock.now()
    )
    return count


async def _due_people(context: JobContext, after_id: int) -> Sequence[Row]:
    async with context.database.batch() as connection:
        rows: Sequence[Row] = await connection.fetch(
            SQL["due_people"],
            context.account_id,
            after_id,
            context.clock.now(),
            _PAGE,
            context.account_settings.people == "list_members",
        )
    return rows


async def _write_held(
    context: JobContext, connection: PoolConnection, held: Sequence[Held]
) -> None:
    if not held:
        return
    person_ids = [each.person_id for each in held]
    await connection.execute(
        SQL["hold_back"],
        context.account_id,
        person_ids,
        [each.version for each in held],
        ["suppressed" if each.reason in _OPTED_OUT else "not_eligible" for each in held],
        [each.reason.value for each in held],
        [each.detail for each in held],
        [each.changed_at for each in held],
    )
    await heal_people(context, connection, person_ids)


async def _write_unchanged(
    context: JobContext, connection: PoolConnection, unchanged: Sequence[Unchanged]
) -> None:
    if not unchanged:
        return
    person_ids = [each.person_id for each in unchanged]
    await connection.execute(
        SQL["settle_unchanged"],
        context.account_id,
        person_ids,
        [each.version for each in unchanged],
        ["suppressed" if each.suppressed else "synced" for each in unchanged],
        [each.changed_at for each in unchanged],
    )
    await heal_people(context, connection, person_ids)


async def _hand_over(context: JobContext) -> None:
    """See that somebody watches what this run leaves open, the schedule being on or off."""
    async with context.database.transaction() as connection:
        await ensure_run(
            connection,
            account_id=context.account_id,
            job="monitor_imports",
            at=context.clock.now(),
        )
