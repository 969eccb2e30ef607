"""What every page of a retrieve stream is written in, and what was known when it was asked for."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

import asyncpg

from app.db import PoolConnection
from app.sync.engine import JobContext
from app.sync.statements import statements

SQL = statements("retrieve_people")

Taken = TypeVar("Taken")

#: Two writers that meet the other way round: one is let go, and begins again.
_MOST_MEETINGS: Final = 2
_MET = (asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError)


async def in_one_batch(
    context: JobContext, take: Callable[[PoolConnection], Awaitable[Taken]]
) -> Taken:
    """Take a page in one transaction, again where another writer was met the other way round.

    A dry run has nothing to fence.
    """
    for _ in range(_MOST_MEETINGS):
        with contextlib.suppress(*_MET):
            return await _taken(context, take)
    return await _taken(context, take)


async def _taken(context: JobContext, take: Callable[[PoolConnection], Awaitable[Taken]]) -> Taken:
    opened = context.database.batch() if context.run.is_dry else context.run.fenced()
    async with opened as connection:
        return await take(connection)


async def committed_by_now(context: JobContext) -> str:
    """Return what is committed; a page that is asked for after this may be older than the rest.

    So a link that is written while Dotdigital answers is not held against what it answered.
    """
    snapshot: str = await context.database.pool.fetchval(SQL["snapshot"])
    return snapshot


def their_time(context: JobContext) -> datetime:
    """Return the time by Dotdigital's clock, or by ours where it gave none."""
    return context.client.answered_at or context.clock.now()
