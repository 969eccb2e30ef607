"""Serves the app with uvicorn: listens, says where, drains when it is asked to stop, and ends."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Sequence
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from app.listening import bound_sockets, url_of, why_not
from app.main import Parts, create_app
from app.settings import Settings
from app.start_errors import StartError

log = structlog.get_logger(__name__)

_LOOKS_EVERY_S = 0.1


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; raises StartError where the service can't be started."""
    with contextlib.ExitStack() as closing:
        sockets = [closing.enter_context(each) for each in bound_sockets(host, port)]
        log.info("service_starts", url=url_of(sockets, host))
        _run(settings, host, port, sockets)
    log.info("service_stopped")


def _run(settings: Settings, host: str, port: int, sockets: list[socket.socket]) -> None:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        # It is entered below: what it raises is ours to show.
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=max(int(settings.shutdown_seconds), 1),
        server_header=False,
    )
    server = _Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(app, server, sockets))


async def _serve(app: FastAPI, server: "_Server", sockets: list[socket.socket]) -> None:
    # Signals are caught from the first moment on: whoever stops a service that is still starting
    # has it stopped in good order too.
    with server.capture_signals():
        async with app.router.lifespan_context(app):
            await server.serve(sockets=sockets)


class _Server(uvicorn.Server):
    """uvicorn's server, but one that drains first, and has not failed when it was asked to stop."""

    _drains = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._parts is not None:
            self._parts.drain()
        # Whoever presses Ctrl-C waits for nobody, nor whoever asks again.
        self._drains = sig == signal.SIGTERM and not self.should_exit
        super().handle_exit(sig, frame)
        # It would raise them again once it has stopped, and end the process by the signal.
        self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        host, port = self.config.host, self.config.port
        try:
            await super().startup(sockets)
        except OSError as error:
            raise StartError(why_not(host, port, error)) from error
        self._say_where(sockets or ())

    def _say_where(self, sockets: Sequence[socket.socket]) -> None:
        url = url_of(sockets, self.config.host)
        log.info("service_listens", url=url, docs=f"{url}/docs")
        if self._parts is not None and self._parts.unready is None:
            log.info("service_ready", stops_with="Ctrl-C")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on answering for a while, then close connections, all in the time there is."""
        if (parts := self._parts) is not None:
            log.info("service_stops", within_seconds=parts.seconds_to_stop())
            until = parts.clock.monotonic() + parts.settings.drain_seconds
            while self._drains and parts.clock.monotonic() < until and parts.seconds_to_stop() > 1:
                await parts.clock.sleep(_LOOKS_EVERY_S)
            self.config.timeout_graceful_shutdown = max(int(parts.seconds_to_stop()), 1)
        await super().shutdown(sockets)

    @property
    def _parts(self) -> Parts | None:
        return getattr(self.config.app.state, "parts", None)  # type: ignore[union-attr]
