"""The life of a process: brought up once its database is there, and taken down in good order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError

from app.clock import Clock
from app.data_dir import pgdata_in
from app.database_urls import place_of, without_password
from app.db import Database, current_revision, migrate
from app.services.api_keys import ensure_bootstrap_key, has_keys
from app.services.jobs import add_missing_jobs
from app.settings import Settings
from app.start_errors import StartError
from app.sync.activities.activity_months import days_kept
from app.sync.engine import Engine
from app.sync.queue import QueueWorker
from app.sync.schedule import Scheduler
from app.sync.upkeep import Upkeep
from app.tasks import cancelled

log = structlog.get_logger(__name__)

_RETRY_START_S = 2.0
#: What a database that is not there yet raises while the service starts.
NOT_THERE_YET = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError)


class Process(Protocol):
    """What is brought up: the process's parts, as far as that needs them."""

    settings: Settings
    clock: Clock
    database: Database
    engine: Engine
    unready: str | None
    on_drain: Callable[[], None] | None

    def drain(self) -> None:
        """Begin to stop."""

    def seconds_to_stop(self) -> float:
        """Return how many seconds are left for it."""
        ...


@contextlib.asynccontextmanager
async def brought_up(parts: Process) -> AsyncIterator[None]:
    """Connect, migrate and start the workers; where Postgres isn't there yet, go on trying.

    Meanwhile the service answers: 503, and /readyz says why.
    """
    workers = _Workers(parts)
    trying = None
    try:
        await _bring_up(parts, workers)
    except asyncpg.ClientConfigurationError as error:
        raise unreachable(parts.database, error) from error
    except NOT_THERE_YET as error:
        _say_it_waits(parts, error)
        parts.unready = "the database was not reached yet"
        trying = asyncio.create_task(_keep_trying(parts, workers), name="bring up")
    try:
        yield
    finally:
        parts.drain()
        await cancelled(trying)
        await workers.stop()


async def _keep_trying(parts: Process, workers: "_Workers") -> None:
    while True:
        await parts.clock.sleep(_RETRY_START_S)
        try:
            await _bring_up(parts, workers)
        except NOT_THERE_YET as error:
            _say_it_waits(parts, error)
        else:
            log.info("service_ready")
            return


def _say_it_waits(parts: Process, error: Exception) -> None:
    log.warning(
        "database_not_there_yet",
        database=shown_place(parts.settings, parts.database),
        reason=_reason(parts.database, error),
        tried_again_in_seconds=_RETRY_START_S,
    )


def shown_place(settings: Settings, database: Database) -> str:
    """Return where the database is, in words that hold no password."""
    if settings.database_url is None:
        return f"embedded PostgreSQL in {pgdata_in(settings.data_dir)}"
    return place_of(database.url)


def unreachable(database: Database, error: Exception) -> StartError:
    """Return what is said where nothing can be done without this database, and it isn't there."""
    place = place_of(database.url)
    return StartError(f"DOTSYNC_DATABASE_URL: {place} can't be used: {_reason(database, error)}.")


def _reason(database: Database, error: Exception) -> str:
    """Return why the database wasn't reached, in a line that holds no password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    line = said.partition("\n")[0].rstrip(".") or "no answer in time"
    return f"{without_password(line, database.url)} ({type(error).__name__})"


async def _bring_up(parts: Process, workers: "_Workers") -> None:
    database, settings = parts.database, parts.settings
    await database.open()
    if settings.migrate_at_start:
        await migrate(database.engine)
    await add_missing_jobs(database)
    if settings.bootstrap_api_key is not None:
        await ensure_bootstrap_key(database, settings.bootstrap_api_key.get_secret_value())
    await workers.start()
    parts.on_drain = workers.take_no_more
    log.info(
        "database_ready",
        database=shown_place(settings, database),
        schema=await current_revision(database.engine),
    )
    if not await has_keys(database):
        log.warning(
            "no_api_key_yet",
            to_make_one="set DOTSYNC_BOOTSTRAP_API_KEY, or run: "
            "python -m app create-key NAME --scopes admin",
        )
    parts.unready = None


class _Workers:
    """The scheduler and the queue's worker of this process, as its settings want them."""

    def __init__(self, parts: Process) -> None:
        self._parts = parts
        self._scheduler: Scheduler | None = None
        self._worker: QueueWorker | None = None
        self._working: asyncio.Task[None] | None = None
        self._upkeep: asyncio.Task[None] | None = None

    async def start(self) -> None:
        parts, settings = self._parts, self._parts.settings
        if settings.scheduler_enabled and self._scheduler is None:
            self._scheduler = Scheduler(parts.database, parts.clock, settings)
            await self._scheduler.start()
        if settings.worker_enabled and self._worker is None:
            self._worker = QueueWorker(
                parts.database,
                parts.engine.execute,
                heartbeat_timeout_s=settings.heartbeat_timeout_seconds,
            )
            self._working = asyncio.create_task(self._worker.run(), name="queue worker")
            self._upkeep = asyncio.create_task(
                Upkeep(
                    parts.database,
                    parts.clock,
                    keep_activities=days_kept(settings.activity_retention_days),
                ).run(),
                name="upkeep",
            )

    def take_no_more(self) -> None:
        """Leave what is queued to other replicas."""
        if self._worker is not None:
            self._worker.stop()

    async def stop(self) -> None:
        """Take no more work, let what is in hand reach its next checkpoint, and end."""
        if self._scheduler is not None:
            await self._scheduler.stop()
        self._parts.engine.stop()
        await cancelled(self._upkeep)
        if self._worker is not None and self._working is not None:
            self._worker.stop()
            try:
                async with asyncio.timeout(self._parts.seconds_to_stop()):
                    await self._parts.engine.drained()
                    await self._working
            except TimeoutError:
                log.warning("shutdown_cut_short", seconds=self._parts.settings.shutdown_seconds)
                await cancelled(self._working)
