"""Dotdigital's two schemes of limiting calls: tiers by the minute, and the old flat hour.

Tiers are counted per account over all its API users [doc]. An account without a figure for a tier
has a limit that nobody reaches, and says so in the headers all the same.
"""

from dataclasses import dataclass

from sandbox.inferred import UNLIMITED, rate_window
from sandbox.state import Account, ApiUser

#: Said to callers of an account that has no figure for the tier.
BEYOND_REACH = 1_000_000

FLAT_MESSAGE = (
    "Your account has generated excess API activity and is being temporarily capped. "
    "Please contact support."
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a call was told of its limit."""

    scope: str
    limit: int
    remaining: int
    #: Seconds since the epoch, the window's end.
    resets_at: int
    is_over: bool

    def headers(self) -> dict[str, str]:
        """Return the four headers [doc]."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.resets_at),
            "X-RateLimit-Scope": self.scope,
        }


class RateLimits:
    """The windows of every account."""

    def __init__(self) -> None:
        self._windows: dict[tuple[int, str], tuple[int, int]] = {}

    def take(self, account: Account, scope: str, *, is_used_up: bool = False) -> Allowance | None:
        """Count a call against its tier; None where the tier has no limit at all.

        With ``is_used_up`` other callers have left nothing of this minute.
        """
        if scope == UNLIMITED:
            return None
        limit = account.settings.rate_limits.get(scope, BEYOND_REACH)
        window, resets_at = rate_window(account.clock.now_ms())
        began, used = self._windows.get((account.id, scope), (window, 0))
        if began != window:
            used = 0
        if is_used_up:
            used = max(used, limit)
        is_over = used >= limit
        if not is_over:
            used += 1
        self._windows[account.id, scope] = (window, used)
        return Allowance(scope, limit, max(0, limit - used), resets_at, is_over)


def is_flat(account: Account, user: ApiUser) -> bool:
    """Say whether the call counts by the hour: the scheme is the API user's [doc]."""
    return (user.rate_scheme or account.settings.rate_scheme) == "flat"


def flat_is_over(account: Account) -> bool:
    """Say whether the account has used up its hour."""
    limit = account.settings.flat_rate_limit
    return limit is not None and account.calls_in_last_hour() >= limit
