"""The processes that the demo needs: a stand-in Dotdigital and the service, both on loopback."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

_READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.1


class DidNotStartError(Exception):
    """A process ended before it was ready; its last words are the text."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The sandbox, and who may call it."""

    url: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Service:
    """The service, and the key to it."""

    url: str
    key: str


@contextlib.asynccontextmanager
async def sandbox_process() -> AsyncIterator[StandIn]:
    """Run the sandbox; it announces where it is and who may come in."""
    async with _process([sys.executable, "-m", "sandbox", "--port", "0"], {}) as process:
        told = await _announcement(process)
        yield StandIn(told["r1"].rstrip("/"), told["username"], told["password"])


@contextlib.asynccontextmanager
async def service_process(data_dir: Path, discovery_url: str) -> AsyncIterator[Service]:
    """Run the service on an embedded Postgres of its own, made anew."""
    _make_anew(data_dir)
    port, key = _free_port(), secrets.token_urlsafe(24)
    environment = {
        "DOTSYNC_DATA_DIR": str(data_dir),
        "DOTSYNC_BOOTSTRAP_API_KEY": key,
        "DOTSYNC_DISCOVERY_URL": discovery_url,
        "DOTSYNC_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DOTSYNC_HOST": "127.0.0.1",
        "DOTSYNC_PORT": str(port),
        "DOTSYNC_LOG_LEVEL": "warning",
        "DOTSYNC_DRAIN_SECONDS": "0",
    }
    arguments = [sys.executable, "-m", "app", "serve"]
    async with _process(arguments, environment) as process:
        service = Service(f"http://127.0.0.1:{port}", key)
        await _until_ready(process, service.url)
        yield service


@contextlib.asynccontextmanager
async def _process(
    arguments: list[str], environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("DOTSYNC_")}
    process = await asyncio.create_subprocess_exec(
        *arguments,
        env={**own, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(30):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _announcement(process: asyncio.subprocess.Process) -> dict[str, str]:
    """Read ``name: value`` lines up to the last one, which is about control."""
    told: dict[str, str] = {}
    async with asyncio.timeout(_READY_WITHIN_S):
        while "control" not in told and process.stdout is not None:
            line = await process.stdout.readline()
            if not line:
                raise DidNotStartError(f"the sandbox ended with {await process.wait()}")
            name, _, value = line.decode().partition(":")
            told[name.strip()] = value.strip()
    return told


async def _until_ready(process: asyncio.subprocess.Process, url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(_READY_WITHIN_S):
        while True:
            if process.returncode is not None:
                raise DidNotStartError(f"the service ended with {process.returncode}")
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(_LOOK_EVERY_S)


def _make_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
