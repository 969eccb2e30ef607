"""The embedded Postgres as our processes meet it: twice at once, after a crash, as root."""

import asyncio
import contextlib
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.db import asyncpg_arguments
from tests import postgres
from tests.shared import ROOT

#: Starts or joins the server, says where it is, and leaves when its input closes.
HOLD = """
    import sys
    from pathlib import Path
    from app.embedded_postgres import embedded_postgres
    from app.observability import configure_logging

    configure_logging("console", "info")
    print(embedded_postgres(Path(sys.argv[1])), flush=True)
    sys.stdin.read()
"""


class Holder:
    """A process that uses the server of a folder."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    @classmethod
    async def start(cls, data_dir: Path) -> "Holder":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            textwrap.dedent(HOLD),
            str(data_dir),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        if line := await process.stdout.readline():
            return cls(process, line.decode().strip())
        raise AssertionError((await process.communicate())[1].decode())

    async def leave(self) -> None:
        await self.process.communicate(b"")

    async def die(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def query(self, statement: str) -> object:
        connection = await asyncpg.connect(**asyncpg_arguments(self.url))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@pytest.fixture
async def data_dir(run_dir: Path, request: pytest.FixtureRequest) -> AsyncIterator[Path]:
    """Give a folder without a server in it; what is left of one is stopped."""
    folder = run_dir / f"embedded-{os.getpid()}-{abs(hash(request.node.nodeid))}"
    yield folder
    postgres.stop_embedded(folder / "postgres")


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


async def gone(pid: int) -> None:
    """Wait until the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            await asyncio.sleep(0.01)


async def test_two_processes_share_a_server_that_ends_with_the_second(data_dir: Path) -> None:
    first, second = await asyncio.gather(Holder.start(data_dir), Holder.start(data_dir))
    assert first.url == second.url
    server = postmaster(data_dir)

    await first.leave()
    assert await second.query("SELECT 7") == 7

    await second.leave()
    await asyncio.wait_for(gone(server), 10)


async def test_server_comes_back_after_a_crash_with_what_was_committed(data_dir: Path) -> None:
    holder = await Holder.start(data_dir)
    await holder.query("CREATE TABLE kept AS SELECT 7 AS n")
    crashed = postmaster(data_dir)
    os.kill(crashed, signal.SIGKILL)
    await holder.die()
    await asyncio.wait_for(gone(crashed), 10)
    assert postmaster(data_dir) == crashed, "a crash leaves its pid file behind"

    holder = await Holder.start(data_dir)
    assert await holder.query("SELECT n FROM kept") == 7
    await holder.leave()


async def test_server_comes_back_where_its_process_id_is_another_process_now(
    data_dir: Path,
) -> None:
    """So it is in a container that restarts: process ids begin at 1 again."""
    holder = await Holder.start(data_dir)
    crashed = postmaster(data_dir)
    os.kill(crashed, signal.SIGKILL)
    await holder.die()
    await asyncio.wait_for(gone(crashed), 10)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(crashed), str(os.getpid()), 1))

    holder = await Holder.start(data_dir)
    assert await holder.query("SELECT 7") == 7
    await holder.leave()


async def test_server_ends_with_its_last_process_after_another_was_killed(data_dir: Path) -> None:
    killed = await Holder.start(data_dir)
    await killed.die()
    holder = await Holder.start(data_dir)
    server = postmaster(data_dir)
    await holder.leave()
    await asyncio.wait_for(gone(server), 10)


async def test_server_that_does_not_start_is_told_of_in_a_line(data_dir: Path) -> None:
    holder = await Holder.start(data_dir)
    await holder.leave()
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(AssertionError) as caught:
        await Holder.start(data_dir)
    told = str(caught.value).strip().splitlines()
    assert told[-1].startswith("app.start_errors.StartError: DOTSYNC_DATA_DIR: the embedded")
    assert "pg_control" in told[-1]
    assert not [line for line in told if line.startswith(("ERROR ", "Failed"))], told
