"""Members who leave a list: what becomes of them in Dotdigital, by the list's exit action."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from app.clients.dotdigital import MAX_REMOVED, NotFound, Rejected
from app.sync.engine import JobContext
from app.sync.members.audiences import bring_back_leavers
from app.sync.members.list_twins import lose_twin
from app.sync.members.member_failures import MemberFailure, heal_members, record_members
from app.sync.members.member_flights import Departure, Flights
from app.sync.members.member_landings import FlightKind
from app.sync.members.member_report import Flight
from app.sync.members.synced_lists import SyncedList
from app.sync.statements import statements

SQL = statements("send_lists")

_PAGE = 5000
#: Single calls whose outcome is written down together.
_TOGETHER = 10

_Row = Mapping[str, Any]


async def send_exits(context: JobContext, one: SyncedList, flights: Flights) -> None:
    """Deal with everyone who leaves a list.

    Bulk removal takes a call for 5000 of them, unsubscribing from the list a call each; ignoring,
    and whoever Dotdigital doesn't have on the list, none.
    """
    try:
        if one.is_audience:
            await bring_back_leavers(context, one, flights, _pages(context, one))
        elif one.is_left_alone or one.options.exit_action == "ignore":
            async for page in _pages(context, one):
                await _drop(context, page)
        else:
            await _tell(context, one, flights)
    except NotFound:
        await lose_twin(context, one)


async def _tell(context: JobContext, one: SyncedList, flights: Flights) -> None:
    """Take the members off the list there, or have them unsubscribed from it."""
    going: list[Flight] = []
    twins = {one.id: one.twin_id or 0}
    async for page in _pages(context, one):
        gone = [row for row in page if not _is_there(row)]
        there = [row for row in page if _is_there(row)]
        await _drop(context, gone)
        if one.options.exit_action == "unsubscribe":
            # A deleted person's contact may be another's by now, whose wish this isn't.
            await _unsubscribe(context, one, [row for row in there if not row["deleted"]])
            there = [row for row in there if row["deleted"]]
        going += [_flight(row) for row in there]
        while len(going) >= MAX_REMOVED:
            full, going = going[:MAX_REMOVED], going[MAX_REMOVED:]
            await flights.send(Departure(FlightKind.REMOVE, twins), full)
        await flights.look()
    if going:
        await flights.send(Departure(FlightKind.REMOVE, twins), going)


async def _pages(context: JobContext, one: SyncedList) -> AsyncIterator[Sequence[_Row]]:
    after_id = 0
    while True:
        async with context.database.batch() as connection:
            rows: Sequence[_Row] = await connection.fetch(
                SQL["leaving"], one.id, after_id, _PAGE, context.account_id, context.clock.now()
            )
        if not rows:
            return
        after_id = rows[-1]["person_id"]
        yield rows


def _is_there(row: _Row) -> bool:
    """Say whether the contact is on the list there for this member alone, as far as is known.

    A deleted person's contact goes from every list by being deleted.
    """
    if row["contact_id"] is None or row["held"]:
        return False
    return not row["deleted"] or row["linked_id"] is not None or row["known"]


def _flight(row: _Row) -> Flight:
    return Flight(row["list_id"], row["person_id"], row["contact_id"], row["changed_at"])


async def _drop(context: JobContext, rows: Sequence[_Row]) -> None:
    """Let these go with no call."""
    await _left(context, rows)
    context.run.counts["exited"] += len(rows)
    context.run.done += len(rows)
    if rows:
        await context.run.save()


async def _left(context: JobContext, rows: Sequence[_Row]) -> None:
    if not rows:
        return
    async with context.run.fenced() as connection:
        await connection.execute(
            SQL["left"],
            [row["list_id"] for row in rows],
            [row["person_id"] for row in rows],
            [row["changed_at"] for row in rows],
        )
        await heal_members(
            context, connection, [(row["list_id"], row["person_id"]) for row in rows]
        )


async def _unsubscribe(context: JobContext, one: SyncedList, rows: Sequence[_Row]) -> None:
    for begin in range(0, len(rows), _TOGETHER):
        part = rows[begin : begin + _TOGETHER]
        outcomes = await asyncio.gather(*[_unsubscribe_one(context, one, row) for row in part])
        failures = [outcome for outcome in outcomes if outcome is not None]
        failed = {failure.person_id for failure in failures}
        done = [row for row in part if row["person_id"] not in failed]
        await _left(context, done)
        if failures:
            async with context.run.fenced() as connection:
                await record_members(context, connection, failures)
        context.run.counts["exited"] += len(done)
        context.run.counts["failed"] += len(failures)
        context.run.done += len(part)
        await context.run.save()


async def _unsubscribe_one(context: JobContext, one: SyncedList, row: _Row) -> MemberFailure | None:
    """Have one unsubscribed from the list; one call. Raises NotFound where the list is gone."""
    email = row["email_key"] or row["email"] or ""
    try:
        await context.client.lists.unsubscribe(one.twin_id or 0, email)
    except NotFound as error:
        if "ADDRESSBOOK" in (error.code or ""):
            raise
        # The contact is gone, and so from the list.
        return None
    except Rejected as error:
        return _flight(row).failure(error.code or "refused", error.message or str(error))
    return None
