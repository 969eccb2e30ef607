"""One reading of an account's activities: its bounds, where it stands, and what it has noted.

It goes over campaigns, then forms, then visits, each with a watermark of its own, so that one that
can't be read holds up no other. Within a stage it goes by ascending id, so that a place is a few
values; they are kept with every batch, and whoever goes on begins there.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from app.clients.dotdigital import DotdigitalClient, DotdigitalError
from app.sync.activities.activity_months import days_kept
from app.sync.activities.activity_places import Place, Stage, stream_of
from app.sync.activities.activity_store import SQL, ActivityStore
from app.sync.engine import JobContext
from app.sync.rules.activities import Undated
from app.sync.rules.activity_window import floor_of, since_of, utc

Item = TypeVar("Item")

_EXAMPLES = 5


class Reading:
    """What the parts of one run share."""

    def __init__(self, context: JobContext, chosen: frozenset[str]) -> None:
        """Take the run, and the types that come over."""
        self.context = context
        self.chosen = chosen
        self.store = ActivityStore(context)
        self._there: datetime | None = None

    @property
    def client(self) -> DotdigitalClient:
        """Return the run's client."""
        return self.context.client

    async def begin(self, stage: Stage) -> Place | None:
        """Return where the stage begins: where another run left off, or anew; None if it is done.

        One call for Dotdigital's time, once a run.
        """
        run = self.context.run
        if run.checkpoint is not None:
            reached = Place.from_json(run.checkpoint)
            if reached.is_past(stage):
                return None
            if reached.stage == stage:
                return reached
        row = await self._watermark(stage)
        detail = {} if row is None else row["detail"]
        if run.mode == "changes" and "reading" in detail:
            return Place.from_json(detail["reading"])
        there = await self._time_there()
        stored = utc(detail["floor"]) if "floor" in detail else None
        wanted = self.context.account_settings.activities_since
        kept = days_kept(self.context.settings.activity_retention_days)
        floor = floor_of(wanted, stored, kept, there)
        read_to = None if row is None else row["position"]
        since = since_of(read_to, stored, floor, full=run.mode == "full")
        return Place(stage, floor, since, there)

    async def end(self, place: Place) -> None:
        """Store what is left of a stage, and move its watermark to where the reading began."""
        await self.store.settle()
        if self.context.run.is_dry:
            return
        async with self.context.run.fenced() as connection:
            await connection.execute(
                SQL["move_watermark"],
                self.context.account_id,
                stream_of(place.stage),
                place.began,
                place.floor.isoformat(),
                self.context.clock.now(),
            )

    async def _watermark(self, stage: Stage) -> Mapping[str, Any] | None:
        row: Mapping[str, Any] | None = await self.context.database.pool.fetchrow(
            SQL["watermark"], self.context.account_id, stream_of(stage)
        )
        return row

    async def _time_there(self) -> datetime:
        if self._there is None:
            self._there = await self.client.account.server_time()
        return self._there

    async def note_undated(self, source: str, source_id: int, undated: Sequence[Undated]) -> None:
        """Say in the run's timeline which rows could not be stored, a line a source."""
        if not undated:
            return
        self.context.run.counts["failed"] += len(undated)
        await self.context.run.note(
            "rows_without_a_date",
            source=source,
            source_id=source_id,
            types=dict(Counter(each.type for each in undated)),
            examples=[
                {"contact_id": each.contact_id, "date": each.text} for each in undated[:_EXAMPLES]
            ],
        )

    async def note_unread(self, source: str, source_id: int, error: DotdigitalError) -> None:
        """Say in the run's timeline what could not be read, and why."""
        self.context.run.counts["failed"] += 1
        await self.context.run.note(
            "could_not_be_read", source=source, source_id=source_id, detail=str(error)
        )


async def ahead(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Yield each item while the next one is on its way already."""
    coming = asyncio.ensure_future(_next(items))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(_next(items))
            yield item
    finally:
        coming.cancel()
        await asyncio.wait([coming])
        if not coming.cancelled():
            coming.exception()


async def _next(items: AsyncIterator[Item]) -> Item | None:
    return await anext(items, None)
