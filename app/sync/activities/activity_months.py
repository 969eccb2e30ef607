"""The months that online activities are kept by: made ahead, dropped when they are past keeping.

What falls into no month of its own lies in a partition for all others, and moves as soon as its
month is made: so nothing waits for a month, and nothing is lost without one.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import asyncpg
import structlog

from app.db import Database
from app.sync.statements import statements

log = structlog.get_logger(__name__)

SQL = statements("activities")

#: Before the first of these no mail was sent by Dotdigital, nor had it another name.
_FIRST_MONTH = date(1999, 1, 1)
_MONTHS_AHEAD = 2
_DELETED_AT_ONCE = 10_000
#: A statement that reads the table may hold its lock for a while; the next look tries again.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"


def days_kept(days: int | None) -> timedelta | None:
    """Return how long activities are kept; None for ever."""
    return None if days is None else timedelta(days=days)


def month_of(instant: datetime) -> date:
    """Return the first day of an instant's month, in UTC."""
    return instant.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after this one."""
    return (month + timedelta(days=31)).replace(day=1)


def months_of(instants: Iterable[datetime]) -> set[date]:
    """Return the first days of the months that these instants, in UTC, fall into."""
    return {date(year, month, 1) for year, month in {(at.year, at.month) for at in instants}}


def months_ahead(now: datetime) -> list[date]:
    """Return this month and those that are made ahead."""
    months = [month_of(now)]
    for _ in range(_MONTHS_AHEAD):
        months.append(next_month(months[-1]))
    return months


def months_to_make(months: Iterable[date], now: datetime) -> list[date]:
    """Return which of these months are worth a partition: neither ages ago nor far to come."""
    last = months_ahead(now)[-1]
    return sorted(month for month in set(months) if _FIRST_MONTH <= month <= last)


async def make_month(database: Database, month: date) -> bool:
    """Make a month's partition unless it is there; False where somebody holds the table."""
    try:
        async with database.transaction() as connection:
            await connection.execute(_LOCK_TIMEOUT)
            if await connection.fetchval(SQL["make_month"], month):
                log.info("activity_month_made", month=month.isoformat())
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        log.warning("activity_month_waits", month=month.isoformat())
        return False
    return True


async def keep_months(database: Database, now: datetime, keep: timedelta | None) -> None:
    """Make the months to come, and those that have activities already; drop what is too old."""
    first, last = months_ahead(now)[0], months_ahead(now)[-1]
    rows = await database.pool.fetch(
        SQL["stray_months"], _begins(_FIRST_MONTH), _begins(next_month(last))
    )
    for month in months_to_make([first, *months_ahead(now), *(row["month"] for row in rows)], now):
        await make_month(database, month)
    if keep is not None:
        await _drop_before(database, now - keep)


async def _drop_before(database: Database, before: datetime) -> None:
    """Drop whole months, then delete what is left of the month in which the time ends."""
    try:
        async with database.transaction() as connection:
            await connection.execute(_LOCK_TIMEOUT)
            if dropped := await connection.fetchval(SQL["drop_months"], before):
                log.info("activity_months_dropped", count=dropped)
    except asyncpg.LockNotAvailableError:
        log.warning("old_activity_months_wait")
    while True:
        async with database.batch() as connection:
            told: str = await connection.execute(SQL["delete_old"], before, _DELETED_AT_ONCE)
        if int(told.rpartition(" ")[2]) < _DELETED_AT_ONCE:
            return


def _begins(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)
