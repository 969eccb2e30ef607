"""One time for both sides."""

from sandbox.clock import SandboxClock, ms_of
from tests.clock import FakeClock


class OneClock(FakeClock):
    """Our clock, with Dotdigital's standing where it stands; in whole milliseconds, as theirs."""

    def __init__(self, there: SandboxClock) -> None:
        super().__init__()
        self._there = there
        there.freeze()
        self._keep_up()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._keep_up()

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._keep_up()

    def _keep_up(self) -> None:
        self._elapsed_s = round(self._elapsed_s, 3)
        self._there.set(ms_of(self.now()))
