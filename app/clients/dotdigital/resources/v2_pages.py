"""Pages of v2, for every resource whose collections are read by ``select`` and ``skip``."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, TypeVar

from app.clients.dotdigital import inferred
from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.paging import SkipPage, by_skip

Row = TypeVar("Row")

#: Rows of a v2 page, at most [spec].
MAX_ROWS: Final = 1000


def v2_pages(
    caller: Caller,
    call: Call[list[Row]],
    *,
    select: int = MAX_ROWS,
    skip: int = 0,
    most: int = MAX_ROWS,
) -> AsyncIterator[SkipPage[Row]]:
    """Yield the pages of a collection from ``skip`` on; ``call`` reads one of them. A call each.

    ``select`` is always sent: what is left out stands for another figure at each path [spec].
    Raises ValueError for more rows than ``most``, or for none.
    """
    if not 1 <= select <= most:
        raise ValueError(f"a page has 1 to {most} rows, not {select}")
    if skip < 0:
        raise ValueError(f"{skip} rows can't be skipped")

    async def fetch(select: int, skip: int) -> list[Row]:
        query = {**call.query, "select": select, "skip": skip}
        return await caller.send(replace(call, query=query))

    return by_skip(fetch, select, inferred.SKIP_OVERLAP, skip)
