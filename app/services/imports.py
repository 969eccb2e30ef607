"""Imports as they stand, newest first; submitting and watching them is the jobs'."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from app.db import ReadSession
from app.models import Import


@dataclass(frozen=True, slots=True)
class ImportFilter:
    """What a caller asks for; None asks nothing."""

    account_id: int | None = None
    run_id: int | None = None
    kind: str | None = None
    status: str | None = None


async def newest_imports(
    session: ReadSession, wanted: ImportFilter, before_id: int | None, limit: int
) -> Sequence[Import]:
    """Return the imports with ids below this one that fit, the newest first."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.account_id is not None:
        conditions.append(col(Import.account_id) == wanted.account_id)
    if wanted.run_id is not None:
        conditions.append(col(Import.run_id) == wanted.run_id)
    if wanted.kind is not None:
        conditions.append(col(Import.kind) == wanted.kind)
    if wanted.status is not None:
        conditions.append(col(Import.status) == wanted.status)
    if before_id is not None:
        conditions.append(col(Import.id) < before_id)
    found = await session.execute(
        select(Import).where(*conditions).order_by(col(Import.id).desc()).limit(limit)
    )
    return found.scalars().all()
