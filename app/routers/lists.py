"""`/v1/lists`: mailing lists; who is on them is in `members`."""

from fastapi import APIRouter, Response

from app.errors import Conflict, NotFound, StaleVersion
from app.routers.dependencies import (
    IfMatch,
    Reader,
    Reading,
    ServiceParts,
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
    ListDeleted,
    ListIn,
    ListKind,
    ListOut,
    ListWithCounts,
    RecordState,
    SynchronisationWith,
)
from app.schemas.pages import Page
from app.services import audit, lists

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
    items = [ListOut.model_validate(each) for each in found]
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
    return ListOut.model_validate(made)


@router.get("/{list_id}", responses=problems(NotFound))
async def get_list(
    _caller: Reader, session: Reading, list_id: PathId, response: Response
) -> ListWithCounts:
    """Return one list, with its members counted by sync state."""
    found = await lists.get_list(session, list_id)
    members = await lists.count_members(session, list_id)
    set_etag(response, found.version)
    return ListWithCounts.model_validate(
        {**ListOut.model_validate(found).model_dump(), "members": members}
    )


@router.put("/{list_id}", responses=problems(NotFound, StaleVersion, Conflict))
async def replace_list(
    caller: Writer,
    parts: ServiceParts,
    session: Writing,
    list_id: PathId,
    body: ListIn,
    if_match: IfMatch,
    response: Response,
) -> ListOut:
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
    return ListOut.model_validate(found)


@router.patch("/{list_id}", responses=problems(NotFound, StaleVersion, Conflict))
async def change_list(
    caller: Writer,
    parts: ServiceParts,
    session: Writing,
    list_id: PathId,
    body: ListChange,
    if_match: IfMatch,
    response: Response,
) -> ListOut:
    """Change a list's fields; what is left out stays.

    Taken out of sync, to another account or to another list of Dotdigital's, it starts anew there:
    every member is pending again.
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
    return ListOut.model_validate(found)


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
