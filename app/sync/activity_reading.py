"""One reading of an account's activities: its bounds, where it stands, and what it has noted.

It goes over campaigns, then forms, then visits, each by ascending id, so that a place in it is a
few values; they are kept with every batch, and whoever goes on begins there.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self, TypeVar

from app.clients.dotdigital import DotdigitalClient, DotdigitalError
from app.sync.activity_months import days_kept
from app.sync.activity_store import SQL, STREAM, ActivityStore
from app.sync.engine import JobContext
from app.sync.rules.activities import Undated
from app.sync.rules.activity_window import floor_of, since_of, utc

Item = TypeVar("Item")

Stage = Literal["campaigns", "forms", "visits"]
STAGES: tuple[Stage, ...] = ("campaigns", "forms", "visits")

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading stands; instants are by Dotdigital's clock."""

    #: Nothing from before this is wanted.
    floor: datetime
    #: From here on things are asked for.
    since: datetime
    #: When the reading began: the next one asks from about here on.
    began: datetime
    stage: Stage = "campaigns"
    #: The campaign or form that is being read; those below it are done.
    source_id: int = 0
    #: Which of the campaign's listings; None before the first.
    stream: str | None = None
    skip: int = 0
    marker: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a checkpoint holds it."""
        written = asdict(self)
        for name in ("floor", "since", "began"):
            written[name] = written[name].isoformat()
        return written

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        instants = {name: utc(written[name]) for name in ("floor", "since", "began")}
        return cls(**{**written, **instants})

    def is_past(self, stage: Stage) -> bool:
        """Say whether this stage is done."""
        return STAGES.index(stage) < STAGES.index(self.stage)

    def at(self, stage: Stage) -> "Place":
        """Return the place in this stage: this one, or its beginning."""
        if self.stage == stage:
            return self
        return Place(self.floor, self.since, self.began, stage)

    def source(
        self, source_id: int, stream: str | None = None, skip: int = 0, marker: str | None = None
    ) -> "Place":
        """Return a place in the same stage."""
        return replace(self, source_id=source_id, stream=stream, skip=skip, marker=marker)


class Reading:
    """What the parts of one run share."""

    def __init__(self, context: JobContext, chosen: frozenset[str], place: Place) -> None:
        """Take the run, the types that come over, and where to begin."""
        self.context = context
        self.chosen = chosen
        self.start = place
        self.store = ActivityStore(context, place.began)

    @property
    def client(self) -> DotdigitalClient:
        """Return the run's client."""
        return self.context.client

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


async def begin(context: JobContext) -> Place:
    """Return where this run begins: where another left off, or anew. One call where it is anew."""
    if context.run.checkpoint is not None:
        return Place.from_json(context.run.checkpoint)
    row = await context.database.pool.fetchrow(SQL["watermark"], context.account_id, STREAM)
    detail = {} if row is None else row["detail"]
    if context.run.mode == "changes" and "reading" in detail:
        return Place.from_json(detail["reading"])
    there = await context.client.account.server_time()
    stored = utc(detail["floor"]) if "floor" in detail else None
    wanted = context.account_settings.activities_since
    kept = days_kept(context.settings.activity_retention_days)
    floor = floor_of(wanted, stored, kept, there)
    read_to = None if row is None else row["position"]
    since = since_of(read_to, stored, floor, full=context.run.mode == "full")
    return Place(floor, since, there)


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
