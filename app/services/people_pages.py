"""Pages of people, and what `q` finds of them, however many there are.

Postgres writes the JSON of what is read: it passes through Python as it is.
"""
# ruff: noqa: S608 - statements are put together from the names of our own columns

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.db import PoolConnection
from app.services.people_filter import PersonFilter, conditions_of, may_be_dense, needs_account_ids
from app.services.people_json import shown

#: How far a page is looked for before an index is asked: some milliseconds.
_NEAR_ROWS: Final = 4000

_PAGE: Final = f"""
SELECT id, updated_at, {shown("person")} AS body
FROM (
    SELECT * FROM people AS person
    WHERE {{conditions}} AND {{behind}}
    ORDER BY {{order}}
    LIMIT {{limit}}
) AS person
ORDER BY {{order}}
"""
#: Those who fit among the next few thousand people: what many have is found soon.
_NEAR: Final = f"""
SELECT id, updated_at, {shown("person")} AS body
FROM (
    SELECT person.* FROM (
        SELECT * FROM people AS person
        WHERE person.deleted_at IS {{deleted}} AND {{behind}}
        ORDER BY {{order}}
        LIMIT {_NEAR_ROWS}
    ) AS person
    WHERE {{conditions}}
    ORDER BY {{order}}
    LIMIT {{limit}}
) AS person
ORDER BY {{order}}
"""
#: Everyone that ``q`` finds, by its index, whatever Postgres guesses of how many there are.
_SOUGHT: Final = f"""
WITH found AS MATERIALIZED (
    SELECT person.id, person.updated_at FROM people AS person WHERE {{conditions}} AND {{behind}}
)
SELECT person.id, person.updated_at, {shown("person")} AS body
FROM (SELECT id FROM found AS person ORDER BY {{order}} LIMIT {{limit}}) AS page
JOIN people AS person ON person.id = page.id
ORDER BY {{order}}
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of a page: its place in either order, and its JSON."""

    person_id: int
    updated_at: datetime
    body: str


async def people_after(
    connection: PoolConnection,
    wanted: PersonFilter,
    place: tuple[datetime, int] | int | None,
    limit: int,
) -> list[Listed]:
    """Return the people that fit, from behind this place on, at most ``limit``.

    Ascending by id, and the place is an id; with ``updated_since`` by ``updated_at`` and id, and
    the place is both.
    """
    wanted = await lowered(connection, wanted)
    account_ids = await account_ids_for(connection, wanted)
    found: list[Listed] = []
    for statement, values in page_statements(wanted, account_ids, place, limit):
        found = [Listed(*row) for row in await connection.fetch(statement, *values)]
        if len(found) == limit:
            break
    return found


def page_statements(
    wanted: PersonFilter,
    account_ids: Sequence[int],
    place: tuple[datetime, int] | int | None,
    limit: int,
) -> list[tuple[str, list[Any]]]:
    """Return the statements of a page, for a lowered filter, with the values of their parameters.

    The first that fills the page is right, else the last one is. Two for what may fit nearly all
    people or next to none: walking on is quick with the first, the index is with the others, and no
    planner knows beforehand.
    """
    conditions = conditions_of(wanted, account_ids)
    behind = "true"
    if wanted.updated_since is not None and place is None:
        behind = conditions.parameters("person.updated_at >= $?", wanted.updated_since)
    if isinstance(place, tuple):
        behind = "(person.updated_at, person.id) > ($?::timestamptz, $?::bigint)"
        behind = conditions.parameters(behind, *place)
    elif place is not None:
        behind = conditions.parameters("person.id > $?::bigint", place)
    order = "person.id" if wanted.updated_since is None else "person.updated_at, person.id"
    places = {"behind": behind, "order": order, "limit": limit}
    template = _SOUGHT if wanted.q else _PAGE
    statements = [template.format(conditions=conditions.joined(), **places)]
    if may_be_dense(wanted):
        few = conditions.joined(one_by_one=True)
        deleted = "NOT NULL" if wanted.deleted else "NULL"
        statements.insert(0, _NEAR.format(conditions=few, deleted=deleted, **places))
    return [(statement, conditions.values) for statement in statements]


async def lowered(connection: PoolConnection, wanted: PersonFilter) -> PersonFilter:
    """Return the filter with ``q`` in lower case the way that Postgres does it."""
    if wanted.q is None:
        return wanted
    if wanted.q.isascii():
        return replace(wanted, q=wanted.q.lower())
    return replace(wanted, q=await connection.fetchval("SELECT lower($1::text)", wanted.q))


async def account_ids_for(connection: PoolConnection, wanted: PersonFilter) -> Sequence[int]:
    """Return the ids of all accounts where the filter's conditions want them."""
    if not needs_account_ids(wanted):
        return ()
    return [row["id"] for row in await connection.fetch("SELECT id FROM accounts ORDER BY id")]
