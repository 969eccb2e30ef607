"""How jobs stand: their last run, their state in a word, why, and when they run next.

Changing them is in `jobs`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.db import ReadSession, WriteSession
from app.errors import NotFound
from app.models import Account, Import, Job, PersonChange, Run
from app.schemas.jobs import JobOut, SyncOut
from app.services.runs import shown
from app.services.schedules import Schedule, next_fire

#: A job is overdue once its moment is past by this much and, on an interval, by one of these: the
#: ticks of a replica begin when it starts.
_GRACE = timedelta(seconds=60)
_ACTIVE = ("queued", "running")

_WHY_ACCOUNT = {
    "paused": "Sync is stopped for this account: start it with POST /v1/sync/start.",
    "bad_credentials": "Dotdigital refuses the account's credentials: set the right ones with "
    "PATCH /v1/accounts/{id}.",
}


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


@dataclass(frozen=True, slots=True)
class Outlook:
    """A job's state in a word, why, and when it runs next."""

    state: str
    why: str | None = None
    next_run_at: datetime | None = None


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
    active, scheduled, manual = aliased(Run), _latest("schedule"), _latest("manual")
    # Spelt out, so that it is known to be the condition of runs_one_active.
    is_active = col(active.status).in_([literal_column(f"'{status}'") for status in _ACTIVE])
    in_flight = exists().where(
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
    waiting_here = case((col(Job.job) == "send_people", waiting))
    found = await session.execute(
        select(Job, col(Account.state), active, scheduled, manual, in_flight, waiting_here)
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
        .where(*conditions)
        .order_by(col(Job.account_id), col(Job.job))
        .limit(limit)
    )
    return [
        JobStanding(
            job=job,
            account_state=account_state,
            last_run=_last(active_run, scheduled_run, manual_run),
            last_scheduled_at=_queued_at(scheduled_run),
            importing=importing,
            waiting=waiting,
            available=job.job in available,
        )
        for (
            job,
            account_state,
            active_run,
            scheduled_run,
            manual_run,
            importing,
            waiting,
        ) in found.all()
    ]


async def get_standing(
    session: ReadSession | WriteSession, account_id: int, job: str, available: Collection[str]
) -> JobStanding:
    """Return one job as it stands; raises NotFound."""
    found = await jobs_after(session, None, 1, available, account_id=account_id, job=job)
    if not found:
        raise NotFound(f"There is no account {account_id}.")
    return found[0]


def why_account(state: str, account_id: int) -> str | None:
    """Return why an account in this state runs no jobs; None where it does."""
    why = _WHY_ACCOUNT.get(state)
    return None if why is None else why.replace("{id}", str(account_id))


def outlook(standing: JobStanding, now: datetime) -> Outlook:
    """Return the state that a job is in, why, and when it runs next by its schedule."""
    job, last = standing.job, standing.last_run
    if last is not None and last.status in _ACTIVE:
        late = last.status == "queued" and now - last.queued_at > _GRACE
        why = f"Waits since {_written(last.queued_at)} for a replica that takes it."
        return Outlook(last.status, why if late else None)
    if (why_not := _why_paused(standing)) is not None:
        return Outlook("paused", why_not)
    if job.job == "monitor_imports" and not standing.importing:
        return Outlook("idle", "It runs while an import is in flight, and none is.")
    schedule = Schedule(interval_seconds=job.interval_seconds, cron=job.cron)
    next_at = next_fire(schedule, _last_at(standing), job.enabled_at or job.updated_at)
    if now > _overdue_after(standing, next_at):
        why = (
            f"It should have run at {_written(next_at)}: see that a replica runs, with "
            "DOTSYNC_SCHEDULER_ENABLED."
        )
        return Outlook("overdue", why, next_at)
    return Outlook("idle", None, next_at)


def shown_job(standing: JobStanding, now: datetime) -> JobOut:
    """Return the job as the API gives it."""
    job = standing.job
    view = outlook(standing, now)
    return JobOut.model_validate(
        {
            **job.model_dump(include={"account_id", "job", "enabled", "updated_at", "version"}),
            "schedule": _shown_schedule(job),
            "available": standing.available,
            "state": view.state,
            "why": view.why,
            "next_run_at": view.next_run_at,
            "waiting": standing.waiting,
            "last_run": None if standing.last_run is None else shown(standing.last_run),
        }
    )


def shown_sync(account_id: int, standings: Sequence[JobStanding], now: datetime) -> SyncOut:
    """Return all jobs of one account, as the API gives them together."""
    account_state = standings[0].account_state
    last_runs = [each.last_run for each in standings if each.last_run is not None]
    return SyncOut.model_validate(
        {
            "account_id": account_id,
            "account_state": account_state,
            "why": why_account(account_state, account_id),
            "jobs": [shown_job(each, now) for each in standings],
            "active_runs": [run.id for run in last_runs if run.status in _ACTIVE],
        }
    )


def _why_paused(standing: JobStanding) -> str | None:
    job = standing.job
    if not standing.available:
        return "This version of the service doesn't run this job."
    if (why := why_account(standing.account_state, job.account_id)) is not None:
        return why
    if not job.enabled:
        return (
            "It is not enabled: start all jobs with POST /v1/sync/start, or this one with PATCH "
            f"/v1/jobs/{job.job}. It can be run by hand."
        )
    return None


def _shown_schedule(job: Job) -> dict[str, object]:
    if job.cron is not None:
        return {"cron": job.cron}
    seconds = job.interval_seconds or 0.0
    return {"interval_seconds": int(seconds) if seconds.is_integer() else seconds}


def _last_at(standing: JobStanding) -> datetime | None:
    """Return what the schedule counts from: a run by hand stands for the cron it overlapped."""
    moments = [standing.last_scheduled_at]
    if standing.job.cron is not None and standing.last_run is not None:
        moments.append(standing.last_run.finished_at)
    return max((moment for moment in moments if moment is not None), default=None)


def _overdue_after(standing: JobStanding, next_at: datetime) -> datetime:
    """Return the instant from which the job is overdue. A run that ended late holds it off."""
    interval = timedelta(seconds=standing.job.interval_seconds or 0)
    ended_at = standing.last_run.finished_at if standing.last_run is not None else None
    return max(next_at, ended_at or next_at) + interval + _GRACE


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
    return aliased(Run, found)


def _queued_at(run: Run | None) -> datetime | None:
    return None if run is None else run.queued_at


def _last(active: Run | None, *latest: Run | None) -> Run | None:
    if active is not None:
        return active
    return max((run for run in latest if run is not None), key=lambda run: run.id, default=None)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
