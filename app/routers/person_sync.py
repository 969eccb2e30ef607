"""`/v1/people/{id}/sync` and `/v1/people/{id}/activities`: what became of a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from fastapi import APIRouter

from app.db import PoolConnection
from app.errors import NotFound
from app.routers.dependencies import Reader, Reading, ReadingConnection, ServiceParts
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_cursor, page_of
from app.routers.parameters import PathId
from app.routers.problem_handlers import problems
from app.schemas.activities import ActivityOut
from app.schemas.pages import Page
from app.schemas.person_sync import ConditionOut, PersonFailureOut, PersonSyncOut, PersonSyncs
from app.services import activities, people
from app.services.activities import ActivityFilter
from app.sync.people.person_standing import AccountStanding, account_standings
from app.sync.rules.eligibility import Condition

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=IdempotentRoute)


@router.get("/{person_id}/sync", responses=problems(NotFound))
async def get_sync(
    _caller: Reader, parts: ServiceParts, connection: ReadingConnection, person_id: PathId
) -> PersonSyncs:
    """Say for each account how the person stands there, and why not, where it isn't synced."""
    await people.get_person(connection, person_id)
    return await standings_of(connection, person_id, parts.clock.now())


async def standings_of(connection: PoolConnection, person_id: int, now: datetime) -> PersonSyncs:
    """Return how the person stands in every account."""
    found = await account_standings(connection, person_id, now)
    return PersonSyncs(items=[_shown(standing) for standing in found])


def _shown(standing: AccountStanding) -> PersonSyncOut:
    return PersonSyncOut(
        account_id=standing.account_id,
        contact_id=standing.contact_id,
        state=standing.state,
        account_status=standing.account_status,
        last_sent_at=standing.last_sent_at,
        pending_change=standing.pending_change,
        pending_since=standing.pending_since,
        failure=None if standing.failure is None else PersonFailureOut(**standing.failure),
        conditions=[
            ConditionOut(
                name=each.name, holds=each.holds, detail=_detail(each, standing.deleted_at)
            )
            for each in standing.conditions
        ],
    )


def _detail(condition: Condition, deleted_at: Mapping[int, datetime]) -> str | None:
    """Return why the condition doesn't hold, and what to do next or what happens by itself."""
    other = condition.person_id
    if condition.holds:
        if other is None:
            return None
        return f"Person {other} has the same mobile number, so it is left out."
    told = condition.reason.told(other)
    if condition.detail is not None:
        return f"{told} {condition.detail} {condition.reason.next_step}"
    if other is None or other not in deleted_at:
        return f"{told} {condition.reason.next_step}"
    since = f"{deleted_at[other]:%Y-%m-%d %H:%M} UTC"
    return (
        f"{told} Person {other} was deleted at {since}: the next run of send_people deletes its "
        "contact, or hands it over to somebody with its email address, and goes on here after that."
    )


@router.get("/{person_id}/activities", responses=problems(NotFound))
async def list_activities(
    _caller: Reader,
    session: Reading,
    person_id: PathId,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[ActivityOut]:
    """List the person's online activities, the newest first."""
    await people.require_person(session, person_id)
    place = decode_cursor("person-activities", person_id, cursor, datetime, int)
    before = cast("tuple[datetime, int] | None", place)
    wanted = ActivityFilter(person_id=person_id)
    found = await activities.newest_activities(session, wanted, before, limit)
    items = [ActivityOut.model_validate(each) for each in found]
    last = (items[-1].occurred_at, items[-1].id) if items else None
    return page_of("person-activities", person_id, items, limit, last)
