"""How a run takes turns with requests, which are answered by the same thread.

Work on many rows is cut into slices of a few milliseconds. After each of them the run lets others
go first until they have nothing to do, so that a request waits for one slice and not for each.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

from app.clock import Clock

Item = TypeVar("Item")

_SLICE_S: Final = 0.002
#: A turn of the loop in which nobody else had anything to do is over sooner.
_QUIET_S: Final = 0.0001
#: An answer from Postgres is picked up in one turn, and used in the next.
_QUIET_TURNS: Final = 2
#: However much there is to answer, the run goes on after this long.
_PATIENCE_S: Final = 0.010


async def sparingly(clock: Clock, items: Iterable[Item]) -> AsyncIterator[Item]:
    """Yield the items, and give way whenever working on them has taken a slice's time."""
    since = clock.monotonic()
    for item in items:
        yield item
        if clock.monotonic() - since > _SLICE_S:
            await give_way(clock)
            since = clock.monotonic()


async def give_way(clock: Clock) -> None:
    """Let others go first, until they have nothing to do or have had their time."""
    began = clock.monotonic()
    quiet_turns = 0
    while quiet_turns < _QUIET_TURNS:
        before = clock.monotonic()
        await clock.sleep(0)
        now = clock.monotonic()
        if now - began > _PATIENCE_S:
            return
        quiet_turns = quiet_turns + 1 if now - before < _QUIET_S else 0
