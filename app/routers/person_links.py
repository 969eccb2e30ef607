"""`/v1/people/{id}/links/{account_id}`: contacts that a caller knows already."""

from fastapi import APIRouter

from app.errors import (
    BadCredentials,
    Conflict,
    DotdigitalUnreachable,
    HostNotAllowed,
    NotFound,
)
from app.routers.dependencies import ServiceParts, Writer, WritingConnection
from app.routers.idempotent import IdempotentRoute
from app.routers.parameters import PathId
from app.routers.person_sync import standings_of
from app.routers.problem_handlers import problems
from app.schemas.person_sync import LinkIn, PersonSyncOut
from app.services import people, person_links
from app.sync.rules.mailability import is_suppressed

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=IdempotentRoute)


@router.put(
    "/{person_id}/links/{account_id}",
    responses=problems(NotFound, Conflict, BadCredentials, HostNotAllowed, DotdigitalUnreachable),
)
async def link_person(
    caller: Writer, parts: ServiceParts, person_id: PathId, account_id: PathId, body: LinkIn
) -> PersonSyncOut:
    """Say which contact of the account this person is, which Dotdigital is asked for.

    The contact may have another email than the person: then the next run gives it the person's.
    Where Dotdigital doesn't mail the contact, the person gets `no_email`, since opt-out wins.
    """
    database = parts.database
    async with database.pool.acquire() as connection:
        await people.get_person(connection, person_id)
    contact = await person_links.contact_there(
        database, parts.connector, account_id, body.contact_id
    )
    now = parts.clock.now()
    async with database.transaction() as connection:
        held = await people.hold_person(connection, person_id)
        await person_links.link_person(
            connection,
            held,
            account_id,
            contact,
            suppressed_there=is_suppressed(contact.email_status),
            at=now,
            actor=caller.actor,
        )
        standings = await standings_of(connection, person_id, now)
    return next(each for each in standings.items if each.account_id == account_id)


@router.delete(
    "/{person_id}/links/{account_id}", status_code=204, responses=problems(NotFound, Conflict)
)
async def unlink_person(
    caller: Writer, connection: WritingConnection, person_id: PathId, account_id: PathId
) -> None:
    """Take the link away; the contact stays. The person's next change links it again, by email."""
    held = await people.hold_person(connection, person_id)
    await person_links.unlink_person(connection, held, account_id, caller.actor)
