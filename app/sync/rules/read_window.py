"""From when a stream is read, and up to when it then has been; all by Dotdigital's clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: Rows that were written while the page before was read, and servers whose clocks differ.
OVERLAP: Final = timedelta(minutes=10)
#: Everything is read again so often: deleted contacts come in no other reading.
WHOLE_EVERY: Final = timedelta(days=7)
#: Before there was any contact.
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Read:
    """How far a stream was read."""

    #: All that was changed before this is known here.
    until: datetime | None = None
    #: When everything was last read.
    whole_at: datetime | None = None


def since(read: Read) -> datetime | None:
    """Return from when on changes are read; None for everything."""
    return None if read.until is None else read.until - OVERLAP


def is_whole_due(read: Read, now: datetime) -> bool:
    """Say whether everything is to be read: for the first time, and after a week."""
    if read.until is None or read.whole_at is None:
        return True
    return now - read.whole_at >= WHOLE_EVERY


def went_back(read: Read, now: datetime | None) -> bool:
    """Say whether Dotdigital's clock went back: what was changed since may count as read.

    ``now``: by that clock; None where no answer gave it.
    """
    return now is not None and read.until is not None and now < read.until - OVERLAP


def until(
    began_at: datetime | None, held_at: datetime | None, before: datetime | None
) -> datetime | None:
    """Return up to when the stream has been read by a reading that began then.

    ``held_at``: the oldest row that was left for another time; ``before``: up to when it had been
    read, which stands where the server gave no time.
    """
    reached = before if began_at is None else began_at
    if reached is None or held_at is None:
        return reached
    return min(reached, held_at)
