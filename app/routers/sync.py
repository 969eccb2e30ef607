"""`/v1/sync`: starting and stopping all jobs of an account at once."""

from datetime import datetime

from fastapi import APIRouter, Request

from app.db import WriteSession
from app.errors import NotFound
from app.routers.dependencies import Syncer, Writing, parts_of
from app.routers.idempotent import IdempotentRoute
from app.routers.problem_handlers import problems
from app.routers.problem_types import name_problems
from app.schemas.jobs import SyncIn, SyncOut
from app.services import audit, job_rows, job_standings, jobs
from app.sync.jobs import JOB_FUNCTIONS

router = APIRouter(prefix="/v1/sync", tags=["jobs"], route_class=IdempotentRoute)


@router.post("/start", responses=problems(NotFound))
async def start_sync(caller: Syncer, request: Request, session: Writing, body: SyncIn) -> SyncOut:
    """Enable all jobs of an account that this version runs; repeats change nothing.

    It lifts the pause that `POST /v1/sync/stop` put on the account, and is the only way to: where
    jobs are to be run by hand alone, turn their schedules off again with `PATCH /v1/jobs/{job}`.
    `why` says what still stands in the way.
    """
    now = parts_of(request).clock.now()
    await jobs.start_sync(session, body.account_id, now, JOB_FUNCTIONS)
    audit.record(session, caller.actor, "sync_started", "account", body.account_id)
    return await _standing(request, session, body.account_id, now)


@router.post("/stop", responses=problems(NotFound))
async def stop_sync(caller: Syncer, request: Request, session: Writing, body: SyncIn) -> SyncOut:
    """Disable all jobs of an account and pause it, so that nothing is triggered by hand either.

    Runs in hand go on to their end: `active_runs` names them, `POST /v1/runs/{id}/cancel` ends one.
    Only `POST /v1/sync/start` lifts it. To stop the schedules and go on by hand, turn each job off
    with `PATCH /v1/jobs/{job}` instead.
    """
    now = parts_of(request).clock.now()
    await jobs.stop_sync(session, body.account_id, now, caller.actor)
    audit.record(session, caller.actor, "sync_stopped", "account", body.account_id)
    return await _standing(request, session, body.account_id, now)


async def _standing(
    request: Request, session: WriteSession, account_id: int, now: datetime
) -> SyncOut:
    await session.flush()
    found = await job_rows.jobs_after(session, None, 100, JOB_FUNCTIONS, account_id=account_id)
    timeout_s = parts_of(request).settings.heartbeat_timeout_seconds
    shown = job_standings.shown_sync(account_id, found, now, timeout_s)
    name_problems(request, *(each.last_run for each in shown.jobs))
    return shown
