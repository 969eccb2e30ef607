"""Runs as they stand: found, shown with their timeline, and told to stop.

Queueing and executing them is the jobs'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from app.db import ReadSession, WriteSession
from app.errors import Conflict, NotFound
from app.job_kinds import JOB_KINDS
from app.models import Run, RunEvent
from app.schemas.runs import Progress, RunEventOut, RunOut, RunProblem, RunWithEvents

ENDED = frozenset({"succeeded", "partial", "failed", "cancelled"})
#: Lines of a timeline that are shown, the newest.
MAX_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What a caller asks for; None asks nothing."""

    job: str | None = None
    account_id: int | None = None
    status: str | None = None
    trigger: str | None = None


async def get_run(session: ReadSession | WriteSession, run_id: int) -> Run:
    """Return the run; raises NotFound."""
    found = await session.get(Run, run_id)
    if found is None:
        raise NotFound(f"There is no run {run_id}.")
    return found


async def newest_runs(
    session: ReadSession, wanted: RunFilter, before_id: int | None, limit: int
) -> Sequence[Run]:
    """Return the runs with ids below this one that fit, the newest first."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.job is not None:
        conditions.append(col(Run.job) == wanted.job)
    if wanted.account_id is not None:
        conditions.append(col(Run.account_id) == wanted.account_id)
    if wanted.status is not None:
        conditions.append(col(Run.status) == wanted.status)
    if wanted.trigger is not None:
        conditions.append(col(Run.trigger) == wanted.trigger)
    if before_id is not None:
        conditions.append(col(Run.id) < before_id)
    found = await session.execute(
        select(Run).where(*conditions).order_by(col(Run.id).desc()).limit(limit)
    )
    return found.scalars().all()


async def latest_events(
    session: ReadSession | WriteSession, run_id: int, after_id: int = 0
) -> list[RunEvent]:
    """Return the lines of a run's timeline after this one, the oldest first; `MAX_EVENTS` of them.

    Where there are more, the oldest are left out.
    """
    found = await session.execute(
        select(RunEvent)
        .where(col(RunEvent.run_id) == run_id, col(RunEvent.id) > after_id)
        .order_by(col(RunEvent.id).desc())
        .limit(MAX_EVENTS)
    )
    return list(reversed(found.scalars().all()))


async def cancel_run(session: WriteSession, run_id: int, at: datetime, actor: str) -> Run:
    """End a queued run; have a running one stop at its next checkpoint. Repeats are harmless.

    Raises NotFound, and Conflict for a run that has ended.
    """
    query = select(Run).where(col(Run.id) == run_id).with_for_update(key_share=True)
    found = await session.execute(query)
    run = found.scalar_one_or_none()
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    if run.status in ENDED:
        raise Conflict(
            f"Run {run_id} has ended ({run.status}), so there is nothing to cancel.",
            extensions={"run_status": run.status},
        )
    is_queued = run.status == "queued"
    if run.cancel_requested_at is None or is_queued:
        run.cancel_requested_at = run.cancel_requested_at or at
        event = "cancelled" if is_queued else "cancel_requested"
        session.add(RunEvent(run_id=run_id, at=at, event=event, detail={"by": actor}))
    if is_queued:
        run.status, run.finished_at = "cancelled", at
    await session.flush()
    return run


def shown(run: Run) -> RunOut:
    """Return the run as the API gives it."""
    return RunOut(**_members(run))


def shown_with_events(run: Run, events: Sequence[RunEvent]) -> RunWithEvents:
    """Return the run as the API gives it, with its timeline."""
    return RunWithEvents(
        **_members(run), events=[RunEventOut.model_validate(event) for event in events]
    )


def _members(run: Run) -> dict[str, Any]:
    values = run.model_dump(
        include=set(RunOut.model_fields) - {"progress", "counts", "calls", "error"}
    )
    return {
        **values,
        "progress": Progress(done=run.progress_done, total=run.progress_total),
        "counts": {**dict.fromkeys(JOB_KINDS[run.job].counts, 0), **run.counts},
        "calls": run.calls,
        "error": None if run.error is None else RunProblem(**run.error),
    }
