"""API keys: made, listed, revoked, and recognised.

A key is 32 random bytes behind ``dsk_``; only its SHA-256 is stored. That is enough for a random
key, which nobody can guess, and takes no time on each request.
"""

import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import asyncpg
import structlog
from sqlmodel import col, or_, select

from app.clock import Clock
from app.db import Database, ReadSession, WriteSession
from app.errors import Conflict, NotFound
from app.models import ApiKey, RevokedKey
from app.models.api_keys import SCOPES

log = structlog.get_logger(__name__)

_PREFIX = "dsk_"
_SHOWN = 12
#: A revoked key works at most this much longer on a replica that has just used it.
_REMEMBERED_S = 5.0
_MOST_REMEMBERED = 1000
#: Last use is written this often at most, so that a busy key costs no write a request.
_NOTED_EVERY = timedelta(minutes=1)
BOOTSTRAP_NAME = "bootstrap"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds a key."""

    key_id: int
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None

    def may(self, scope: str) -> bool:
        """Say whether the key has this scope; ``admin`` has them all."""
        return scope in self.scopes or "admin" in self.scopes

    @property
    def actor(self) -> str:
        """How the audit log names the caller."""
        return f"key {self.key_id} ({self.name})"


def hash_of(token: str) -> bytes:
    """Return what is stored of a key."""
    return sha256(token.encode()).digest()


async def create_key(
    session: WriteSession,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    token: str | None = None,
) -> tuple[ApiKey, str]:
    """Store a new key; return it with its token, which is never to be had again."""
    token = token or _PREFIX + secrets.token_urlsafe(32)
    made = ApiKey(
        name=name,
        prefix=token[:_SHOWN] if token.startswith(_PREFIX) else f"{token[:3]}...",
        key_hash=hash_of(token),
        scopes=[scope for scope in SCOPES if scope in scopes],
        expires_at=expires_at,
    )
    session.add(made)
    await session.flush()
    return made, token


async def get_key(session: ReadSession | WriteSession, key_id: int) -> ApiKey:
    """Return the key; raises NotFound."""
    found = await session.get(ApiKey, key_id)
    if found is None:
        raise NotFound(f"There is no API key {key_id}.")
    return found


async def keys_after(session: ReadSession, after_id: int | None, limit: int) -> Sequence[ApiKey]:
    """Return the keys after this id, ascending."""
    query = select(ApiKey).order_by(col(ApiKey.id)).limit(limit)
    if after_id is not None:
        query = query.where(col(ApiKey.id) > after_id)
    return (await session.execute(query)).scalars().all()


async def revoke_key(session: WriteSession, key: ApiKey, at: datetime) -> None:
    """Delete a key, and keep its hash: the settings don't make it anew. Raises Conflict.

    For the last key with the scope admin, that is.
    """
    await refuse_without_admin(session, key, at, expires_at=at)
    await session.delete(key)
    await session.merge(RevokedKey(key_hash=key.key_hash, revoked_at=at))
    await session.flush()


async def refuse_without_admin(
    session: WriteSession, key: ApiKey, at: datetime, *, expires_at: datetime
) -> None:
    """Raise Conflict where nobody would be admin once this key ends at ``expires_at``."""
    held = await session.execute(
        select(ApiKey)
        .where(
            col(ApiKey.scopes).contains(["admin"]),
            or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > at),
        )
        .order_by(col(ApiKey.id))
        .with_for_update()
    )
    admins = held.scalars().all()
    others = [
        each
        for each in admins
        if each.id != key.id and (each.expires_at is None or each.expires_at > max(at, expires_at))
    ]
    if not others and any(each.id == key.id for each in admins):
        raise Conflict(
            "No other key with the scope admin would be left, and nobody could make one over REST. "
            'Make another one first: POST /v1/api-keys {"name": "...", "scopes": ["admin"]}.'
        )


async def ensure_bootstrap_key(database: Database, token: str) -> None:
    """Make the admin key that the settings hold; another value than before takes its place.

    So there is one such key at a time, over all replicas: whoever starts last says which. A value
    that was revoked is not made a key again.
    """
    async with database.writing() as session:
        found = await session.execute(
            select(ApiKey).where(col(ApiKey.name) == BOOTSTRAP_NAME).with_for_update()
        )
        standing = found.scalars().first()
        if standing is not None and standing.key_hash == hash_of(token):
            return
        if await session.get(RevokedKey, hash_of(token)) is not None:
            log.warning(
                "bootstrap_key_is_revoked",
                why="the key in DOTSYNC_BOOTSTRAP_API_KEY was revoked, and is not made anew",
                what_to_do="unset it, or give it another value; without a key: python -m app "
                "create-key NAME --scopes admin",
            )
            return
        if standing is not None:
            log.warning(
                "bootstrap_key_replaced",
                why="DOTSYNC_BOOTSTRAP_API_KEY has another value than at the start before; the key "
                "of that time no longer works",
                last_used_at=standing.last_used_at and standing.last_used_at.isoformat(),
            )
            await session.delete(standing)
            await session.flush()
        taken = await session.execute(
            select(ApiKey.id).where(col(ApiKey.key_hash) == hash_of(token))
        )
        if taken.first() is None:
            await create_key(session, BOOTSTRAP_NAME, ["admin"], token=token)


async def has_keys(database: Database) -> bool:
    """Say whether anybody could be let in; a schema that isn't there yet counts as yes."""
    with contextlib.suppress(asyncpg.UndefinedTableError):
        found: bool = await database.pool.fetchval("SELECT EXISTS (SELECT FROM api_keys)")
        return found
    return True


class KeyRing:
    """Recognises tokens; remembers each for a few seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Take where keys stand and the clock that they expire by."""
        self._database = database
        self._clock = clock
        self._known: dict[bytes, tuple[Caller, float]] = {}
        self._noted: dict[int, datetime] = {}

    async def authenticate(self, token: str) -> Caller | None:
        """Return whose token this is; None for one that is not known or has expired."""
        key_hash = hash_of(token)
        known = self._known.get(key_hash)
        if known is not None and self._clock.monotonic() < known[1]:
            caller = known[0]
        else:
            found = await self._look_up(key_hash)
            if found is None:
                self._known.pop(key_hash, None)
                return None
            caller = found
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key_hash] = (caller, self._clock.monotonic() + _REMEMBERED_S)
        now = self._clock.now()
        if caller.expires_at is not None and caller.expires_at <= now:
            return None
        await self._note_use(caller, now)
        return caller

    def forget(self) -> None:
        """Look every key up anew: one was revoked or changed."""
        self._known.clear()

    async def _look_up(self, key_hash: bytes) -> Caller | None:
        row = await self._database.pool.fetchrow(
            "SELECT id, name, scopes, expires_at FROM api_keys WHERE key_hash = $1", key_hash
        )
        if row is None:
            return None
        return Caller(row["id"], row["name"], tuple(row["scopes"]), row["expires_at"])

    async def _note_use(self, caller: Caller, now: datetime) -> None:
        noted = self._noted.get(caller.key_id)
        if noted is not None and now - noted < _NOTED_EVERY:
            return
        self._noted[caller.key_id] = now
        await self._database.pool.execute(
            "UPDATE api_keys SET last_used_at = $2 WHERE id = $1", caller.key_id, now
        )
