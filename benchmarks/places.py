"""The places that a benchmark works in: an embedded Postgres, databases in it, a sandbox."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from app.db import Database, asyncpg_arguments, embedded_postgres, ensure_database, migrate


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running sandbox."""

    url: str
    username: str
    password: str
    process: asyncio.subprocess.Process


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a PostgreSQL of the benchmark's own; gives its URL."""
    with TemporaryDirectory(prefix="dotsync-bench-") as folder:
        yield embedded_postgres(Path(folder))


async def fresh_database(server_url: str, name: str) -> Database:
    """Make a migrated, empty database; return it opened."""
    connection = await asyncpg.connect(**asyncpg_arguments(server_url))
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.close()
    database = Database(await ensure_database(server_url, name), pool_size=10)
    await migrate(database.engine)
    await database.open()
    return database


@contextlib.asynccontextmanager
async def sandbox() -> AsyncIterator[StandIn]:
    """Run a sandbox as a process of its own; limits are off."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    told = ""
    while "control" not in told and process.stdout is not None:
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sandbox ended with {await process.wait()}")
        told += line.decode()
    found = {name: re.search(rf"{name}:\s+(\S+)", told) for name in ("r1", "username", "password")}
    r1, username, password = (match[1] if match else "" for match in found.values())
    try:
        yield StandIn(r1.rstrip("/"), username, password, process)
    finally:
        process.terminate()
        await process.wait()


def resident_mib() -> float:
    """Return the most memory that this process has had, in MiB."""
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+)", status)
    return int(peak[1]) / 1024 if peak else 0.0
