"""`/v1/jobs`: when each job of each account runs, and runs by hand."""

from fastapi import APIRouter, Request, Response

from app.db import WriteSession, raw_connection
from app.errors import (
    AccountPaused,
    Conflict,
    Invalid,
    JobNotAvailable,
    NotFound,
    RunActive,
    StaleVersion,
)
from app.routers.dependencies import (
    IfMatch,
    Reader,
    Reading,
    ServiceParts,
    Syncer,
    Writing,
    check_version,
    set_etag,
)
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_cursor, page_of
from app.routers.parameters import FilterId
from app.routers.problem_handlers import problems
from app.routers.problem_types import name_problems
from app.schemas.jobs import JobChange, JobOut, TriggerIn
from app.schemas.pages import Page
from app.schemas.runs import JobName, RunOut
from app.services import audit, job_rows, job_standings, jobs, lists, runs
from app.services.schedules import Schedule
from app.sync import queue
from app.sync.jobs import JOB_FUNCTIONS

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=IdempotentRoute)


@router.get("", responses=problems())
async def list_jobs(
    _caller: Reader,
    request: Request,
    parts: ServiceParts,
    session: Reading,
    account_id: FilterId = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[JobOut]:
    """List every job of every account: its schedule, how it stands and why, last and next run."""
    place = decode_cursor("jobs", account_id, cursor, int, str)
    after = None if place is None else (int(str(place[0])), str(place[1]))
    found = await job_rows.jobs_after(session, after, limit, JOB_FUNCTIONS, account_id=account_id)
    now = parts.clock.now()
    timeout_s = parts.settings.heartbeat_timeout_seconds
    items = [job_standings.shown_job(each, now, timeout_s) for each in found]
    name_problems(request, *(each.last_run for each in items))
    last = (items[-1].account_id, items[-1].job) if items else None
    return page_of("jobs", account_id, items, limit, last)


@router.patch("/{job}", responses=problems(NotFound, StaleVersion, JobNotAvailable))
async def change_job(
    caller: Syncer,
    request: Request,
    parts: ServiceParts,
    session: Writing,
    job: JobName,
    body: JobChange,
    if_match: IfMatch,
    response: Response,
) -> JobOut:
    """Change a job's schedule, or whether it runs by it; every replica takes it up within 5 s.

    What stands already changes nothing, the version neither.
    """
    held = await jobs.lock_job(session, body.account_id, job)
    check_version(held.version, if_match)
    if body.enabled and job not in JOB_FUNCTIONS:
        raise JobNotAvailable(job)
    schedule = None if body.schedule is None else Schedule(**body.schedule.model_dump())
    now = parts.clock.now()
    if await jobs.change_job(session, held, now, schedule=schedule, enabled=body.enabled):
        detail = body.model_dump(mode="json", exclude_unset=True) | {"job": job}
        audit.record(session, caller.actor, "job_changed", "account", body.account_id, detail)
    set_etag(response, held.version)
    standing = await job_rows.get_standing(session, body.account_id, job, JOB_FUNCTIONS)
    shown = job_standings.shown_job(standing, now, parts.settings.heartbeat_timeout_seconds)
    name_problems(request, shown.last_run)
    return shown


@router.post(
    "/{job}/runs",
    status_code=202,
    responses=problems(NotFound, Conflict, RunActive, AccountPaused, JobNotAvailable),
)
async def trigger_run(
    caller: Syncer,
    parts: ServiceParts,
    session: Writing,
    job: JobName,
    body: TriggerIn,
    response: Response,
) -> RunOut:
    """Start a run by hand; it needs no schedule and no Start Sync. `Location` shows how it goes."""
    if body.list_id is not None:
        await _check_list(session, job, body.account_id, body.list_id)
    await jobs.check_triggerable(session, body.account_id, job, JOB_FUNCTIONS)
    run_id = await queue.trigger_run(
        await raw_connection(session),
        account_id=body.account_id,
        job=job,
        mode=body.mode,
        trigger="manual",
        at=parts.clock.now(),
        heartbeat_timeout_s=parts.settings.heartbeat_timeout_seconds,
        scope=None if body.list_id is None else {"list_id": body.list_id},
    )
    detail = body.model_dump(include={"mode", "list_id"}, exclude_none=True)
    audit.record(session, caller.actor, "run_triggered", "run", run_id, detail)
    response.headers["Location"] = f"/v1/runs/{run_id}"
    return runs.shown(await runs.get_run(session, run_id))


async def _check_list(session: WriteSession, job: str, account_id: int, list_id: int) -> None:
    """Raise Invalid or Conflict where a run of this job can't be for this list alone."""
    if job != "send_lists":
        raise Invalid.at("/body/list_id", f"Only send_lists runs for one list, not {job}.")
    try:
        found = await lists.get_list(session, list_id, hold=True)
    except NotFound as error:
        raise Invalid.at("/body/list_id", error.detail) from error
    if lists.check_can_run(found) != account_id:
        raise Invalid.at(
            "/body/list_id", f"List {list_id} is synchronised with account {found.account_id}."
        )
