"""When the statuses of a list's members are read whole, and when only what was modified."""

from datetime import datetime, timedelta

#: A large list is read whole this often: whether a status moves a contact's time of modification is
#: not stated.
SWEEP_EVERY = timedelta(days=1)


def is_whole(
    *,
    is_full: bool,
    is_small: bool,
    read_at: datetime | None,
    swept_at: datetime | None,
    now: datetime,
) -> bool:
    """Say whether all of a list is read.

    ``is_small``: all of it costs one call; ``is_full``: a full run asks for it.
    """
    if is_full or is_small or read_at is None or swept_at is None:
        return True
    return swept_at <= now - SWEEP_EVERY
