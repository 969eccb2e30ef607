"""ASGI layers around every endpoint: what is counted, and answers that Starlette writes itself."""

from time import perf_counter

import structlog
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge
from app.observability import Metrics
from app.routers.problem_handlers import MEDIA_TYPE, render, too_large_detail

log = structlog.get_logger(__name__)


class CountRequests:
    """Counts and times requests by route template, never by the path itself."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, logs: bool) -> None:
        """Wrap the app; ``logs`` writes a line a request, at debug level."""
        self._app = app
        self._metrics = metrics
        self._logs = logs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            took_s = perf_counter() - started
            self._metrics.count_request(scope["method"], route, status, took_s)
            if self._logs:
                log.debug(
                    "request_answered",
                    method=scope["method"],
                    route=route,
                    status=status,
                    duration_s=round(took_s, 4),
                )


class ExplainTooLarge:
    """Gives the 413 that Starlette writes as plain text the shape of all other problems."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        """Wrap the app."""
        self._app = app
        self._limit = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with a 413's body replaced."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        replaced = False

        async def explained(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_bare_413(message):
                replaced = True
                answer = render(Request(scope), self._problem(scope))
                await answer(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, explained)

    def _problem(self, scope: Scope) -> TooLarge:
        # A router may have a limit of its own, which Starlette notes here.
        limit = scope.get(MAX_BODY_SIZE_SCOPE_KEY, self._limit)
        detail = f"The file is over the limit of {limit} bytes: split it."
        return TooLarge(
            too_large_detail(limit) if limit == self._limit else detail,
            headers={"Connection": "close"},
        )


def _is_bare_413(message: Message) -> bool:
    if message["status"] != 413:
        return False
    headers = {name.lower(): value for name, value in message["headers"]}
    return not headers.get(b"content-type", b"").startswith(MEDIA_TYPE.encode())
