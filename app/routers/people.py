"""`/v1/people`: people one by one, and in pages."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Query, Request, Response

from app.errors import Conflict, NotFound, StaleVersion
from app.routers.dependencies import (
    IfMatch,
    Reader,
    ServiceParts,
    Writer,
    WritingConnection,
    check_version,
    parts_of,
)
from app.routers.idempotent import IdempotentRoute
from app.routers.lean_routes import LeanRoute, plain_body
from app.routers.paging import CursorText, Limit, decode_cursor, encode_cursor
from app.routers.parameters import FilterId, FilterText, PathId
from app.routers.problem_handlers import problems
from app.schemas.pages import Page
from app.schemas.people import PersonIn, PersonKind, PersonOut
from app.schemas.people_bulk import SyncStatus
from app.schemas.text import Instant
from app.services import people, people_pages
from app.services.api_keys import Caller
from app.services.people import Document
from app.services.people_filter import PersonFilter
from app.services.person_values import clean_body

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=IdempotentRoute)

_JSON: Final = "application/json"
_PLAIN_ID: Final = re.compile("[1-9][0-9]{0,17}", re.ASCII)
_PLAIN_PAGE: Final = re.compile(
    rb"(?:limit=(?:[1-9][0-9]{0,2}|1000))?(?:(?:^|&)cursor=[A-Za-z0-9_=%-]{1,500})?"
)


def document_response(document: Document, status: int = 200, **headers: str) -> Response:
    """Return the answer that shows a person as Postgres wrote it, with its version as the ETag."""
    headers["ETag"] = f'"{document.version}"'
    return Response(document.body, status, headers, media_type=_JSON)


@router.get("", response_model=Page[PersonOut], responses=problems())
async def list_people(
    _caller: Reader,
    request: Request,
    email: Annotated[FilterText, Query(description="Without regard to case.")] = None,
    q: Annotated[
        FilterText,
        Query(
            description="Finds names and emails by any part of them; of several words, each must "
            "be found. A single letter is found where a word begins."
        ),
    ] = None,
    kind: PersonKind | None = None,
    *,
    no_email: bool | None = None,
    sync_with_mailer: bool | None = None,
    list_id: Annotated[FilterId, Query(description="Members of this list.")] = None,
    updated_since: Annotated[
        Instant | None,
        Query(description="Changed at this instant or later; the page is in the order of changes."),
    ] = None,
    deleted: Annotated[
        bool, Query(description="The deleted ones, in place of the others.")
    ] = False,
    sync_status: Annotated[
        SyncStatus | None,
        Query(description="In any account. `pending` are those that a change waits for, too."),
    ] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Response:
    """List the people that fit all filters, by ascending id.

    With `updated_since` they come in the order of their changes instead: whoever is changed while
    you page comes again at the end, and nobody is missed.

    Go on until `next_cursor` is null: where hardly anybody fits two filters that each fit many, a
    page may hold less than `limit`, or nobody, and yet not be the last.
    """
    wanted = PersonFilter(
        email=email,
        q=q,
        kind=kind,
        no_email=no_email,
        sync_with_mailer=sync_with_mailer,
        list_id=list_id,
        updated_since=updated_since,
        deleted=deleted,
        sync_status=sync_status,
    )
    return await _page(request, wanted, limit, cursor)


async def _page(request: Request, wanted: PersonFilter, limit: int, cursor: str | None) -> Response:
    by_time = wanted.updated_since is not None
    kinds: tuple[type[Any], ...] = (datetime, int) if by_time else (int,)
    place = decode_cursor("people", wanted, cursor, *kinds)
    after = cast("tuple[datetime, int] | int | None", place if by_time or not place else place[0])
    page = await people_pages.people_after(parts_of(request).database.pool, wanted, after, limit)
    following = None
    if page.following is not None:
        behind = page.following if isinstance(page.following, tuple) else (page.following,)
        following = encode_cursor("people", wanted, *behind)
    items = ",".join([one.body for one in page.people])
    next_cursor = "null" if following is None else f'"{following}"'
    return Response(f'{{"items":[{items}],"next_cursor":{next_cursor}}}', media_type=_JSON)


@router.post("", status_code=201, response_model=PersonOut, responses=problems(Conflict))
async def create_person(
    caller: Writer, request: Request, connection: WritingConnection, body: PersonIn
) -> Response:
    """Make a person. Several may share an email; an external_ref is one person's own."""
    values = clean_body(body, parts_of(request).settings.default_phone_region)
    made = await people.create_person(connection, values, caller.actor)
    return document_response(made, 201, Location=f"/v1/people/{made.person_id}")


@router.get("/{person_id}", response_model=PersonOut, responses=problems(NotFound))
async def get_person(_caller: Reader, request: Request, person_id: PathId) -> Response:
    """Return one person; a deleted one has `deleted_at`, a merged one `merged_into_id` as well."""
    return document_response(await people.get_person(parts_of(request).database.pool, person_id))


@router.put(
    "/{person_id}",
    response_model=PersonOut,
    responses=problems(NotFound, Conflict, StaleVersion),
)
async def replace_person(
    caller: Writer,
    parts: ServiceParts,
    connection: WritingConnection,
    person_id: PathId,
    body: PersonIn,
    if_match: IfMatch,
) -> Response:
    """Set every field of a person: what is left out is cleared, or goes to its default.

    But for `no_email` and `email_undeliverable`, which stay unless they are sent: nobody is opted
    in by being left out.
    """
    values = clean_body(body, parts.settings.default_phone_region)
    held = await people.hold_person(connection, person_id)
    check_version(held.version, if_match)
    return document_response(await people.replace_person(connection, held, values, caller.actor))


@router.patch(
    "/{person_id}",
    response_model=PersonOut,
    responses=problems(NotFound, Conflict, StaleVersion),
    openapi_extra={
        "requestBody": {"content": {"application/json": {"example": {"city": "Leeds"}}}}
    },
)
async def change_person(
    caller: Writer,
    parts: ServiceParts,
    connection: WritingConnection,
    person_id: PathId,
    body: PersonIn,
    if_match: IfMatch,
) -> Response:
    """Set the fields that are sent: null clears one, and what is left out stays.

    The keys of `custom` are set one by one: a key with null goes, and null in place of the object
    clears it.
    """
    values = clean_body(body, parts.settings.default_phone_region)
    held = await people.hold_person(connection, person_id)
    check_version(held.version, if_match)
    return document_response(await people.change_person(connection, held, values, caller.actor))


@router.delete("/{person_id}", status_code=204, responses=problems(NotFound, StaleVersion))
async def delete_person(
    caller: Writer,
    parts: ServiceParts,
    connection: WritingConnection,
    person_id: PathId,
    if_match: IfMatch,
) -> None:
    """Delete a person: it is kept with `deleted_at` until Dotdigital has been told.

    `POST /v1/people/{id}/erase` leaves nothing behind.
    """
    held = await people.hold_person(connection, person_id)
    check_version(held.version, if_match)
    await people.delete_person(connection, held, parts.clock.now(), caller.actor)


async def _list_plainly(_caller: Caller, request: Request) -> Response | None:
    """List people where nothing is asked for but how many, and behind whom."""
    asked = _PLAIN_PAGE.fullmatch(request.scope["query_string"])
    if asked is None:
        return None
    parameters = request.query_params
    limit = int(parameters.get("limit", 100))
    return await _page(request, PersonFilter(), limit, parameters.get("cursor"))


async def _create_plainly(caller: Caller, request: Request) -> Response | None:
    # One statement is a transaction already.
    body = await plain_body(request, PersonIn)
    pool = parts_of(request).database.pool
    return None if body is None else await create_person(caller, request, pool, body)


async def _get_plainly(caller: Caller, request: Request) -> Response | None:
    given = request.path_params["person_id"]
    if request.scope["query_string"] or not _PLAIN_ID.fullmatch(given):
        return None
    return await get_person(caller, request, int(given))


#: What is asked for more than all else.
lean_routes: Final = (
    LeanRoute("GET", "/v1/people/{person_id}", "read", _get_plainly),
    LeanRoute("GET", "/v1/people", "read", _list_plainly),
    LeanRoute("POST", "/v1/people", "write", _create_plainly),
)
