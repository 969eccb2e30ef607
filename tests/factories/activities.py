"""Mailshots and online activities, straight into the database."""

from itertools import count
from typing import Any

from app.db import Database
from app.models import Account, Mailshot, OnlineActivity
from tests.clock import START

_KEYS = count(1)


async def make_mailshot(
    database: Database,
    account: Account,
    **overrides: Any,  # noqa: ANN401 - any column
) -> Mailshot:
    """Store a mailshot with a campaign id of its own; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "dotdigital_campaign_id": next(_KEYS),
        "name": "Spring news",
        "counts": {"sends": 3, "opens": 2},
        "sent_at": START,
    }
    mailshot = Mailshot(**{**values, **overrides})
    async with database.writing() as session:
        session.add(mailshot)
    return mailshot


async def make_activity(
    database: Database,
    account: Account,
    **overrides: Any,  # noqa: ANN401 - any column
) -> OnlineActivity:
    """Store an open of nobody we know, unless told otherwise; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "type": "email_open",
        "occurred_at": START,
        "contact_id": 77,
        "email": "ann@example.com",
        "details": {"user_agent": "Mail"},
        "activity_key": next(_KEYS).to_bytes(8),
    }
    activity = OnlineActivity(**{**values, **overrides})
    async with database.writing() as session:
        session.add(activity)
    return activity
