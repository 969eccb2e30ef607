"""What every worker sees to every few seconds: nothing that was begun is left lying.

Runs that lost their place in the queue, imports that nobody watches, members whose batch is full or
has waited long enough, answers that are kept no more, and the months that activities lie in.
"""

from datetime import datetime, timedelta

import asyncpg
import structlog

from app.clock import Clock
from app.db import Database
from app.services.account_settings import AccountSettings
from app.services.idempotency import forget_old
from app.sync.activities.activity_months import keep_months
from app.sync.people.imports import SQL as IMPORTS_SQL
from app.sync.queue import ensure_run, requeue_lost
from app.sync.statements import statements

log = structlog.get_logger(__name__)

LISTS_SQL = statements("send_lists")
MATCHING_SQL = statements("match_activities")

_EVERY_S = 5.0
_FORGET_EVERY = timedelta(minutes=10)
#: A run this young may still be on its way into the queue.
_LOST_AFTER = timedelta(seconds=5)
#: Changed links and emails of one account that wait to be matched.
_MOST_REMATCHES = 1_000_000
_DATABASE_GONE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def see_to_imports(database: Database, now: datetime) -> int:
    """Queue a monitor for each account with an import that nobody watches; return how many.

    A run that failed, was cancelled or ended before its imports leaves them so.
    """
    queued = 0
    for row in await database.pool.fetch(IMPORTS_SQL["unwatched"], now):
        async with database.transaction() as connection:
            run_id = await ensure_run(
                connection, account_id=row["account_id"], job="monitor_imports", at=now
            )
        queued += run_id is not None
    return queued


async def see_to_held_members(database: Database, now: datetime) -> int:
    """Queue a run for each account whose members wait for no fuller batch; return how many.

    So that they go when it is full, or have waited as long as the account's settings say, whatever
    the schedule.
    """
    waited = await database.pool.fetch(LISTS_SQL["held_long_enough"], now)
    full = await database.pool.fetch(LISTS_SQL["full_enough"], AccountSettings().list_batch_size)
    queued = 0
    for account_id in sorted({row["account_id"] for row in (*waited, *full)}):
        async with database.transaction() as connection:
            run_id = await ensure_run(connection, account_id=account_id, job="send_lists", at=now)
        queued += run_id is not None
    return queued


async def begin_again_where_much_changed(database: Database) -> None:
    """Let no queue of changed links grow for ever: all orphans are looked at instead."""
    async with database.transaction() as connection:
        for row in await connection.fetch(MATCHING_SQL["overgrown"], _MOST_REMATCHES):
            await connection.execute(MATCHING_SQL["begin_again"], row["account_id"])


class Upkeep:
    """One worker's upkeep."""

    def __init__(
        self, database: Database, clock: Clock, *, keep_activities: timedelta | None = None
    ) -> None:
        """Take the parts; nothing happens before `run`. Activities are kept for ever by default."""
        self._database = database
        self._clock = clock
        self._keep_activities = keep_activities
        self._forgets_at = clock.now()

    async def run(self) -> None:
        """Tend until cancelled; a database that is gone is waited for."""
        while True:
            try:
                await self.tend()
            except _DATABASE_GONE as error:
                log.warning("upkeep_missed", error=type(error).__name__)
            await self._clock.sleep(_EVERY_S)

    async def tend(self) -> None:
        """Do all of it once."""
        now = self._clock.now()
        if requeued := await requeue_lost(self._database, now - _LOST_AFTER):
            log.info("lost_runs_requeued", count=requeued)
        await see_to_imports(self._database, now)
        await see_to_held_members(self._database, now)
        if now >= self._forgets_at:
            self._forgets_at = now + _FORGET_EVERY
            async with self._database.pool.acquire() as connection:
                await forget_old(connection, now)
            await keep_months(self._database, now, self._keep_activities)
            await begin_again_where_much_changed(self._database)
