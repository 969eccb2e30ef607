"""The route class behind every endpoint: a POST repeated under its Idempotency-Key is done once.

The answer is kept in the endpoint's own transaction, so effect and memory stand or fall together.
For every verb, query parameters that there are none of and JSON with a repeated key are refused.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from difflib import get_close_matches
from typing import Any, Final

import asyncpg
from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.db import PoolConnection, raw_connection
from app.errors import Conflict, Invalid
from app.routers.dependencies import Parts, parts_of
from app.routers.json_bodies import JsonRequest
from app.services import idempotency
from app.services.api_keys import Caller
from app.services.idempotency import Answer, TakenMeanwhile

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_HEADER = "Idempotency-Key"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
_MAX_KEY = 200
#: The header as the documents show it.
IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": _HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": _MAX_KEY},
    "description": "Makes this safe to repeat for 24 hours: the same request under the same key is "
    "done once, and answered as the first time, with `Idempotent-Replayed: true`.",
}
#: Members of an answer that are made anew when it is replayed.
_NOT_KEPT = frozenset({"content-length", "date", "server"})


class IdempotentRoute(APIRoute):
    """An APIRoute whose POSTs honour Idempotency-Key."""

    #: Whether the body is part of what tells requests apart; a streamed one can't be.
    hashes_body = True
    #: Whether the answer may be kept as it went out.
    keeps_body = True
    #: Whether the effects are in transactions of their own, so that a twin has to be kept off.
    keeps_twins_off = False

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's own handler."""
        inner = super().get_route_handler()
        known = set(_query_names(self.dependant))

        async def handle(given: Request) -> Response:
            _refuse_unknown(given, known)
            request = JsonRequest(given.scope, given.receive)
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
        caller = await _caller_of(request, parts)
        if caller is None:
            return await inner(request)
        # What the key may do is part of it: a key that lost a scope gets no old answers.
        target = f"{request.url.path}?{request.url.query} {' '.join(caller.scopes)}"
        wanted = idempotency.request_hash(request.method, target, body)
        async with contextlib.AsyncExitStack() as stack:
            if self.keeps_twins_off:
                await stack.enter_async_context(_alone(parts, caller, key))
            async with parts.database.pool.acquire() as connection:
                kept = await idempotency.recall(
                    connection, caller.key_id, key, wanted, parts.clock.now()
                )
            if kept is not None:
                return self._replayed(kept)
            request.state.idempotency = (caller.key_id, key, wanted)
            response = await inner(request)
            if response.status_code < 400 and hasattr(response, "body"):
                answer = _answer_of(response, keeps_body=self.keeps_body)
                await _keep(request, parts, caller, key, wanted, answer)
        return response

    def _replayed(self, answer: Answer) -> Response:
        if not self.keeps_body:
            made = answer.headers.get("location", "it")
            raise Conflict(
                f"This was done under this Idempotency-Key already: see {made}. The answer held a "
                "secret, which is shown once and not kept."
            )
        return _replayed(answer)


class StreamedIdempotentRoute(IdempotentRoute):
    """The same for a body that is too long to be held, stored in many transactions."""

    hashes_body = False
    keeps_twins_off = True


class SecretIdempotentRoute(IdempotentRoute):
    """The same where the answer holds a secret."""

    keeps_body = False


@contextlib.asynccontextmanager
async def _alone(parts: Parts, caller: Caller, key: str) -> AsyncIterator[None]:
    """Keep twins of this request off while it is answered; raises Conflict for the second one."""
    lock = f"idempotency {caller.key_id} {key}"
    # The lock is the transaction's, so that it goes with it whatever becomes of the request.
    async with parts.database.transaction() as connection:
        if not await connection.fetchval(_TRY_LOCK, lock):
            raise Conflict(
                "A request under this Idempotency-Key is being answered: repeat it after that."
            )
        yield


def _answer_of(response: Response, *, keeps_body: bool) -> Answer:
    headers = {
        name: value for name, value in response.headers.items() if name.lower() not in _NOT_KEPT
    }
    return Answer(response.status_code, headers, bytes(response.body) if keeps_body else b"")


def _query_names(dependant: Dependant) -> Iterator[str]:
    """Yield the names of the query parameters that a route and its dependencies read."""
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _refuse_unknown(request: Request, known: set[str]) -> None:
    """Raise Invalid for a query parameter that there is none of: a misspelt filter asks for all."""
    for name in request.query_params:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Invalid.at(f"/query/{name}", f"There is no such parameter.{hint}")


async def _caller_of(request: Request, parts: Parts) -> Caller | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return await parts.keys.authenticate(token)


async def _keep(
    request: Request, parts: Parts, caller: Caller, key: str, wanted: bytes, answer: Answer
) -> None:
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
