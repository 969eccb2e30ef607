"""Jobs: when each runs by itself, and whether it does; how they stand is in `job_standings`.

Executing them, and the ticks of their schedules, are `sync`'s; it takes a change up by itself.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from app.db import Database, WriteSession
from app.errors import AccountPaused, Invalid, JobNotAvailable, NotFound
from app.job_kinds import JOB_KINDS
from app.models import Account, Job
from app.services.job_standings import why_account
from app.services.schedules import CRON_EXAMPLE, Schedule, check_cron

_ADD_MISSING = """
INSERT INTO jobs (account_id, job, interval_seconds)
SELECT account.id, kind.job, kind.interval_seconds
FROM accounts AS account, unnest($1::text[], $2::float8[]) AS kind (job, interval_seconds)
ON CONFLICT (account_id, job) DO NOTHING
"""


async def add_missing_jobs(database: Database) -> None:
    """Give the accounts there are the jobs that they lack: those of a newer version, turned off.

    Replicas that start at once may all do so.
    """
    await database.pool.execute(
        _ADD_MISSING, list(JOB_KINDS), [kind.interval_s for kind in JOB_KINDS.values()]
    )


async def lock_job(session: WriteSession, account_id: int, job: str) -> Job:
    """Return the job, held until the transaction ends; raises NotFound."""
    found = await session.execute(
        select(Job).where(col(Job.account_id) == account_id, col(Job.job) == job).with_for_update()
    )
    held = found.scalar_one_or_none()
    if held is None:
        raise NotFound(f"There is no account {account_id}.")
    return held


async def change_job(
    session: WriteSession,
    job: Job,
    at: datetime,
    *,
    schedule: Schedule | None = None,
    enabled: bool | None = None,
) -> bool:
    """Change a job's schedule, or whether it runs by it; None keeps. Raises Invalid.

    Says whether that is a change: what stands already keeps its version.
    """
    if schedule == Schedule(job.interval_seconds, job.cron):
        schedule = None
    if enabled == job.enabled:
        enabled = None
    if schedule is None and enabled is None:
        return False
    if schedule is not None:
        if schedule.cron is not None:
            _refuse_bad_cron(schedule.cron, at)
        if schedule.interval_seconds is not None:
            _refuse_short_interval(job.job, schedule.interval_seconds)
        job.interval_seconds, job.cron = schedule.interval_seconds, schedule.cron
    if enabled is not None:
        job.enabled = enabled
        job.enabled_at = at if enabled else None
    if schedule is not None and job.enabled:
        # A new schedule counts from now: a moment of it that is past is not made up for.
        job.enabled_at = at
    job.updated_at = at
    job.version += 1
    await session.flush()
    return True


async def check_triggerable(
    session: WriteSession,
    account_id: int,
    job: str,
    available: Collection[str],
    *,
    even_paused: bool = False,
) -> None:
    """Raise NotFound, AccountPaused or JobNotAvailable where a run of this job can't be made.

    ``even_paused`` lets one through for an account that was paused by hand, not for one whose
    credentials are refused.
    """
    state = await session.execute(
        select(col(Account.state)).where(col(Account.id) == account_id).with_for_update(read=True)
    )
    account_state = state.scalar_one_or_none()
    if account_state is None:
        raise NotFound(f"There is no account {account_id}.")
    if job not in available:
        raise JobNotAvailable(job)
    if even_paused and account_state == "paused":
        return
    if (why := why_account(account_state, account_id)) is not None:
        raise AccountPaused(why)


async def start_sync(
    session: WriteSession, account_id: int, at: datetime, available: Collection[str]
) -> None:
    """Enable every job of the account that this version runs, and lift its pause."""
    account = await _lock_account(session, account_id)
    if account.state == "paused":
        account.state, account.state_detail = "ok", None
    for job in await _jobs_of(session, account_id):
        if job.job in available and not job.enabled:
            await change_job(session, job, at, enabled=True)


async def stop_sync(session: WriteSession, account_id: int, at: datetime, actor: str) -> None:
    """Disable every job of the account and pause it; runs in hand go on to their end."""
    account = await _lock_account(session, account_id)
    if account.state != "bad_credentials":
        account.state, account.state_detail = "paused", f"Sync was stopped by {actor}."
    for job in await _jobs_of(session, account_id):
        if job.enabled:
            await change_job(session, job, at, enabled=False)


def _refuse_bad_cron(cron: str, at: datetime) -> None:
    try:
        check_cron(cron, at)
    except ValueError as error:
        raise Invalid.at(
            "/body/schedule/cron", f"{cron!r} can't be used: {error}. An example: {CRON_EXAMPLE}."
        ) from error


def _refuse_short_interval(job: str, interval_s: float) -> None:
    least_s = JOB_KINDS[job].least_interval_s if job in JOB_KINDS else 1.0
    if interval_s < least_s:
        raise Invalid.at(
            "/body/schedule/interval_seconds",
            f"{job} runs every {least_s:g} seconds at the most: each run calls Dotdigital, which "
            f"rations calls by the minute. POST /v1/jobs/{job}/runs runs it at once.",
        )


async def _lock_account(session: WriteSession, account_id: int) -> Account:
    found = await session.execute(
        select(Account).where(col(Account.id) == account_id).with_for_update(key_share=True)
    )
    account = found.scalar_one_or_none()
    if account is None:
        raise NotFound(f"There is no account {account_id}.")
    return account


async def _jobs_of(session: WriteSession, account_id: int) -> Sequence[Job]:
    found = await session.execute(
        select(Job)
        .where(col(Job.account_id) == account_id)
        .order_by(col(Job.job))
        .with_for_update()
    )
    return found.scalars().all()
