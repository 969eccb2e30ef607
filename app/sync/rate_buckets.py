"""The client's token buckets on Postgres, so that every replica and every job shares them.

A bucket stands for a window of Dotdigital's: so many calls until it resets. It is full again after
its end; what answers state of limit, rest and reset takes the place of what we assumed.

No call waits until the disk has its token: a server that crashes forgets the last moment, at most,
and the next answer states what is left. Replicas see each other's tokens all the same.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.clients.dotdigital import Grant, Priority, TokenBucket
from app.clock import Clock
from app.db import Database

_TAKE = """
WITH opened AS (
    INSERT INTO rate_buckets (account_key, scope, "limit", remaining, window_s, resets_at)
    VALUES ($1, $2, $3::int, $3::int, $4, $5::timestamptz + make_interval(secs => $4))
    ON CONFLICT (account_key, scope) DO NOTHING
), locked AS (
    SELECT * FROM rate_buckets WHERE account_key = $1 AND scope = $2 FOR UPDATE
)
SELECT "limit", remaining, window_s, resets_at, blocked_until, opt_out_waits_until,
       manual_waits_until, set_config('synchronous_commit', 'off', true)
FROM locked
"""

_WRITE = """
UPDATE rate_buckets
SET remaining = $3, resets_at = $4, opt_out_waits_until = $5, manual_waits_until = $6
WHERE account_key = $1 AND scope = $2
"""

_LOCK = """
SELECT "limit", remaining, window_s, resets_at, blocked_until, opt_out_waits_until,
       manual_waits_until, set_config('synchronous_commit', 'off', true)
FROM rate_buckets WHERE account_key = $1 AND scope = $2 FOR UPDATE
"""

_WRITE_LEARNED = """
UPDATE rate_buckets
SET remaining = $3, resets_at = $4, "limit" = $5, learned = learned OR $6
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
            bucket = _bucket_of(row)
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
        """Follow what an answer states, as `TokenBucket.learn` says; what it leaves out stays."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_LOCK, account_key, scope)
            if row is None:
                return
            bucket = _bucket_of(row)
            bucket.learn(limit=limit, remaining=remaining, resets_at=resets_at)
            await connection.execute(
                _WRITE_LEARNED,
                account_key,
                scope,
                bucket.remaining,
                bucket.resets_at,
                bucket.limit,
                limit is not None,
            )

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


def _bucket_of(row: Mapping[str, Any]) -> TokenBucket:
    return TokenBucket(
        limit=row["limit"],
        remaining=row["remaining"],
        window_s=row["window_s"],
        resets_at=row["resets_at"],
        blocked_until=row["blocked_until"],
        waits=[row["opt_out_waits_until"], row["manual_waits_until"]],
    )
