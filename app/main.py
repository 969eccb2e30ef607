"""The composition root: builds the process's parts, wires them, and takes them down again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version

import asyncpg
import structlog
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.types import ASGIApp

from app.clients.dotdigital import CallRecord, Transport
from app.clock import Clock, SystemClock
from app.db import Database, database_url, migrate
from app.observability import Metrics, configure_logging
from app.routers import docs, health, problem_handlers, routes
from app.routers.dependencies import Parts
from app.routers.wire import CountRequests, ExplainTooLarge
from app.services.api_keys import KeyRing, ensure_bootstrap_key
from app.services.cipher import CredentialsCipher, key_kept_in
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings
from app.sync.engine import Engine
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.queue import QueueWorker
from app.sync.rate_buckets import PostgresBucketStore
from app.sync.schedule import Scheduler
from app.sync.upkeep import Upkeep

__all__ = ["Parts", "create_app", "running_parts"]

log = structlog.get_logger(__name__)

_RETRY_START_S = 2.0
#: What a database that is not there yet raises while the service starts.
_NOT_THERE_YET = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError)

DESCRIPTION = """
Keeps people, mailing lists and field mappings in step with Dotdigital. Click **Authorize** and
paste an API key; then make an account (`POST /v1/accounts`), fill in people, and trigger a job
(`POST /v1/jobs/{job}/runs`). Errors are `application/problem+json`; each says what to do.
"""


class _Service(FastAPI):
    """FastAPI whose own answer to a body over the limit is a problem like any other."""

    def build_middleware_stack(self) -> ASGIApp:
        """Stand outside of FastAPI's limit, which stands outside of every middleware added."""
        return ExplainTooLarge(super().build_middleware_stack(), self.max_body_size or 0)


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """Return the service; everything that connects anywhere waits for its lifespan."""
    settings = settings or Settings()
    clock = clock or SystemClock()
    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running_parts(settings, clock, metrics) as parts:
            app.state.parts = parts
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(_brought_up(parts))
                yield

    app = _Service(
        title="dotsync",
        version=_version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        max_body_size=settings.max_body_bytes,
    )
    app.add_middleware(CountRequests, metrics=metrics, logs=settings.log_level == "debug")
    problem_handlers.install(app)
    routes.include_all(app, max_import_bytes=settings.max_import_bytes)
    docs.mount_assets(app)
    docs.describe_problems(app)
    routes.include(app, docs.router)
    routes.include(app, health.router)
    return app


def _version() -> str:
    try:
        return version("dotsync")
    except PackageNotFoundError:
        return "0.1.0"


@contextlib.asynccontextmanager
async def running_parts(settings: Settings, clock: Clock, metrics: Metrics) -> AsyncIterator[Parts]:
    """Build the process's parts and take them down at the end; connects to nothing by itself."""
    configure_logging(settings.log_format, settings.log_level)
    database = Database(await database_url(settings), pool_size=settings.database_pool_size)
    cipher = CredentialsCipher(settings.credentials_keys or [key_kept_in(settings.data_dir)])
    transport = Transport(allowed_hosts=settings.allowed_hosts)

    def count_call(account_id: int | None, record: CallRecord) -> None:
        call = f"{record.method} {record.path}"
        metrics.dotdigital_calls.labels(
            str(account_id or "none"), record.scope or "unknown", call, str(record.status or "none")
        ).inc()
        metrics.dotdigital_seconds.labels(call).observe(record.duration_s)

    connector = DotdigitalConnector(
        transport, PostgresBucketStore(database, clock), cipher, clock, settings, count_call
    )
    engine = Engine(
        database=database,
        clock=clock,
        settings=settings,
        connector=connector,
        jobs=JOB_FUNCTIONS,
        on_finished=lambda job, status: metrics.runs.labels(job, status).inc(),
    )
    parts = Parts(
        settings=settings,
        clock=clock,
        database=database,
        keys=KeyRing(database, clock),
        connector=connector,
        engine=engine,
        metrics=metrics,
    )
    try:
        yield parts
    finally:
        await transport.aclose()
        await database.close()


@contextlib.asynccontextmanager
async def _brought_up(parts: Parts) -> AsyncIterator[None]:
    """Connect, migrate and start the workers; where Postgres isn't there yet, go on trying.

    Meanwhile the service answers: 503, and /readyz says why.
    """
    workers = _Workers(parts)
    try:
        await _bring_up(parts, workers)
        trying = None
    except _NOT_THERE_YET as error:
        log.warning("database_not_there_yet", error=type(error).__name__)
        parts.unready = "the database was not reached yet"
        trying = asyncio.create_task(_keep_trying(parts, workers), name="bring up")
    try:
        yield
    finally:
        parts.drain()
        await _cancelled(trying)
        await workers.stop()


async def _keep_trying(parts: Parts, workers: "_Workers") -> None:
    while True:
        await parts.clock.sleep(_RETRY_START_S)
        try:
            await _bring_up(parts, workers)
        except _NOT_THERE_YET as error:
            log.warning("database_not_there_yet", error=type(error).__name__)
        else:
            return


async def _bring_up(parts: Parts, workers: "_Workers") -> None:
    await parts.database.open()
    if parts.settings.migrate_at_start:
        await migrate(parts.database.engine)
    if parts.settings.bootstrap_api_key is not None:
        await ensure_bootstrap_key(
            parts.database, parts.settings.bootstrap_api_key.get_secret_value()
        )
    await workers.start()
    parts.on_drain = workers.take_no_more
    parts.unready = None


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    """Cancel the task, if there is one, and wait until it is over."""
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class _Workers:
    """The scheduler and the queue's worker of this process, as its settings want them."""

    def __init__(self, parts: Parts) -> None:
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
                Upkeep(parts.database, parts.clock).run(), name="upkeep"
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
        await _cancelled(self._upkeep)
        if self._worker is not None and self._working is not None:
            self._worker.stop()
            try:
                async with asyncio.timeout(self._parts.seconds_to_stop()):
                    await self._parts.engine.drained()
                    await self._working
            except TimeoutError:
                log.warning("shutdown_cut_short", seconds=self._parts.settings.shutdown_seconds)
                await _cancelled(self._working)
