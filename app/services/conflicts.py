"""Conflicts as they stand, newest first; finding them is a job's."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from app.db import ReadSession
from app.models import Conflict


@dataclass(frozen=True, slots=True)
class ConflictFilter:
    """What a caller asks for; None asks nothing."""

    account_id: int | None = None
    person_id: int | None = None
    mapping_id: int | None = None


async def newest_conflicts(
    session: ReadSession, wanted: ConflictFilter, before_id: int | None, limit: int
) -> Sequence[Conflict]:
    """Return the conflicts with ids below this one that fit, the newest first."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.account_id is not None:
        conditions.append(col(Conflict.account_id) == wanted.account_id)
    if wanted.person_id is not None:
        conditions.append(col(Conflict.person_id) == wanted.person_id)
    if wanted.mapping_id is not None:
        conditions.append(col(Conflict.mapping_id) == wanted.mapping_id)
    if before_id is not None:
        conditions.append(col(Conflict.id) < before_id)
    found = await session.execute(
        select(Conflict).where(*conditions).order_by(col(Conflict.id).desc()).limit(limit)
    )
    return found.scalars().all()
