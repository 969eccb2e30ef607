"""`/v1/mailshots`: our copies of Dotdigital's campaigns, with their counts."""

from fastapi import APIRouter

from app.errors import NotFound
from app.routers.dependencies import Reader, Reading
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import FilterId, PathId
from app.routers.problem_handlers import problems
from app.schemas.mailshots import MailshotOut
from app.schemas.pages import Page
from app.services import mailshots

router = APIRouter(prefix="/v1/mailshots", tags=["mailshots"], route_class=IdempotentRoute)


@router.get("", responses=problems())
async def list_mailshots(
    _caller: Reader,
    session: Reading,
    account_id: FilterId = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[MailshotOut]:
    """List the mailshots, the newest first."""
    before_id = decode_id("mailshots", account_id, cursor)
    found = await mailshots.newest_mailshots(session, account_id, before_id, limit)
    items = [MailshotOut.model_validate(each) for each in found]
    return page_of("mailshots", account_id, items, limit, [items[-1].id] if items else None)


@router.get("/{mailshot_id}", responses=problems(NotFound))
async def get_mailshot(_caller: Reader, session: Reading, mailshot_id: PathId) -> MailshotOut:
    """Return one mailshot with its counts."""
    return MailshotOut.model_validate(await mailshots.get_mailshot(session, mailshot_id))
