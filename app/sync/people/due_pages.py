"""The due people of a run page by page, each read while the one before it is worked on."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from app.sync.engine import JobContext
from app.sync.people.due_people import due_people
from app.sync.people.erased_opt_outs import keep_erased_opt_outs
from app.sync.people.people_page import Claims
from app.sync.people.person_records import Entry, Row
from app.sync.turns import sparingly
from app.tasks import cancelled


@dataclass(slots=True)
class DuePage:
    """People who are due, ascending, all behind one id and up to another."""

    after_id: int
    rows: Sequence[Row]
    #: Who was on the way, and perhaps in no table yet, when the page was read.
    claims: Claims

    @property
    def up_to_id(self) -> int:
        """The last one's id."""
        last: int = self.rows[-1]["person_id"]
        return last


@dataclass(slots=True)
class _Reading:
    after_id: int
    rows: asyncio.Task[Sequence[Row]]
    claims: Claims = field(default_factory=Claims)


class DuePages:
    """Goes through the pages once; leaving it ends what is still being read."""

    def __init__(self, context: JobContext, on_their_way: Callable[[], Iterable[Entry]]) -> None:
        """Take what gives the records that are sent and stand in no table yet."""
        self._context = context
        self._on_their_way = on_their_way
        self._ahead: _Reading | None = None

    async def __aenter__(self) -> Self:
        """Begin to read the first page."""
        await self._read_behind(0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End what is being read."""
        await self._end_reading()

    async def next(self) -> DuePage | None:
        """Return the next page and begin to read the one behind it; None after the last."""
        if self._ahead is None:
            return None
        here, self._ahead = self._ahead, None
        try:
            rows = await here.rows
        finally:
            await cancelled(here.rows)
        if await keep_erased_opt_outs(self._context, rows):
            rows = await due_people(self._context, here.after_id)
        if not rows:
            return None
        page = DuePage(here.after_id, rows, here.claims)
        await self._read_behind(page.up_to_id)
        return page

    async def again(self, page: DuePage) -> None:
        """Have this page read once more: it's the next one."""
        await self._end_reading()
        await self._read_behind(page.after_id)

    async def claim(self, entries: Iterable[Entry]) -> None:
        """Keep others off what these records take, in the page that is being read."""
        if self._ahead is not None:
            await self._take(self._ahead.claims, entries)

    async def _read_behind(self, after_id: int) -> None:
        # Taken before the page is read: what is recorded by then, the page shows itself.
        claims = Claims()
        await self._take(claims, tuple(self._on_their_way()))
        rows = asyncio.create_task(due_people(self._context, after_id))
        self._ahead = _Reading(after_id, rows, claims)

    async def _take(self, claims: Claims, entries: Iterable[Entry]) -> None:
        async for entry in sparingly(self._context.clock, entries):
            claims.take(entry)

    async def _end_reading(self) -> None:
        if self._ahead is not None:
            await cancelled(self._ahead.rows)
            self._ahead = None
