"""When something that a control call makes happens."""

from sandbox.clock import SandboxClock, read_instant


def instant(clock: SandboxClock, at: str | None, *, and_within_ms: int = 0) -> int:
    """Return the instant that a text means, now for None; raises ValueError for one to come.

    What has not happened yet would show up in reports all the same: move the clock first.
    """
    at_ms = clock.stamp() if at is None else read_instant(at)
    if at_ms + and_within_ms > clock.now_ms():
        raise ValueError("that is in the future: move the clock there first")
    return at_ms
