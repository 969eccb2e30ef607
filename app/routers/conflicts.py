"""`/v1/conflicts`: fields that both sides changed, and whose value stood."""

from fastapi import APIRouter

from app.routers.dependencies import Reader, Reading
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import FilterId
from app.routers.problem_handlers import problems
from app.schemas.conflicts import ConflictOut
from app.schemas.pages import Page
from app.services import conflicts
from app.services.conflicts import ConflictFilter

router = APIRouter(prefix="/v1/conflicts", tags=["conflicts"], route_class=IdempotentRoute)


@router.get("", responses=problems())
async def list_conflicts(
    _caller: Reader,
    session: Reading,
    account_id: FilterId = None,
    person_id: FilterId = None,
    mapping_id: FilterId = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ConflictOut]:
    """List the conflicts, the newest first."""
    wanted = ConflictFilter(account_id=account_id, person_id=person_id, mapping_id=mapping_id)
    before_id = decode_id("conflicts", wanted, cursor)
    found = await conflicts.newest_conflicts(session, wanted, before_id, limit)
    items = [ConflictOut.model_validate(each) for each in found]
    return page_of("conflicts", wanted, items, limit, [items[-1].id] if items else None)
