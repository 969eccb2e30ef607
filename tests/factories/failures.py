"""Failures and conflicts, straight into the database."""

from typing import Any

from app.db import Database
from app.models import Account, Conflict, Failure, Person
from tests.clock import START


async def make_failure(
    database: Database,
    account: Account,
    person: Person | None = None,
    **overrides: Any,  # noqa: ANN401 - any column
) -> Failure:
    """Store an open failure of send_people, of this person if given; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "job": "send_people",
        "subject_type": "person",
        "subject_id": 1 if person is None else person.id,
        "code": "invalidEmail",
        "message": "Not an email. Correct the person's email address.",
        "first_seen_at": START,
        "last_seen_at": START,
    }
    failure = Failure(**{**values, **overrides})
    async with database.writing() as session:
        session.add(failure)
    return failure


async def make_conflict(
    database: Database,
    account: Account,
    person: Person,
    **overrides: Any,  # noqa: ANN401 - any column
) -> Conflict:
    """Store a conflict over FIRSTNAME that our side won; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "person_id": person.id,
        "dotdigital_field": "FIRSTNAME",
        "base": "Ann",
        "ours": "Anna",
        "theirs": "Anne",
        "conflict_rule": "prefer_dotsync",
        "winner": "dotsync",
        "at": START,
    }
    conflict = Conflict(**{**values, **overrides})
    async with database.writing() as session:
        session.add(conflict)
    return conflict
