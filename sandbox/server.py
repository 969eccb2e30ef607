"""Serves a sandbox on loopback: three ports, one a region, from one process.

`running_sandbox` for tests, which want one of their own within milliseconds; `serve` for everybody
else, see ``python -m sandbox``.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.sandbox import PASSWORD, USERNAME, Sandbox
from sandbox.state import REGIONS, Account, World
from sandbox.wire import TRANSPORT

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that listens, and everything a test wants of it."""

    sandbox: Sandbox
    control: Control
    username: str = USERNAME
    password: str = PASSWORD

    @property
    def account(self) -> Account:
        """The default account."""
        return self.control.account()

    @property
    def url(self) -> str:
        """The r1 host, where discovery asks."""
        return self.sandbox.hosts["r1"]

    @property
    def urls(self) -> dict[str, str]:
        """Each region's host."""
        return self.sandbox.hosts

    @property
    def state(self) -> World:
        """The world, to be looked at and changed at will."""
        return self.sandbox.world


class _BreakableProtocol(HttpToolsProtocol):
    """HTTP that leaves its transport in reach, for faults to break the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {TRANSPORT: self.transport}
        self.scope["extensions"] = extensions


@contextlib.asynccontextmanager
async def running_sandbox(*, region: str = "r1", port: int = 0) -> AsyncIterator[RunningSandbox]:
    """Serve a fresh sandbox with one account, which lives in this region.

    The regions' ports are the given one and the two after it, or any that are free.
    """
    with contextlib.ExitStack() as unless_all_listen:
        sockets = {
            name: unless_all_listen.enter_context(_listening(port + index if port else 0))
            for index, name in enumerate(REGIONS)
        }
        unless_all_listen.pop_all()
    ports = {name: listening.getsockname()[1] for name, listening in sockets.items()}
    sandbox = Sandbox({name: f"http://{LOOPBACK}:{number}" for name, number in ports.items()})
    sandbox.add_default_account(region)
    wire = create_app(sandbox, region_of_port={number: name for name, number in ports.items()})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Who is still waiting when the sandbox stops goes without an answer, and without a word.
        with contextlib.suppress(asyncio.CancelledError):
            await wire(scope, receive, send)

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=_BreakableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=60,
        )
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(list(sockets.values()))
    try:
        yield RunningSandbox(sandbox, Control(sandbox))
    finally:
        await _stop(server)
        await sandbox.world.close()


async def serve(port: int) -> None:
    """Serve a sandbox until the task is cancelled; announces where it is and who may come in."""
    async with running_sandbox(port=port) as running:
        lines = [
            "A stand-in for Dotdigital listens. It is not the real service.",
            *(f"  {region}: {url}/" for region, url in running.urls.items()),
            f"  username: {running.username}",
            f"  password: {running.password}",
            f"  control:  {running.url}/_sandbox",
        ]
        print("\n".join(lines), flush=True)  # noqa: T201 - a command tells what it does
        await asyncio.Event().wait()


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
    except OSError:
        listening.close()
        raise
    return listening


async def _stop(server: uvicorn.Server) -> None:
    """Stop at once: uvicorn's own way waits a tenth of a second for each test."""
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.close()
    await asyncio.sleep(0)
    for task in list(server.server_state.tasks):
        task.cancel()
    await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
    for listening in server.servers:
        await listening.wait_closed()
