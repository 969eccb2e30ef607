"""The client's token buckets on Postgres, so that every replica and every job shares them.

A bucket stands for a window of Dotdigital's: so many calls until it resets. It is full again after
its end; what answers state of limit, rest and reset takes the place of what we assumed.
"""

from datetime import datetime, timedelta

from app.clients.dotdigital import Grant, Priority
from app.clock import Clock
from app.db import Database

#: How long a caller that was turned away keeps those of lower priority off, unless it asks again.
_HOLD_S = 6.0

_TAKE = """
WITH opened AS (
    INSERT INTO rate_buckets (account_key, scope, "limit", remaining, window_s, resets_at)
    VALUES ($1, $2, $3::int, $3::int, $4, $5::timestamptz + make_interval(secs => $4))
    ON CONFLICT (account_key, scope) DO NOTHING
), locked AS (
    SELECT * FROM rate_buckets WHERE account_key = $1 AND scope = $2 FOR UPDATE
)
SELECT "limit", remaining, window_s, resets_at, blocked_until, opt_out_waits_until,
       manual_waits_until
FROM locked
"""

_WRITE = """
UPDATE rate_buckets
SET remaining = $3, resets_at = $4, opt_out_waits_until = $5, manual_waits_until = $6
WHERE account_key = $1 AND scope = $2
"""

#: An end within a second of this window's beginning is that of the window before.
_LEARN = """
UPDATE rate_buckets
SET "limit" = coalesce($3, "limit"), learned = learned OR $3::int IS NOT NULL,
    remaining = CASE
        WHEN $5::timestamptz > resets_at + make_interval(secs => window_s / 2)
            AND $4::int IS NOT NULL THEN $4
        WHEN $5 <= resets_at - make_interval(secs => window_s - 1)
            THEN greatest(remaining + coalesce($3, "limit") - "limit", 0)
        ELSE least(greatest(remaining + coalesce($3, "limit") - "limit", 0), $4) END,
    resets_at = CASE
        WHEN $5 > resets_at - make_interval(secs => window_s - 1) THEN $5
        ELSE resets_at END
WHERE account_key = $1 AND scope = $2
"""


class PostgresBucketStore:
    """The client's `BucketStore` over `rate_buckets`; every method is one short transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Take the database and the clock that windows are measured by."""
        self._database = database
        self._clock = clock
        # Scopes hardly ever change, and a look-up before each call would cost more than it tells.
        self._scopes: dict[tuple[str, str], str] = {}

    async def take(
        self,
        account_key: str,
        scope: str,
        priority: Priority,
        default_limit: int,
        window_s: float,
    ) -> Grant:
        """Take one token, or say how many seconds to wait before asking again."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            row = None
            while row is None:
                # The row that this very statement inserts isn't visible to its own SELECT.
                row = await connection.fetchrow(
                    _TAKE, account_key, scope, default_limit, window_s, now
                )
            bucket = _Bucket(
                limit=row["limit"],
                remaining=row["remaining"],
                window_s=row["window_s"],
                resets_at=row["resets_at"],
                blocked_until=row["blocked_until"],
                waits=[row["opt_out_waits_until"], row["manual_waits_until"]],
            )
            wait_s = bucket.take(priority, now)
            await connection.execute(
                _WRITE, account_key, scope, bucket.remaining, bucket.resets_at, *bucket.waits
            )
        return Grant(wait_s=wait_s)

    async def learn(
        self,
        account_key: str,
        scope: str,
        *,
        limit: int | None,
        remaining: int | None,
        resets_at: datetime | None,
    ) -> None:
        """Follow what an answer states; what it leaves out stays.

        Answers overtake one another, and the tokens taken since one was written are not given back:
        within a window the rest rises by no more than the limit does. An end so much later that it
        must be another window's brings that one's rest; one at our window's very beginning is of
        the window before, and says nothing of this one.
        """
        await self._database.pool.execute(_LEARN, account_key, scope, limit, remaining, resets_at)

    async def block_until(self, account_key: str, scope: str, until: datetime) -> None:
        """Let nobody take a token of this bucket before then."""
        await self._database.pool.execute(
            """
            UPDATE rate_buckets SET blocked_until = greatest(blocked_until, $3), remaining = 0
            WHERE account_key = $1 AND scope = $2
            """,
            account_key,
            scope,
            until,
        )

    async def scope_of(self, account_key: str, call: str) -> str | None:
        """Return the scope that an answer named for this call before, if any."""
        known = self._scopes.get((account_key, call))
        if known is None:
            known = await self._database.pool.fetchval(
                "SELECT scope FROM call_scopes WHERE account_key = $1 AND call = $2",
                account_key,
                call,
            )
            if known is not None:
                self._scopes[account_key, call] = known
        return known

    async def remember_scope(self, account_key: str, call: str, scope: str) -> None:
        """Keep the scope that an answer named for this call."""
        if self._scopes.get((account_key, call)) == scope:
            return
        await self._database.pool.execute(
            """
            INSERT INTO call_scopes (account_key, call, scope) VALUES ($1, $2, $3)
            ON CONFLICT (account_key, call) DO UPDATE SET scope = excluded.scope
            """,
            account_key,
            call,
            scope,
        )
        self._scopes[account_key, call] = scope


class _Bucket:
    """The decision on one locked bucket: pure but for its own figures."""

    def __init__(
        self,
        *,
        limit: int,
        remaining: float,
        window_s: float,
        resets_at: datetime,
        blocked_until: datetime | None,
        waits: list[datetime | None],
    ) -> None:
        self.limit = limit
        self.remaining = remaining
        self.window_s = window_s
        self.resets_at = resets_at
        self.blocked_until = blocked_until
        #: Until when callers of each higher priority are known to wait.
        self.waits = waits

    def take(self, priority: Priority, now: datetime) -> float:
        """Take a token and return 0, or return the seconds to wait."""
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

    def _turned_away(self, priority: Priority, now: datetime, until: datetime) -> float:
        self._hold(priority, now)
        return max((until - now).total_seconds(), 0.05)

    def _hold(self, priority: Priority, now: datetime) -> None:
        """Keep those of lower priority off until this caller has asked again."""
        if int(priority) < len(self.waits):
            self.waits[int(priority)] = now + timedelta(seconds=_HOLD_S)
