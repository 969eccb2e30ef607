"""Stores activities in large batches while the next ones are read.

A batch is one transaction: its rows, what was read to its end, and where the reading goes on. A
batch that is read again adds nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from app.services.erasure import SUBMITTING
from app.sync.activity_known import (
    COLUMNS,
    PERSON,
    TYPE,
    Stored,
    sort_out,
    unite,
)
from app.sync.activity_months import make_month, months_of, months_to_make
from app.sync.engine import JobContext
from app.sync.rules.activities import Activity
from app.sync.statements import statements

SQL = statements("activities")
STREAM = "activities"

#: Rows of one transaction; two such batches are in memory at a time.
_BATCH = 10_000
_LONGEST_EMAIL = 320
#: Somebody else stored one of the rows at this moment; looked up again, it is known.
_TRIES = 3
#: A text that Postgres can't hold, or not in an index.
_BAD_TEXT = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)


@dataclass(frozen=True, slots=True)
class CampaignRead:
    """A campaign whose rows were all read."""

    mailshot_id: int
    #: Mails that had gone out by then; None where its sends were not read.
    sends_read: int | None
    #: None where there are no new ones.
    links: list[str] | None


class ActivityStore:
    """Takes activities and stores them behind the reader's back."""

    def __init__(self, context: JobContext, there: datetime) -> None:
        """Take the run, and Dotdigital's time; nothing is stored before `add`."""
        self._context = context
        self._there = there
        self._rows: list[Activity] = []
        self._read: list[CampaignRead] = []
        self._position: dict[str, Any] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._months: set[date] = set()
        #: Whether somebody may still be without a person.
        self.has_orphans = False

    async def add(self, rows: Sequence[Activity], position: Mapping[str, Any]) -> None:
        """Take rows; ``position`` is where to go on once they are stored."""
        self._rows += rows
        self._position = dict(position)
        if len(self._rows) >= _BATCH:
            await self._begin_to_write()

    def end_campaign(self, read: CampaignRead) -> None:
        """Note that a campaign is read, once all of its rows are stored."""
        self._read.append(read)

    async def save_progress(self) -> None:
        """Write the run's progress, unless a batch is on its way, which does so itself.

        It holds the run's row until then, and whoever reads would wait for it.
        """
        if self._writing is None or self._writing.done():
            await self._context.run.save()

    async def settle(self) -> None:
        """Store everything that was taken; returns when it is."""
        if self._rows or self._read or self._position is not None:
            await self._begin_to_write()
        await self._written()

    async def close(self) -> None:
        """Let the batch that is on its way come to its end, whatever that is."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            if not self._writing.cancelled():
                self._writing.exception()

    async def _begin_to_write(self) -> None:
        await self._written()
        rows, self._rows = self._rows, []
        read, self._read = self._read, []
        position, self._position = self._position, None
        self._writing = asyncio.create_task(self._write(rows, read, position))

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def _write(
        self,
        rows: Sequence[Activity],
        read: Sequence[CampaignRead],
        position: dict[str, Any] | None,
    ) -> None:
        if self._context.run.is_dry:
            async with self._context.database.batch() as connection:
                self._count(await sort_out(connection, self._context.account_id, rows), len(rows))
            await self._context.run.save()
            return
        await self._make_months(rows)
        try:
            fresh = await self._write_batch(rows, read, position)
        except _BAD_TEXT:
            fresh = await self._write_batch([_cleaned(row) for row in rows], read, position)
        self._count(fresh, len(rows))
        await self._context.run.save(position)

    async def _make_months(self, rows: Sequence[Activity]) -> None:
        months = months_of(row.occurred_at for row in rows) - self._months
        for month in months_to_make(months, self._there):
            await make_month(self._context.database, month)
        self._months |= months

    async def _write_batch(
        self,
        rows: Sequence[Activity],
        read: Sequence[CampaignRead],
        position: dict[str, Any] | None,
    ) -> Sequence[Stored]:
        for _ in range(_TRIES - 1):
            try:
                return await self._try_to_write(rows, read, position)
            except asyncpg.UniqueViolationError:
                continue
        return await self._try_to_write(rows, read, position)

    async def _try_to_write(
        self,
        rows: Sequence[Activity],
        read: Sequence[CampaignRead],
        position: dict[str, Any] | None,
    ) -> Sequence[Stored]:
        run, account_id, now = (
            self._context.run,
            self._context.account_id,
            self._context.clock.now(),
        )
        async with run.fenced() as connection:
            # Whoever is erased meanwhile waits, or is gone and matched to nothing.
            await connection.execute(SUBMITTING)
            fresh = await sort_out(
                connection, account_id, await unite(connection, account_id, rows)
            )
            await connection.copy_records_to_table(
                "online_activities", records=fresh, columns=COLUMNS
            )
            for each in read:
                await connection.execute(
                    SQL["campaign_read"], each.mailshot_id, each.sends_read, each.links
                )
            if position is not None and run.mode == "changes":
                await connection.execute(SQL["keep_position"], account_id, STREAM, position, now)
        return fresh

    def _count(self, fresh: Sequence[Stored], given: int) -> None:
        counts = Counter(row[TYPE] for row in fresh)
        matched = sum(row[PERSON] is not None for row in fresh)
        counts.update(stored=len(fresh), matched=matched, duplicates=given - len(fresh))
        self.has_orphans = self.has_orphans or matched < len(fresh)
        self._context.run.counts.update(counts)


def _cleaned(row: Activity) -> Activity:
    """Return the row with texts that Postgres can hold."""
    email = None if row.email is None else _clean(row.email)[:_LONGEST_EMAIL]
    return row._replace(email=email, details=_clean(row.details))


def _clean(value: Any) -> Any:  # noqa: ANN401 - it is what JSON is
    match value:
        case str():
            return value.replace("\x00", "").encode("utf-8", "replace").decode()
        case dict():
            return {_clean(name): _clean(each) for name, each in value.items()}
        case list():
            return [_clean(each) for each in value]
    return value
