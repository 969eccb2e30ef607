"""People one by one: read, made, changed, deleted.

Postgres writes the JSON of what is read: it passes through Python as it is. Pages are
`people_pages`', many at once are `people_bulk`'s.
"""
# ruff: noqa: S608 - statements are put together from the names of our own columns

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from app.db import PoolConnection, ReadSession
from app.errors import Conflict, NotFound
from app.models import Person
from app.services.people_columns import COLUMNS, DEFAULTS, UPDATE, as_changes, as_new, mask_of
from app.services.people_json import shown

#: people_pkey.
_ONE: Final = f"""
SELECT id, version, {shown("person")} AS body FROM people AS person WHERE id = $1
"""
_CREATE: Final = f"""
WITH person AS (
    INSERT INTO people ({", ".join(COLUMNS)})
    VALUES ({", ".join(f"${place}" for place in range(1, len(COLUMNS) + 1))})
    RETURNING *
), noted AS (
    INSERT INTO audit_log (actor, action, subject_type, subject_id)
    SELECT ${len(COLUMNS) + 1}, 'person_created', 'person', id FROM person
)
SELECT id, version, {shown("person")} AS body FROM person
"""
#: people_pkey.
_HOLD: Final = """
SELECT version, email_key, deleted_at, merged_into_id FROM people WHERE id = $1
FOR NO KEY UPDATE
"""
_NOTE: Final = """
INSERT INTO audit_log (actor, action, subject_type, subject_id) VALUES ($1, $2, 'person', $3)
"""
_DELETE: Final = "UPDATE people SET deleted_at = $2 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Document:
    """A person as JSON, ready to go out."""

    person_id: int
    version: int
    body: str


async def get_person(connection: PoolConnection, person_id: int) -> Document:
    """Return one person, a deleted one too; raises NotFound."""
    row = await connection.fetchrow(_ONE, person_id)
    if row is None:
        raise _nobody(person_id)
    return Document(*row)


async def require_person(session: ReadSession, person_id: int) -> None:
    """Raise NotFound where there is no such person, not even a deleted one."""
    if await session.get(Person, person_id) is None:
        raise _nobody(person_id)


async def create_person(
    connection: PoolConnection, values: Mapping[str, Any], actor: str
) -> Document:
    """Make a person of clean values, and note who did, in one statement; return it as it stands.

    Raises Conflict where somebody has the external_ref, a deleted person too.
    """
    arguments = [column[0] for column in as_new([values])]
    try:
        row = await connection.fetchrow(_CREATE, *arguments, actor)
    except asyncpg.UniqueViolationError as error:
        raise _taken(str(values["external_ref"])) from error
    return Document(*row)


@dataclass(frozen=True, slots=True)
class Held:
    """A person that this transaction may change; nobody else does meanwhile."""

    person_id: int
    version: int
    email_key: str | None


async def hold_person(connection: PoolConnection, person_id: int) -> Held:
    """Lock one person for a change; raises NotFound, also for one that is deleted or merged."""
    row = await connection.fetchrow(_HOLD, person_id)
    if row is None:
        raise _nobody(person_id)
    if row["merged_into_id"] is not None:
        raise NotFound(f"Person {person_id} was merged into {row['merged_into_id']}.")
    if row["deleted_at"] is not None:
        raise NotFound(f"Person {person_id} is deleted.")
    return Held(person_id, row["version"], row["email_key"])


async def change_person(
    connection: PoolConnection, held: Held, values: Mapping[str, Any], actor: str
) -> Document:
    """Set what is given and leave the rest; return the person as it stands.

    What changes nothing leaves the version alone. Raises Conflict for a taken external_ref.
    """
    return await _change(connection, held, values, actor, custom_replaced=False)


async def replace_person(
    connection: PoolConnection, held: Held, values: Mapping[str, Any], actor: str
) -> Document:
    """Set everything to what is given, and what is not given to its default.

    But for consent: ``no_email`` and ``email_undeliverable`` stay unless they are given, since
    nobody is opted in by being left out. Raises Conflict for a taken external_ref.
    """
    everything: dict[str, Any] = {name: DEFAULTS.get(name) for name in COLUMNS}
    del everything["no_email"], everything["email_undeliverable"]
    return await _change(connection, held, {**everything, **values}, actor, custom_replaced=True)


async def _change(
    connection: PoolConnection,
    held: Held,
    values: Mapping[str, Any],
    actor: str,
    *,
    custom_replaced: bool,
) -> Document:
    mask = mask_of(values, custom_replaced=custom_replaced)
    try:
        changed = await connection.fetchval(UPDATE, [held.person_id], [mask], *as_changes([values]))
    except asyncpg.UniqueViolationError as error:
        raise _taken(str(values["external_ref"])) from error
    if changed:
        await connection.execute(_NOTE, actor, "person_changed", held.person_id)
    return await get_person(connection, held.person_id)


async def delete_person(connection: PoolConnection, held: Held, at: datetime, actor: str) -> None:
    """Delete a person softly: it stays until Dotdigital has been told."""
    await connection.execute(_DELETE, held.person_id, at)
    await connection.execute(_NOTE, actor, "person_deleted", held.person_id)


def _nobody(person_id: int) -> NotFound:
    return NotFound(f"There is no person {person_id}.")


def _taken(external_ref: str) -> Conflict:
    return Conflict(
        f"Another person has the external_ref {external_ref!r} already, perhaps a deleted one. "
        "POST /v1/people/bulk changes, or restores, the person that has it."
    )
