"""Files of people of any size into the database: read piece by piece, stored batch by batch.

A batch is one transaction, so whatever cuts an import short leaves whole batches behind; the answer
then says up to which line, and `FileOptions.from_line` goes on from there. While one batch is being
stored the next one is read. How a file is read is `people_file`'s.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, assert_never

import asyncpg
import structlog

from app.db import Database, PoolConnection
from app.errors import Conflict, DatabaseUnavailable, Problem, TooLarge
from app.services.import_outcome import ImportInterrupted, ImportOutcome, standing
from app.services.import_rows import RowFault, Unreadable
from app.services.people_bulk import RowOutcome, upsert_people
from app.services.people_file import (
    PIECE_BYTES,
    FileFormat,
    FileOptions,
    PersonRead,
    people_file,
)

log = structlog.get_logger(__name__)

#: Rows stored in one transaction, at most; fewer where they are long.
BATCH_ROWS: Final = 5000
_BATCH_SIZE: Final = 8 * 1024 * 1024
_NDJSON_SUFFIXES: Final = frozenset({".ndjson", ".jsonl"})
_FILE_CHUNK_BYTES: Final = 256 * 1024
#: How often a batch is tried that lost against another transaction.
_MOST_TRIES: Final = 3

#: What asyncpg raises when Postgres is gone, or goes.
_DATABASE_GONE: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    DatabaseUnavailable,
)
_LOST: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, Conflict)

_AUDIT = """
INSERT INTO audit_log (actor, action, subject_type, detail)
VALUES ($1, 'people_imported', 'person', $2) RETURNING id
"""
#: audit_log_pkey.
_AUDIT_AGAIN = "UPDATE audit_log SET detail = $2 WHERE id = $1"


async def import_people(
    database: Database,
    chunks: AsyncIterator[bytes],
    options: FileOptions,
    *,
    actor: str,
    dry_run: bool = False,
    lift_opt_outs: bool = False,
    batch_rows: int = BATCH_ROWS,
) -> ImportOutcome:
    """Store the people of a file that comes in chunks; return what became of its rows.

    Bad rows are rejected, good ones kept. Whoever has opted out stays out, whatever the file says,
    unless ``lift_opt_outs``: a file may be older than the opt-out. ``dry_run`` does it all, batch
    by batch, and takes it back. Raises Invalid before anything is stored where the columns don't
    fit; Unreadable or TooLarge where the file can't be read on, and ImportInterrupted where the
    database went, each with what is stored by then under ``stored``. What ``chunks`` raises goes
    through; batches before it stay. Holds one connection at a time, only while it stores a batch.
    """
    running = _Import(
        database,
        options,
        actor,
        dry_run=dry_run,
        lift_opt_outs=lift_opt_outs,
        batch_rows=batch_rows,
    )
    return await running.run(chunks)


async def import_file(
    database: Database,
    path: Path,
    *,
    options: FileOptions,
    actor: str = "command line",
    dry_run: bool = False,
    lift_opt_outs: bool = False,
) -> ImportOutcome:
    """Store the people of a file on this machine. Raises as `import_people` does, and OSError."""
    return await import_people(
        database,
        _chunks_of(path),
        options,
        actor=actor,
        dry_run=dry_run,
        lift_opt_outs=lift_opt_outs,
    )


def format_of(path: Path) -> FileFormat:
    """Return what a file is by its suffix: NDJSON, or CSV."""
    return "ndjson" if path.suffix.lower() in _NDJSON_SUFFIXES else "csv"


async def _chunks_of(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _FILE_CHUNK_BYTES):
            yield chunk


@dataclass(slots=True)
class _Batch:
    """Rows that are settled together."""

    people: list[PersonRead] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    size: int = 0
    through_line: int = 0
    is_last: bool = False

    def add(self, row: PersonRead | RowFault) -> None:
        self.through_line = row.line
        if isinstance(row, RowFault):
            self.faults.append(row)
        else:
            self.people.append(row)
            self.size += row.size

    @property
    def rows(self) -> int:
        return len(self.people) + len(self.faults)


class _DryRunEnds(Exception):  # noqa: N818 - a signal, which rolls the transaction back
    """The batch was tried."""


class _Import:
    """One import on its way."""

    def __init__(
        self,
        database: Database,
        options: FileOptions,
        actor: str,
        *,
        dry_run: bool,
        lift_opt_outs: bool,
        batch_rows: int,
    ) -> None:
        self._database = database
        self._file = people_file(options)
        self._actor = actor
        self._dry_run = dry_run
        self._lift_opt_outs = lift_opt_outs
        self._batch_rows = batch_rows
        self._batch = _Batch()
        self._storing: asyncio.Task[None] | None = None
        self._outcome = ImportOutcome()
        self._audit_id: int | None = None

    async def run(self, chunks: AsyncIterator[bytes]) -> ImportOutcome:
        try:
            await self._read(chunks)
        except (Unreadable, TooLarge) as problem:
            await self._settled()
            raise self._with_standing(problem) from problem
        finally:
            await self._let_go()
        self._outcome.ignored_columns = list(self._file.ignored_columns)
        self._outcome.likely_fields = dict(self._file.likely_fields)
        return self._outcome

    async def _read(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            for start in range(0, len(chunk), PIECE_BYTES):
                await self._take(self._file.feed(chunk[start : start + PIECE_BYTES]))
        await self._take(self._file.finish())
        self._batch.is_last = True
        await self._hand_over()
        await self._settled()

    async def _take(self, rows: Iterable[PersonRead | RowFault]) -> None:
        for row in rows:
            self._batch.add(row)
            if self._batch.rows >= self._batch_rows or self._batch.size >= _BATCH_SIZE:
                await self._hand_over()

    async def _hand_over(self) -> None:
        """Begin to store the batch that was read, once the one before it is stored."""
        await self._settled()
        self._storing = asyncio.create_task(self._store(self._batch), name="store batch")
        self._batch = _Batch()

    async def _settled(self) -> None:
        """Wait for the batch in hand; raises what storing it raised."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await storing

    async def _let_go(self) -> None:
        """Let the batch in hand reach its own end, whatever ended the import."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await asyncio.wait({storing})
            if not storing.cancelled() and (error := storing.exception()):
                log.warning("import_batch_failed", error=type(error).__name__)

    def _with_standing(self, problem: Problem) -> Problem:
        sentence, stored = standing(self._outcome, dry_run=self._dry_run)
        return type(problem)(
            f"{problem.detail} {sentence}",
            errors=problem.errors,
            extensions={**problem.extensions, "stored": stored},
        )

    async def _store(self, batch: _Batch) -> None:
        for _ in range(_MOST_TRIES):
            try:
                self._outcome = await self._try(batch)
            except _DATABASE_GONE as error:
                log.warning("import_interrupted", error=type(error).__name__)
                raise ImportInterrupted(self._outcome, dry_run=self._dry_run) from error
            except _LOST as error:
                log.info("import_batch_lost", error=type(error).__name__)
            else:
                return
        raise self._with_standing(
            Conflict("Other callers write the same people at this moment: try again.")
        )

    async def _try(self, batch: _Batch) -> ImportOutcome:
        """Store the batch and its entry in the audit log; return the outcome that includes it."""
        counted = replace(self._outcome, errors=list(self._outcome.errors))
        try:
            async with self._database.transaction() as connection:
                results = await upsert_people(
                    connection,
                    [person.values for person in batch.people],
                    keeps_opt_outs=not self._lift_opt_outs,
                )
                _count(counted, batch, results)
                await self._conclude(connection, counted, batch)
        except _DryRunEnds:
            pass
        return counted

    async def _conclude(
        self, connection: PoolConnection, counted: ImportOutcome, batch: _Batch
    ) -> None:
        """Keep one entry an import, which grows with every batch and stands or falls with it."""
        if self._dry_run:
            raise _DryRunEnds
        detail = {**counted.counts(), "complete": batch.is_last}
        if self._audit_id is not None:
            await connection.execute(_AUDIT_AGAIN, self._audit_id, detail)
        elif batch.people:
            self._audit_id = await connection.fetchval(_AUDIT, self._actor, detail)


def _count(counted: ImportOutcome, batch: _Batch, results: Sequence[RowOutcome]) -> None:
    """Add a batch to what is settled."""
    faults = list(batch.faults)
    for person, result in zip(batch.people, results, strict=True):
        match result.outcome:
            case "created":
                counted.created += 1
            case "updated":
                counted.updated += 1
            case "unchanged":
                counted.unchanged += 1
            case "error":
                faults.append(RowFault(person.line, result.error or "The row can't be stored."))
            case unknown:
                assert_never(unknown)
        counted.restored += result.restored
        counted.opt_outs_kept += result.opt_out_kept
    counted.reject(sorted(faults, key=lambda fault: fault.line))
    counted.through_line = max(counted.through_line, batch.through_line)
