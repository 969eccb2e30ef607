"""Online activities as they stand, newest first; reading them from Dotdigital is a job's.

However many there are, a page is read by index alone: those of a person by its own index, all of
them by that of the primary key, and any others from the streams that they are kept in, one for each
type of an account or a mailshot, with a person or without: the newest of each, and of those the
newest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, func, literal, select, true, tuple_, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.activity_types import ACTIVITY_TYPES
from app.db import ReadSession
from app.models import Account, Mailshot, OnlineActivity

_NEWEST_FIRST = (col(OnlineActivity.occurred_at).desc(), col(OnlineActivity.id).desc())


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

    @property
    def names_a_stream(self) -> bool:
        """Whether it asks for anything that the streams are parted by."""
        return bool(self.types) or not (
            self.mailshot_id is None and self.account_id is None and self.matched is None
        )


async def newest_activities(
    session: ReadSession,
    wanted: ActivityFilter,
    before: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[OnlineActivity]:
    """Return the activities that fit, newest first, from before this place (instant, id)."""
    found: Sequence[OnlineActivity] = (
        (await session.execute(page_of_activities(wanted, before, limit))).scalars().all()
    )
    return found


def page_of_activities(
    wanted: ActivityFilter, before: tuple[datetime, int] | None, limit: int
) -> Select[Any]:
    """Return the statement that reads the page."""
    if wanted.person_id is None and wanted.names_a_stream:
        return _of_streams(wanted, before, limit)
    conditions = _bounds(wanted, before)
    if wanted.person_id is not None:
        conditions += _of_person(wanted, wanted.person_id)
    return select(OnlineActivity).where(*conditions).order_by(*_NEWEST_FIRST).limit(limit)


def _of_streams(
    wanted: ActivityFilter, before: tuple[datetime, int] | None, limit: int
) -> Select[Any]:
    of_streams = [
        _newest_of_streams(wanted, before, limit, with_person=with_person)
        for with_person in (True, False)
        if wanted.matched in (None, with_person)
    ]
    streams = union_all(*of_streams).subquery("streams")
    places = (
        select(streams.c.occurred_at, streams.c.id)
        .order_by(streams.c.occurred_at.desc(), streams.c.id.desc())
        .limit(limit)
        .subquery("places")
    )
    # One by one, by the primary key of the one month that it can be in: however many months there
    # are, and whatever Postgres guesses of them.
    there = (
        select(OnlineActivity)
        .where(
            col(OnlineActivity.occurred_at) == places.c.occurred_at,
            col(OnlineActivity.id) == places.c.id,
        )
        .limit(1)
        .lateral("there")
    )
    return (
        select(aliased(OnlineActivity, there))
        .select_from(places.join(there, true()))
        .order_by(places.c.occurred_at.desc(), places.c.id.desc())
    )


def _newest_of_streams(
    wanted: ActivityFilter,
    before: tuple[datetime, int] | None,
    limit: int,
    *,
    with_person: bool,
) -> Select[Any]:
    """Return the places of the newest of each stream.

    online_activities_of_account, online_activities_of_mailshot, and those of the orphaned ones.
    """
    types = literal(sorted(set(wanted.types or ACTIVITY_TYPES)), ARRAY(Text))
    each = select(func.unnest(types).label("type")).subquery("each")
    owner, owned_by = _owner(wanted)
    person_id = col(OnlineActivity.person_id)
    newest = (
        select(col(OnlineActivity.occurred_at), col(OnlineActivity.id))
        .where(
            owned_by == owner.c.id,
            col(OnlineActivity.type) == each.c.type,
            person_id.is_not(None) if with_person else person_id.is_(None),
            *_bounds(wanted, before),
        )
        .order_by(*_NEWEST_FIRST)
        .limit(limit)
        .lateral("newest")
    )
    return select(newest.c.occurred_at, newest.c.id).select_from(
        owner.join(each, true()).join(newest, true())
    )


def _owner(wanted: ActivityFilter) -> tuple[Any, Any]:
    """Return whose streams they are: the mailshot's, or each account's."""
    if wanted.mailshot_id is not None:
        mailshots = select(col(Mailshot.id)).where(col(Mailshot.id) == wanted.mailshot_id)
        if wanted.account_id is not None:
            mailshots = mailshots.where(col(Mailshot.account_id) == wanted.account_id)
        return mailshots.subquery("owner"), col(OnlineActivity.mailshot_id)
    accounts = select(col(Account.id))
    if wanted.account_id is not None:
        accounts = accounts.where(col(Account.id) == wanted.account_id)
    return accounts.subquery("owner"), col(OnlineActivity.account_id)


def _of_person(wanted: ActivityFilter, person_id: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(OnlineActivity.person_id) == person_id]
    if wanted.types:
        conditions.append(col(OnlineActivity.type).in_(wanted.types))
    if wanted.mailshot_id is not None:
        conditions.append(col(OnlineActivity.mailshot_id) == wanted.mailshot_id)
    if wanted.account_id is not None:
        conditions.append(col(OnlineActivity.account_id) == wanted.account_id)
    if wanted.matched is False:
        conditions.append(col(OnlineActivity.person_id).is_(None))
    return conditions


def _bounds(
    wanted: ActivityFilter, before: tuple[datetime, int] | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.occurred_from is not None:
        conditions.append(col(OnlineActivity.occurred_at) >= wanted.occurred_from)
    if wanted.occurred_to is not None:
        conditions.append(col(OnlineActivity.occurred_at) < wanted.occurred_to)
    if before is not None:
        # The first alone says which months are past it.
        conditions.append(col(OnlineActivity.occurred_at) <= before[0])
        place = tuple_(col(OnlineActivity.occurred_at), col(OnlineActivity.id))
        conditions.append(place < before)
    return conditions
