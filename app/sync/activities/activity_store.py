"""Stores activities in large batches while the next ones are read.

A batch is one transaction: its rows, what was read to its end, and where the reading goes on. A
batch that is read again adds nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from app.services.erasure import SUBMITTING, EmailHashes
from app.sync.activities.activity_known import (
    COLUMNS,
    PERSON,
    TYPE,
    Sorted,
    sort_out,
    unite,
)
from app.sync.activities.activity_months import make_month, months_of, months_to_make
from app.sync.activities.activity_places import Place, stream_of
from app.sync.engine import JobContext
from app.sync.rules.activities import Activity
from app.sync.statements import statements

SQL = statements("activities")

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

    def __init__(self, context: JobContext) -> None:
        """Take the run; nothing is stored before `add`."""
        self._context = context
        self._rows: list[Activity] = []
        self._read: list[CampaignRead] = []
        self._place: Place | None = None
        self._writing: asyncio.Task[None] | None = None
        self._months: set[date] = set()
        self._hashes = EmailHashes.of(context.settings)
        #: Whether somebody may still be without a person.
        self.has_orphans = False

    async def add(self, rows: Sequence[Activity], place: Place) -> None:
        """Take rows; ``place`` is where to go on once they are stored."""
        self._rows += rows
        self._place = place
        if len(self._rows) >= _BATCH:
            await self._begin_to_write()

    def end_campaign(self, read: CampaignRead) -> None:
        """Note that a campaign is read, once all of its rows are stored."""
        self._read.append(read)

    async def settle(self) -> None:
        """Store everything that was taken; returns when it is."""
        if self._rows or self._read or self._place is not None:
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
        place, self._place = self._place, None
        self._writing = asyncio.create_task(self._write(rows, read, place))

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    async def _write(
        self,
        rows: Sequence[Activity],
        read: Sequence[CampaignRead],
        place: Place | None,
    ) -> None:
        if self._context.run.is_dry:
            async with self._context.database.batch() as connection:
                left = await sort_out(connection, self._context.account_id, rows, self._hashes)
            self._count(left, len(rows))
            await self._context.run.save()
            return
        await self._make_months(
            rows, now=self._context.clock.now() if place is None else place.began
        )
        try:
            left = await self._write_batch(rows, read, place)
        except _BAD_TEXT:
            left = await self._write_batch([_cleaned(row) for row in rows], read, place)
        self._count(left, len(rows))
        await self._context.run.save(None if place is None else place.to_json())

    async def _make_months(self, rows: Sequence[Activity], now: datetime) -> None:
        months = months_of(row.occurred_at for row in rows) - self._months
        for month in months_to_make(months, now):
            await make_month(self._context.database, month)
        self._months |= months

    async def _write_batch(
        self,
        rows: Sequence[Activity],
        read: Sequence[CampaignRead],
        place: Place | None,
    ) -> Sorted:
        for _ in range(_TRIES - 1):
            try:
                return await self._try_to_write(rows, read, place)
            except asyncpg.UniqueViolationError:
                continue
        return await self._try_to_write(rows, read, place)

    async def _try_to_write(
        self,
        rows: Sequence[Activity],
        read: Sequence[CampaignRead],
        place: Place | None,
    ) -> Sorted:
        run, account_id, now = (
            self._context.run,
            self._context.account_id,
            self._context.clock.now(),
        )
        async with run.fenced() as connection:
            # Whoever is erased meanwhile waits, or is gone and matched to nothing.
            await connection.execute(SUBMITTING)
            rows = await unite(connection, account_id, rows)
            left = await sort_out(connection, account_id, rows, self._hashes)
            await connection.copy_records_to_table(
                "online_activities", records=left.fresh, columns=COLUMNS
            )
            for each in read:
                await connection.execute(
                    SQL["campaign_read"], each.mailshot_id, each.sends_read, each.links
                )
            if place is not None and run.mode == "changes":
                await connection.execute(
                    SQL["keep_position"], account_id, stream_of(place.stage), place.to_json(), now
                )
        return left

    def _count(self, left: Sorted, given: int) -> None:
        stored = len(left.fresh)
        counts = Counter(row[TYPE] for row in left.fresh)
        matched = sum(row[PERSON] is not None for row in left.fresh)
        counts.update(stored=stored, matched=matched, duplicates=given - stored - left.erased)
        if left.erased:
            counts["skipped"] = left.erased
        self.has_orphans = self.has_orphans or matched < stored
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
