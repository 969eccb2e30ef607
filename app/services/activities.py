"""Online activities as they stand, newest first; reading them from Dotdigital is a job's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Text, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from app.db import ReadSession
from app.models import OnlineActivity
from app.models.online_activities import ACTIVITY_TYPES


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What a caller asks for; None asks nothing, and so do no types."""

    types: tuple[str, ...] = ()
    person_id: int | None = None
    mailshot_id: int | None = None
    account_id: int | None = None
    occurred_from: datetime | None = None
    #: The first instant that is too late.
    occurred_to: datetime | None = None
    matched: bool | None = None


async def newest_activities(
    session: ReadSession,
    wanted: ActivityFilter,
    before: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[OnlineActivity]:
    """Return the activities that fit, newest first, from before this place (instant, id).

    Those of a person or a mailshot come by its own index. All others come by one index that begins
    with the type: the newest of each type are taken from it, and the newest of those.
    """
    conditions = _conditions(wanted, before)
    newest_first = (col(OnlineActivity.occurred_at).desc(), col(OnlineActivity.id).desc())
    if wanted.person_id is not None or wanted.mailshot_id is not None:
        if wanted.types:
            conditions.append(col(OnlineActivity.type).in_(wanted.types))
        found = await session.execute(
            select(OnlineActivity).where(*conditions).order_by(*newest_first).limit(limit)
        )
        return found.scalars().all()
    types = literal(sorted(set(wanted.types or ACTIVITY_TYPES)), ARRAY(Text))
    each = select(func.unnest(types).label("type")).subquery("each")
    newest_of_each = (
        select(col(OnlineActivity.id), col(OnlineActivity.occurred_at))
        .where(col(OnlineActivity.type) == each.c.type, *conditions)
        .order_by(*newest_first)
        .limit(limit)
        .lateral("newest")
    )
    places = (
        select(newest_of_each.c.id)
        .select_from(each.join(newest_of_each, true()))
        .order_by(newest_of_each.c.occurred_at.desc(), newest_of_each.c.id.desc())
        .limit(limit)
        .subquery("places")
    )
    found = await session.execute(
        select(OnlineActivity)
        .join(places, places.c.id == col(OnlineActivity.id))
        .order_by(*newest_first)
    )
    return found.scalars().all()


def _conditions(
    wanted: ActivityFilter, before: tuple[datetime, int] | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.person_id is not None:
        conditions.append(col(OnlineActivity.person_id) == wanted.person_id)
    if wanted.mailshot_id is not None:
        conditions.append(col(OnlineActivity.mailshot_id) == wanted.mailshot_id)
    if wanted.account_id is not None:
        conditions.append(col(OnlineActivity.account_id) == wanted.account_id)
    if wanted.occurred_from is not None:
        conditions.append(col(OnlineActivity.occurred_at) >= wanted.occurred_from)
    if wanted.occurred_to is not None:
        conditions.append(col(OnlineActivity.occurred_at) < wanted.occurred_to)
    if wanted.matched is not None:
        person_id = col(OnlineActivity.person_id)
        conditions.append(person_id.is_not(None) if wanted.matched else person_id.is_(None))
    if before is not None:
        place = tuple_(col(OnlineActivity.occurred_at), col(OnlineActivity.id))
        conditions.append(place < before)
    return conditions
