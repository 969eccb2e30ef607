"""Processes that are measured or that measure: started by us, ended by us, bounded in time."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_MOST_S = 3600.0
_ENDS_WITHIN_S = 40.0


class MeasuringError(Exception):
    """A figure could not be measured; its text says why."""


@contextlib.asynccontextmanager
async def running(
    *arguments: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Run ``python arguments...`` with these settings and no others; it is gone at the end."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("DOTSYNC_")
    }
    given = {f"DOTSYNC_{name}": value for name, value in (settings or {}).items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**inherited, **given},
        stdin=DEVNULL,
        stdout=PIPE,
        limit=16 * 1024 * 1024,
    )
    try:
        yield process
    finally:
        await _ended(process)


async def _ended(process: Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_ENDS_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def told_by(*arguments: str) -> Any:  # noqa: ANN401 - JSON
    """Run ``python arguments...`` to its end; return the JSON that it prints."""
    async with running(*arguments) as process, asyncio.timeout(_MOST_S):
        told, _ = await process.communicate()
    if process.returncode:
        raise MeasuringError(f"{arguments[1]} ended with {process.returncode}")
    return json.loads(told)


async def until_ready(process: Process, port: int, path: str = "/readyz") -> None:
    """Wait until the process answers 200 there."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 60
    while not await _answers_200(port, path):
        if process.returncode is not None:
            raise MeasuringError(f"the service ended with {process.returncode}")
        if loop.time() > end:
            raise MeasuringError("the service was not ready within a minute")
        await asyncio.sleep(0.01)


async def _answers_200(port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time that a process has had; None where the system doesn't show it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name may hold anything, but it ends with the last bracket.
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid: int) -> float | None:
    """Return the most resident memory that a process has had, in MiB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    peak = re.search(r"VmHWM:\s+(\d+)", status)
    return int(peak[1]) / 1024 if peak else None


def difference(after: float | None, before: float | None) -> float | None:
    """Return what went by between two readings, where there are any."""
    return None if after is None or before is None else after - before
