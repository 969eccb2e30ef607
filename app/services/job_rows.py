"""Jobs read with all that tells how they stand; what is made of it is in `job_standings`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    and_,
    case,
    cast,
    column,
    exists,
    func,
    literal_column,
    select,
    table,
    true,
    tuple_,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db import ReadSession, WriteSession
from app.errors import NotFound
from app.models import Account, Import, Job, PersonChange, Run

ACTIVE = ("queued", "running")
_PLACES = table("pgqueuer", column("dedupe_key"), column("heartbeat"))


@dataclass(frozen=True, slots=True)
class JobStanding:
    """One job with all that tells how it stands."""

    job: Job
    account_state: str
    last_run: Run | None
    #: When its last scheduled run was queued.
    last_scheduled_at: datetime | None
    #: Whether an import of the account is in flight.
    importing: bool
    #: People whose change waits, for the job that sends them.
    waiting: int | None
    #: Whether this version runs it.
    available: bool
    #: Seconds since the last sign of life of the replica that has the active run in hand.
    silent_s: float | None = None


async def jobs_after(
    session: ReadSession | WriteSession,
    after: tuple[int, str] | None,
    limit: int,
    available: Collection[str],
    *,
    account_id: int | None = None,
    job: str | None = None,
) -> list[JobStanding]:
    """Return the jobs after this one (account, name), ascending, each as it stands."""
    conditions: list[ColumnElement[bool]] = []
    if account_id is not None:
        conditions.append(col(Job.account_id) == account_id)
    if job is not None:
        conditions.append(col(Job.job) == job)
    if after is not None:
        conditions.append(tuple_(col(Job.account_id), col(Job.job)) > after)
    found = await session.execute(
        _with_runs().where(*conditions).order_by(col(Job.account_id), col(Job.job)).limit(limit)
    )
    return [
        JobStanding(
            job=row.Job,
            account_state=row.account_state,
            last_run=_last(row.active, row.scheduled, row.manual),
            last_scheduled_at=None if row.scheduled is None else row.scheduled.queued_at,
            importing=row.importing,
            waiting=row.waiting,
            available=row.Job.job in available,
            silent_s=row.silent_s,
        )
        for row in found.all()
    ]


async def get_standing(
    session: ReadSession | WriteSession, account_id: int, job: str, available: Collection[str]
) -> JobStanding:
    """Return one job as it stands; raises NotFound."""
    found = await jobs_after(session, None, 1, available, account_id=account_id, job=job)
    if not found:
        raise NotFound(f"There is no account {account_id}.")
    return found[0]


def _with_runs() -> Select[Any]:
    """Return jobs with their account's state, their runs, and what waits for them."""
    active = aliased(Run, name="active")
    scheduled, manual = _latest("schedule"), _latest("manual")
    # Spelt out, so that it is known to be the condition of runs_one_active.
    is_active = col(active.status).in_([literal_column(f"'{status}'") for status in ACTIVE])
    importing = exists().where(
        col(Import.account_id) == col(Job.account_id),
        col(Import.status).in_(("submitting", "open")),
    )
    # Primary key of person_changes.
    waiting = (
        select(func.count())
        .select_from(PersonChange)
        .where(col(PersonChange.account_id) == col(Job.account_id))
        .scalar_subquery()
    )
    silent_s = (
        select(cast(func.extract("epoch", func.now() - _PLACES.c.heartbeat), Float))
        .where(
            _PLACES.c.dedupe_key == func.concat("run:", col(active.id)),
            # An enum of PgQueuer's own.
            literal_column("pgqueuer.status = 'picked'"),
        )
        .scalar_subquery()
    )
    return (
        select(
            Job,
            col(Account.state).label("account_state"),
            active,
            scheduled,
            manual,
            importing.label("importing"),
            case((col(Job.job) == "send_people", waiting)).label("waiting"),
            silent_s.label("silent_s"),
        )
        .join(Account, col(Account.id) == col(Job.account_id))
        .outerjoin(
            active,
            and_(
                col(active.account_id) == col(Job.account_id),
                col(active.job) == col(Job.job),
                is_active,
            ),
        )
        .outerjoin(scheduled, true())
        .outerjoin(manual, true())
    )


def _latest(trigger: str) -> type[Run]:
    """Return the latest run of `Job` by this trigger, to be joined. runs_queued."""
    found = (
        select(Run)
        .where(
            col(Run.account_id) == col(Job.account_id),
            col(Run.job) == col(Job.job),
            col(Run.trigger) == trigger,
        )
        .order_by(col(Run.queued_at).desc(), col(Run.id).desc())
        .limit(1)
        .lateral()
    )
    return aliased(Run, found, name={"schedule": "scheduled"}.get(trigger, trigger))


def _last(active: Run | None, *latest: Run | None) -> Run | None:
    if active is not None:
        return active
    return max((run for run in latest if run is not None), key=lambda run: run.id, default=None)
