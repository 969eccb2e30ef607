"""retrieve_people: takes what is news in Dotdigital into the people here.

First the suppressions, then the contacts, each since it was last read and a little before, a page
at a time: a page is written with the place that the next one begins at, so that a run that dies
goes on there. A watermark moves when its reading ends. Everything is read for the first time, once
a week, and when a full run asks for it; contacts that are gone show by that.
"""

from typing import Final

from sqlmodel import col, select

from app.models import Mapping
from app.sync.contacts.contact_reading import ContactReader
from app.sync.contacts.contact_work import Plans
from app.sync.contacts.page_batches import their_time
from app.sync.contacts.suppression_reading import SuppressionReader
from app.sync.contacts.taking_plan import TakingPlan
from app.sync.engine import JobContext
from app.sync.people.payloads import PayloadPlan
from app.sync.readings import Reading, Stream
from app.sync.rules.read_window import is_whole_due, went_back

_SUPPRESSIONS: Final = "suppressions"
_CONTACTS: Final = "contacts"


async def run(context: JobContext) -> None:
    """Read both streams. Two calls where there is no news."""
    concerned = await _read_suppressions(context)
    await _read_contacts(context, concerned)


async def _read_suppressions(context: JobContext) -> set[int]:
    """Take the suppressions; return whom they concern."""
    stream = await Stream.load(context, _SUPPRESSIONS)
    reader = SuppressionReader(context, stream)
    reading = stream.next_reading(whole=context.run.mode == "full")
    await reader.read(reading)
    if went_back(stream.read, context.client.answered_at):
        await context.run.note("their_clock_went_back")
        reading = Reading(None)
        await reader.read(reading)
    await _finish(context, stream, reading)
    return reader.concerned


async def _read_contacts(context: JobContext, concerned: set[int]) -> None:
    """Take the contacts; by the answers so far it is known what time it is there."""
    taking, payloads = await _mappings(context)
    stream = await Stream.load(context, _CONTACTS)
    is_first = stream.read.until is None
    whole = (
        context.run.mode == "full"
        or is_whole_due(stream.read, their_time(context))
        or went_back(stream.read, context.client.answered_at)
    )
    reading = stream.next_reading(taking.mark, whole=whole)
    if reading.is_whole:
        await context.run.note("reads_everything", from_the_start=reading.place is None)
    plans = Plans(
        taking,
        payloads,
        context.account_settings,
        their_time(context),
        # Not for the first time: what is there was sent just now, or is still to be.
        sees_all=reading.is_whole and not is_first,
    )
    await ContactReader(context, stream, plans, concerned).read(reading)
    await _finish(context, stream, reading)


async def _finish(context: JobContext, stream: Stream, reading: Reading) -> None:
    """Move the watermark, for all of the reading is written."""
    if context.run.is_dry:
        return
    async with context.run.fenced() as connection:
        await stream.finish(context, connection, reading)


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
