"""Failures as a CSV file, written as it is read: any number of them, in little memory."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from app.db import Database
from app.services.failure_subjects import NamedFailure
from app.services.failures import WantedFailures, newest_failures

COLUMNS = (
    "id",
    "account_id",
    "job",
    "subject_type",
    "subject_id",
    "email",
    "external_ref",
    "list_id",
    "list_name",
    "run_id",
    "code",
    "message",
    "first_seen_at",
    "last_seen_at",
    "attempts",
    "next_retry_at",
    "resolved_at",
)
_NAMES = frozenset({"email", "external_ref", "list_name"})
_ROWS_A_READ = 1000
#: A spreadsheet takes what begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def csv_chunks(database: Database, wanted: WantedFailures) -> AsyncIterator[str]:
    """Yield the file: its header, then the failures that fit, the newest first.

    No session is held while the caller reads.
    """
    yield _written([COLUMNS])
    before_id: int | None = None
    while True:
        async with database.reading() as session:
            found = await newest_failures(session, wanted, before_id, _ROWS_A_READ)
        if not found:
            return
        yield _written([[_cell(_value(each, name)) for name in COLUMNS] for each in found])
        before_id = found[-1].failure.id


def _value(each: NamedFailure, column: str) -> object:
    return getattr(each if column in _NAMES else each.failure, column)


def _written(rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
    return str(value)
