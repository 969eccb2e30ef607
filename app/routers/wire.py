"""ASGI layers around every endpoint: what is counted, and answers that Starlette writes itself."""

from time import perf_counter

import orjson
import structlog
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge
from app.observability import Metrics
from app.routers.problem_handlers import MEDIA_TYPE, too_large_detail

log = structlog.get_logger(__name__)


class CountRequests:
    """Counts and times requests by route template, never by the path itself."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap the app."""
        self._app = app
        self._metrics = metrics

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
            self._metrics.requests.labels(scope["method"], route, str(status)).inc()
            self._metrics.request_seconds.labels(scope["method"], route).observe(took_s)
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
                body = self._body(scope)
                await send(
                    {
                        "type": "http.response.start",
                        "status": 413,
                        "headers": [
                            (b"content-type", MEDIA_TYPE.encode()),
                            (b"content-length", str(len(body)).encode()),
                            (b"connection", b"close"),
                        ],
                    }
                )
                await send({"type": "http.response.body", "body": body})
            elif not replaced:
                await send(message)

        await self._app(scope, receive, explained)

    def _body(self, scope: Scope) -> bytes:
        # A router may have a limit of its own, which Starlette notes here.
        limit = scope.get(MAX_BODY_SIZE_SCOPE_KEY, self._limit)
        detail = f"The file is over the limit of {limit} bytes: split it."
        return orjson.dumps(
            {
                "type": f"/problems/{TooLarge.slug}",
                "title": TooLarge.title,
                "status": 413,
                "detail": too_large_detail(limit) if limit == self._limit else detail,
                "instance": scope["path"],
            }
        )


def _is_bare_413(message: Message) -> bool:
    if message["status"] != 413:
        return False
    headers = {name.lower(): value for name, value in message["headers"]}
    return not headers.get(b"content-type", b"").startswith(MEDIA_TYPE.encode())
