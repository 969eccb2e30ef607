"""Contact links, straight into the database."""

from typing import Any

from app.db import Database
from app.models import Account, ContactLink, Person


async def make_link(
    database: Database,
    account: Account,
    person: Person,
    **overrides: Any,  # noqa: ANN401 - any column
) -> ContactLink:
    """Link the person to a contact of the account, in step unless told otherwise; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "person_id": person.id,
        "contact_id": 70_000 + person.id,
        "state": "synced",
    }
    link = ContactLink(**{**values, **overrides})
    async with database.writing() as session:
        session.add(link)
    return link


async def due_people(database: Database, account_id: int, reason: str | None = None) -> list[int]:
    """Return who is due for the account, for this reason if one is given, by ascending id."""
    rows = await database.pool.fetch(
        """
        SELECT person_id FROM person_changes
        WHERE account_id = $1 AND ($2::text IS NULL OR reason = $2) ORDER BY person_id
        """,
        account_id,
        reason,
    )
    return [row["person_id"] for row in rows]


async def settle_everyone(database: Database) -> None:
    """Let nobody be due, as after a run that sent everyone."""
    await database.pool.execute("DELETE FROM person_changes")
