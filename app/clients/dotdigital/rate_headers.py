"""What an answer's headers say of the rate limit and of waiting.

Documented on the vendor's page of call rate limits [doc]; names come in lower case over HTTP/2, so
they are matched without regard to case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from app.clients.dotdigital import inferred


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """The figures of one scope's window, as one answer states them; None where it doesn't."""

    #: Calls allowed in a window.
    limit: int | None = None
    #: Calls left in this one.
    remaining: int | None = None
    #: End of this window, by our own clock.
    resets_at: datetime | None = None
    #: The tier that the call is counted under, such as ``lowCallRate``.
    scope: str | None = None

    @property
    def has_figures(self) -> bool:
        """Whether there is anything to learn from."""
        return (self.limit, self.remaining, self.resets_at) != (None, None, None)


def read_rate_headers(headers: Mapping[str, str], now: datetime) -> RateHeaders:
    """Read the four rate headers; what makes no sense is left out rather than believed."""
    named = _lowered(headers)
    limit = _whole(named.get("x-ratelimit-limit"))
    remaining = _whole(named.get("x-ratelimit-remaining"))
    return RateHeaders(
        limit=limit if limit is not None and limit > 0 else None,
        remaining=remaining if remaining is not None and remaining >= 0 else None,
        resets_at=_reset(named, now),
        scope=named.get("x-ratelimit-scope", "").strip() or None,
    )


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the wait that ``Retry-After`` asks for, in seconds; it may be a number or a date."""
    asked = _lowered(headers).get("retry-after", "").strip()
    if not asked:
        return None
    seconds = _whole(asked)
    if seconds is None:
        at = _http_date(asked)
        if at is None:
            return None
        sent = _http_date(_lowered(headers).get("date", "")) or now
        return max((at - sent).total_seconds(), 0.0)
    return float(max(seconds, 0))


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's time, in whole seconds; None where an answer states none."""
    return _http_date(_lowered(headers).get("date", ""))


def _reset(named: Mapping[str, str], now: datetime) -> datetime | None:
    """Return the end of the window by our clock: the server's own may run apart from it."""
    epoch = _whole(named.get("x-ratelimit-reset"))
    if epoch is None:
        return None
    epoch_s = inferred.epoch_seconds(epoch)
    sent = _http_date(named.get("date", ""))
    for base in (sent, now):
        if base is not None:
            left_s = epoch_s - base.timestamp()
            if inferred.is_window_end(left_s):
                return now + timedelta(seconds=max(left_s, 0.0))
    return None


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A zone of -0000 comes back naive, and there is none to compare it with.
    return at if at.tzinfo is not None else None
