"""The route class behind every POST: a request repeated under its Idempotency-Key is done once.

The answer is kept in the endpoint's own transaction, so effect and memory stand or fall together.
"""

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.db import PoolConnection, raw_connection
from app.errors import Conflict, Invalid
from app.routers.dependencies import Parts, parts_of
from app.services import idempotency
from app.services.api_keys import Caller, hash_of
from app.services.idempotency import Answer, TakenMeanwhile

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_HEADER = "Idempotency-Key"
_MAX_KEY = 200
#: Members of an answer that are made anew when it is replayed.
_NOT_KEPT = frozenset({"content-length", "date", "server"})


class IdempotentRoute(APIRoute):
    """An APIRoute whose POSTs honour Idempotency-Key."""

    #: Whether the body is part of what tells requests apart; a streamed one can't be.
    hashes_body = True

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's own handler."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get(_HEADER)
            if request.method != "POST" or key is None:
                return await inner(request)
            if not 1 <= len(key) <= _MAX_KEY or not key.isprintable():
                raise Invalid.at(
                    f"/header/{_HEADER}", f"A key has 1 to {_MAX_KEY} printable characters."
                )
            return await self._answer_once(request, key, inner)

        return handle

    async def _answer_once(self, request: Request, key: str, inner: Handler) -> Response:
        parts = parts_of(request)
        body = await request.body() if self.hashes_body else b""
        target = f"{request.url.path}?{request.url.query}"
        wanted = idempotency.request_hash(request.method, target, body)
        caller = await _caller_of(request, parts)
        if caller is not None:
            async with parts.database.pool.acquire() as connection:
                kept = await idempotency.recall(
                    connection, caller.key_id, key, wanted, parts.clock.now()
                )
            if kept is not None:
                return _replayed(kept)
            request.state.idempotency = (caller.key_id, key, wanted)
        response = await inner(request)
        # Whoever gets as far as an answer of the endpoint's own is a caller that is known.
        if caller is not None and response.status_code < 400 and hasattr(response, "body"):
            await _keep(request, parts, caller, key, wanted, response)
        return response


class StreamedIdempotentRoute(IdempotentRoute):
    """The same for a body that is too long to be held."""

    hashes_body = False


async def _caller_of(request: Request, parts: Parts) -> Caller | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hash_of(token):
        return None
    return await parts.keys.authenticate(token)


async def _keep(
    request: Request, parts: Parts, caller: Caller, key: str, wanted: bytes, response: Response
) -> None:
    headers = {
        name: value for name, value in response.headers.items() if name.lower() not in _NOT_KEPT
    }
    answer = Answer(response.status_code, headers, bytes(response.body))
    now = parts.clock.now()
    connection = await _written_on(request)
    if connection is not None:
        # Raises for the second of two twins: what it did is rolled back, the first one's stands.
        await idempotency.keep(connection, caller.key_id, key, wanted, answer, now)
        return
    with contextlib.suppress(TakenMeanwhile):
        async with parts.database.pool.acquire() as connection:
            await idempotency.keep(connection, caller.key_id, key, wanted, answer, now)


async def _written_on(request: Request) -> PoolConnection | asyncpg.Connection | None:
    """Return the connection whose transaction the endpoint wrote in, where it has one."""
    session = getattr(request.state, "write_session", None)
    if session is not None:
        return await raw_connection(session)
    connection: PoolConnection | None = getattr(request.state, "write_connection", None)
    return connection


def _replayed(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, "Idempotent-Replayed": "true"})


async def replay_of_twin(request: Request) -> Response:
    """Answer a request whose twin was quicker, after its own effects are rolled back."""
    parts = parts_of(request)
    key_id, key, wanted = request.state.idempotency
    async with parts.database.pool.acquire() as connection:
        kept = await idempotency.recall(connection, key_id, key, wanted, parts.clock.now())
    if kept is None:
        raise Conflict("Another request under this Idempotency-Key is being answered: try again.")
    return _replayed(kept)
