"""One reading of a stream from its start to its end, over as many runs as it takes.

Where it stands is kept in the stream's watermark, and written with each page. The watermark itself
moves when the reading ends.

Two runs that read the same stream write one after the other: whoever takes a page holds the
watermark first, and finds it as it was left, or another run has read on, and nothing of the page is
taken. So a page is never written behind a later one, nobody waits for a run, and who dies holds
nobody up.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from app.db import PoolConnection
from app.sync import watermarks
from app.sync.engine import JobContext
from app.sync.rules import read_window
from app.sync.rules.read_window import Read
from app.sync.watermarks import Watermark

_UNDER_WAY = "reading"
_WHOLE_AT = "whole_at"


@dataclass(slots=True)
class Reading:
    """A reading that is under way. All instants by Dotdigital's clock."""

    #: From when on changes are read; None for everything.
    since: datetime | None
    #: When its first page was asked for; None before that, or where no answer gave a time.
    began_at: datetime | None = None
    #: The page to go on with: a marker of v3, or rows to skip of v2. None: the first one.
    place: str | int | None = None
    #: The oldest row that was left for another time.
    held_at: datetime | None = None
    #: Of a whole reading: the highest contact id that was met.
    last_id: int = 0
    #: What was read by: another one means another reading.
    mark: str = ""

    @property
    def is_whole(self) -> bool:
        """Say whether everything is read."""
        return self.since is None

    def hold(self, at: datetime | None) -> None:
        """Let the next reading begin no later than with this row."""
        at = at or self.since or read_window.BEGINNING
        self.held_at = at if self.held_at is None else min(self.held_at, at)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Self:
        """Read what a watermark keeps."""
        return cls(
            since=_instant(kept["since"]),
            began_at=_instant(kept["began_at"]),
            place=kept["place"],
            held_at=_instant(kept["held_at"]),
            last_id=kept["last_id"],
            mark=kept["mark"],
        )

    def kept(self) -> dict[str, Any]:
        """Return what a watermark keeps."""
        return {
            "since": _written(self.since),
            "began_at": _written(self.began_at),
            "place": self.place,
            "held_at": _written(self.held_at),
            "last_id": self.last_id,
            "mark": self.mark,
        }


class ReadElsewhere(Exception):  # noqa: N818 - a signal: begin again with what stands now
    """Another run has read the stream on meanwhile."""


@dataclass(slots=True)
class Stream:
    """A stream with its watermark."""

    watermark: Watermark
    #: What the watermark said when it was last seen, and what was written then, if it was.
    _seen: set[tuple[datetime | None, bytes]]

    @classmethod
    async def load(cls, context: JobContext, name: str) -> Self:
        """Return the account's stream of this name."""
        mark = await watermarks.load(context, name)
        return cls(mark, {mark.state})

    async def hold(self, context: JobContext, connection: PoolConnection) -> None:
        """Be the only one to take a page until this transaction ends; raises ReadElsewhere.

        First in the transaction, so that two readers never wait for each other's people.
        """
        held = (await watermarks.hold(context, connection, self.watermark.stream)).state
        if held not in self._seen:
            raise ReadElsewhere
        self._seen = {held}

    @property
    def whole_reading_is_under_way(self) -> bool:
        """Say whether somebody is in the middle of reading everything."""
        kept = self.watermark.detail.get(_UNDER_WAY)
        return kept is not None and Reading.read(kept).is_whole

    def next_reading(self, mark: str = "", *, whole: bool) -> Reading:
        """Return the reading to go on with, or a new one.

        ``mark``: what is read by; by another one everything is read again. ``whole``: so it is too.
        """
        kept = self.watermark.detail.get(_UNDER_WAY)
        if kept is not None:
            reading = Reading.read(kept)
            if reading.mark == mark and (reading.is_whole or not whole):
                return reading
        is_new = self.watermark.detail.get("mark", mark) != mark
        since = None if whole or is_new else read_window.since(self.read)
        return Reading(since, mark=mark)

    async def advance(
        self, context: JobContext, connection: PoolConnection, reading: Reading
    ) -> None:
        """Write down where a reading stands."""
        self.watermark.detail[_UNDER_WAY] = reading.kept()
        await self._store(context, connection)

    async def finish(
        self, context: JobContext, connection: PoolConnection, reading: Reading
    ) -> None:
        """Move the watermark: all that this reading was for is known here."""
        mark = self.watermark
        mark.position = read_window.until(reading.began_at, reading.held_at, mark.position)
        mark.detail.pop(_UNDER_WAY, None)
        mark.detail["mark"] = reading.mark
        if reading.is_whole and reading.began_at is not None:
            mark.detail[_WHOLE_AT] = _written(reading.began_at)
        await self._store(context, connection)

    async def _store(self, context: JobContext, connection: PoolConnection) -> None:
        await watermarks.store(context, connection, self.watermark)
        self._seen.add(self.watermark.state)

    @property
    def read(self) -> Read:
        """Return how far it was read."""
        return Read(self.watermark.position, _instant(self.watermark.detail.get(_WHOLE_AT)))


def _instant(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
