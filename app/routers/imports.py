"""`/v1/imports`: bulk jobs that Dotdigital runs for us."""

from fastapi import APIRouter

from app.routers.dependencies import Reader, Reading
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import FilterId
from app.routers.problem_handlers import problems
from app.schemas.imports import ImportKind, ImportOut, ImportStatus
from app.schemas.pages import Page
from app.services import imports
from app.services.imports import ImportFilter

router = APIRouter(prefix="/v1/imports", tags=["imports"], route_class=IdempotentRoute)


@router.get("", responses=problems())
async def list_imports(
    _caller: Reader,
    session: Reading,
    account_id: FilterId = None,
    run_id: FilterId = None,
    kind: ImportKind | None = None,
    status: ImportStatus | None = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ImportOut]:
    """List the imports, the newest first."""
    wanted = ImportFilter(account_id=account_id, run_id=run_id, kind=kind, status=status)
    before_id = decode_id("imports", wanted, cursor)
    found = await imports.newest_imports(session, wanted, before_id, limit)
    items = [ImportOut.model_validate(each) for each in found]
    return page_of("imports", wanted, items, limit, [items[-1].id] if items else None)
