"""People, straight into the database."""

from typing import Any

from app.db import Database
from app.models import Account, ImportRecord, Person
from tests.factories.runs import make_import


async def make_person(database: Database, **overrides: Any) -> Person:  # noqa: ANN401 - any column
    """Store a person called Ann, unless told otherwise; return it as it stands then."""
    values: dict[str, Any] = {"email": "ann@example.com", "first_name": "Ann"}
    (person,) = await _store(database, [Person(**{**values, **overrides})])
    return person


async def make_people(database: Database, number: int, **overrides: Any) -> list[Person]:  # noqa: ANN401 - any column
    """Store so many people, p1@example.com and on, in the order of their ids; return them."""
    return await _store(
        database,
        [
            Person(**{"email": f"p{each}@example.com", "external_ref": f"P{each}", **overrides})
            for each in range(1, number + 1)
        ],
    )


async def put_in_flight(database: Database, account: Account, person: Person) -> None:
    """Let an import that is open hold this person."""
    flying = await make_import(database, account)
    record = ImportRecord(
        account_id=account.id,
        person_id=person.id,
        import_id=flying.id,
        version=person.version,
        changed_at=person.updated_at,
        email_key=person.email_key or "",
        fingerprint=b"",
        payload={},
    )
    async with database.writing() as session:
        session.add(record)


async def _store(database: Database, people: list[Person]) -> list[Person]:
    async with database.writing() as session:
        for person in people:
            session.add(person)
        await session.flush()
        for person in people:
            await session.refresh(person)
    return people
