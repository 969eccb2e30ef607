"""`/v1/mappings`: which person field goes with which data field or preference."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.errors import (
    BadCredentials,
    Conflict,
    DotdigitalUnreachable,
    HostNotAllowed,
    Invalid,
    NotFound,
    StaleVersion,
)
from app.models import Failure, Mapping
from app.routers.dependencies import (
    IfMatch,
    Parts,
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
from app.routers.parameters import FilterId, PathId
from app.routers.problem_handlers import problems
from app.routers.whole_collections import cut_page
from app.schemas.mapping_kinds import MappingKind
from app.schemas.mappings import (
    Direction,
    LeftOut,
    MappingChange,
    MappingDeleted,
    MappingIn,
    MappingOut,
    MappingStored,
    MappingWithProgress,
    SuggestionOut,
)
from app.schemas.pages import Page
from app.services import audit, mapping_proposals, mappings
from app.services.api_keys import Caller
from app.services.mapping_kinds import KINDS
from app.services.mapping_kinds.kind import Target
from app.services.mapping_offers import suggestions_for

router = APIRouter(prefix="/v1/mappings", tags=["mappings"], route_class=IdempotentRoute)

_FROM_DOTDIGITAL = (BadCredentials, HostNotAllowed, DotdigitalUnreachable)

CreateMissing = Annotated[
    bool,
    Query(
        description=f"Make the {' or the '.join(kind.noun for kind in KINDS.values())} in "
        "Dotdigital if it isn't there. A path into `custom` that nobody has is refused where it "
        "looks like a slip of one that people have: what is made there stays."
    ),
]
Unseen = Annotated[
    bool,
    Query(description="With `create_missing`: a path that nobody has is meant as it is written."),
]


@router.get("", responses=problems())
async def list_mappings(
    _caller: Reader,
    session: Reading,
    account_id: FilterId = None,
    kind: MappingKind | None = None,
    direction: Direction | None = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[MappingOut]:
    """List the mappings, by ascending id."""
    wanted = {"account_id": account_id, "kind": kind, "direction": direction}
    after_id = decode_id("mappings", wanted, cursor)
    found = await mappings.mappings_after(
        session, after_id, limit, account_id=account_id, kind=kind, direction=direction
    )
    left_out = await mappings.left_out(session, [each.id for each in found])
    items = [_shown(each, left_out.get(each.id)) for each in found]
    return page_of("mappings", wanted, items, limit, [items[-1].id] if items else None)


@router.post("", status_code=201, responses=problems(Conflict, *_FROM_DOTDIGITAL))
async def create_mapping(
    caller: Writer,
    parts: ServiceParts,
    body: MappingIn,
    response: Response,
    *,
    create_missing: CreateMissing = False,
    unseen: Unseen = False,
) -> MappingStored:
    """Make a mapping, once its target was found in Dotdigital and the types agree.

    Linked people are sent again because of it, in the background.
    """
    values = body.model_dump(exclude={"data_field_type"})
    proposal = await mapping_proposals.examine(
        parts.database, Mapping(**values), body.data_field_type, unseen=unseen
    )
    target = await mapping_proposals.find_target(
        parts.database, parts.connector, proposal, create_missing=create_missing
    )
    async with parts.database.writing() as session:
        made, to_send = await mappings.create_mapping(session, values, target, parts.clock.now())
        audit.record(session, caller.actor, "mapping_created", "mapping", made.id)
        await session.refresh(made)
    response.headers["Location"] = f"/v1/mappings/{made.id}"
    set_etag(response, made.version)
    return _stored(made, to_send, proposal.warning)


@router.get("/suggestions", responses=problems(NotFound, *_FROM_DOTDIGITAL))
async def list_suggestions(
    _caller: Reader,
    parts: ServiceParts,
    account_id: Annotated[int, Query(ge=1, le=2**63 - 1)],
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[SuggestionOut]:
    """List likely pairs that have no mapping yet, the surest first; two calls to Dotdigital."""
    found = await suggestions_for(parts.database, parts.connector, account_id)
    items = [SuggestionOut.model_validate(each) for each in found]
    return cut_page(
        "suggestions",
        account_id,
        items,
        limit,
        cursor,
        lambda each: (-round(each.confidence * 100), each.person_field, each.dotdigital_field),
        int,
        str,
        str,
    )


@router.get("/{mapping_id}", responses=problems(NotFound))
async def get_mapping(
    _caller: Reader, session: Reading, mapping_id: PathId, response: Response
) -> MappingWithProgress:
    """Return one mapping, and how many linked people still have to be sent because of one."""
    found = await mappings.get_mapping(session, mapping_id)
    pending = await mappings.count_pending(session, found)
    left_out = await mappings.left_out(session, [mapping_id])
    set_etag(response, found.version)
    shown = _shown(found, left_out.get(mapping_id))
    return MappingWithProgress(**shown.model_dump(), pending_people=pending)


@router.put(
    "/{mapping_id}", responses=problems(NotFound, StaleVersion, Conflict, *_FROM_DOTDIGITAL)
)
async def replace_mapping(
    caller: Writer,
    parts: ServiceParts,
    mapping_id: PathId,
    body: MappingIn,
    if_match: IfMatch,
    response: Response,
    *,
    create_missing: CreateMissing = False,
    unseen: Unseen = False,
) -> MappingStored:
    """Replace a mapping's fields: what is left out goes to its default.

    Its target is found anew, and linked people are sent again where need be. The account and the
    kind never change: delete the mapping and make another one instead.
    """
    async with parts.database.reading() as session:
        before = await mappings.get_mapping(session, mapping_id)
    check_version(before.version, if_match)
    _refuse_move(before, body)
    values = body.model_dump(exclude={"data_field_type"})
    proposal = await mapping_proposals.examine(
        parts.database,
        Mapping(**{**before.model_dump(), **values}),
        body.data_field_type,
        unseen=unseen,
    )
    target = await mapping_proposals.find_target(
        parts.database, parts.connector, proposal, create_missing=create_missing
    )
    found, to_send, left_out = await _changed(caller, parts, before, values, target)
    set_etag(response, found.version)
    return _stored(found, to_send, proposal.warning, left_out)


@router.patch(
    "/{mapping_id}", responses=problems(NotFound, StaleVersion, Conflict, *_FROM_DOTDIGITAL)
)
async def change_mapping(
    caller: Writer,
    parts: ServiceParts,
    mapping_id: PathId,
    body: MappingChange,
    if_match: IfMatch,
    response: Response,
    *,
    create_missing: CreateMissing = False,
    unseen: Unseen = False,
) -> MappingStored:
    """Change a mapping; what is left out stays. Linked people are sent again where need be.

    Naming a `dotdigital_field` finds its target anew.
    """
    async with parts.database.reading() as session:
        before = await mappings.get_mapping(session, mapping_id)
    check_version(before.version, if_match)
    values = body.model_dump(exclude={"data_field_type"}, exclude_unset=True)
    proposal = await mapping_proposals.examine(
        parts.database,
        Mapping(**{**before.model_dump(), **values}),
        body.data_field_type,
        unseen=unseen,
    )
    target = None
    if body.dotdigital_field is None and body.data_field_type is None:
        if body.person_field is not None:
            mapping_proposals.keep_target(proposal)
    else:
        target = await mapping_proposals.find_target(
            parts.database, parts.connector, proposal, create_missing=create_missing
        )
    found, to_send, left_out = await _changed(caller, parts, before, values, target)
    set_etag(response, found.version)
    return _stored(found, to_send, proposal.warning, left_out)


@router.delete("/{mapping_id}", responses=problems(NotFound, StaleVersion))
async def delete_mapping(
    caller: Writer, parts: ServiceParts, session: Writing, mapping_id: PathId, if_match: IfMatch
) -> MappingDeleted:
    """Delete a mapping; the data field or preference stays in Dotdigital, with contacts' values."""
    found = await mappings.hold_mapping(session, mapping_id)
    check_version(found.version, if_match)
    to_send = await mappings.delete_mapping(session, found, parts.clock.now())
    audit.record(session, caller.actor, "mapping_deleted", "mapping", mapping_id)
    return MappingDeleted(id=mapping_id, linked_people_to_send=to_send)


def _refuse_move(before: Mapping, body: MappingIn) -> None:
    """Raise Invalid where the body is for another account or of another kind."""
    for name in ("account_id", "kind"):
        stands = getattr(before, name)
        if getattr(body, name) != stands:
            raise Invalid.at(
                f"/body/{name}",
                f"This never changes, and is {stands}: delete the mapping and make another one.",
            )


async def _changed(
    caller: Caller,
    parts: Parts,
    before: Mapping,
    values: dict[str, Any],
    target: Target | None,
) -> tuple[Mapping, int, Failure | None]:
    """Store the change of a mapping that still stands as it was read."""
    async with parts.database.writing() as session:
        found = await mappings.hold_mapping(session, before.id)
        check_version(found.version, before.version)
        to_send = await mappings.change_mapping(session, found, values, target, parts.clock.now())
        audit.record(session, caller.actor, "mapping_changed", "mapping", before.id)
        left_out = await mappings.left_out(session, [found.id])
    return found, to_send, left_out.get(found.id)


def _stored(
    mapping: Mapping, to_send: int, warning: str | None, left_out: Failure | None = None
) -> MappingStored:
    shown = _shown(mapping, left_out)
    return MappingStored(**shown.model_dump(), linked_people_to_send=to_send, warning=warning)


def _shown(mapping: Mapping, left_out: Failure | None) -> MappingOut:
    shown = MappingOut.model_validate(mapping)
    if left_out is not None:
        shown.left_out = LeftOut(
            failure_id=left_out.id,
            code=left_out.code,
            message=left_out.message,
            since=left_out.first_seen_at,
            looked_at_again_at=left_out.next_retry_at,
        )
    return shown
