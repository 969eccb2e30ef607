"""One change for everyone that a filter finds, as one statement."""
# ruff: noqa: S608 - the statement is put together from the names of our own columns

from collections.abc import Mapping
from typing import Any, Final

from app.db import PoolConnection
from app.services.people_columns import TYPES, without_nulls
from app.services.people_filter import PersonFilter, held_by_all
from app.services.people_pages import account_ids_for, lowered

_NOTE: Final = """
INSERT INTO audit_log (actor, action, subject_type, detail)
VALUES ($1, 'people_changed', 'person', $2)
"""


async def update_people(
    connection: PoolConnection, wanted: PersonFilter, values: Mapping[str, Any], actor: str
) -> tuple[int, int]:
    """Set these values for everyone who fits; return how many fit, and how many differ by it.

    ``custom`` is set key by key, and null in its place clears it. People who have the values
    already keep their version. Call it in a transaction: it holds everyone who fits.
    """
    wanted = await lowered(connection, wanted)
    conditions = held_by_all(wanted, await account_ids_for(connection, wanted))
    become: dict[str, str] = {}
    for name, value in values.items():
        if name == "custom" and value is not None:
            gone = [key for key, each in value.items() if each is None]
            become[name] = conditions.parameters(
                "(person.custom || $?::jsonb) - $?::text[]", without_nulls(value), gone
            )
        else:
            given = {} if name == "custom" else value
            become[name] = conditions.parameters(f"$?::{TYPES[name]}", given)
    if "no_email" in become:
        # The reason that Dotdigital gave goes with the opt-out it gave it for.
        become["opt_out_reason"] = (
            f"CASE WHEN {become['no_email']} <> person.no_email THEN NULL "
            "ELSE person.opt_out_reason END"
        )
    statement = _statement(conditions.joined(), become)
    row = await connection.fetchrow(statement, *conditions.values)
    counts = {"matched": row["matched"], "updated": row["updated"]}
    if counts["updated"]:
        await connection.execute(_NOTE, actor, {"fields": sorted(values), **counts})
    return counts["matched"], counts["updated"]


def _statement(conditions: str, become: Mapping[str, str]) -> str:
    """Return the statement; in the order of ids, so that two of them never wait for each other."""
    matched = f"""
        SELECT person.id FROM people AS person WHERE {conditions}
        ORDER BY person.id FOR NO KEY UPDATE
    """
    if not become:
        return f"SELECT count(*) AS matched, 0 AS updated FROM ({matched}) AS matched"
    assigned = ", ".join(f"{name} = {value}" for name, value in become.items())
    differs = " OR ".join(
        f"person.{name} IS DISTINCT FROM {value}" for name, value in become.items()
    )
    return f"""
        WITH matched AS MATERIALIZED ({matched}), updated AS (
            UPDATE people AS person SET {assigned} FROM matched
            WHERE person.id = matched.id AND ({differs})
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM matched) AS matched, (SELECT count(*) FROM updated) AS updated
    """
