"""What endpoints are handed: the process's parts, a session, the caller, the version asked for."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response, Security
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security import HTTPBearer
from fastapi.security.base import SecurityBase

from app.clock import Clock
from app.db import Database, PoolConnection, ReadSession, WriteSession
from app.errors import Forbidden, Invalid, StaleVersion, Unauthenticated
from app.observability import Metrics
from app.services.api_keys import Caller, KeyRing
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings
from app.sync.engine import Engine


@dataclass(slots=True)
class Parts:
    """What `main` builds once a process and endpoints use."""

    settings: Settings
    clock: Clock
    database: Database
    keys: KeyRing
    connector: DotdigitalConnector
    engine: Engine
    metrics: Metrics
    #: Why the service is not ready, or None; looked at by /readyz.
    unready: str | None = "starting"
    draining: bool = False
    #: When the process was asked to stop, by the clock's `monotonic`.
    asked_to_stop_at: float | None = None
    #: What else has to know that stopping begins.
    on_drain: Callable[[], None] | None = None

    def drain(self) -> None:
        """Begin to stop: /readyz says so, streams end, runs stop at their next checkpoint.

        Requests are still answered, by a process that takes no more runs.
        """
        if self.asked_to_stop_at is None:
            self.asked_to_stop_at = self.clock.monotonic()
        self.draining = True
        self.engine.stop()
        if self.on_drain is not None:
            self.on_drain()

    def seconds_to_stop(self) -> float:
        """Return how many seconds are left of those that stopping may take."""
        asked_at = self.asked_to_stop_at
        spent_s = 0.0 if asked_at is None else self.clock.monotonic() - asked_at
        return max(self.settings.shutdown_seconds - spent_s, 1.0)


def parts_of(request: Request) -> Parts:
    """Return the parts of the app that answers this request."""
    parts: Parts = request.app.state.parts
    return parts


async def _parts(request: Request) -> Parts:
    # Not `parts_of` itself: what isn't a coroutine, FastAPI runs in another thread.
    return parts_of(request)


ServiceParts = Annotated[Parts, Depends(_parts)]


async def _reading(parts: ServiceParts) -> AsyncIterator[ReadSession]:
    async with parts.database.reading() as session:
        yield session


async def _writing(request: Request, parts: ServiceParts) -> AsyncIterator[WriteSession]:
    async with parts.database.writing() as session:
        request.state.write_session = session
        yield session


async def _connection(parts: ServiceParts) -> AsyncIterator[PoolConnection]:
    async with parts.database.pool.acquire() as connection:
        yield connection


async def _writing_connection(
    request: Request, parts: ServiceParts
) -> AsyncIterator[PoolConnection]:
    async with parts.database.transaction() as connection:
        request.state.write_connection = connection
        yield connection


# `scope="function"` ends the transaction before the answer goes out: whoever reads 201 reads it of
# something that is committed.
#: A session that reads; never held over a call to Dotdigital.
Reading = Annotated[ReadSession, Depends(_reading, scope="function")]
#: A session whose transaction is committed when the endpoint returns, before the answer goes out.
Writing = Annotated[WriteSession, Depends(_writing, scope="function")]
#: A plain asyncpg connection without a transaction, for the hottest reads.
ReadingConnection = Annotated[PoolConnection, Depends(_connection, scope="function")]
#: An asyncpg connection whose transaction is committed when the endpoint returns.
WritingConnection = Annotated[PoolConnection, Depends(_writing_connection, scope="function")]


_SCHEME = "API key"
_SCHEME_DESCRIPTION = "A key made with `POST /v1/api-keys`, or `DOTSYNC_BOOTSTRAP_API_KEY`."
#: The credentials as they came, for an endpoint that may be open.
bearer = HTTPBearer(auto_error=False, scheme_name=_SCHEME, description=_SCHEME_DESCRIPTION)


class KeyWithScope(SecurityBase):
    """Lets only callers through whose key has this scope, or ``admin``."""

    def __init__(self, scope: str) -> None:
        """Take the scope; to the documents all of them are one scheme."""
        self.scope = scope
        self.scheme_name = _SCHEME
        self.model = HTTPBearerModel(description=_SCHEME_DESCRIPTION)

    async def __call__(self, request: Request) -> Caller:
        """Return the caller; raises Unauthenticated and Forbidden."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send your API key: Authorization: Bearer <key>.")
        caller = await parts_of(request).keys.authenticate(token)
        if caller is None:
            raise Unauthenticated("This API key is not known, or has expired.")
        if not caller.may(self.scope):
            raise Forbidden(
                f"The key {caller.name!r} has the scopes {', '.join(caller.scopes)}; "
                f"this needs {self.scope}."
            )
        request.state.caller = caller
        return caller


#: The caller, by the scope that the endpoint needs.
Reader = Annotated[Caller, Security(KeyWithScope("read"), scopes=["read"])]
Writer = Annotated[Caller, Security(KeyWithScope("write"), scopes=["write"])]
Syncer = Annotated[Caller, Security(KeyWithScope("sync"), scopes=["sync"])]
Admin = Annotated[Caller, Security(KeyWithScope("admin"), scopes=["admin"])]


async def _expected_version(
    if_match: Annotated[
        str | None,
        Header(description="The `ETag` you read; 412 when something newer stands.", max_length=100),
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    if not tag.isdecimal() or len(tag) > 18:
        raise Invalid.at(
            "/header/If-Match", 'Hand back the ETag that you read, like "3", or leave it out.'
        )
    return int(tag)


#: The version that If-Match names, or None where any will do.
IfMatch = Annotated[int | None, Depends(_expected_version)]


def check_version(current: int, expected: int | None) -> None:
    """Raise StaleVersion where If-Match named another version than the one that stands."""
    if expected is not None and expected != current:
        raise StaleVersion(current)


def set_etag(response: Response, version: int) -> None:
    """Send the version along as the ETag."""
    response.headers["ETag"] = f'"{version}"'
