"""When a failed record is tried again."""

from datetime import datetime, timedelta

_FIRST = timedelta(minutes=5)
_LONGEST = timedelta(hours=24)

#: Codes that another try can't heal: the record itself has to change. Compared in lower case, for
#: the vendor's guide and its documents spell them differently (contacts-v3.json, failureCode).
_NEEDS_A_CHANGE = frozenset(
    {
        "invalidemail",
        "invaliddomain",
        "invalidphonenumber",
        "blocker",
        "suppressedbydomain",
        "novalididentifiers",
        "rejectedbywatchdog",
        "value_mismatch",
        "unsendable",
    }
)


def next_attempt(code: str, attempts: int, limit: int, now: datetime) -> datetime | None:
    """Return when to try the record again, or None when it waits for a change or a hand.

    ``attempts`` counts the tries made, this failure's included; the wait doubles from 5 minutes to
    a day.
    """
    if attempts >= limit or code.lower() in _NEEDS_A_CHANGE:
        return None
    # Nine doublings are past a day already; the cap keeps the number small.
    return now + min(_FIRST * (1 << min(attempts - 1, 9)), _LONGEST)
