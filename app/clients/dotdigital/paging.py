"""Reads a collection to its end, page by page, and never round in a circle."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

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
    fetch: Callable[[str | None], Awaitable[Page]], start: str | None = None
) -> AsyncIterator[Page]:
    """Yield v3 pages from this marker on; no page is empty.

    Ends at a page that names no next one, or that is empty. Raises ProtocolError where a marker
    comes back, for that would never end.
    """
    seen = {start or ""}
    marker = start
    while True:
        page = await fetch(marker)
        if not page.items:
            return
        yield page
        marker = page.next_marker
        if marker is None:
            return
        if marker in seen:
            raise ProtocolError("a page names one that was read already as its next")
        seen.add(marker)


async def by_skip(
    fetch: Callable[[int, int], Awaitable[list[Row]]], select: int, overlap: int = 0
) -> AsyncIterator[list[Row]]:
    """Yield v2 pages; ``fetch`` takes select and skip. No page is empty.

    No total is ever sent: a page shorter than ``select`` is the last. ``overlap`` rows are read
    twice, so that rows which leave the collection meanwhile hide no other. Raises ProtocolError
    where two pages running are the same, for then ``skip`` does nothing.
    """
    skip = 0
    previous: list[Row] | None = None
    while True:
        rows = await fetch(select, skip)
        if rows and rows == previous:
            raise ProtocolError("two pages running are the same")
        if rows:
            yield rows
        if len(rows) < select:
            return
        previous = rows
        skip += select - overlap
