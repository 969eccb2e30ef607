"""Reading to the end, and only to the end."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.dotdigital import ProtocolError, SkipPage
from app.clients.dotdigital.paging import by_marker, by_skip, repeated


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


async def skip_through(
    rows: list[int], select: int, overlap: int = 0, start: int = 0
) -> list[SkipPage[int]]:
    async def fetch(select: int, skip: int) -> list[int]:
        return rows[skip : skip + select]

    return [page async for page in by_skip(fetch, select, overlap, start)]


@pytest.mark.parametrize(
    "count, expected",
    [
        pytest.param(0, [], id="none"),
        pytest.param(2, [([0, 1], None)], id="a short page"),
        pytest.param(3, [([0, 1, 2], 3)], id="a full page and an empty one"),
        pytest.param(7, [([0, 1, 2], 3), ([3, 4, 5], 6), ([6], None)], id="several"),
    ],
)
async def test_skipping_ends_at_a_short_page(
    count: int, expected: list[tuple[list[int], int | None]]
) -> None:
    pages = await skip_through(list(range(count)), 3)
    assert [(page.items, page.next_skip) for page in pages] == expected


@given(count=st.integers(0, 60), select=st.integers(1, 10), overlap=st.integers(0, 12))
async def test_skipping_with_an_overlap_gives_every_row_once(
    count: int, select: int, overlap: int
) -> None:
    pages = await skip_through(list(range(count)), select, overlap)
    assert [row for page in pages for row in page.items] == list(range(count))
    assert all(page.items for page in pages)


@given(
    count=st.integers(0, 60),
    select=st.integers(1, 10),
    overlap=st.integers(0, 12),
    stop=st.integers(0, 8),
)
async def test_reading_goes_on_after_any_page_without_missing_a_row(
    count: int, select: int, overlap: int, stop: int
) -> None:
    rows = list(range(count))
    pages = await skip_through(rows, select, overlap)
    kept = pages[: stop + 1]
    start = kept[-1].next_skip if kept else 0
    later = [] if start is None else await skip_through(rows, select, overlap, start)
    assert {row for page in [*kept, *later] for row in page.items} == set(rows)


@given(
    rows=st.lists(st.integers(0, 2), max_size=60),
    select=st.integers(4, 10),
    overlap=st.integers(1, 5),
)
async def test_rows_that_are_equal_are_told_apart_by_their_place(
    rows: list[int], select: int, overlap: int
) -> None:
    try:
        pages = await skip_through(rows, select, overlap)
    except ProtocolError:
        # So many equal rows running look like a server that ignores skip.
        return
    assert [row for page in pages for row in page.items] == rows


@pytest.mark.parametrize(
    "previous, rows, expected",
    [
        pytest.param("abcdef", "efgh", 2, id="nothing moved"),
        pytest.param("abcdef", "fgh", 1, id="a row left"),
        pytest.param("abcdef", "defgh", 3, id="a row came"),
        pytest.param("abcdef", "ef", 2, id="the rows read last are all there is"),
        pytest.param("abcdef", "cd", 2, id="the last rows left"),
        pytest.param("abcdef", "ghij", 0, id="more left than the overlap"),
        pytest.param("abcdef", "fegh", 1, id="another order, so that one comes again"),
        pytest.param("abcxyx", "yxz", 2, id="a row stands there twice"),
        pytest.param("aaaaaa", "aab", 2, id="all of them are equal"),
        pytest.param("abcdef", "", 0, id="an empty page"),
        pytest.param("", "abc", 0, id="the first page"),
    ],
)
def test_which_rows_were_read_before(previous: str, rows: str, expected: int) -> None:
    assert repeated(previous, rows, 2) == expected


def test_without_an_overlap_no_row_is_taken_for_another() -> None:
    assert repeated("abcdd", "dde", 0) == 0


async def test_a_server_that_ignores_skip_is_refused() -> None:
    async def fetch(select: int, skip: int) -> list[int]:
        return [1, 2, 3]

    pages = by_skip(fetch, 3)
    assert (await anext(pages)).items == [1, 2, 3]
    with pytest.raises(ProtocolError):
        await anext(pages)


async def test_a_server_that_does_not_page_has_said_all() -> None:
    async def fetch(select: int, skip: int) -> list[int]:
        return [1, 2, 3, 4]

    assert [page async for page in by_skip(fetch, 3)] == [SkipPage([1, 2, 3, 4], 3)]


async def test_a_server_that_gives_each_row_twice_is_read_to_the_end() -> None:
    async def fetch(select: int, skip: int) -> list[int]:
        return [row for row in range(25)[skip : skip + select] for _ in range(2)]

    pages = [page async for page in by_skip(fetch, 10, 4)]
    assert [row for page in pages for row in page.items] == sorted([*range(25), *range(25)])


@given(
    count=st.integers(0, 60),
    early=st.integers(0, 4),
    page=st.integers(0, 5),
    overlap=st.integers(1, 5),
)
async def test_a_page_that_begins_too_early_hides_no_row(
    count: int, early: int, page: int, overlap: int
) -> None:
    calls = iter(range(1000))

    async def fetch(select: int, skip: int) -> list[int]:
        begins = max(0, skip - (early if next(calls) == page else 0))
        return list(range(count))[begins : begins + select]

    seen: list[int] = []
    async for part in by_skip(fetch, 10, overlap):
        assert set(part.again) <= set(seen)
        seen += part.items
    assert sorted(set(seen)) == list(range(count))


async def test_what_a_caller_does_with_a_page_does_not_touch_the_next() -> None:
    async def fetch(select: int, skip: int) -> list[int]:
        return list(range(7))[skip : skip + select]

    seen = []
    async for page in by_skip(fetch, 4, 2):
        seen += page.items
        page.items.clear()
    assert seen == list(range(7))
