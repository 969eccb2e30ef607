"""The places that tests work in: a clock, a database, the app, a sandbox, the shared documents.

Fixtures give places; the functions in ``tests/factories`` put things into them.
"""

import atexit
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest
import structlog
from fastapi import FastAPI
from pydantic import SecretStr

from app.db import Database, WriteSession
from app.settings import Settings
from tests import postgres
from tests.clock import FakeClock
from tests.running import running
from tests.shared import missing_reason, shared_path

#: The admin key that `api` carries.
ADMIN_KEY = "test-admin-key-0123456789abcdef0123456789"
#: Nothing listens there: a test that wants Dotdigital asks for `sandbox`.
NOWHERE = "http://127.0.0.1:9"

# What is imported stays, so the collector looks through ever more of it in vain meanwhile.
gc.disable()

_RUN_DIR = "DOTSYNC_TEST_RUN_DIR"
#: structlog's own, but with plain tracebacks: to draw a frame round one takes it a second.
_LOG = [
    *structlog.get_config()["processors"][:-1],
    structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
]

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of this run; workers of pytest-xdist get its name through the environment."""
    if hasattr(config, "workerinput"):
        return
    for left_over in postgres.abandoned_runs():
        postgres.end_run(left_over)
    run_dir = postgres.begin_run()
    # Not in pytest_unconfigure: the embedded server's own exit hook, later still, writes in there.
    atexit.register(postgres.end_run, run_dir)
    os.environ[_RUN_DIR] = str(run_dir)
    os.environ["XDG_RUNTIME_DIR"] = str(run_dir / "runtime")
    for name in [name for name in os.environ if name.startswith("DOTSYNC_")]:
        if not name.startswith(("DOTSYNC_TEST_", "DOTSYNC_SHARED", "DOTSYNC_REQUIRE_")):
            del os.environ[name]


def pytest_collection_finish() -> None:
    """Have the collector look through what tests make, and not through all that was imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)
    gc.enable()


@pytest.fixture(autouse=True)
def logs_of_its_own() -> Iterator[None]:
    """Let no test write its log where another one that has ended told it to."""
    structlog.configure(processors=_LOG)
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def run_dir() -> Path:
    """Give the folder that goes when the run ends."""
    return Path(os.environ[_RUN_DIR])


@pytest.fixture(scope="session")
def server_url(run_dir: Path) -> str:
    """Give the PostgreSQL server of this run: its ``postgres`` database, to connect to."""
    given = os.environ.get("DOTSYNC_TEST_DATABASE_URL")
    return given or postgres.start_embedded(run_dir / "postgres")


@pytest.fixture(scope="session")
def server(server_url: str) -> Iterator[postgres.Server]:
    """Give the server, to copy databases on."""
    server = postgres.Server(server_url)
    yield server
    server.close()


@pytest.fixture(scope="session")
def template(server_url: str, server: postgres.Server, run_dir: Path) -> Iterator[str]:
    """Give the name of the migrated database that every test gets a copy of."""
    name = postgres.run_name(run_dir)
    postgres.run_apart(postgres.make_template(server_url, name))
    yield name
    if "PYTEST_XDIST_WORKER" not in os.environ:
        server.drop(name)


@pytest.fixture
def database_url(server: postgres.Server, template: str) -> Iterator[str]:
    """Give the URL of a fresh, migrated and empty database."""
    with server.copy(template) as url:
        yield url


@pytest.fixture
def unmigrated_url(server: postgres.Server) -> Iterator[str]:
    """Give the URL of a fresh database in which nothing was migrated."""
    with server.copy("template0") as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Give a fresh database, opened."""
    database = Database(database_url, pool_size=5)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def session(database: Database) -> AsyncIterator[WriteSession]:
    """Give a session; what the test did not commit itself is committed when it ends."""
    async with database.writing() as session:
        yield session


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that passes only when somebody sleeps on it or moves it."""
    return FakeClock()


@pytest.fixture
def settings(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Settings:
    """Give settings for the fresh database, with scheduler and worker off.

    Dotdigital is the sandbox where the test asks for one, else a port where nothing listens.
    """
    wants_sandbox = "sandbox" in request.fixturenames
    return Settings(
        _env_file=None,
        database_url=database_url,
        database_pool_size=5,
        data_dir=tmp_path,
        bootstrap_api_key=SecretStr(ADMIN_KEY),
        discovery_url=request.getfixturevalue("sandbox").url if wants_sandbox else NOWHERE,
        allowed_hosts=("127.0.0.1", "localhost"),
        scheduler_enabled=False,
        worker_enabled=False,
    )


@pytest.fixture
async def app(settings: Settings, clock: FakeClock) -> AsyncIterator[FastAPI]:
    """Give the service, started, on the fresh database and the fake clock."""
    from app.main import create_app  # noqa: PLC0415 - what needs no app runs without it

    async with running(create_app(settings, clock=clock)) as app:
        yield app


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service that carries no key."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://dotsync") as client:
        yield client


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service that carries an admin key."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://dotsync",
        headers={"Authorization": f"Bearer {ADMIN_KEY}"},
    ) as client:
        yield client


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Give the folder with the vendor's documents; skips, or fails where they are required."""
    if reason := missing_reason():
        if os.environ.get("DOTSYNC_REQUIRE_SHARED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return shared_path()


@pytest.fixture
async def sandbox() -> AsyncIterator[object]:
    """Give a stand-in Dotdigital of this test's own, over real sockets."""
    from sandbox.server import running_sandbox  # noqa: PLC0415 - what calls nobody needs none

    async with running_sandbox() as sandbox:
        yield sandbox
