"""retrieve_people: takes what is news in Dotdigital into the people here.

First the suppressions, then the contacts, each since it was last read and a little before, a page
at a time: a page is written with the place that the next one begins at, so that a run that dies
goes on there. A watermark moves when its reading ends. Everything is read for the first time, once
a week, and when a full run asks for it; contacts that are gone show by that.
"""

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Literal

import asyncpg
import structlog
from sqlmodel import col, select

from app.clients.dotdigital import Contact, ContactPage, Rejected, SkipPage, Suppression
from app.db import PoolConnection
from app.models import Mapping
from app.sync.contact_page import SQL, ContactPages, counts_of
from app.sync.contact_sweep import gone_among
from app.sync.contact_work import Plans
from app.sync.engine import JobContext
from app.sync.payloads import PayloadPlan
from app.sync.readings import Reading, Stream
from app.sync.rules.read_window import BEGINNING
from app.sync.suppression_page import take_suppressions
from app.sync.taking_plan import TakingPlan

log = structlog.get_logger(__name__)

_SUPPRESSIONS: Final = "suppressions"
_CONTACTS: Final = "contacts"
_CHANNELS: Final[tuple[Literal["channelProperties"]]] = ("channelProperties",)
_WITH_PREFERENCES: Final[tuple[Literal["channelProperties"], Literal["preferences"]]] = (
    "channelProperties",
    "preferences",
)
#: Two writers that meet the other way round: one is let go, and begins again.
_MOST_MEETINGS: Final = 2
_MET = (asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)


async def run(context: JobContext) -> None:
    """Read both streams."""
    await _read_suppressions(context)
    await _read_contacts(context)


async def _read_suppressions(context: JobContext) -> None:
    stream = await Stream.load(context, _SUPPRESSIONS)
    reading = stream.next_reading(_their_time(context), "", full=context.run.mode == "full")
    skip = reading.place if isinstance(reading.place, int) else 0
    pages = context.client.suppressions.suppressed_since(reading.since or BEGINNING, skip=skip)
    while True:
        snapshot = await _snapshot(context)
        page: SkipPage[Suppression] | None = await anext(pages, None)
        reading.began_at = reading.began_at or context.client.answered_at
        if page is not None:
            await _take_suppressions(context, stream, reading, page, snapshot)
        if page is None or page.next_skip is None:
            break
    await _finish(context, stream, reading)


async def _take_suppressions(
    context: JobContext,
    stream: Stream,
    reading: Reading,
    page: SkipPage[Suppression],
    snapshot: str,
) -> None:
    async def take(connection: PoolConnection) -> Counter[str]:
        now = _their_time(context)
        counts, held = await take_suppressions(context, connection, page.items, snapshot, now)
        for at in held:
            reading.hold(at)
        reading.place = page.next_skip
        if not context.run.is_dry:
            await stream.advance(context, connection, reading)
        return counts

    context.run.counts.update(await _in_one_batch(context, take))
    await context.run.save()


async def _read_contacts(context: JobContext) -> None:
    taking, payloads = await _mappings(context)
    stream = await Stream.load(context, _CONTACTS)
    full = context.run.mode == "full"
    reading = stream.next_reading(_their_time(context), taking.mark, full=full)
    if reading.is_whole:
        await context.run.note("reads_everything", from_the_start=reading.place is None)
    plans = Plans(
        taking, payloads, context.account_settings, _their_time(context), sees_all=reading.is_whole
    )
    try:
        await _go_through(context, stream, reading, ContactPages(context, plans), taking)
    except Rejected:
        if reading.place is None:
            raise
        # How long a marker holds is not stated: from the start, then.
        log.warning("contacts_are_read_from_the_start", account_id=context.account_id)
        reading.place, reading.last_id = None, 0
        await _go_through(context, stream, reading, ContactPages(context, plans), taking)
    await _finish(context, stream, reading)


async def _go_through(
    context: JobContext,
    stream: Stream,
    reading: Reading,
    taker: ContactPages,
    taking: TakingPlan,
) -> None:
    """Take the contacts page by page, to the end."""
    marker = reading.place if isinstance(reading.place, str) else None
    pages = context.client.contacts.pages(
        modified_since=reading.since,
        include=_WITH_PREFERENCES if taking.has_preferences else _CHANNELS,
        data_fields=taking.data_fields,
        marker=marker,
    )
    while True:
        snapshot = await _snapshot(context)
        page: ContactPage | None = await anext(pages, None)
        contacts = [] if page is None else page.items
        following = None if page is None else page.next_marker
        reading.began_at = (
            reading.began_at or context.client.answered_at or _newest(contacts, reading)
        )
        gone: Sequence[int] = ()
        if reading.is_whole:
            gone = await gone_among(context, reading, contacts, marker, is_last=following is None)
        await _take_contacts(context, stream, reading, taker, contacts, gone, following, snapshot)
        marker = following
        if following is None:
            return


async def _take_contacts(
    context: JobContext,
    stream: Stream,
    reading: Reading,
    taker: ContactPages,
    contacts: Sequence[Contact],
    gone: Sequence[int],
    following: str | None,
    snapshot: str,
) -> None:
    run = context.run

    async def take(connection: PoolConnection) -> Counter[str]:
        works = await taker.take(connection, contacts, snapshot)
        reading.place = following
        deferred = {work.contact_id for work in works if work.is_deferred}
        for contact in contacts:
            if contact.contact_id in deferred:
                reading.hold(contact.updated_at)
        if not run.is_dry:
            if gone:
                await connection.execute(SQL["unlink_gone"], context.account_id, list(gone))
            await stream.advance(context, connection, reading)
        return counts_of(works)

    run.counts.update(await _in_one_batch(context, take))
    run.counts["unlinked"] += len(gone)
    run.done += len(contacts)
    await run.save()


async def _in_one_batch(
    context: JobContext, take: Callable[[PoolConnection], Awaitable[Counter[str]]]
) -> Counter[str]:
    """Take a page in one transaction, again where another writer was met the other way round.

    A dry run has nothing to fence.
    """
    for _ in range(_MOST_MEETINGS):
        with contextlib.suppress(*_MET):
            return await _taken(context, take)
    return await _taken(context, take)


async def _taken(
    context: JobContext, take: Callable[[PoolConnection], Awaitable[Counter[str]]]
) -> Counter[str]:
    opened = context.database.batch() if context.run.is_dry else context.run.fenced()
    async with opened as connection:
        return await take(connection)


async def _finish(context: JobContext, stream: Stream, reading: Reading) -> None:
    if context.run.is_dry:
        return
    async with context.run.fenced() as connection:
        await stream.finish(context, connection, reading)


async def _mappings(context: JobContext) -> tuple[TakingPlan, PayloadPlan]:
    async with context.database.reading() as session:
        found = await session.execute(
            select(Mapping)
            .where(col(Mapping.account_id) == context.account_id)
            .order_by(col(Mapping.id))
        )
        mappings = list(found.scalars())
    return TakingPlan(mappings), PayloadPlan(mappings)


async def _snapshot(context: JobContext) -> str:
    """Return what is committed by now; a page that is asked for later may be older than the rest.

    So a link that is written while Dotdigital answers is not held against what it answered.
    """
    snapshot: str = await context.database.pool.fetchval(SQL["snapshot"])
    return snapshot


def _their_time(context: JobContext) -> datetime:
    """Return the time by Dotdigital's clock, or by ours before it gave one."""
    return context.client.answered_at or context.clock.now()


def _newest(contacts: Sequence[Contact], reading: Reading) -> datetime | None:
    """Return the newest change of a page that came without the server's time."""
    changed = [contact.updated_at for contact in contacts if contact.updated_at is not None]
    return max(changed, default=reading.since)
