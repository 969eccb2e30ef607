"""`/v1/runs`: what ran, how far it is, and how it ended."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.db import raw_connection
from app.errors import Conflict, NotFound
from app.routers.dependencies import Reader, Reading, ServiceParts, Syncer, Writing
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import FilterId, PathId
from app.routers.problem_handlers import problems
from app.routers.problem_types import name_problems
from app.schemas.pages import Page
from app.schemas.runs import (
    JobName,
    RehearsalOut,
    RunEventOut,
    RunOut,
    RunStatus,
    RunTrigger,
    RunWithEvents,
)
from app.services import audit, rehearsals, runs
from app.services.runs import ENDED, RunFilter
from app.sync import queue

router = APIRouter(prefix="/v1/runs", tags=["runs"], route_class=IdempotentRoute)

_POLL_S = 1.0
_MOST_ID = 2**63 - 1


@router.get("", responses=problems())
async def list_runs(
    _caller: Reader,
    request: Request,
    session: Reading,
    job: JobName | None = None,
    account_id: FilterId = None,
    status: RunStatus | None = None,
    trigger: RunTrigger | None = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[RunOut]:
    """List the runs, the newest first."""
    wanted = RunFilter(job=job, account_id=account_id, status=status, trigger=trigger)
    before_id = decode_id("runs", wanted, cursor)
    found = await runs.newest_runs(session, wanted, before_id, limit)
    items = [runs.shown(each) for each in found]
    name_problems(request, *items)
    return page_of("runs", wanted, items, limit, [items[-1].id] if items else None)


@router.get("/{run_id}", responses=problems(NotFound))
async def get_run(
    _caller: Reader, request: Request, session: Reading, run_id: PathId
) -> RunWithEvents:
    """Return one run with its timeline."""
    found = await runs.get_run(session, run_id)
    shown = runs.shown_with_events(found, await runs.latest_events(session, run_id))
    name_problems(request, shown)
    return shown


@router.get("/{run_id}/rehearsal", responses=problems(NotFound, Conflict))
async def get_rehearsal(_caller: Reader, session: Reading, run_id: PathId) -> RehearsalOut:
    """Say whom a dry run of send_people would deal with, and why it would hold back the rest.

    It is there once the run has ended; a hundred people are named of each kind.
    """
    return await rehearsals.rehearsal_of(session, await runs.get_run(session, run_id))


async def _existing(_caller: Reader, parts: ServiceParts, run_id: PathId) -> int:
    """Answer 404 before the stream begins; nothing is held while it goes on."""
    async with parts.database.reading() as session:
        return (await runs.get_run(session, run_id)).id


def _last_seen(
    last_event_id: Annotated[
        str | None, Header(description="Sent by browsers that connect again.", max_length=100)
    ] = None,
) -> int:
    """Return the last line of the timeline that the caller has; what isn't ours counts as none."""
    if last_event_id is None or not (last_event_id.isascii() and last_event_id.isdecimal()):
        return 0
    return min(int(last_event_id), _MOST_ID)


@router.get("/{run_id}/events", response_class=EventSourceResponse, responses=problems(NotFound))
async def stream_run(
    request: Request,
    parts: ServiceParts,
    run_id: Annotated[int, Depends(_existing)],
    last_seen: Annotated[int, Depends(_last_seen)],
) -> AsyncIterator[ServerSentEvent]:
    """Stream a run's progress as server-sent events until it ends.

    `run` carries the run, at once and whenever it changes; `line` a new line of its timeline, whose
    id a browser hands back as `Last-Event-ID`; `end` says that the run is over: close the stream.
    """
    shown: RunOut | None = None
    is_last = False
    while not parts.draining:
        async with parts.database.reading() as session:
            try:
                run = await runs.get_run(session, run_id)
            except NotFound:
                break
            lines = await runs.latest_events(session, run_id, last_seen)
        before, shown = shown, runs.shown(run)
        name_problems(request, shown)
        if shown != before:
            yield _event("run", shown)
        for line in lines:
            last_seen = line.id
            yield _event("line", RunEventOut.model_validate(line), str(line.id))
        if run.status in ENDED and (is_last or before is None):
            yield ServerSentEvent(event="end", data={"status": run.status})
            break
        # The line that tells of the end is written a moment after it.
        is_last = run.status in ENDED
        await parts.clock.sleep(_POLL_S)


@router.post(
    "/{run_id}/cancel",
    responses={202: {"model": RunOut}, **problems(NotFound, Conflict)},
)
async def cancel_run(
    caller: Syncer, parts: ServiceParts, session: Writing, run_id: PathId, response: Response
) -> RunOut:
    """Cancel a run: a queued one ends at once, a running one at its next checkpoint (202).

    What it has done by then stays done; the next run goes on from there.
    """
    run = await runs.cancel_run(session, run_id, parts.clock.now(), caller.actor)
    if run.status in ENDED:
        await queue.drop_place(await raw_connection(session), run_id)
    else:
        response.status_code = 202
    audit.record(session, caller.actor, "run_cancelled", "run", run_id)
    return runs.shown(run)


def _event(
    kind: str, payload: RunOut | RunEventOut, event_id: str | None = None
) -> ServerSentEvent:
    return ServerSentEvent(event=kind, data=payload, id=event_id)
