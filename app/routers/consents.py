"""`/v1/people/{id}/consents`: what a person agreed to."""

from fastapi import APIRouter

from app.errors import Conflict, NotFound
from app.routers.dependencies import Reader, ReadingConnection, Writer, WritingConnection
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import PathId
from app.routers.problem_handlers import problems
from app.schemas.consents import ConsentIn, ConsentOut
from app.schemas.pages import Page
from app.services import consents, people

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=IdempotentRoute)


@router.get("/{person_id}/consents", responses=problems(NotFound))
async def list_consents(
    _caller: Reader,
    connection: ReadingConnection,
    person_id: PathId,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ConsentOut]:
    """List what the person agreed to, oldest first, and which accounts have been told."""
    collection = f"consents of {person_id}"
    after_id = decode_id(collection, None, cursor) or 0
    await people.get_person(connection, person_id)
    rows = await consents.consents_after(connection, person_id, after_id, limit)
    items = [ConsentOut(**row) for row in rows]
    return page_of(collection, None, items, limit, [items[-1].id] if items else None)


@router.post("/{person_id}/consents", status_code=201, responses=problems(NotFound, Conflict))
async def add_consent(
    _caller: Writer, connection: WritingConnection, person_id: PathId, body: ConsentIn
) -> ConsentOut:
    """Add a consent. It goes to every account along with the person's next record, and stays."""
    await people.hold_person(connection, person_id)
    return ConsentOut(**await consents.add_consent(connection, person_id, body.model_dump()))
