"""People, straight into the database."""

from typing import Any

from app.db import Database
from app.models import Person


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


async def _store(database: Database, people: list[Person]) -> list[Person]:
    async with database.writing() as session:
        for person in people:
            session.add(person)
        await session.flush()
        for person in people:
            await session.refresh(person)
    return people
