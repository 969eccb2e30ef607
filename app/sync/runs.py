"""The run record: queueing, claiming, checkpoints, the fence and the end of a run.

A run's attempt fences a stalled predecessor: every write of a job goes through `Run.fenced` or a
checkpoint, and both find nothing once another replica has taken the run over.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app.clock import Clock
from app.db import Database, JsonText, PoolConnection
from app.sync.statements import statements

SQL = statements("runs")


class RunStopped(Exception):  # noqa: N818 - a signal of the run's life, not a fault
    """The run does not go on in this process."""


class Superseded(RunStopped):
    """Another attempt has taken the run over; nothing more may be written."""


class CancelRequested(RunStopped):
    """A caller asked for the run to be cancelled."""


class Interrupted(RunStopped):
    """The replica is stopping; another one goes on from the last checkpoint."""


@dataclass(slots=True)
class Run:
    """One attempt of one run, with its counts so far."""

    database: Database
    clock: Clock
    id: int
    account_id: int
    job: str
    mode: str
    trigger: str
    attempt: int
    #: Where the predecessor got to, or None on the first attempt.
    checkpoint: dict[str, Any] | None
    stopping: asyncio.Event
    #: What the run is narrowed to, such as ``{"list_id": 7}``; None is the whole account.
    scope: dict[str, Any] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    #: Calls made, by scope.
    calls: Counter[str] = field(default_factory=Counter)
    done: int = 0
    total: int | None = None

    @property
    def is_dry(self) -> bool:
        """Whether the run only says what it would do."""
        return self.mode == "dry_run"

    @property
    def _shown_done(self) -> int:
        """What is done, at most all: whoever goes by two records, or two tries, counts once."""
        return self.done if self.total is None else min(self.done, self.total)

    async def save(self, checkpoint: Mapping[str, Any] | None = None) -> None:
        """Write progress and, if given, where to go on from.

        Raises Superseded, CancelRequested or Interrupted when the run must not go on here.
        """
        row = await self.database.pool.fetchrow(
            SQL["checkpoint"],
            self.id,
            self.attempt,
            self._shown_done,
            dict(self.counts),
            dict(self.calls),
            None if checkpoint is None else dict(checkpoint),
            self.total,
        )
        if row is None:
            raise Superseded
        if row["cancelled"]:
            raise CancelRequested
        if self.stopping.is_set():
            raise Interrupted

    @contextlib.asynccontextmanager
    async def fenced(self) -> AsyncIterator[PoolConnection]:
        """Open a transaction that stands only while this attempt does; raises Superseded."""
        async with self.database.batch() as connection:
            if await connection.fetchval(SQL["fence"], self.id, self.attempt) is None:
                raise Superseded
            yield connection

    async def note(self, event: str, **detail: object) -> None:
        """Add a line to the run's timeline."""
        await self.database.pool.execute(SQL["event"], self.id, self.clock.now(), event, detail)

    async def finish(self, status: str, error: Mapping[str, Any] | None = None) -> None:
        """Write the run's end; does nothing when another attempt has taken over."""
        await self.database.pool.execute(
            SQL["finish"],
            self.id,
            self.attempt,
            status,
            self.clock.now(),
            None if error is None else dict(error),
            dict(self.counts),
            dict(self.calls),
            self._shown_done,
        )

    async def hand_back(self) -> None:
        """Leave the run to another replica."""
        await self.database.pool.execute(SQL["hand_back"], self.id, self.attempt)


async def claim(
    database: Database, clock: Clock, run_id: int, stopping: asyncio.Event
) -> Run | None:
    """Start the run, or take it over; None when it has ended already."""
    row = await database.pool.fetchrow(SQL["claim"], run_id, clock.now())
    if row is None:
        return None
    return Run(
        database=database,
        clock=clock,
        id=row["id"],
        account_id=row["account_id"],
        job=row["job"],
        mode=row["mode"],
        trigger=row["trigger"],
        attempt=row["attempt"],
        checkpoint=row["checkpoint"],
        stopping=stopping,
        scope=row["scope"],
        counts=Counter(row["counts"]),
        calls=Counter(row["calls"]),
        done=row["progress_done"],
        total=row["progress_total"],
    )


async def queue_run(
    connection: PoolConnection,
    *,
    account_id: int,
    job: str,
    mode: str,
    trigger: str,
    at: datetime,
    scope: Mapping[str, Any] | None = None,
) -> int | None:
    """Write a queued run; None when one of this job is active for the account."""
    run_id: int | None = await connection.fetchval(
        SQL["queue"],
        account_id,
        job,
        mode,
        trigger,
        at,
        # Written here, for a session's connection reads and writes JSON in its own way.
        None if scope is None else JsonText(orjson.dumps(scope).decode()),
    )
    return run_id


async def active_run(connection: PoolConnection, account_id: int, job: str) -> int | None:
    """Return the run that is active for this job and account."""
    run_id: int | None = await connection.fetchval(SQL["active"], account_id, job)
    return run_id
