"""The composition root: builds the process's parts, wires them, and takes them down again."""

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.clients.dotdigital import CallRecord, Transport
from app.clock import Clock, SystemClock
from app.data_dir import check_data_dir
from app.db import Database, database_url
from app.lifetime import brought_up
from app.observability import Metrics, configure_logging
from app.routers import docs, health, problem_handlers, routes
from app.routers.dependencies import Parts
from app.routers.wire import CountRequests, ExplainTooLarge
from app.services.api_keys import KeyRing
from app.services.cipher import CredentialsCipher, key_kept_in
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings
from app.start_errors import StartError
from app.sync.engine import Engine
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.rate_buckets import PostgresBucketStore

__all__ = ["Parts", "create_app", "running_parts"]

DESCRIPTION = """
Keeps people, mailing lists and field mappings in step with Dotdigital. Click **Authorize** and
paste an API key; then make an account (`POST /v1/accounts`), fill in people, and trigger a job
(`POST /v1/jobs/{job}/runs`). Errors are `application/problem+json`; each says what to do.

A key has scopes, and each operation names the one it needs. `read` looks at everything but keys;
`write` changes what is kept here: people, lists, members, mappings; `sync` has it act on
Dotdigital: runs, schedules, start and stop, retries; `admin` may do all of that, and change
accounts and keys.
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
                await stack.enter_async_context(brought_up(parts))
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
    docs.complete_document(app)
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
    cipher = _cipher(settings)
    database = Database(await database_url(settings), pool_size=settings.database_pool_size)
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


def _cipher(settings: Settings) -> CredentialsCipher:
    if settings.credentials_keys:
        return CredentialsCipher(settings.credentials_keys)
    check_data_dir(settings.data_dir)
    try:
        return CredentialsCipher([key_kept_in(settings.data_dir)])
    except (OSError, ValueError) as error:
        raise StartError(
            f"DOTSYNC_DATA_DIR: the key of the credentials, {settings.data_dir.absolute()}/"
            f"credentials.key, can't be read: {error}. Put back the one that was there, or write "
            "it into DOTSYNC_CREDENTIALS_KEYS; without it every account needs its password anew."
        ) from error
