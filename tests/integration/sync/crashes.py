"""A replica that dies in the middle of a run: between any two of its dealings with the outside."""

import contextlib
from collections.abc import AsyncIterator

from app.clients.dotdigital import Transport
from app.clients.dotdigital.transport import Answer, Credentials
from app.clock import Clock
from app.db import Database, PoolConnection, ReadSession, WriteSession
from app.settings import Settings
from app.sync.jobs import JOB_FUNCTIONS
from tests.factories.engines import Replica, replica_on


class Died(BaseException):
    """The process is gone: nothing catches this, and nothing more comes of it."""


class Life:
    """So many dealings with Postgres and Dotdigital, and not one more."""

    def __init__(self, dealings: int) -> None:
        self._left = dealings

    def spend(self) -> None:
        """Begin one more."""
        self.still_lives()
        self._left -= 1
        self.still_lives()

    def still_lives(self) -> None:
        if self._left < 0:
            raise Died


class DoomedDatabase(Database):
    """The same database, seen by a process that dies: what it did not commit never was."""

    def __init__(self, living: Database, life: Life) -> None:
        vars(self).update(vars(living))
        self._life = life

    @property
    def pool(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as the living one's
        self._life.spend()
        return super().pool

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[PoolConnection]:
        async with super().transaction() as connection:
            yield connection
            self._life.still_lives()

    @contextlib.asynccontextmanager
    async def batch(self) -> AsyncIterator[PoolConnection]:
        self._life.spend()
        async with super().batch() as connection:
            yield connection
            self._life.still_lives()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        self._life.spend()
        async with super().reading() as session:
            yield session

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[WriteSession]:
        self._life.spend()
        async with super().writing() as session:
            yield session
            self._life.still_lives()


class DoomedTransport(Transport):
    """The same connections: a call that went out is carried out, its answer reaches nobody."""

    def __init__(self, living: Transport, life: Life) -> None:
        vars(self).update(vars(living))
        self._life = life

    async def send(
        self, method: str, url: str, credentials: Credentials, body: bytes | None = None
    ) -> Answer:
        self._life.spend()
        answer = await super().send(method, url, credentials, body)
        self._life.still_lives()
        return answer


def doomed_replica(
    living: Database, transport: Transport, clock: Clock, settings: Settings, dealings: int
) -> Replica:
    """Give a replica that dies after so many dealings with Postgres and Dotdigital."""
    life = Life(dealings)
    return replica_on(
        DoomedDatabase(living, life),
        DoomedTransport(transport, life),
        clock,
        settings,
        JOB_FUNCTIONS,
    )
