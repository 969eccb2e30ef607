"""Postgres: the engine and pool, sessions and transactions, the embedded server, migrations.

Two ways to one database: SQLAlchemy sessions for what a request does, and an asyncpg pool for what
moves many rows (COPY, unnest) or listens. Whoever holds neither a session nor a connection holds no
transaction: no call to Dotdigital is ever made inside one.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any, NewType, TypeAlias
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from app.errors import DatabaseUnavailable
from app.settings import Settings

#: A session that may only read; the type checker keeps writes off it.
ReadSession = NewType("ReadSession", AsyncSession)
#: A session whose transaction is committed by whoever opened it.
WriteSession = NewType("WriteSession", AsyncSession)

PoolConnection: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_ALEMBIC_DIR = Path(__file__).resolve().parent.parent / "alembic"
#: How a migration names itself and the one below it.
_REVISION = re.compile(r"""^(revision|down_revision)\b[^=]*= ["'](\w+)["']$""", re.MULTILINE)
#: Keeps replicas that start together from migrating at once; any number that is ours alone.
_MIGRATION_LOCK = 0x646F7473
#: Python reads no whole number of more than 4300 digits; jsonb holds them up to 131,072.
_MOST_DIGITS = 4000


def asyncpg_arguments(url: str) -> dict[str, Any]:
    """Turn a ``postgresql://`` URL into asyncpg's arguments.

    A socket directory stands as ``?host=`` there, which asyncpg wants as ``host``.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    if "host" not in query:
        return {"dsn": url}
    socket_dir = query["host"][0]
    return {
        "host": socket_dir,
        "user": parts.username or "postgres",
        "password": parts.password or None,
        "database": parts.path.lstrip("/") or "postgres",
    }


def with_database(url: str, name: str) -> str:
    """Return the same URL for another database of that server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{quote(name)}"))


async def ensure_database(url: str, name: str) -> str:
    """Create the database if the server lacks it; return its URL."""
    connection = await asyncpg.connect(**asyncpg_arguments(url))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return with_database(url, name)


async def database_url(settings: Settings) -> str:
    """Return the URL of the database to use, starting the embedded server where none is set."""
    if settings.database_url:
        return settings.database_url
    from app.embedded_postgres import embedded_postgres  # noqa: PLC0415 - nobody else needs it

    server = await asyncio.to_thread(embedded_postgres, settings.data_dir)
    return await ensure_database(server, "dotsync")


#: A run fills tables faster than their statistics follow, so that a plan made while one was empty
#: would read all of it for each row of a batch. On these connections rows are looked up by index,
#: and every statement is planned when it is run.
_BATCH_SETTINGS = {
    "application_name": "dotsync jobs",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "enable_material": "off",
    "enable_sort": "off",
}


class JsonText(str):
    """JSON that is written already: it goes to Postgres as it stands."""

    __slots__ = ()


def _encode_json(value: object) -> bytes:
    return value.encode() if isinstance(value, JsonText) else orjson.dumps(value)


def decode_json(raw: bytes | memoryview | str) -> Any:  # noqa: ANN401 - it is what JSON is
    """Read JSON that Postgres holds; its numbers may be larger than orjson, or a float, takes.

    Those come as whole numbers of any size, or as text where they have thousands of digits.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text_of = raw if isinstance(raw, str) else bytes(raw).decode()
        return json.loads(text_of, parse_int=_whole)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    # Binary, for COPY takes no other; a jsonb value goes behind a byte with its version.
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=_encode_json, decoder=decode_json, format="binary"
    )
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + _encode_json(value),
        decoder=lambda raw: decode_json(memoryview(raw)[1:]),
        format="binary",
    )


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """Give a connection back to its pool as it is.

    Nothing here outlives its transaction (SET LOCAL, locks that end with it), and asyncpg's own
    reset costs each use a round trip more.
    """


class Database:
    """One database, as an SQLAlchemy engine and as an asyncpg pool."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """Prepare both; nothing is connected before `open`."""
        self.url = url
        self._pool_size = pool_size
        # By asyncpg's own reading of the URL: SQLAlchemy's dialect takes less of it.
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: asyncpg.connect(**asyncpg_arguments(url)),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=decode_json,
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._pool: asyncpg.Pool | None = None
        self._batch_pool: asyncpg.Pool | None = None

    @property
    def pool(self) -> asyncpg.Pool:
        """Return the asyncpg pool; raises DatabaseUnavailable until `open` has reached Postgres."""
        if self._pool is None:
            raise DatabaseUnavailable
        return self._pool

    async def open(self) -> None:
        """Connect the asyncpg pool; raises what asyncpg raises when Postgres doesn't answer."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                **asyncpg_arguments(self.url),
                min_size=1,
                max_size=self._pool_size,
                init=_prepare_connection,
                reset=_leave_as_it_is,
                server_settings={"application_name": "dotsync", "jit": "off"},
            )

            self._batch_pool = await asyncpg.create_pool(
                **asyncpg_arguments(self.url),
                min_size=0,
                max_size=max(self._pool_size // 2, 2),
                init=_prepare_connection,
                reset=_leave_as_it_is,
                statement_cache_size=0,
                server_settings=_BATCH_SETTINGS,
            )

    async def close(self) -> None:
        """Close every connection."""
        for pool in (self._pool, self._batch_pool):
            if pool is not None:
                await pool.close()
        self._pool = self._batch_pool = None
        await self.engine.dispose()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        """Open a session that only reads; whatever it did is rolled back."""
        async with self._sessions() as session:
            yield ReadSession(session)

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[WriteSession]:
        """Open a session whose transaction is committed at the end, or rolled back on an error."""
        async with self._sessions() as session, session.begin():
            yield WriteSession(session)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[PoolConnection]:
        """Take a connection of the pool with a transaction on it."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    @contextlib.asynccontextmanager
    async def batch(self) -> AsyncIterator[PoolConnection]:
        """Take a connection that looks a batch's rows up by index, with a transaction on it."""
        if self._batch_pool is None:
            raise DatabaseUnavailable
        async with self._batch_pool.acquire() as connection, connection.transaction():
            yield connection

    async def connect_apart(self) -> asyncpg.Connection:
        """Open a connection outside the pool, for one that listens for long."""
        return await asyncpg.connect(
            **asyncpg_arguments(self.url),
            server_settings={"application_name": "dotsync queue"},
        )


async def raw_connection(session: AsyncSession) -> asyncpg.Connection:
    """Return the asyncpg connection of this session, inside the session's transaction.

    A statement goes first: until then SQLAlchemy has not begun the transaction, and what is done on
    the raw connection would survive a rollback.
    """
    await session.execute(text("SELECT 1"))
    raw = await (await session.connection()).get_raw_connection()
    driver: asyncpg.Connection = raw.driver_connection
    return driver


@cache
def head_revision() -> str:
    """Return the newest revision that this code knows: the one that no other stands on."""
    revisions: set[str] = set()
    below: set[str] = set()
    for migration in (_ALEMBIC_DIR / "versions").glob("*.py"):
        for name, revision in _REVISION.findall(migration.read_text(encoding="utf-8")):
            (revisions if name == "revision" else below).add(revision)
    (head,) = revisions - below
    return head


async def current_revision(engine: AsyncEngine) -> str | None:
    """Return the revision that the database stands at."""
    async with engine.connect() as connection:
        table = await connection.execute(text("SELECT to_regclass('alembic_version')"))
        if table.scalar() is None:
            return None
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
        return found.scalar()


async def migrate(engine: AsyncEngine, revision: str = "head") -> None:
    """Bring the schema to this revision; replicas that start together wait for the first one."""
    if revision == "head" and await current_revision(engine) == head_revision():
        return
    from app.migrations import move_to  # noqa: PLC0415 - it brings Alembic

    async with engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        await connection.commit()
        try:
            await connection.run_sync(move_to, revision)
            await connection.commit()
        finally:
            await connection.rollback()
            await connection.execute(
                text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK}
            )
            await connection.commit()
