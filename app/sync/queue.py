"""Where a run goes on: PgQueuer on the service's own Postgres.

A run and its place in the queue are written in one transaction. Each replica's worker takes what
comes first; a place whose worker has stopped its heartbeat is taken by another one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.models import Job as QueuedJob

from app.db import Database, JsonText, PoolConnection
from app.errors import RunActive
from app.services.signs_of_life import sign_of_life, silence_of
from app.sync import runs

log = structlog.get_logger(__name__)

ENTRYPOINT = "dotsync_run"
#: Manual runs are taken before scheduled ones.
_PRIORITIES = {"manual": 10, "schedule": 0}


def place_key(run_id: int) -> str:
    """Return the dedupe key of a run's place; the run itself is one a job and account."""
    return f"run:{run_id}"


class _EnqueueDriver(AsyncpgDriver):
    """PgQueuer's driver on a connection of ours, which writes JSON itself."""

    async def fetch(
        self,
        query: str,
        *args: Any,  # noqa: ANN401 - PgQueuer's own signature
    ) -> list[dict[str, Any]]:
        """Mark the headers, which PgQueuer hands over last, as JSON that is written already."""
        *others, headers = args
        return await super().fetch(query, *others, [JsonText(each) for each in headers])


async def enqueue(connection: PoolConnection, run_id: int, trigger: str) -> None:
    """Give a run its place in the queue, in the connection's transaction; repeats are harmless."""
    await Queries(_EnqueueDriver(connection)).enqueue(
        ENTRYPOINT,
        str(run_id).encode(),
        priority=_PRIORITIES[trigger],
        dedupe_key=place_key(run_id),
        on_conflict="skip",
    )


async def trigger_run(
    connection: PoolConnection,
    *,
    account_id: int,
    job: str,
    mode: str,
    trigger: str,
    at: datetime,
    scope: Mapping[str, Any] | None = None,
    heartbeat_timeout_s: float = 30,
) -> int:
    """Write a run and queue it, in the connection's transaction; return its id.

    ``scope`` is what it is narrowed to, by the job's own words. Raises RunActive when one of this
    job is active for the account; that says when it is taken over where its replica is silent.
    """
    run_id = await runs.queue_run(
        connection,
        account_id=account_id,
        job=job,
        mode=mode,
        trigger=trigger,
        at=at,
        scope=scope,
    )
    if run_id is None:
        active_id = await runs.active_run(connection, account_id, job) or 0
        silent_s = await silence_of(connection, active_id)
        sign = sign_of_life(silent_s, heartbeat_timeout_s, at)
        raise RunActive(job, active_id, None if sign is None else sign.warning)
    await enqueue(connection, run_id, trigger)
    return run_id


async def ensure_run(
    connection: PoolConnection, *, account_id: int, job: str, at: datetime
) -> int | None:
    """Queue a scheduled run unless one of this job is active; return its id."""
    run_id = await runs.queue_run(
        connection, account_id=account_id, job=job, mode="changes", trigger="schedule", at=at
    )
    if run_id is not None:
        await enqueue(connection, run_id, "schedule")
    return run_id


async def drop_place(connection: PoolConnection, run_id: int) -> None:
    """Take a run that has ended out of the queue, in the connection's transaction."""
    await connection.execute("DELETE FROM pgqueuer WHERE dedupe_key = $1", place_key(run_id))


async def requeue_lost(database: Database, older_than: datetime) -> int:
    """Give active runs that have no place in the queue one again; return how many.

    A run loses its place when Postgres went away while a worker was writing its end.
    """
    async with database.transaction() as connection:
        lost = await connection.fetch(
            """
            SELECT id, trigger FROM runs
            WHERE status IN ('queued', 'running') AND queued_at < $1
              AND NOT EXISTS (SELECT FROM pgqueuer WHERE dedupe_key = 'run:' || runs.id
                              AND status IN ('queued', 'picked'))
            """,
            older_than,
        )
        for run in lost:
            await enqueue(connection, run["id"], run["trigger"])
    return len(lost)


class QueueWorker:
    """Takes runs out of the queue and executes them, as long as the replica lives."""

    def __init__(
        self,
        database: Database,
        execute: Callable[[int], Awaitable[None]],
        *,
        heartbeat_timeout_s: float,
        reconnect_s: float = 2,
    ) -> None:
        """Take what executes a run; nothing starts before `run`."""
        self._database = database
        self._execute = execute
        self._heartbeat = timedelta(seconds=heartbeat_timeout_s)
        self._reconnect_s = reconnect_s
        self._queuer: PgQueuer | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`; a lost connection is made again."""
        while not self._stopping.is_set():
            try:
                await self._work()
            except Exception:
                log.warning("queue_worker_restarts", exc_info=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._reconnect_s)

    def stop(self) -> None:
        """Take no more runs; those in hand go on to their next checkpoint."""
        self._stopping.set()
        if self._queuer is not None:
            self._queuer.shutdown.set()

    async def _work(self) -> None:
        connection = await self._database.connect_apart()
        try:
            queuer = PgQueuer.from_asyncpg_connection(connection)

            @queuer.entrypoint(ENTRYPOINT)
            async def execute(job: QueuedJob) -> None:
                if job.payload is not None:
                    await self._execute(int(job.payload))

            self._queuer = queuer
            if self._stopping.is_set():
                return
            await queuer.qm.run(
                dequeue_timeout=self._heartbeat / 3,
                heartbeat_timeout=self._heartbeat,
                shutdown_on_listener_failure=True,
            )
        finally:
            self._queuer = None
            with contextlib.suppress(asyncpg.PostgresError, OSError):
                await connection.close(timeout=2)
