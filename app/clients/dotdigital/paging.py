"""Reads a collection to its end, page by page, and never round in a circle."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from app.clients.dotdigital.errors import ProtocolError

Row = TypeVar("Row")


class MarkerPage(Protocol):
    """A page of v3: its items, and the marker of the next one."""

    @property
    def items(self) -> Sequence[object]:
        """The page's items."""
        ...

    @property
    def next_marker(self) -> str | None:
        """None where there is no further page."""
        ...


Page = TypeVar("Page", bound=MarkerPage)


async def by_marker(
    fetch: Callable[[str | None], Awaitable[Page]],
    start: str | None = None,
    is_empty: Callable[[Page], bool] = lambda page: not page.items,
) -> AsyncIterator[Page]:
    """Yield v3 pages from this marker on; no page is empty.

    Ends at a page that names no next one, or that ``is_empty``. Raises ProtocolError where a marker
    comes back, for that would never end.
    """
    seen = {start or ""}
    marker = start
    while True:
        page = await fetch(marker)
        if is_empty(page):
            return
        yield page
        marker = page.next_marker
        if marker is None:
            return
        if marker in seen:
            raise ProtocolError("a page names one that was read already as its next")
        seen.add(marker)


@dataclass(frozen=True, slots=True)
class SkipPage(Generic[Row]):
    """A page of v2: rows that the page before it did not hold."""

    items: list[Row]
    #: Where to go on from after a stop, once these are stored; None at the end. It lies before the
    #: rows that follow, so that some of these are read again.
    next_skip: int | None
    #: The rows at the page's start that the page before it did hold.
    again: list[Row] = field(default_factory=list, compare=False)


async def by_skip(
    fetch: Callable[[int, int], Awaitable[list[Row]]],
    select: int,
    overlap: int = 0,
    start: int = 0,
) -> AsyncIterator[SkipPage[Row]]:
    """Yield v2 pages from ``start`` on; ``fetch`` takes select and skip. No page is empty.

    No total is ever sent: a page shorter than ``select`` is the last. ``overlap`` rows, at most
    half a page, are read twice, so that as many may leave the collection meanwhile and hide no
    other; the second page leaves them out. Where two pages running are the same, ``skip`` does
    nothing: that is the end if they are longer than ``select``, for then the server doesn't page,
    and else raises ProtocolError.
    """
    overlap = min(overlap, select // 2)
    skip = start
    previous: list[Row] = []
    while True:
        rows = await fetch(select, skip)
        if rows and rows == previous:
            if len(rows) > select:
                return
            raise ProtocolError("two pages running are the same")
        skip += select - overlap
        is_last = len(rows) < select
        known = repeated(previous, rows, overlap)
        if len(rows) == select:
            # Where the page began too early, it ended too early as well.
            skip -= max(0, known - overlap)
        if fresh := rows[known:]:
            yield SkipPage(fresh, None if is_last else skip, rows[:known])
        if is_last:
            return
        previous = rows


def repeated(previous: Sequence[Row], rows: Sequence[Row], overlap: int) -> int:
    """Return how many rows at a page's start the one before it held already.

    ``overlap`` where nothing moved meanwhile. Else the run of rows that both have in common is
    looked for: equal rows are told apart by their place, for v2's rows of activity have no id, and
    two that are equal may both be real. Without such a run nothing is known, and it is 0.
    """
    expected = len(previous) - overlap
    for start in (expected, *range(len(previous))) if overlap else ():
        run = previous[start : start + len(rows)]
        if run and run == rows[: len(run)]:
            return len(run)
    return 0
