"""A clock that tests move by hand; nothing in the suite waits for the real one."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

#: When every test starts: a Monday morning, well away from a change of year or summer time.
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class FakeClock:
    """Time that passes only when somebody sleeps on it or calls `advance`.

    By default whoever sleeps moves the time on and goes on at once. With ``holds=True`` sleepers
    wait until `advance` has carried the time past their moment: a test can look in between.
    """

    def __init__(self, start: datetime = START, *, holds: bool = False) -> None:
        """Start at this instant."""
        self._start = start
        self._elapsed_s = 0.0
        self._holds = holds
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        #: Every wait asked for, in seconds, in order; waits of 0 are not kept.
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Pass this many seconds; 0 only lets others have their turn."""
        if seconds > 0:
            self.slept.append(seconds)
            if self._holds:
                await self._wait_until(self._elapsed_s + seconds)
                return
            self._elapsed_s += seconds
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the time on and wake who has slept long enough, the earliest first."""
        self._elapsed_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
            heapq.heappop(self._sleepers)[2].set()

    async def _wait_until(self, moment: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (moment, len(self.slept), woken))
        await woken.wait()
