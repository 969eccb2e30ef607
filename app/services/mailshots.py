"""Mailshots as they stand, newest first; making and refreshing them is a job's."""

from collections.abc import Sequence

from sqlmodel import col, select

from app.db import ReadSession
from app.errors import NotFound
from app.models import Mailshot


async def get_mailshot(session: ReadSession, mailshot_id: int) -> Mailshot:
    """Return the mailshot; raises NotFound."""
    found = await session.get(Mailshot, mailshot_id)
    if found is None:
        raise NotFound(f"There is no mailshot {mailshot_id}.")
    return found


async def newest_mailshots(
    session: ReadSession, account_id: int | None, before_id: int | None, limit: int
) -> Sequence[Mailshot]:
    """Return the mailshots with ids below this one, descending: whichever we met last is first."""
    query = select(Mailshot).order_by(col(Mailshot.id).desc()).limit(limit)
    if account_id is not None:
        query = query.where(col(Mailshot.account_id) == account_id)
    if before_id is not None:
        query = query.where(col(Mailshot.id) < before_id)
    found = await session.execute(query)
    return found.scalars().all()
