"""retrieve_people: takes what is news in Dotdigital into the people here.

First the suppressions, then the contacts, each since it was last read and a little before, a page
at a time: a page is written with the place that the next one begins at, so that a run that dies
goes on there. A watermark moves when its reading ends. Everything is read for the first time, once
a week, and when a full run asks for it; contacts that are gone show by that.
"""

from typing import Final

from app.sync.contacts.suppression_reading import SuppressionReader
from app.sync.contacts.taking_contacts import take_contacts
from app.sync.engine import JobContext
from app.sync.readings import Reading, Stream
from app.sync.rules.read_window import went_back

_SUPPRESSIONS: Final = "suppressions"


async def run(context: JobContext) -> None:
    """Read both streams. Two calls where there is no news."""
    concerned = await _read_suppressions(context)
    await take_contacts(context, concerned)


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


async def _finish(context: JobContext, stream: Stream, reading: Reading) -> None:
    """Move the watermark, for all of the reading is written."""
    if context.run.is_dry:
        return
    async with context.run.fenced() as connection:
        await stream.finish(context, connection, reading)
