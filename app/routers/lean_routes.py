"""Lean routes: the shortest way to the busiest endpoints.

FastAPI looks each path up twice, opens exit stacks and works every parameter out anew, which takes
longer than the statement behind it. A lean route stands before FastAPI's own for the same verb and
path, answers what is plain, and leaves all else to that one, as it does the documents.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import HTTPException, Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from app.routers.dependencies import KeyWithScope
from app.routers.json_bodies import read_json
from app.services.api_keys import Caller

Body = TypeVar("Body", bound=BaseModel)
#: Returns the answer; None where the request isn't plain, for FastAPI's way.
LeanEndpoint = Callable[[Caller, Request], Awaitable[Response | None]]

_LEFT_TO_FASTAPI = "dotsync.left_to_fastapi"


class LeanRoute(Route):
    """One verb of one path, for callers whose key has this scope."""

    def __init__(self, method: str, path: str, scope: str, endpoint: LeanEndpoint) -> None:
        """Take what to answer; the documents show FastAPI's own route."""
        super().__init__(path, endpoint, include_in_schema=False)
        # Not HEAD along with GET: FastAPI's route doesn't have it either.
        self.methods = {method}
        self._method = method
        self._endpoint = endpoint
        self._caller_of = KeyWithScope(scope)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match its own verb alone, and nothing that was left to FastAPI."""
        if scope["type"] != "http" or scope["method"] != self._method or _LEFT_TO_FASTAPI in scope:
            return Match.NONE, {}
        match, found = super().matches(scope)
        return match, {**found, "route": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or start over on FastAPI's way."""
        request = Request(scope, receive)
        try:
            response = await self._endpoint(await self._caller_of(request), request)
            if response is None:
                scope[_LEFT_TO_FASTAPI] = True
                again = _again(await request.body(), receive)
                await scope["router"](scope, again, send)
                return
        except ClientDisconnect as error:
            raise HTTPException(400, "The body ended early.") from error
        await response(scope, receive, send)


async def plain_body(request: Request, shape: type[Body]) -> Body | None:
    """Return the body, validated; None where it isn't valid JSON, or more than it was sent.

    FastAPI's way says what is wrong, or looks at the rest.
    """
    headers = request.headers
    if (
        request.scope["query_string"]
        or "idempotency-key" in headers
        or headers.get("content-type", "").partition(";")[0] != "application/json"
    ):
        return None
    try:
        return shape.model_validate(read_json(await request.body()))
    except (ValueError, RecursionError):
        return None


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what hands out a body that was read, and after it whatever comes."""
    parts = [body]

    async def receive_again() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return await receive()

    return receive_again
