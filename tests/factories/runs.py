"""Runs and imports, straight into the database."""

from typing import Any

from app.db import Database
from app.models import Account, Import, Job, Run, RunEvent
from tests.clock import START


async def make_run(
    database: Database,
    account: Account,
    **overrides: Any,  # noqa: ANN401 - any column
) -> Run:
    """Store a run of send_people that has succeeded, unless told otherwise; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "job": "send_people",
        "status": "succeeded",
        "attempt": 1,
        "queued_at": START,
    }
    run = Run(**{**values, **overrides})
    async with database.writing() as session:
        session.add(run)
    return run


async def make_run_event(database: Database, run: Run, event: str, **detail: object) -> RunEvent:
    """Add a line to the run's timeline; return it."""
    line = RunEvent(run_id=run.id, event=event, detail=detail, at=START)
    async with database.writing() as session:
        session.add(line)
    return line


async def make_import(
    database: Database,
    account: Account,
    **overrides: Any,  # noqa: ANN401 - any column
) -> Import:
    """Store an import that is open, unless told otherwise; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "status": "open",
        "dotdigital_import_id": "6c3b1f0e-0000-4000-8000-000000000001",
        "records": 2,
        "created_at": START,
        "submitted_at": START,
    }
    made = Import(**{**values, **overrides})
    async with database.writing() as session:
        session.add(made)
    return made


async def set_job(
    database: Database,
    account: Account,
    job: str,
    **changes: Any,  # noqa: ANN401 - any column
) -> None:
    """Change these columns of one of the account's jobs."""
    async with database.writing() as session:
        found = await session.get_one(Job, (account.id, job))
        for name, value in changes.items():
            setattr(found, name, value)
