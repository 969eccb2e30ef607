"""How jobs stand: their last run, their state in a word, why, and when they run next.

Reading them is in `job_rows`, changing them in `jobs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.models import Job, Run
from app.schemas.jobs import JobOut, SyncOut
from app.services.job_rows import ACTIVE, JobStanding
from app.services.runs import shown
from app.services.schedules import Schedule, next_fire
from app.services.signs_of_life import SignOfLife, sign_of_life, written

#: A job is overdue once its moment is past by this much and, on an interval, by one of these: the
#: ticks of a replica begin when it starts.
_GRACE = timedelta(seconds=60)

_WHY_ACCOUNT = {
    "paused": "Sync is stopped for this account, runs by hand included: start it with "
    "POST /v1/sync/start, which starts the schedules of all jobs; PATCH /v1/jobs/{job} turns the "
    "schedule of one off again.",
    "bad_credentials": "Dotdigital refuses the account's credentials: set the right ones with "
    "PATCH /v1/accounts/{id}.",
}


@dataclass(frozen=True, slots=True)
class Outlook:
    """A job's state in a word, why, and when it runs next."""

    state: str
    why: str | None = None
    next_run_at: datetime | None = None


def why_account(state: str, account_id: int) -> str | None:
    """Return why an account in this state runs no jobs; None where it does."""
    why = _WHY_ACCOUNT.get(state)
    return None if why is None else why.replace("{id}", str(account_id))


def outlook(standing: JobStanding, now: datetime, sign: SignOfLife | None = None) -> Outlook:
    """Return the state that a job is in, why, and when it runs next by its schedule.

    ``sign``: the last one of the replica that has its active run in hand, if one has.
    """
    job, last = standing.job, standing.last_run
    if last is not None and last.status in ACTIVE:
        return Outlook(last.status, _why_active(last, now, sign))
    if (why_not := _why_paused(standing)) is not None:
        return Outlook("paused", why_not)
    if job.job == "monitor_imports" and not standing.importing:
        return Outlook("idle", "It runs while an import is in flight, and none is.")
    schedule = Schedule(interval_seconds=job.interval_seconds, cron=job.cron)
    next_at = next_fire(schedule, _last_at(standing), job.enabled_at or job.updated_at)
    if now > _overdue_after(standing, next_at):
        why = (
            f"It should have run at {written(next_at)}: see that a replica runs, with "
            "DOTSYNC_SCHEDULER_ENABLED."
        )
        return Outlook("overdue", why, next_at)
    return Outlook("idle", _why_failed(last), next_at)


def shown_job(standing: JobStanding, now: datetime, heartbeat_timeout_s: float) -> JobOut:
    """Return the job as the API gives it."""
    job = standing.job
    sign = sign_of_life(standing.silent_s, heartbeat_timeout_s, now)
    view = outlook(standing, now, sign)
    return JobOut.model_validate(
        {
            **job.model_dump(include={"account_id", "job", "enabled", "updated_at", "version"}),
            "schedule": _shown_schedule(job),
            "available": standing.available,
            "state": view.state,
            "why": view.why,
            "next_run_at": view.next_run_at,
            "heartbeat_at": None if sign is None else sign.at,
            "takeover_at": None if sign is None else sign.takeover_at,
            "waiting": standing.waiting,
            "last_run": None if standing.last_run is None else shown(standing.last_run),
        }
    )


def shown_sync(
    account_id: int, standings: Sequence[JobStanding], now: datetime, heartbeat_timeout_s: float
) -> SyncOut:
    """Return all jobs of one account, as the API gives them together."""
    account_state = standings[0].account_state
    last_runs = [each.last_run for each in standings if each.last_run is not None]
    return SyncOut.model_validate(
        {
            "account_id": account_id,
            "account_state": account_state,
            "why": why_account(account_state, account_id),
            "jobs": [shown_job(each, now, heartbeat_timeout_s) for each in standings],
            "active_runs": [run.id for run in last_runs if run.status in ACTIVE],
        }
    )


def _why_active(run: Run, now: datetime, sign: SignOfLife | None) -> str | None:
    if run.status == "running":
        return None if sign is None else sign.warning
    if now - run.queued_at <= _GRACE:
        return None
    return f"Waits since {written(run.queued_at)} for a replica that takes it."


def _why_failed(run: Run | None) -> str | None:
    if run is None or run.status != "failed":
        return None
    reason = (run.error or {}).get("detail") or "GET /v1/runs/{id} has its timeline."
    return f"Its last run failed: {reason}"


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
