"""Token buckets: how many calls of a scope an account may still make in this window.

The buckets lie in a store that all callers of an account share, over replicas too if it is in a
database. They start from assumed limits (`inferred`) and follow what the answers state, since
others draw on the same limits. A bucket stands for a window of Dotdigital's [doc]: so many calls
until it resets, and full again after it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, Protocol

from app.clients.dotdigital import inferred
from app.clients.dotdigital.errors import DotdigitalError, RateLimited
from app.clients.dotdigital.inferred import AssumedScope
from app.clients.dotdigital.rate_headers import RateHeaders

#: How long a caller that was turned away keeps those of lower priority off, unless it asks again.
HOLD_S: Final = 6.0
#: So it asks again before that.
_ASK_AGAIN_S: Final = 5.0
#: Stands for every call of an account where the store keeps scopes by call.
_EVERY_CALL: Final = "*"
_TIERED: Final = "tiered"


class Clock(Protocol):
    """Where time comes from; tests hand in one that they move by hand."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""
        ...


class Priority(IntEnum):
    """Who goes first when calls are short; the lowest number does."""

    #: Somebody must not be mailed any more.
    OPT_OUT = 0
    #: Somebody waits for it.
    MANUAL = 1
    SCHEDULE = 2


@dataclass(frozen=True, slots=True)
class Grant:
    """The store's answer to who asks for a token."""

    #: 0: the token is taken. Else the seconds after which to ask again.
    wait_s: float


class BucketStore(Protocol):
    """Where the buckets are kept; ``account_key`` is Dotdigital's own account id."""

    async def take(
        self,
        account_key: str,
        scope: str,
        priority: Priority,
        default_limit: int,
        window_s: float,
    ) -> Grant:
        """Take one token, making the bucket by the defaults if there is none; or say the wait."""
        ...

    async def learn(
        self,
        account_key: str,
        scope: str,
        *,
        limit: int | None,
        remaining: int | None,
        resets_at: datetime | None,
    ) -> None:
        """Follow what an answer states; None is what it didn't state."""
        ...

    async def block_until(self, account_key: str, scope: str, until: datetime) -> None:
        """Let nobody take a token of this bucket before then."""
        ...

    async def scope_of(self, account_key: str, call: str) -> str | None:
        """Return the scope that an answer named for this call before, if any."""
        ...

    async def remember_scope(self, account_key: str, call: str, scope: str) -> None:
        """Keep the scope that an answer named for this call."""
        ...


class RateLimiter:
    """Takes a token for each call of one account, and learns from each answer."""

    def __init__(self, store: BucketStore, account_key: str, clock: Clock) -> None:
        """``account_key``: what all who share the account's limits have in common."""
        self._store = store
        self._account_key = account_key
        self._clock = clock
        self._is_flat: bool | None = None

    async def acquire(self, call: str, priority: Priority, patience_s: float) -> str:
        """Wait for a token for this call (method and path template); return the scope it is of.

        Raises RateLimited where the wait would be longer than ``patience_s``, and makes the caller
        wait no further in that case.
        """
        assumed = await self._scope(call)
        if inferred.is_unlimited(assumed.scope):
            return assumed.scope
        waited_s = 0.0
        while True:
            grant = await self._take(assumed, priority)
            if grant.wait_s <= 0:
                return assumed.scope
            if waited_s + grant.wait_s > patience_s:
                until = self._clock.now() + timedelta(seconds=grant.wait_s)
                raise RateLimited(assumed.scope, until)
            pause_s = grant.wait_s
            if priority < Priority.SCHEDULE:
                pause_s = min(pause_s, _ASK_AGAIN_S)
            await self._clock.sleep(pause_s)
            waited_s += pause_s

    async def learn(
        self, call: str, taken: str, rate: RateHeaders, error: DotdigitalError | None
    ) -> str:
        """Follow an answer: its headers, and the error it stands for. Return the call's scope."""
        if isinstance(error, RateLimited) and error.scope == inferred.FLAT_SCOPE:
            await self._turn_flat(error)
            return inferred.FLAT_SCOPE
        scope = rate.scope or taken
        if rate.scope is not None:
            await self._remember(call, rate.scope)
        is_counted = not inferred.is_unlimited(scope)
        if scope != taken and is_counted:
            # The token was of the wrong bucket: one of the right one is owed, and makes it stand.
            await self._take(inferred.assumed_limit(scope, call), Priority.SCHEDULE)
        if rate.has_figures and is_counted:
            await self._store.learn(
                self._account_key,
                scope,
                limit=rate.limit,
                remaining=rate.remaining,
                resets_at=rate.resets_at,
            )
        if isinstance(error, RateLimited):
            error.scope = scope
            await self._block(scope, error.until)
        return scope

    async def _scope(self, call: str) -> AssumedScope:
        if self._is_flat is None:
            scheme = await self._store.scope_of(self._account_key, _EVERY_CALL)
            self._is_flat = scheme == inferred.FLAT_SCOPE
        if self._is_flat:
            return inferred.FLAT
        named = await self._store.scope_of(self._account_key, call)
        if named is None:
            return inferred.assumed_scope(call)
        return inferred.assumed_limit(named, call)

    async def _take(self, assumed: AssumedScope, priority: Priority) -> Grant:
        return await self._store.take(
            self._account_key, assumed.scope, priority, assumed.limit, assumed.window_s
        )

    async def _turn_flat(self, error: RateLimited) -> None:
        """From now on every call counts in the one bucket of the old scheme [doc]."""
        if not self._is_flat:
            self._is_flat = True
            await self._store.remember_scope(self._account_key, _EVERY_CALL, inferred.FLAT_SCOPE)
            await self._take(inferred.FLAT, Priority.SCHEDULE)
        await self._block(inferred.FLAT_SCOPE, error.until)

    async def _block(self, scope: str, until: datetime) -> None:
        """Let nobody through before then; the window ends there too, whenever ours would."""
        await self._store.learn(self._account_key, scope, limit=None, remaining=0, resets_at=until)
        await self._store.block_until(self._account_key, scope, until)

    async def _remember(self, call: str, scope: str) -> None:
        if self._is_flat:
            self._is_flat = False
            await self._store.remember_scope(self._account_key, _EVERY_CALL, _TIERED)
        await self._store.remember_scope(self._account_key, call, scope)


@dataclass(slots=True)
class TokenBucket:
    """One bucket and the decision on it; whoever keeps it sees that one caller asks at a time."""

    limit: int
    remaining: float
    window_s: float
    resets_at: datetime
    blocked_until: datetime | None = None
    #: Until when callers of each higher priority are known to wait.
    waits: list[datetime | None] = field(default_factory=lambda: [None, None])

    def take(self, priority: Priority, now: datetime) -> float:
        """Take a token and return 0, or return the seconds to wait before asking again."""
        if self.blocked_until is not None and self.blocked_until > now:
            return self._turned_away(priority, now, self.blocked_until)
        if now >= self.resets_at:
            self.remaining = float(self.limit)
            self.resets_at = now + timedelta(seconds=self.window_s)
        ahead = self.waits[: int(priority)]
        if any(until is not None and until > now for until in ahead):
            self._hold(priority, now)
            return 1.0
        if self.remaining < 1:
            return self._turned_away(priority, now, self.resets_at)
        self.remaining -= 1
        if int(priority) < len(self.waits):
            self.waits[int(priority)] = None
        return 0.0

    def learn(
        self, *, limit: int | None, remaining: int | None, resets_at: datetime | None
    ) -> None:
        """Follow what an answer states; None is what it didn't state.

        Answers overtake one another, and the tokens taken since one was written are not given back:
        within a window the rest rises by no more than the limit does. An end so much later that it
        must be another window's brings that one's rest; one at our window's very beginning is of
        the window before, and says nothing of this one.
        """
        risen = max(self.remaining + (limit or self.limit) - self.limit, 0.0)
        window = timedelta(seconds=self.window_s)
        is_next = resets_at is not None and resets_at > self.resets_at + window / 2
        is_former = resets_at is not None and resets_at <= (
            self.resets_at - window + timedelta(seconds=1)
        )
        if is_former or remaining is None:
            self.remaining = risen
        else:
            self.remaining = float(remaining) if is_next else min(risen, float(remaining))
        self.limit = limit or self.limit
        if resets_at is not None and not is_former:
            self.resets_at = resets_at

    def block_until(self, until: datetime) -> None:
        """Give out nothing before then."""
        self.blocked_until = max(self.blocked_until or until, until)
        self.remaining = 0.0

    def _turned_away(self, priority: Priority, now: datetime, until: datetime) -> float:
        self._hold(priority, now)
        return max((until - now).total_seconds(), 0.05)

    def _hold(self, priority: Priority, now: datetime) -> None:
        """Keep those of lower priority off until this caller has asked again."""
        if int(priority) < len(self.waits):
            self.waits[int(priority)] = now + timedelta(seconds=HOLD_S)


class MemoryBucketStore:
    """Buckets of one process, for use without a database."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock that windows are measured by."""
        self._clock = clock
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._scopes: dict[tuple[str, str], str] = {}

    async def take(
        self,
        account_key: str,
        scope: str,
        priority: Priority,
        default_limit: int,
        window_s: float,
    ) -> Grant:
        """Take one token, making the bucket by the defaults if there is none; or say the wait."""
        now = self._clock.now()
        bucket = self._buckets.setdefault(
            (account_key, scope),
            TokenBucket(default_limit, default_limit, window_s, now + timedelta(seconds=window_s)),
        )
        return Grant(bucket.take(priority, now))

    async def learn(
        self,
        account_key: str,
        scope: str,
        *,
        limit: int | None,
        remaining: int | None,
        resets_at: datetime | None,
    ) -> None:
        """Follow what an answer states; what it leaves out stays."""
        if bucket := self._buckets.get((account_key, scope)):
            bucket.learn(limit=limit, remaining=remaining, resets_at=resets_at)

    async def block_until(self, account_key: str, scope: str, until: datetime) -> None:
        """Let nobody take a token of this bucket before then."""
        if bucket := self._buckets.get((account_key, scope)):
            bucket.block_until(until)

    async def scope_of(self, account_key: str, call: str) -> str | None:
        """Return the scope that an answer named for this call before, if any."""
        return self._scopes.get((account_key, call))

    async def remember_scope(self, account_key: str, call: str, scope: str) -> None:
        """Keep the scope that an answer named for this call."""
        self._scopes[account_key, call] = scope
