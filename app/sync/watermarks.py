"""How far each retrieve stream has been read, by Dotdigital's clock, and where a reading stands."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app.db import PoolConnection
from app.sync.engine import JobContext
from app.sync.statements import statements

SQL = statements("watermarks")


@dataclass(slots=True)
class Watermark:
    """One stream's."""

    stream: str
    #: All that was changed before this is known here.
    position: datetime | None = None
    #: What else the stream keeps, and a reading that is under way.
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> tuple[datetime | None, bytes]:
        """Return all that it says, to be held against what it said at another time."""
        return self.position, orjson.dumps(self.detail, option=orjson.OPT_SORT_KEYS)


async def load(context: JobContext, stream: str) -> Watermark:
    """Return the stream's watermark; one that says nothing where it was never read."""
    row = await context.database.pool.fetchrow(SQL["load"], context.account_id, stream)
    return Watermark(stream) if row is None else Watermark(stream, row["position"], row["detail"])


async def hold(context: JobContext, connection: PoolConnection, stream: str) -> Watermark:
    """Keep others off the stream's watermark until this transaction ends; return it as it stands.

    Who wrote it before has ended by then.
    """
    row = await connection.fetchrow(SQL["hold"], context.account_id, stream, context.clock.now())
    return Watermark(stream, row["position"], row["detail"])


async def store(context: JobContext, connection: PoolConnection, mark: Watermark) -> None:
    """Write it, in the transaction that writes what was read."""
    await connection.execute(
        SQL["store"],
        context.account_id,
        mark.stream,
        mark.position,
        mark.detail,
        context.clock.now(),
    )
