"""Suppression audiences: whoever joins is unsubscribed from the account, whoever leaves may return.

Nobody is brought back whose own opt-out is newer than the opt-in, or who had opted out before the
audience did it: Dotdigital keeps when it was, and is asked.
"""

from collections.abc import AsyncIterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.sync.engine import JobContext
from app.sync.member_failures import heal_members
from app.sync.member_flights import Departure, Flights
from app.sync.member_landings import FlightKind
from app.sync.member_report import Flight
from app.sync.rules.coming_back import Consent, stays_out, was_ours
from app.sync.rules.member_batches import in_parts
from app.sync.statements import statements
from app.sync.synced_lists import SyncedList

SQL = statements("send_lists")

_Row = Mapping[str, Any]

#: The bound's inclusiveness isn't stated.
_OVERLAP = timedelta(minutes=1)


async def unsubscribe_joiners(
    context: JobContext, flights: Flights, joiners: Sequence[Flight]
) -> None:
    """Unsubscribe these: a call for as many as go in one import."""
    if not joiners:
        return
    departure = Departure(
        FlightKind.UNSUBSCRIBE, server_time=await context.client.account.server_time()
    )
    for part in in_parts(joiners, context.account_settings.batch_size):
        await flights.send(departure, part)


async def bring_back_leavers(
    context: JobContext, one: SyncedList, flights: Flights, pages: AsyncIterable[Sequence[_Row]]
) -> None:
    """Bring back whoever may be, the way the list says, and let the others go as they are.

    A call for as many as go in one import, and one for each 1000 opt-outs since the first of them
    was unsubscribed.
    """
    async for page in pages:
        returning: Sequence[_Row] = []
        if one.resubscribe_mode != "never" and not one.is_left_alone:
            returning = await _returning(context, one, page)
        ids = {row["person_id"] for row in returning}
        await _let_go(context, [row for row in page if row["person_id"] not in ids])
        departure = Departure(FlightKind.RESUBSCRIBE, challenge=one.resubscribe_mode == "challenge")
        members = [
            Flight(row["list_id"], row["person_id"], row["contact_id"], row["changed_at"])
            for row in returning
        ]
        for part in in_parts(members, context.account_settings.batch_size):
            await flights.send(departure, part)
        await context.run.save()


async def _returning(context: JobContext, one: SyncedList, rows: Sequence[_Row]) -> Sequence[_Row]:
    """Return those whom the audience unsubscribed, and whom nothing else keeps out."""
    able = [row for row in rows if row["linked_id"] and row["unsubscribed_at"] and _wants(row)]
    if not able:
        return []
    others = await context.database.pool.fetch(
        SQL["on_another_audience"],
        context.account_id,
        one.id,
        [row["person_id"] for row in able],
    )
    kept = {row["person_id"] for row in others}
    wanted = [row for row in able if row["person_id"] not in kept]
    if not wanted:
        return []
    left = await _opt_outs(context, wanted)
    return [row for row in wanted if was_ours(row["unsubscribed_at"], left.get(row["linked_id"]))]


def _wants(row: _Row) -> bool:
    consent = Consent(
        no_email=row["no_email"],
        shared_opt_out=row["shared_opt_out"],
        opted_out_at=row["opted_out_at"],
        opted_in_at=row["opted_in_at"],
    )
    return not row["deleted"] and not stays_out(consent)


async def _opt_outs(context: JobContext, rows: Sequence[_Row]) -> dict[int, datetime]:
    """Return when these contacts opted out by a wish, by Dotdigital's clock.

    Who isn't in it did so before the audience had them, or is out for another reason.
    """
    sought = {row["linked_id"] for row in rows}
    since = min(row["unsubscribed_at"] for row in rows) - _OVERLAP
    found: dict[int, datetime] = {}
    async for page in context.client.suppressions.unsubscribed_since(since):
        for each in page.items:
            contact_id, left_at = each.contact.id, each.date_removed
            if contact_id is not None and contact_id in sought and left_at is not None:
                found[contact_id] = min(found.get(contact_id, left_at), left_at)
        if len(found) == len(sought):
            break
    return found


async def _let_go(context: JobContext, rows: Sequence[_Row]) -> None:
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
    context.run.counts["exited"] += len(rows)
    context.run.done += len(rows)
