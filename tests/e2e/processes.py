"""Replicas of the service as processes of their own, to be killed."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.shared import ROOT


@dataclass(slots=True)
class ReplicaProcess:
    """One ``python -m app serve``."""

    process: asyncio.subprocess.Process
    url: str

    async def ready(self) -> None:
        """Wait until it answers that it is ready."""
        async with httpx.AsyncClient(base_url=self.url) as client, asyncio.timeout(30):
            while True:
                assert self.process.returncode is None, "the replica ended"
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 30)


@contextlib.asynccontextmanager
async def serving(data_dir: Path, settings: Mapping[str, str]) -> AsyncIterator[ReplicaProcess]:
    """Start a replica with these settings (without their prefix); it is gone at the end."""
    port = _free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith("DOTSYNC_")}
    given = {
        "DATA_DIR": str(data_dir),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_LEVEL": "warning",
        "DRAIN_SECONDS": "0",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        "serve",
        cwd=ROOT,
        env={**own, **{f"DOTSYNC_{name}": value for name, value in given.items()}},
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        yield ReplicaProcess(process, f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
