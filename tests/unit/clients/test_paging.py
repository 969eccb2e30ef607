"""Reading to the end, and only to the end."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.dotdigital import ProtocolError
from app.clients.dotdigital.paging import by_marker, by_skip


@dataclass
class Page:
    items: list[int]
    next_marker: str | None = None


async def read(pages: dict[str | None, Page], start: str | None = None) -> list[list[int]]:
    async def fetch(marker: str | None) -> Page:
        return pages[marker]

    return [page.items async for page in by_marker(fetch, start)]


async def test_markers_are_followed_to_the_page_that_names_none() -> None:
    pages = {None: Page([1, 2], "a"), "a": Page([3, 4], "b"), "b": Page([5])}
    assert await read(pages) == [[1, 2], [3, 4], [5]]
    assert await read(pages, "a") == [[3, 4], [5]]


async def test_a_page_shorter_than_the_rest_is_no_end() -> None:
    assert await read({None: Page([1], "a"), "a": Page([2, 3])}) == [[1], [2, 3]]


async def test_an_empty_page_is_the_end_whatever_it_names() -> None:
    assert await read({None: Page([1], "a"), "a": Page([], "b")}) == [[1]]
    assert await read({None: Page([])}) == []


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param({None: Page([1], "")}, id="back to the first"),
        pytest.param({None: Page([1], "a"), "a": Page([2], "a")}, id="the same"),
        pytest.param(
            {None: Page([1], "a"), "a": Page([2], "b"), "b": Page([3], "a")}, id="in a circle"
        ),
    ],
)
async def test_a_marker_that_comes_back_is_refused(pages: dict[str | None, Page]) -> None:
    with pytest.raises(ProtocolError):
        await read(pages)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef")))
async def test_no_web_of_markers_is_read_for_ever(web: dict[str, str]) -> None:
    asked: list[str | None] = []

    async def fetch(marker: str | None) -> Page:
        asked.append(marker)
        return Page([1], web.get(marker or "a"))

    try:
        async for _ in by_marker(fetch):
            assert len(asked) <= 7
    except ProtocolError:
        pass
    assert len(asked) == len(set(asked)) <= 7


async def skip_through(rows: list[int], select: int, overlap: int = 0) -> list[list[int]]:
    async def fetch(select: int, skip: int) -> list[int]:
        return rows[skip : skip + select]

    return [page async for page in by_skip(fetch, select, overlap)]


@pytest.mark.parametrize(
    "count, expected",
    [
        pytest.param(0, [], id="none"),
        pytest.param(2, [[0, 1]], id="a short page"),
        pytest.param(3, [[0, 1, 2]], id="a full page and an empty one"),
        pytest.param(7, [[0, 1, 2], [3, 4, 5], [6]], id="several"),
    ],
)
async def test_skipping_ends_at_a_short_page(count: int, expected: list[list[int]]) -> None:
    assert await skip_through(list(range(count)), 3) == expected


@given(count=st.integers(0, 60), select=st.integers(2, 10), overlap=st.integers(0, 1))
async def test_skipping_with_an_overlap_misses_nothing(
    count: int, select: int, overlap: int
) -> None:
    pages = await skip_through(list(range(count)), select, overlap)
    assert sorted({row for page in pages for row in page}) == list(range(count))


async def test_a_server_that_ignores_skip_is_refused() -> None:
    async def fetch(select: int, skip: int) -> list[int]:
        return [1, 2, 3]

    pages = by_skip(fetch, 3)
    assert await anext(pages) == [1, 2, 3]
    with pytest.raises(ProtocolError):
        await anext(pages)
