"""Takes what is news of Dotdigital's contacts: for retrieve_people, and for a send that needs it.

A send that would write over values that come back as well reads first what was changed there, so
that the conflict rules decide over it. It goes on with the very reading that retrieve_people would
go on with, and leaves the watermark where that one finds it.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlmodel import col, select

from app.models import Mapping
from app.sync.contacts.contact_reading import ContactReader
from app.sync.contacts.contact_work import Plans
from app.sync.contacts.page_batches import SQL, their_time
from app.sync.contacts.taking_plan import TakingPlan
from app.sync.engine import JobContext
from app.sync.people.payloads import PayloadPlan
from app.sync.readings import ReadElsewhere, Reading, Stream
from app.sync.rules.read_window import is_whole_due, since, went_back

_CONTACTS: Final = "contacts"
#: So often a send begins again where another run reads on, or began what it went on with.
_MOST_READINGS: Final = 5
#: A reading of everything that took longer is behind by then.
_SHORT: Final = timedelta(minutes=5)


async def take_contacts(context: JobContext, concerned: Collection[int]) -> None:
    """Take everything that is news, all of it where it is time to; where another reads on, too.

    ``concerned``: people whose consent a dry run has counted.
    """
    while True:
        stream = await Stream.load(context, _CONTACTS)
        whole = context.run.mode == "full" or is_whole_due(stream.read, their_time(context))
        try:
            await _take(context, stream, context.run.counts, concerned, whole=whole)
        except ReadElsewhere:
            await context.run.save()
        else:
            return


async def take_before_sending(context: JobContext) -> frozenset[int] | None:
    """Take what was changed there, so that nothing is written over unread. A call for each 5000.

    Everything is read where a mapping is new, for what its field holds there is in no other
    reading. One that another run began, or that read everything and took long, is followed by
    another: of its first pages it isn't known what was left, or what is news since. Returns the
    contacts whose news is left for another time; None where another run is about to read them all,
    and whoever needs it waits for that.
    """
    counts: Counter[str] = Counter()
    for _ in range(_MOST_READINGS):
        stream = await Stream.load(context, _CONTACTS)
        if stream.whole_reading_is_under_way and await _retrieves(context):
            return None
        try:
            taken = await _take(context, stream, counts, whole=False)
        except ReadElsewhere:
            await context.run.save()
        else:
            if taken.is_up_to_date:
                await context.run.note("read_before_sending", **+counts)
                return frozenset(taken.left)
    return None


@dataclass(slots=True)
class _Taken:
    """A reading that was taken to its end."""

    #: Contacts whose news is left for another time, of those that this run has met.
    left: set[int]
    #: This run has met them all, as they were a little while ago.
    is_up_to_date: bool


async def _take(
    context: JobContext,
    stream: Stream,
    counts: Counter[str],
    concerned: Collection[int] = (),
    *,
    whole: bool,
) -> _Taken:
    """Take one reading to its end. Raises ReadElsewhere."""
    client = context.client
    taking, payloads = await _mappings(context)
    is_first = stream.read.until is None

    async def read(reading: Reading) -> set[int]:
        if reading.is_whole:
            await context.run.note("reads_everything", from_the_start=reading.place is None)
        plans = Plans(
            taking,
            payloads,
            context.account_settings,
            their_time(context),
            # Not for the first time: what is there was sent just now, or is still to be.
            sees_all=reading.is_whole and not is_first,
            read_until=None if is_back else since(stream.read),
        )
        reader = ContactReader(context, stream, plans, counts, concerned)
        await reader.read(reading)
        return reader.left

    # By the answers so far it is known what time it is there.
    is_back = went_back(stream.read, client.answered_at)
    whole = whole or is_back
    reading = stream.next_reading(taking.mark, whole=whole)
    goes_on = reading.place is not None
    left = await read(reading)
    if not reading.is_whole and went_back(stream.read, client.answered_at):
        await context.run.note("their_clock_went_back")
        is_back, goes_on = True, False
        reading = Reading(None, mark=taking.mark)
        left = await read(reading)
    if not context.run.is_dry:
        async with context.run.fenced() as connection:
            await stream.hold(context, connection)
            await stream.finish(context, connection, reading)
    now = their_time(context)
    is_behind = reading.is_whole and now - (reading.began_at or now) >= _SHORT
    return _Taken(left, is_up_to_date=not (goes_on or is_behind))


async def _retrieves(context: JobContext) -> bool:
    """Say whether retrieve_people is at work for the account."""
    at_work: bool = await context.database.pool.fetchval(SQL["retrieves"], context.account_id)
    return at_work


async def _mappings(context: JobContext) -> tuple[TakingPlan, PayloadPlan]:
    """Return the account's mappings, compiled for both ways."""
    async with context.database.reading() as session:
        found = await session.execute(
            select(Mapping)
            .where(col(Mapping.account_id) == context.account_id)
            .order_by(col(Mapping.id))
        )
        mappings = list(found.scalars())
    return TakingPlan(mappings), PayloadPlan(mappings)
