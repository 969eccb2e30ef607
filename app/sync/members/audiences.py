"""Suppression audiences: whoever joins is not mailed any more, whoever leaves may be again.

They are suppressed rather than unsubscribed, so that nobody takes it for their own wish. Whose own
opt-out is newer than the opt-in is not brought back, nor who was out before the audience came:
Dotdigital keeps since when somebody is, and is asked.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.clients.dotdigital import MAX_SUPPRESSED, Priority
from app.sync.engine import JobContext
from app.sync.members.member_failures import heal_members
from app.sync.members.member_flights import Departure, Flights
from app.sync.members.member_landings import (
    FlightKind,
    note_joined,
    note_status,
    unlink_gone,
)
from app.sync.members.member_report import Flight
from app.sync.members.synced_lists import SyncedList
from app.sync.rules.coming_back import Consent, stays_out, was_ours
from app.sync.rules.mailability import SUPPRESSED
from app.sync.rules.member_batches import in_parts
from app.sync.statements import statements

SQL = statements("send_lists")
SEND_SQL = statements("send_people")

_Row = Mapping[str, Any]

#: The bound's inclusiveness isn't stated.
_OVERLAP = timedelta(minutes=1)


async def suppress_joiners(context: JobContext, joiners: AsyncIterable[Flight]) -> None:
    """Have these suppressed: a call for 5000 of them, which confirms them at once."""
    server_time: datetime | None = None
    async for part in _parts(joiners, MAX_SUPPRESSED):
        if server_time is None:
            # Of the first call: who is on several audiences may be in two parts.
            server_time = await context.client.account.server_time()
        await _suppress(context, await _intended(context, part, server_time))
        await context.run.save()


async def _parts(joiners: AsyncIterable[Flight], most: int) -> AsyncIterator[Sequence[Flight]]:
    part: list[Flight] = []
    async for each in joiners:
        part.append(each)
        if len(part) == most:
            yield part
            part = []
    if part:
        yield part


async def _intended(
    context: JobContext, joiners: Sequence[Flight], server_time: datetime
) -> list[Flight]:
    """Note that these are about to be suppressed; return those who stand as they were read."""
    async with context.run.fenced() as connection:
        rows = await connection.fetch(
            SQL["note_suppressing"],
            [each.list_id for each in joiners],
            [each.person_id for each in joiners],
            [each.changed_at for each in joiners],
            server_time,
        )
    noted = {(row["list_id"], row["person_id"]) for row in rows}
    return [each for each in joiners if each.key in noted]


async def _suppress(context: JobContext, joiners: Sequence[Flight]) -> None:
    if not joiners:
        return
    client = context.client.with_priority(Priority.OPT_OUT)
    contact_ids = sorted({each.contact_id for each in joiners})
    answer = await client.suppressions.suppress_contacts(contact_ids=contact_ids)
    missing = {each.id for each in answer.not_found if each.id}
    done = [each for each in joiners if each.contact_id not in missing]
    async with context.run.fenced() as connection:
        await connection.execute(
            SEND_SQL["note_suppressed"],
            context.account_id,
            [each.contact_id for each in done],
            context.clock.now(),
        )
        await note_joined(context, connection, done)
        await note_status(context, connection, done, SUPPRESSED)
        await unlink_gone(context, connection, sorted(missing))
    context.run.counts["suppressed"] += len(done)
    context.run.done += len(done)


async def bring_back_leavers(
    context: JobContext, one: SyncedList, flights: Flights, pages: AsyncIterable[Sequence[_Row]]
) -> None:
    """Bring back whoever may be, the way the list says, and let the others go as they are.

    A call for as many as go in one import, and one for each 1000 suppressions since the first of
    them was suppressed.
    """
    async for page in pages:
        returning: Sequence[_Row] = []
        if one.options.resubscribe_mode != "never" and not one.is_left_alone:
            returning = await _returning(context, one, page)
        ids = {row["person_id"] for row in returning}
        await _let_go(context, [row for row in page if row["person_id"] not in ids])
        departure = Departure(
            FlightKind.RESUBSCRIBE, challenge=one.options.resubscribe_mode == "challenge"
        )
        members = [
            Flight(row["list_id"], row["person_id"], row["contact_id"], row["changed_at"])
            for row in returning
        ]
        for part in in_parts(members, context.account_settings.batch_size):
            await flights.send(departure, part)
        await context.run.save()


async def _returning(context: JobContext, one: SyncedList, rows: Sequence[_Row]) -> Sequence[_Row]:
    """Return those whom the audience had suppressed, and whom nothing else keeps out."""
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
    left = await _suppressed_since(context, wanted)
    return [row for row in wanted if was_ours(row["unsubscribed_at"], left.get(row["linked_id"]))]


def _wants(row: _Row) -> bool:
    consent = Consent(
        no_email=row["no_email"],
        shared_opt_out=row["shared_opt_out"],
        opted_out_at=row["opted_out_at"],
        opted_in_at=row["opted_in_at"],
    )
    return not row["deleted"] and not stays_out(consent)


async def _suppressed_since(context: JobContext, rows: Sequence[_Row]) -> dict[int, datetime]:
    """Return since when these contacts are suppressed, by Dotdigital's clock.

    Who isn't in it was out before the audience had them, or is out for another reason.
    """
    sought = {row["linked_id"] for row in rows}
    since = min(row["unsubscribed_at"] for row in rows) - _OVERLAP
    found: dict[int, datetime] = {}
    async for page in context.client.suppressions.suppressed_since(since):
        for each in page.items:
            contact_id, left_at = each.contact.id, each.date_removed
            if contact_id is None or left_at is None or each.reason.lower() != SUPPRESSED:
                continue
            if contact_id in sought:
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
