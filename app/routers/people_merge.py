"""`/v1/people/{id}/merge` and `/v1/people/{id}/erase`: people who are one, people who are to go."""

from fastapi import APIRouter, Response

from app.errors import (
    BadCredentials,
    Conflict,
    DotdigitalUnreachable,
    HostNotAllowed,
    NotFound,
    StaleVersion,
)
from app.routers.dependencies import (
    IfMatch,
    ServiceParts,
    Writer,
    WritingConnection,
    check_version,
)
from app.routers.idempotent import IdempotentRoute
from app.routers.parameters import PathId
from app.routers.people import document_response
from app.routers.problem_handlers import problems
from app.schemas.people import PersonOut
from app.schemas.person_sync import MergeIn
from app.services import erasure, people, people_merge

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=IdempotentRoute)


@router.post(
    "/{person_id}/merge",
    response_model=PersonOut,
    responses=problems(NotFound, Conflict, StaleVersion),
)
async def merge_person(
    caller: Writer,
    parts: ServiceParts,
    connection: WritingConnection,
    person_id: PathId,
    body: MergeIn,
    if_match: IfMatch,
) -> Response:
    """Merge this person into another one, which is returned.

    Memberships and activities move to it, the strictest opt-out of both holds, and its own fields
    stay. This person is deleted, with `merged_into_id`; its contact goes as a deleted person's.
    """
    pair = await people_merge.hold_pair(connection, person_id, body.into_id)
    check_version(pair.loser_version, if_match)
    await people_merge.merge_people(connection, pair, parts.clock.now(), caller.actor)
    return document_response(await people.get_person(connection, pair.survivor_id))


@router.post(
    "/{person_id}/erase",
    status_code=204,
    responses=problems(
        NotFound, Conflict, StaleVersion, BadCredentials, HostNotAllowed, DotdigitalUnreachable
    ),
)
async def erase_person(
    caller: Writer, parts: ServiceParts, person_id: PathId, if_match: IfMatch
) -> None:
    """Erase a person for good, whoever was merged into it along (GDPR).

    First the contact goes in every account; where one doesn't confirm it, nothing is erased, and
    this can be asked for again. A keyed hash of the email is all that stays, and beside it whether
    it was opted out: whoever is made again with it starts opted out.
    """
    if if_match is not None:
        async with parts.database.pool.acquire() as connection:
            found = await people.get_person(connection, person_id)
        check_version(found.version, if_match)
    hashes = erasure.EmailHashes.of(parts.settings)
    await erasure.erase_person(
        parts.database, parts.connector, hashes, person_id, parts.clock.now(), caller.actor
    )
