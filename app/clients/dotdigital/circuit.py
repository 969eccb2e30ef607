"""Stops calling a Dotdigital that fails again and again, and tries one call after a rest."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from app.clients.dotdigital.errors import CircuitOpen, DotdigitalError, Retryable
from app.clients.dotdigital.limiter import Clock


class Circuit:
    """One account's, in one process.

    Closed, calls pass. After ``failures_to_open`` failures in a row it opens: calls are refused
    without being made. After a rest one call is let through; what becomes of it closes the circuit
    or opens it for twice as long. Any answer but a fault of theirs shows that they are there.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        failures_to_open: int = 8,
        rest_s: float = 30.0,
        longest_rest_s: float = 300.0,
    ) -> None:
        """Take the clock; rests are in seconds."""
        self._clock = clock
        self._failures_to_open = failures_to_open
        self._first_rest_s = self._rest_s = rest_s
        self._longest_rest_s = longest_rest_s
        self._failures = 0
        self._opened_at: datetime | None = None
        self._rests_until: datetime | None = None
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether the last calls all failed; stays so until one passes."""
        return self._opened_at is not None

    @property
    def opened_at(self) -> datetime | None:
        """When it opened first since a call last passed."""
        return self._opened_at

    def check(self) -> None:
        """Raise CircuitOpen where a call made now would be refused."""
        if self._rests_until is None:
            return
        now = self._clock.now()
        if now < self._rests_until:
            raise CircuitOpen(self._rests_until)
        if self._is_probing:
            raise CircuitOpen(now + timedelta(seconds=1))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch one call: what it raises counts. Raises CircuitOpen in place of a refused call."""
        self.check()
        is_probe = self._is_probing = self.is_open
        try:
            yield
        except Retryable:
            self._failed(is_probe=is_probe)
            raise
        except DotdigitalError:
            self._passed()
            raise
        else:
            self._passed()
        finally:
            # A cancelled probe tells nothing; the next call is one.
            if is_probe:
                self._is_probing = False

    def _failed(self, *, is_probe: bool) -> None:
        self._failures += 1
        now = self._clock.now()
        if is_probe:
            self._rest_s = min(self._rest_s * 2, self._longest_rest_s)
        elif self._failures < self._failures_to_open or self.is_open:
            return
        self._opened_at = self._opened_at or now
        self._rests_until = now + timedelta(seconds=self._rest_s)

    def _passed(self) -> None:
        self._failures = 0
        self._opened_at = self._rests_until = None
        self._rest_s = self._first_rest_s
