"""The sandbox's own time: the machine's, moved by control calls, or standing still.

Instants are milliseconds since the epoch, UTC, as everywhere in the sandbox.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SandboxClock:
    """Time that runs with the machine's until it is moved or frozen."""

    def __init__(self) -> None:
        self._offset_ms = 0
        self._frozen_ms: int | None = None
        self._latest_stamp_ms = 0
        self._moved = asyncio.Event()

    def now_ms(self) -> int:
        """Return the current instant."""
        if self._frozen_ms is not None:
            return self._frozen_ms
        return time.time_ns() // 1_000_000 + self._offset_ms

    def stamp(self) -> int:
        """Return the current instant for something that is kept; stamps never run backwards."""
        self._latest_stamp_ms = max(self._latest_stamp_ms, self.now_ms())
        return self._latest_stamp_ms

    def advance(self, seconds: float) -> None:
        """Move the time on; raises ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._move(self.now_ms() + round(seconds * 1000))

    def set(self, at_ms: int) -> None:
        """Go to this instant; raises ValueError where something was stamped later."""
        if at_ms < self._latest_stamp_ms:
            raise ValueError("something happened after that instant already")
        self._move(at_ms)

    def freeze(self) -> None:
        """Stop: from here on time passes only when it is moved."""
        self._frozen_ms = self.now_ms()

    def unfreeze(self) -> None:
        """Run on with the machine's time, from the instant at which it stood."""
        if self._frozen_ms is not None:
            at_ms, self._frozen_ms = self._frozen_ms, None
            self._move(at_ms)

    async def wait_until(self, at_ms: int) -> None:
        """Wait for an instant, whether time passes by itself or is moved."""
        while (left_ms := at_ms - self.now_ms()) > 0:
            moved = self._moved
            timeout_s = None if self._frozen_ms is not None else left_ms / 1000
            try:
                await asyncio.wait_for(moved.wait(), timeout_s)
            except TimeoutError:
                continue

    def _move(self, to_ms: int) -> None:
        if self._frozen_ms is not None:
            self._frozen_ms = to_ms
        else:
            self._offset_ms += to_ms - self.now_ms()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


@lru_cache(maxsize=8192)
def _text_of_day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


@lru_cache(maxsize=8192)  # a page of contacts has few instants, since an import stamps many at one
def text_of(at_ms: int) -> str:
    """Write an instant the way Dotdigital's answers do, ``2026-03-02T08:15:30.120Z``."""
    day, within = divmod(at_ms, 86_400_000)
    minutes, ms = divmod(within, 60_000)
    hour, minute = divmod(minutes, 60)
    return f"{_text_of_day(day)}T{hour:02}:{minute:02}:{ms // 1000:02}.{ms % 1000:03}Z"


def ms_of(at: datetime) -> int:
    """Return the instant of a date-time; one without a zone is read as UTC."""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - _EPOCH) // timedelta(milliseconds=1)


def read_instant(text: str) -> int:
    """Read a date or a date-time in ISO 8601; raises ValueError."""
    return ms_of(datetime.fromisoformat(text.strip()))
