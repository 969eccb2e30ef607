"""When a job runs by itself: APScheduler in every replica, on the intervals and crons of `jobs`.

Every replica ticks; the first one whose tick finds the job due queues the run, and the others find
it queued. A changed schedule is taken up at the next look at the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from app.clock import Clock
from app.db import Database
from app.services.schedules import Schedule, cron_trigger, next_fire
from app.settings import Settings
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.people.imports import SQL as IMPORTS_SQL
from app.sync.queue import ensure_run
from app.sync.runs import SQL as RUNS_SQL

log = structlog.get_logger(__name__)

#: Ticks of one replica come a little early or late; so much is no reason to leave one out.
_MOST_SLACK_S = 5.0
_CRON_SLACK_S = 1.0
_DATABASE_GONE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

_JOBS = """
SELECT job.account_id, job.job, job.interval_seconds, job.cron, job.version, job.enabled_at,
       (SELECT max(queued_at) FROM runs
        WHERE runs.account_id = job.account_id AND runs.job = job.job
          AND runs.trigger = 'schedule') AS last_queued_at
FROM jobs AS job
WHERE job.enabled AND job.job = ANY ($1::text[])
"""

#: Bad credentials and a pause cost no further calls; an account that is out of reach is tried.
#: Ticks for one job wait for each other here, so that each sees what the one before it queued.
_MAY_RUN = """
SELECT job.interval_seconds, job.cron, coalesce(job.enabled_at, job.updated_at) AS enabled_at
FROM jobs AS job JOIN accounts AS account ON account.id = job.account_id
WHERE job.account_id = $1 AND job.job = $2 AND job.enabled
  AND account.state NOT IN ('paused', 'bad_credentials')
FOR NO KEY UPDATE OF job
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """One enabled job of one account, as its row has it."""

    account_id: int
    job: str
    interval_seconds: float | None
    cron: str | None
    version: int

    @property
    def key(self) -> str:
        """Return what APScheduler knows it by."""
        return f"{self.job}:{self.account_id}"


def is_due(row: Mapping[str, Any], last_queued_at: datetime | None, now: datetime) -> bool:
    """Say whether a tick finds the job due, by its schedule as it stands now.

    ``last_queued_at``: when a replica queued its last scheduled run.
    """
    interval_seconds = row["interval_seconds"]
    if interval_seconds is None:
        slack_s = _CRON_SLACK_S
    else:
        slack_s = min(_MOST_SLACK_S, interval_seconds / 10)
    fires_at = next_fire(Schedule(interval_seconds, row["cron"]), last_queued_at, row["enabled_at"])
    return fires_at <= now + timedelta(seconds=slack_s)


def first_tick(row: Mapping[str, Any], now: datetime) -> datetime:
    """Return when a job ticks first: at once when it is overdue."""
    schedule = Schedule(row["interval_seconds"], row["cron"])
    return max(now, next_fire(schedule, row["last_queued_at"], row["enabled_at"] or now))


class Scheduler:
    """One replica's scheduler."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        """Take the parts; nothing ticks before `start`."""
        self._database = database
        self._clock = clock
        self._poll_s = settings.schedule_poll_seconds
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        #: The enabled jobs, as they were last read.
        self.planned: dict[str, Planned] = {}

    async def start(self) -> None:
        """Take the schedules up and begin to tick."""
        await self.refresh()
        self._add(self._refresh_or_warn, IntervalTrigger(seconds=self._poll_s), "refresh")
        self._scheduler.start()

    async def stop(self) -> None:
        """Tick no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def refresh(self) -> None:
        """Bring APScheduler's jobs in step with the table."""
        rows = await self._database.pool.fetch(_JOBS, sorted(JOB_FUNCTIONS))
        now = self._clock.now()
        wanted: dict[str, Planned] = {}
        for row in rows:
            planned = Planned(
                row["account_id"],
                row["job"],
                row["interval_seconds"],
                row["cron"],
                row["version"],
            )
            if self.planned.get(planned.key) != planned:
                try:
                    trigger, first = _trigger_of(planned), first_tick(row, now)
                except ValueError as error:
                    # Plain SQL wrote it; the other jobs go on.
                    log.warning("schedule_not_understood", job=planned.key, error=str(error))
                    continue
                self._add(
                    self._tick_or_warn,
                    trigger,
                    planned.key,
                    args=(planned.account_id, planned.job),
                    first=first,
                )
            wanted[planned.key] = planned
        for key in self.planned.keys() - wanted.keys():
            self._scheduler.remove_job(key)
        self.planned = wanted

    async def tick(self, account_id: int, job: str) -> int | None:
        """Queue a run of this job, if it is due and may run; return its id."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            allowed = await connection.fetchrow(_MAY_RUN, account_id, job)
            if allowed is None:
                return None
            if job == "monitor_imports" and not await connection.fetchval(
                IMPORTS_SQL["any_unsettled"], account_id
            ):
                return None
            last_queued_at = await connection.fetchval(RUNS_SQL["last_scheduled"], account_id, job)
            if not is_due(allowed, last_queued_at, now):
                return None
            return await ensure_run(connection, account_id=account_id, job=job, at=now)

    def _add(
        self,
        function: Any,  # noqa: ANN401 - APScheduler has no types
        trigger: object,
        key: str,
        *,
        args: tuple[object, ...] = (),
        first: datetime | None = None,
    ) -> None:
        when = {} if first is None else {"next_run_time": first}
        self._scheduler.add_job(
            function,
            trigger,
            args=args,
            id=key,
            replace_existing=True,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            **when,
        )

    async def _tick_or_warn(self, account_id: int, job: str) -> None:
        try:
            await self.tick(account_id, job)
        except _DATABASE_GONE as error:
            log.warning("tick_missed", account_id=account_id, job=job, error=str(error))

    async def _refresh_or_warn(self) -> None:
        try:
            await self.refresh()
        except _DATABASE_GONE as error:
            log.warning("schedules_not_read", error=str(error))


def _trigger_of(planned: Planned) -> IntervalTrigger | CronTrigger:
    if planned.cron is not None:
        return cron_trigger(planned.cron)
    return IntervalTrigger(seconds=planned.interval_seconds)
