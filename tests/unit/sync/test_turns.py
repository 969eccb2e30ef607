"""Taking turns: a run goes on when nobody else has anything to do, or has had time enough."""

import asyncio

import pytest

from app.sync.turns import give_way, sparingly
from tests.clock import FakeClock


async def worked_through(clock: FakeClock, items: int, each_s: float) -> list[int]:
    """Work on so many items, which take so long each; return those after which others came in."""
    others: list[int] = []
    done = 0

    async def other() -> None:
        while True:
            others.append(done)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    others.clear()
    async for item in sparingly(clock, range(items)):
        clock.advance(each_s)
        done = item + 1
    task.cancel()
    return sorted(set(others))


@pytest.mark.parametrize(
    "each_s, others_came_in_after",
    [
        pytest.param(0.0001, [], id="no slice is full"),
        pytest.param(0.0006, [4, 8], id="a slice is full of four"),
        pytest.param(0.003, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], id="each fills a slice"),
    ],
)
async def test_others_come_in_whenever_a_slice_is_full(
    each_s: float, others_came_in_after: list[int]
) -> None:
    assert await worked_through(FakeClock(), 10, each_s) == others_came_in_after


async def test_every_item_comes_once_and_in_order() -> None:
    clock, seen = FakeClock(), []
    async for item in sparingly(clock, "abcdef"):
        clock.advance(0.01)
        seen.append(item)
    assert seen == list("abcdef")


@pytest.mark.parametrize(
    "turns, each_s, let_through",
    [
        pytest.param(0, 0, 0, id="nobody has anything to do"),
        pytest.param(4, 0.001, 4, id="somebody has, for a while"),
        pytest.param(100, 0.0015, 7, id="somebody has, for ever"),
    ],
)
async def test_who_gives_way_waits_for_others_but_not_for_ever(
    turns: int, each_s: float, let_through: int
) -> None:
    clock = FakeClock()
    worked = 0

    async def answer() -> None:
        nonlocal worked
        for _ in range(turns):
            clock.advance(each_s)
            worked += 1
            await asyncio.sleep(0)

    answering = asyncio.create_task(answer())
    await give_way(clock)
    assert worked == let_through
    answering.cancel()
