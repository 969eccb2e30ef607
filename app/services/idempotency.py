"""Answers kept under their Idempotency-Key, so that a POST sent twice is done once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

import asyncpg
import orjson

from app.db import PoolConnection
from app.errors import Invalid

#: How long an answer is replayed.
KEPT_FOR = timedelta(hours=24)
#: A larger answer is not worth keeping; the effects are the caller's to look up.
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went out."""

    status: int
    headers: dict[str, str]
    body: bytes


class IdempotencyKeyReused(Invalid):
    """The key was used for another request."""

    slug, title = "idempotency-key-reused", "The Idempotency-Key was used for something else"

    def __init__(self) -> None:
        """Ask for a key of its own."""
        super().__init__(
            "Another request was sent under this Idempotency-Key in the last 24 hours. "
            "Use a new key for each request, and the same one only to repeat it unchanged."
        )


class TakenMeanwhile(Exception):  # noqa: N818 - a signal: the twin request was quicker
    """The same request has been answered by another worker just now."""


def request_hash(method: str, target: str, body: bytes) -> bytes:
    """Return what tells two requests apart."""
    return blake2b(orjson.dumps([method, target]) + body, digest_size=16).digest()


async def recall(
    connection: PoolConnection, api_key_id: int, key: str, wanted: bytes, now: datetime
) -> Answer | None:
    """Return the answer kept under this key; raises IdempotencyKeyReused for another request's."""
    row = await connection.fetchrow(
        """
        SELECT request_hash, status, headers, body FROM idempotency_keys
        WHERE api_key_id = $1 AND key = $2 AND created_at > $3
        """,
        api_key_id,
        key,
        now - KEPT_FOR,
    )
    if row is None:
        return None
    if row["request_hash"] != wanted:
        raise IdempotencyKeyReused
    return Answer(row["status"], row["headers"], row["body"])


async def keep(
    connection: PoolConnection | asyncpg.Connection,
    api_key_id: int,
    key: str,
    wanted: bytes,
    answer: Answer,
    now: datetime,
) -> None:
    """Keep the answer, in the connection's transaction; raises TakenMeanwhile for the second one.

    One of over 4 MiB is not kept: half of it would be worse than none.

    Waits for a twin that is being answered at the moment.
    """
    if len(answer.body) > _MOST_BYTES:
        return
    kept = await connection.fetchval(
        """
        INSERT INTO idempotency_keys AS stands (api_key_id, key, request_hash, status, headers,
                                                body, created_at)
        VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7)
        ON CONFLICT (api_key_id, key) DO UPDATE
            SET request_hash = excluded.request_hash, status = excluded.status,
                headers = excluded.headers, body = excluded.body, created_at = excluded.created_at
            WHERE stands.created_at <= $8
        RETURNING 1
        """,
        api_key_id,
        key,
        wanted,
        answer.status,
        # As text: the connection of a session takes no dict where one of the pool does.
        orjson.dumps(answer.headers).decode(),
        answer.body,
        now,
        now - KEPT_FOR,
    )
    if kept is None:
        raise TakenMeanwhile


async def forget_old(connection: PoolConnection, now: datetime) -> None:
    """Delete answers that are no longer replayed. idempotency_keys_created."""
    await connection.execute("DELETE FROM idempotency_keys WHERE created_at <= $1", now - KEPT_FOR)
