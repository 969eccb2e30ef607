"""send_people: tells Dotdigital of the people who are due.

First the opt-outs. Then page by page: what each person needs is decided, what needs nothing is
settled, and the rest goes out in the largest imports; who leaves a contact, or is to be mailed
again, is gathered for the end of it. Before it writes over values that come back as well, the run
reads what was changed there. It watches its imports for a while and leaves those that
take longer to monitor_imports.
"""

from collections.abc import Iterator
from functools import partial

from app.clients.dotdigital import DotdigitalError, MergeOption
from app.db import PoolConnection
from app.sync.contacts.page_batches import in_one_batch
from app.sync.contacts.their_news import TheirNews
from app.sync.engine import JobContext
from app.sync.people.address_opt_outs import keep_given_up, tell_address_opt_outs
from app.sync.people.considered import Considered
from app.sync.people.departures import MOST_AT_ONCE, delete_contacts, hand_over, leave_contacts
from app.sync.people.due_pages import DuePage, DuePages
from app.sync.people.due_people import (
    count_due,
    counts_of,
    load_plan,
    reload_settings,
    write_settled,
)
from app.sync.people.imports import release_abandoned
from app.sync.people.lost_targets import explain_failures, look_for_lost_targets
from app.sync.people.opt_ins import bring_back, tell_again
from app.sync.people.opt_outs import send_opt_outs
from app.sync.people.payloads import PayloadPlan
from app.sync.people.people_page import Departure, Leaving, Return, SortedPage, sort_page
from app.sync.people.person_records import Entry
from app.sync.people.person_standing import policy_of
from app.sync.people.rehearsal import rehearse, say_what_it_takes
from app.sync.people.submissions import Batch, PlanChanged, Submissions
from app.sync.queue import ensure_run
from app.sync.statements import statements
from app.sync.turns import sparingly

SQL = statements("send_people")

#: A millisecond of work, about.
_SLICE = 10
#: Once more for who was to follow: fills of a blank, heirs, who opted in; and again for their like.
_SWEEPS = 3
#: A run begins again so often when mappings or settings are changed under it.
_MOST_PLANS = 20


async def run(context: JobContext) -> None:
    """Send everyone who is due in the account."""
    if context.run.is_dry:
        await rehearse(context)
        return
    await release_abandoned(context)
    if context.run.mode == "full" and context.run.checkpoint is None:
        await context.database.pool.execute(SQL["make_all_due"], context.account_id)
        await context.run.save({"made_due": True})
    await context.database.pool.execute(SQL["drop_gone"], context.account_id)
    await tell_again(context)
    await look_for_lost_targets(context)
    # Of a run that was taken over, some are done already.
    context.run.total = context.run.done + await count_due(context)
    await say_what_it_takes(context)
    await send_opt_outs(context)
    await tell_address_opt_outs(context)
    submissions, considered = Submissions(context), Considered(context.run)
    await submissions.adopt()
    try:
        for _ in range(_MOST_PLANS):
            if await _send_everyone(context, submissions, considered):
                if not await explain_failures(context):
                    break
                continue
            await context.run.note("mappings_or_settings_changed")
            await reload_settings(context)
    finally:
        await submissions.close()
    # Who opted out while an import of this run held them, and whatever else came up in it.
    await send_opt_outs(context)
    await tell_address_opt_outs(context)
    context.run.counts["pending"] = submissions.pending
    if submissions.pending:
        await _hand_over(context)


async def _send_everyone(
    context: JobContext, submissions: Submissions, considered: Considered
) -> bool:
    """Send everyone due by one plan; says whether the plan stood until the end.

    Otherwise who was not submitted yet is still due, and gets what the new mappings say.
    """
    plan, submissions.generation = await load_plan(context)
    sender = _Sender(context, plan, submissions, considered)
    try:
        for sweep in range(_SWEEPS):
            await sender.sweep(resend=sweep == 0)
            await submissions.watch()
            if submissions.pending or not sender.to_follow:
                break
        if sender.fault is not None:
            raise sender.fault
    except PlanChanged:
        await submissions.close()
        return False
    return True


class _Sender:
    """Goes through the due people once, from the first to the last."""

    def __init__(
        self,
        context: JobContext,
        plan: PayloadPlan,
        submissions: Submissions,
        considered: Considered,
    ) -> None:
        settings = context.account_settings
        limits = (settings.batch_size, settings.batch_megabytes * 1_000_000)
        self._context = context
        self._plan = plan
        self._policy = policy_of(context.account_settings)
        self._submissions = submissions
        self._considered = considered
        self._records = Batch(MergeOption.OVERWRITE, *limits)
        self._fills = Batch(MergeOption.OVERWRITE_IF_EMPTY, *limits)
        self._departing: list[Departure] = []
        self._leaving: list[Leaving] = []
        self._returning: list[Return] = []
        self._news = TheirNews(context)
        #: How many people this sweep left for another look.
        self.to_follow = 0

    @property
    def fault(self) -> DotdigitalError | None:
        """Say why what was changed there couldn't be read, if so."""
        return self._news.fault

    async def sweep(self, *, resend: bool) -> None:
        """Send everyone due; when it returns, Dotdigital has every import."""
        self.to_follow = 0
        self._news.try_again()
        async with DuePages(self._context, self._on_their_way) as pages:
            while (due := await pages.next()) is not None:
                page = await self._sorted(due, resend=resend)
                if await self._news.read_for(page.records):
                    # What was taken may change what is to be sent.
                    await pages.again(due)
                    continue
                self._leave_unread(page)
                await pages.claim((*page.records, *page.fills))
                self._considered.take(due.rows)
                await self._send(due, page)
        await self._submit(self._records)
        await self._submit(self._fills)
        await self._submissions.all_submitted()
        await self._see_off(0)
        self.to_follow += await leave_contacts(self._context, self._leaving)
        self.to_follow += await bring_back(self._context, self._returning)
        self._leaving, self._returning = [], []

    async def _send(self, due: DuePage, page: SortedPage) -> None:
        """Let everyone of the page have what they need, as far as it's their turn."""
        if page.opting_out:
            # They opted out since the run began, and go before the rest of it all the same.
            await send_opt_outs(self._context, due.after_id, due.up_to_id)
        await keep_given_up(self._context, page.giving_up)
        await self._settle(page)
        await self._fill_batches(page)
        await self._see_off(MOST_AT_ONCE - 1)
        self._submissions.look()
        self._context.run.counts["pending"] = self._submissions.pending
        await self._considered.save()

    def _leave_unread(self, page: SortedPage) -> None:
        """Leave those due who would write over what is unread, and who was held back for them."""
        left = {entry.person_id for entry in page.records if not self._news.lets(entry)}
        if left:
            page.records = [entry for entry in page.records if entry.person_id not in left]
            page.held = [each for each in page.held if each.other not in left]
            self.to_follow += len(left)

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
        counts = counts_of(page)
        await in_one_batch(self._context, partial(self._write_settled, page))
        self._context.run.counts.update(counts)
        settled = counts["skipped"] + counts["unchanged"] + counts["failed"]
        self._context.run.done += settled
        self.to_follow += page.to_follow
        self._departing += page.departing
        self._leaving += page.leaving
        self._returning += page.returning

    async def _write_settled(self, page: SortedPage, connection: PoolConnection) -> None:
        await self._submissions.hold_plan(connection)
        await write_settled(self._context, connection, page)

    async def _fill_batches(self, page: SortedPage) -> None:
        for batch, entries in ((self._records, page.records), (self._fills, page.fills)):
            async for entry in sparingly(self._context.clock, entries):
                if not batch.takes(entry):
                    await self._submit(batch)
                batch.add(entry)

    async def _sorted(self, due: DuePage, *, resend: bool) -> SortedPage:
        """Sort the page, a few people at a time."""
        page = SortedPage()
        async for begin in sparingly(self._context.clock, range(0, len(due.rows), _SLICE)):
            part = due.rows[begin : begin + _SLICE]
            page.extend(sort_page(part, self._plan, self._policy, due.claims, resend=resend))
        return page

    def _on_their_way(self) -> Iterator[Entry]:
        """Yield the records that are to be sent, or are sent, and stand in no table yet."""
        yield from self._records.entries
        yield from self._fills.entries
        yield from self._submissions.unrecorded()

    async def _submit(self, batch: Batch) -> None:
        # The first of them may have waited long for the others.
        await self._news.read_for(batch.entries)
        entries = batch.take_all()
        if left := [entry for entry in entries if not self._news.lets(entry)]:
            await self._submissions.drop(left)
            entries = [entry for entry in entries if not entry.is_dropped]
            self.to_follow += len(left)
        if entries:
            await self._submissions.submit(entries, batch.merge_option)


async def _hand_over(context: JobContext) -> None:
    """See that somebody watches what this run leaves open, the schedule being on or off."""
    async with context.database.transaction() as connection:
        await ensure_run(
            connection,
            account_id=context.account_id,
            job="monitor_imports",
            at=context.clock.now(),
        )
