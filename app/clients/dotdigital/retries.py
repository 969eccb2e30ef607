"""Whether a call that failed is tried again, and how long to wait first; nothing waits in here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.clients.dotdigital.errors import DotdigitalError, RateLimited, ServerFault, Unreachable

_RETRIED: Final = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently."""

    #: The first try included.
    max_attempts: int = 5
    #: The first wait, in seconds; it doubles from try to try.
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    #: A server that asks for more than this is not waited for, in seconds.
    patience_s: float = 300.0


def wait_before_retry(
    error: DotdigitalError,
    *,
    attempt: int,
    is_idempotent: bool,
    policy: RetryPolicy,
    now: datetime,
    roll: float,
) -> float | None:
    """Return the seconds to wait before the next try, or None to give up.

    ``attempt`` counts from 1; ``roll`` is the jitter, from 0 to 1. A rate limit means that nothing
    was carried out, and so does a connection that never stood: these are tried again whatever the
    call is. The rest only where a second time does no harm. The server's own wish goes first.
    """
    if attempt >= policy.max_attempts:
        return None
    match error:
        case RateLimited(until=until):
            asked: float | None = max((until - now).total_seconds(), 0.0)
        case Unreachable(may_have_arrived=may_have_arrived) if (
            is_idempotent or not may_have_arrived
        ):
            asked = None
        case ServerFault(status=status, retry_after_s=asked_s) if is_idempotent and (
            # Below 500 it is maintenance, told by its code.
            status in _RETRIED or status < 500
        ):
            asked = asked_s
        case _:
            return None
    if asked is not None:
        return asked if asked <= policy.patience_s else None
    longest = min(policy.first_wait_s * 2.0 ** (attempt - 1), policy.longest_wait_s)
    # Half of it is sure, so that a tired server gets its rest; half spreads the callers out.
    return longest * (1 + roll) / 2
