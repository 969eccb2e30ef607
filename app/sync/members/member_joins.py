"""Members who join: many lists' together in the fewest imports, or one by one where a list says so.

Whoever opted out of a list and joins it anew is brought back the way the list says, before that.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.clients.dotdigital import NotFound, Rejected
from app.sync.engine import JobContext
from app.sync.members.audiences import suppress_joiners
from app.sync.members.list_returns import ListReturns
from app.sync.members.list_twins import lose_twin
from app.sync.members.member_failures import MemberFailure, heal_members, record_members
from app.sync.members.member_flights import Departure, Flights
from app.sync.members.member_landings import FlightKind, unlink_gone
from app.sync.members.member_report import Flight
from app.sync.members.synced_lists import SyncedList
from app.sync.rules.member_batches import MOST_LISTS, in_parts
from app.sync.statements import statements

SQL = statements("send_lists")
IMPORTS_SQL = statements("imports")

#: Rows that are read of a list at once; of many lists, fewer of each.
_PAGE, _LEAST_PAGE = 5000, 100
#: Single calls whose outcome is written down together.
_TOGETHER = 10
#: v2: the contact is opted out of the account, or of the list (error-codes.yml).
_SUPPRESSED = "ERROR_CONTACT_SUPPRESSED"
_SUPPRESSED_HERE = "ERROR_CONTACT_SUPPRESSEDFORADDRESSBOOK"

_Row = Mapping[str, Any]


async def join_one_by_one(
    context: JobContext, lists: Sequence[SyncedList], returns: ListReturns
) -> None:
    """Add whoever is new on these lists by a call each, so that programs start."""
    for one in lists:
        await _OneByOne(context, one, returns).run()


async def join_together(
    context: JobContext, lists: Sequence[SyncedList], flights: Flights, returns: ListReturns
) -> None:
    """Put everyone else who is pending onto the lists, and suppress who joins an audience."""
    audiences = [one for one in lists if one.is_audience]
    await suppress_joiners(context, (_flight(row) async for row in _by_person(context, audiences)))
    await _send_together(context, [one for one in lists if not one.is_audience], flights, returns)


async def _send_together(
    context: JobContext, lists: Sequence[SyncedList], flights: Flights, returns: ListReturns
) -> None:
    """Send the members of these lists in imports, each contact once with all its lists."""
    by_id = {one.id: one for one in lists if one.twin_id is not None}
    departure = Departure(FlightKind.JOIN, {key: one.twin_id or 0 for key, one in by_id.items()})
    most = context.account_settings.batch_size
    batch: list[Flight] = []
    contacts: set[int] = set()
    count = 0
    async for row in _by_person(context, list(by_id.values())):
        contact_id = row["contact_id"]
        if contact_id not in contacts:
            if len(contacts) >= most:
                await _send_batch(context, departure, batch, by_id, flights)
                batch, contacts = [], set()
            contacts.add(contact_id)
            count = 0
        count += 1
        if count > MOST_LISTS:
            # They go with the next run: a record takes no more.
            continue
        one = by_id[row["list_id"]]
        await _take_off_stale(context, one, row)
        await returns.bring_back(one, row)
        batch.append(_flight(row))
    await _send_batch(context, departure, batch, by_id, flights)


async def _send_batch(
    context: JobContext,
    departure: Departure,
    batch: Sequence[Flight],
    lists: Mapping[int, SyncedList],
    flights: Flights,
) -> None:
    standing = [each for each in batch if lists[each.list_id].twin_id is not None]
    if standing:
        await flights.send(departure, standing)
        await flights.look()
        await context.run.save()


async def _by_person(context: JobContext, lists: Sequence[SyncedList]) -> AsyncIterator[_Row]:
    """Yield the linked, pending members of these lists by ascending person."""
    if not lists:
        return
    page = max(_LEAST_PAGE, _PAGE // len(lists))
    streams = [_joining(context, one, page) for one in lists]
    heads: list[tuple[int, int, _Row]] = []
    for place, stream in enumerate(streams):
        if (row := await anext(stream, None)) is not None:
            heads.append((row["person_id"], place, row))
    heapq.heapify(heads)
    while heads:
        _, place, row = heads[0]
        yield row
        following = await anext(streams[place], None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following["person_id"], place, following))


async def _joining(context: JobContext, one: SyncedList, page: int) -> AsyncIterator[_Row]:
    """Yield the linked, pending members of a list, ascending.

    Of a list that adds one by one only those who can't be added so.
    """
    async for rows in _joining_pages(context, one, page):
        for row in rows:
            is_other = one.one_by_one and row["contact_there"] is None
            if row["contact_id"] is not None and not is_other:
                yield row


async def _joining_pages(
    context: JobContext, one: SyncedList, page: int
) -> AsyncIterator[Sequence[_Row]]:
    after_id = 0
    while True:
        async with context.database.batch() as connection:
            rows: Sequence[_Row] = await connection.fetch(
                SQL["joining"], one.id, after_id, page, context.account_id, one.joined_until
            )
        if not rows:
            return
        after_id = rows[-1]["person_id"]
        yield rows


async def _take_off_stale(context: JobContext, one: SyncedList, row: _Row) -> None:
    """Take the contact off that was the member's before it was linked to another one."""
    stale = row["contact_there"]
    if stale is None or stale == row["contact_id"]:
        return
    held = await context.database.pool.fetch(
        SQL["held_contacts"], one.id, context.account_id, [stale]
    )
    if not held and one.twin_id is not None:
        try:
            await context.client.lists.remove_contacts(one.twin_id, [stale])
        except NotFound:
            await lose_twin(context, one)


def _flight(row: _Row) -> Flight:
    return Flight(row["list_id"], row["person_id"], row["contact_id"], row["changed_at"])


@dataclass(slots=True)
class _Outcomes:
    joined: list[_Row] = field(default_factory=list)
    #: On the list, and suppressed there.
    suppressed: list[_Row] = field(default_factory=list)
    #: Suppressed in the account: only an import takes them.
    by_import: list[_Row] = field(default_factory=list)
    #: Linked to contacts that are gone: the address is another one's by now.
    gone: list[_Row] = field(default_factory=list)
    failures: list[MemberFailure] = field(default_factory=list)


class _OneByOne:
    """Adds the members of one list by a call each."""

    def __init__(self, context: JobContext, one: SyncedList, returns: ListReturns) -> None:
        self._context = context
        self._one = one
        self._returns = returns

    async def run(self) -> None:
        """Add everyone who was never on the list; who was, goes by import and starts nothing."""
        try:
            async for rows in _joining_pages(self._context, self._one, _PAGE):
                new = [
                    row
                    for row in rows
                    if row["contact_id"] is not None and row["contact_there"] is None
                ]
                for part in in_parts(new, _TOGETHER):
                    await self._add(part)
        except NotFound:
            await lose_twin(self._context, self._one)

    async def _add(self, rows: Sequence[_Row]) -> None:
        import_id, kept = await self._intend(rows)
        outcomes = _Outcomes()
        await asyncio.gather(*[self._add_one(row, outcomes) for row in kept])
        await self._write(import_id, outcomes)
        counts = self._context.run.counts
        counts["added"] += len(outcomes.joined) + len(outcomes.suppressed)
        counts["failed"] += len(outcomes.failures)
        self._context.run.done += len(kept) - len(outcomes.by_import) - len(outcomes.gone)
        await self._context.run.save()

    async def _intend(self, rows: Sequence[_Row]) -> tuple[int, Sequence[_Row]]:
        """Hold these in flight; return those who still stand as they were read.

        A run that dies lets go of them, and the next one adds them again, which changes nothing.
        """
        run = self._context.run
        async with run.fenced() as connection:
            import_id: int = await connection.fetchval(
                SQL["intend"],
                self._context.account_id,
                run.id,
                run.attempt,
                FlightKind.JOIN.value,
                len(rows),
                self._context.clock.now(),
            )
            await connection.copy_records_to_table(
                "import_members",
                columns=("list_id", "person_id", "import_id", "contact_id", "changed_at"),
                records=[
                    (
                        row["list_id"],
                        row["person_id"],
                        import_id,
                        row["contact_id"],
                        row["changed_at"],
                    )
                    for row in rows
                ],
            )
            dropped = await connection.fetch(SQL["drop_moved_on"], import_id)
        gone = {row["person_id"] for row in dropped}
        return import_id, [row for row in rows if row["person_id"] not in gone]

    async def _add_one(self, row: _Row, outcomes: _Outcomes) -> None:
        """Add one; one call, or two and one more where it comes back to the list.

        Raises NotFound where the list is gone.
        """
        email = row["email_key"] or row["email"] or ""
        twin_id = self._one.twin_id or 0
        try:
            contact = await self._context.client.lists.add_contact(twin_id, email)
        except NotFound:
            raise
        except Rejected as error:
            if error.code == _SUPPRESSED_HERE:
                if await self._returns.ask(self._one, row):
                    outcomes.joined.append(row)
                else:
                    outcomes.suppressed.append(row)
            elif error.code == _SUPPRESSED:
                outcomes.by_import.append(row)
            else:
                code, text = error.code or "refused", error.message or str(error)
                outcomes.failures.append(_flight(row).failure(code, text))
            return
        if contact.id == row["contact_id"]:
            outcomes.joined.append(row)
        else:
            outcomes.gone.append(row)

    async def _write(self, import_id: int, outcomes: _Outcomes) -> None:
        context = self._context
        on_it = [*outcomes.joined, *outcomes.suppressed]
        off = {row["person_id"] for row in outcomes.suppressed}
        async with context.run.fenced() as connection:
            if await connection.fetchrow(IMPORTS_SQL["claim_unsettled"], import_id) is None:
                return
            await connection.execute(SQL["land"], import_id)
            await connection.execute(
                SQL["joined"],
                [row["list_id"] for row in on_it],
                [row["person_id"] for row in on_it],
                [row["contact_id"] for row in on_it],
                [row["changed_at"] for row in on_it],
                ["suppressed" if row["person_id"] in off else None for row in on_it],
            )
            await heal_members(
                context, connection, [(row["list_id"], row["person_id"]) for row in on_it]
            )
            for row in outcomes.by_import:
                await connection.execute(
                    SQL["goes_by_import"],
                    row["list_id"],
                    row["person_id"],
                    row["changed_at"],
                    row["contact_id"],
                    "suppressed",
                )
            await unlink_gone(context, connection, [row["contact_id"] for row in outcomes.gone])
            await record_members(context, connection, outcomes.failures)
            await connection.execute(
                IMPORTS_SQL["settle"],
                import_id,
                "finished",
                0,
                len(on_it),
                len(outcomes.failures),
                None,
                context.clock.now(),
                0,
            )
