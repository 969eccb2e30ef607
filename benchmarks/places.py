"""The places that a benchmark works in: an embedded Postgres, databases in it, sandbox, service."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.db import Database, asyncpg_arguments, ensure_database, migrate, with_database
from app.embedded_postgres import embedded_postgres
from benchmarks.processes import MeasuringError, free_port, running, until_ready

_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running sandbox."""

    url: str
    username: str
    password: str
    process: Process


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, and a key that may do everything."""

    port: int
    key: str
    process: Process


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL of the benchmark's own in this folder; gives its URL."""
    try:
        yield embedded_postgres(folder)
    finally:
        _stop(folder / "postgres" / "postmaster.pid")


def _stop(pid_file: Path) -> None:
    """Stop it at once: what it holds is thrown away."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that is gone at the end, even where a server still lets go of its files."""
    folder = Path(tempfile.mkdtemp(prefix="dotsync-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open a database as the service does."""
    database = Database(url, pool_size=10)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def fresh_database(server_url: str, name: str) -> str:
    """Make a migrated, empty database; return its URL."""
    await drop_database(server_url, name)
    url = await ensure_database(server_url, name)
    database = Database(url, pool_size=2)
    try:
        await migrate(database.engine)
    finally:
        await database.close()
    return url


async def copied_database(server_url: str, template: str, name: str) -> str:
    """Make a database that is the copy of another one, which nobody is in; return its URL."""
    await drop_database(server_url, name)
    await administer(
        server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'
    )
    return with_database(server_url, name)


async def drop_database(server_url: str, name: str) -> None:
    """Drop this database, whoever is in it."""
    await administer(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def administer(server_url: str, statement: str) -> None:
    """Run a statement on the server, outside of any database of ours."""
    connection = await asyncpg.connect(**asyncpg_arguments(server_url))
    try:
        await connection.execute(statement, timeout=600)
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def sandbox() -> AsyncIterator[StandIn]:
    """Run a sandbox as a process of its own; limits are off."""
    async with running("-m", "sandbox", "--port", "0") as process:
        told: dict[str, str] = {}
        async with asyncio.timeout(_STARTS_WITHIN_S):
            while "control" not in told and process.stdout is not None:
                line = await process.stdout.readline()
                if not line:
                    raise MeasuringError(f"the sandbox ended with {await process.wait()}")
                name, _, value = line.decode().partition(":")
                told[name.strip()] = value.strip()
        url = told["r1"].rstrip("/")
        yield StandIn(url, told["username"], told["password"], process)


def service_settings(url: str, data_dir: Path) -> dict[str, str]:
    """Return the settings of a service on this database; all others are as they come."""
    return {
        "DATABASE_URL": url,
        "DATA_DIR": str(data_dir),
        "ALLOWED_HOSTS": "127.0.0.1",
        # Nobody is asked, and nothing listens there.
        "DISCOVERY_URL": "http://127.0.0.1:9",
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "warning",
        "DRAIN_SECONDS": "0",
    }


@contextlib.asynccontextmanager
async def service(
    url: str, data_dir: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Service]:
    """Run ``python -m app serve`` on a database until the end; ready when it is given."""
    port, key = free_port(), secrets.token_urlsafe(24)
    given = {
        **service_settings(url, data_dir),
        "PORT": str(port),
        "BOOTSTRAP_API_KEY": key,
        **(settings or {}),
    }
    async with running("-m", "app", "serve", settings=given) as process:
        await until_ready(process, port)
        yield Service(port, key, process)
