"""`/v1/lists`: mailing lists; who is on them is in `members`."""

from fastapi import APIRouter, Response

from app.db import WriteSession, raw_connection
from app.errors import (
    AccountPaused,
    Conflict,
    JobNotAvailable,
    NotFound,
    RunActive,
    StaleVersion,
)
from app.models import MailingList
from app.routers.dependencies import (
    IfMatch,
    Reader,
    Reading,
    ServiceParts,
    Syncer,
    Writer,
    Writing,
    check_version,
    set_etag,
)
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import FilterId, FilterText, PathId
from app.routers.problem_handlers import problems
from app.schemas.lists import (
    ListChange,
    ListChanged,
    ListDeleted,
    ListIn,
    ListKind,
    ListOut,
    ListSyncIn,
    ListWithCounts,
    RecordState,
    SynchronisationWith,
)
from app.schemas.pages import Page
from app.schemas.runs import RunOut
from app.services import audit, jobs, lists, runs
from app.sync import queue
from app.sync.jobs import JOB_FUNCTIONS

router = APIRouter(prefix="/v1/lists", tags=["lists"], route_class=IdempotentRoute)


@router.get("", responses=problems())
async def list_lists(
    _caller: Reader,
    session: Reading,
    account_id: FilterId = None,
    kind: ListKind | None = None,
    record_state: RecordState | None = None,
    synchronisation_with: SynchronisationWith | None = None,
    q: FilterText = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ListOut]:
    """List the lists, by ascending id; `q` finds any part of a name."""
    wanted = {
        "account_id": account_id,
        "kind": kind,
        "record_state": record_state,
        "synchronisation_with": synchronisation_with,
        "q": q,
    }
    after_id = decode_id("lists", wanted, cursor)
    found = await lists.lists_after(
        session,
        after_id,
        limit,
        account_id=account_id,
        kind=kind,
        record_state=record_state,
        synchronisation_with=synchronisation_with,
        q=q,
    )
    items = [lists.shown(each) for each in found]
    return page_of("lists", wanted, items, limit, [items[-1].id] if items else None)


@router.post("", status_code=201, responses=problems(Conflict))
async def create_list(
    caller: Writer, parts: ServiceParts, session: Writing, body: ListIn, response: Response
) -> ListOut:
    """Make a list; `send_lists` makes or finds its twin in Dotdigital where it is synchronised."""
    made = await lists.create_list(session, body.model_dump(), parts.clock.now())
    audit.record(session, caller.actor, "list_created", "list", made.id)
    response.headers["Location"] = f"/v1/lists/{made.id}"
    set_etag(response, made.version)
    return lists.shown(made)


@router.get("/{list_id}", responses=problems(NotFound))
async def get_list(
    _caller: Reader, session: Reading, list_id: PathId, response: Response
) -> ListWithCounts:
    """Return one list, with its members counted by sync state."""
    found = await lists.get_list(session, list_id)
    members = await lists.count_members(session, list_id)
    set_etag(response, found.version)
    return ListWithCounts.model_validate({**lists.shown(found).model_dump(), "members": members})


@router.put("/{list_id}", responses=problems(NotFound, StaleVersion, Conflict))
async def replace_list(
    caller: Writer,
    parts: ServiceParts,
    session: Writing,
    list_id: PathId,
    body: ListIn,
    if_match: IfMatch,
    response: Response,
) -> ListChanged:
    """Replace a list's fields: what is left out goes to its default; members stay.

    Only `dotdigital_list_id`, which the service fills, stays when it is left out.
    """
    found = await lists.get_list(session, list_id, hold=True)
    check_version(found.version, if_match)
    kept = set() if "dotdigital_list_id" in body.model_fields_set else {"dotdigital_list_id"}
    values = body.model_dump(exclude=kept)
    await lists.change_list(session, found, values, parts.clock.now())
    audit.record(session, caller.actor, "list_changed", "list", list_id)
    set_etag(response, found.version)
    return await _changed(session, found)


@router.patch("/{list_id}", responses=problems(NotFound, StaleVersion, Conflict))
async def change_list(
    caller: Writer,
    parts: ServiceParts,
    session: Writing,
    list_id: PathId,
    body: ListChange,
    if_match: IfMatch,
    response: Response,
) -> ListChanged:
    """Change a list's fields; what is left out stays.

    Taken out of sync, to another account or to another list of Dotdigital's, it starts anew there:
    every member is pending again. So does one whose `entry_action` changes, which is refused while
    somebody is still leaving; made a suppression audience, `members_to_suppress` says how many are
    suppressed by it.
    """
    found = await lists.get_list(session, list_id, hold=True)
    check_version(found.version, if_match)
    values = body.model_dump(exclude_unset=True)
    if values:
        await lists.change_list(session, found, values, parts.clock.now())
        audit.record(
            session, caller.actor, "list_changed", "list", list_id, {"fields": sorted(values)}
        )
    set_etag(response, found.version)
    return await _changed(session, found)


@router.delete("/{list_id}", responses=problems(NotFound, StaleVersion))
async def delete_list(
    caller: Writer, session: Writing, list_id: PathId, if_match: IfMatch
) -> ListDeleted:
    """Delete a list and its memberships; people, contacts and Dotdigital's list stay."""
    found = await lists.get_list(session, list_id, hold=True)
    check_version(found.version, if_match)
    await lists.delete_list(session, found)
    audit.record(session, caller.actor, "list_deleted", "list", list_id)
    return ListDeleted(
        id=list_id,
        dotdigital_list_id=found.dotdigital_list_id,
        detail=lists.what_becomes_of_twin(found),
    )


@router.post(
    "/{list_id}/sync",
    status_code=202,
    responses=problems(NotFound, Conflict, RunActive, AccountPaused, JobNotAvailable),
)
async def sync_list(
    caller: Syncer,
    parts: ServiceParts,
    session: Writing,
    list_id: PathId,
    response: Response,
    body: ListSyncIn | None = None,
) -> RunOut:
    """Synchronise this one list by hand: a run of `send_lists` that looks at no other.

    It waits for no fuller batch, and sends a one-time list once more. `Location` shows how it goes.
    """
    mode = "changes" if body is None else body.mode
    found = await lists.get_list(session, list_id, hold=True)
    account_id = lists.check_can_run(found)
    await jobs.check_triggerable(session, account_id, "send_lists", JOB_FUNCTIONS)
    run_id = await queue.trigger_run(
        await raw_connection(session),
        account_id=account_id,
        job="send_lists",
        mode=mode,
        trigger="manual",
        at=parts.clock.now(),
        heartbeat_timeout_s=parts.settings.heartbeat_timeout_seconds,
        scope={"list_id": list_id},
    )
    audit.record(
        session, caller.actor, "run_triggered", "run", run_id, {"mode": mode, "list_id": list_id}
    )
    response.headers["Location"] = f"/v1/runs/{run_id}"
    return runs.shown(await runs.get_run(session, run_id))


async def _changed(session: WriteSession, found: MailingList) -> ListChanged:
    to_suppress = await lists.count_to_suppress(session, found)
    values = {**lists.shown(found).model_dump(), "members_to_suppress": to_suppress}
    return ListChanged.model_validate(values)
