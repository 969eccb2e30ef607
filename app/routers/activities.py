"""`/v1/activities`: sends, opens, clicks and all the rest that Dotdigital saw."""

from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Query

from app.routers.dependencies import Reader, Reading
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_cursor, page_of
from app.routers.parameters import FilterId
from app.routers.problem_handlers import problems
from app.schemas.activities import ActivityOut, ActivityType
from app.schemas.pages import Page
from app.schemas.text import Instant
from app.services import activities
from app.services.activities import ActivityFilter

router = APIRouter(prefix="/v1/activities", tags=["activities"], route_class=IdempotentRoute)


@router.get("", responses=problems())
async def list_activities(
    _caller: Reader,
    session: Reading,
    type: Annotated[  # noqa: A002 - the parameter's name in the API
        list[ActivityType] | None, Query(max_length=8, description="May be given several times.")
    ] = None,
    person_id: FilterId = None,
    mailshot_id: FilterId = None,
    account_id: FilterId = None,
    occurred_from: Instant | None = None,
    occurred_to: Annotated[
        Instant | None, Query(description="The first instant that is too late.")
    ] = None,
    matched: Annotated[
        bool | None, Query(description="Those with a person, or those without one.")
    ] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ActivityOut]:
    """List the activities, the newest first."""
    wanted = ActivityFilter(
        types=tuple(sorted(set(type or ()))),
        person_id=person_id,
        mailshot_id=mailshot_id,
        account_id=account_id,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
        matched=matched,
    )
    place = decode_cursor("activities", wanted, cursor, datetime, int)
    before = cast("tuple[datetime, int] | None", place)
    found = await activities.newest_activities(session, wanted, before, limit)
    items = [ActivityOut.model_validate(each) for each in found]
    last = (items[-1].occurred_at, items[-1].id) if items else None
    return page_of("activities", wanted, items, limit, last)
