"""What people's ``custom`` holds: the keys seen in it with their types, and values of one path.

Looks at the latest ten thousand people, so that it costs the same however many there are.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from app.db import ReadSession, raw_connection
from app.services.person_fields import MAX_PATH, FieldPath, FieldType, is_addressable, read

#: A path, seen in so many of the latest people, with its type.
_SAMPLED_VALUES = 1000
_MOST_PATHS = 500

#: Keys at the top, those of objects below them, and arrays as a whole (``tags[*]``).
_SEEN = r"""
WITH latest AS (
    SELECT custom FROM people ORDER BY id DESC LIMIT 10000
), entries AS (
    SELECT ARRAY[key] AS keys, false AS joined, value
    FROM latest, jsonb_each(custom)
), below AS (
    SELECT keys || key, false, inside.value
    FROM entries, jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value END) AS inside
), elements AS (
    SELECT keys, true, element
    FROM entries,
         jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value END) AS element
), found AS (
    SELECT keys, joined, CASE jsonb_typeof(value)
        WHEN 'string' THEN
            CASE WHEN value #>> '{}' ~ '^\d{4}-\d\d-\d\d([T ][0-9:.]+(Z|[+-]\d\d:?\d\d)?)?$'
                 THEN 'date' ELSE 'text' END
        WHEN 'object' THEN 'json'
        WHEN 'array' THEN 'json'
        ELSE jsonb_typeof(value) END AS type
    FROM (SELECT * FROM entries UNION ALL SELECT * FROM below UNION ALL SELECT * FROM elements)
        AS every (keys, joined, value)
)
SELECT keys, joined, type, count(*) AS seen
FROM found
WHERE type <> 'null'
GROUP BY keys, joined, type
ORDER BY seen DESC
LIMIT $1
"""

_VALUES = """
SELECT jsonb_build_object($1::text, custom -> $1) AS custom
FROM (SELECT custom FROM people ORDER BY id DESC LIMIT 10000) AS latest
WHERE custom ? $1
LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class SeenPath:
    """A path into ``custom`` that some of the latest people have a value at."""

    path: str
    type: FieldType
    #: How many values of it were met.
    seen: int


async def seen_paths(session: ReadSession) -> list[SeenPath]:
    """Return the paths met in the latest people, by name."""
    connection = await raw_connection(session)
    rows = await connection.fetch(_SEEN, _MOST_PATHS)
    types: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        path = ".".join(["custom", *row["keys"]]) + ("[*]" if row["joined"] else "")
        if all(map(is_addressable, row["keys"])) and len(path) <= MAX_PATH:
            types[path][row["type"]] = row["seen"]
    return sorted(
        (
            SeenPath(path, _joint_type(path, met), sum(met.values()))
            for path, met in types.items()
            if not (path.endswith("[*]") and "json" in met)
        ),
        key=lambda each: each.path,
    )


async def values_at(session: ReadSession, path: FieldPath) -> list[object]:
    """Return what the latest people have at this path, at most a thousand values, no nulls."""
    connection = await raw_connection(session)
    rows = await connection.fetch(_VALUES, path.steps[0], _SAMPLED_VALUES)
    found = (read(path, row) for row in rows)
    return [value for value in found if value is not None]


def _joint_type(path: str, met: Iterable[str]) -> FieldType:
    """Return the one type that all values are of; text where they differ; json where one is."""
    kinds = set(met)
    if "json" in kinds:
        return "json"
    if path.endswith("[*]"):
        return "text"
    for name in _SINGLE_TYPES:
        if kinds == {name}:
            return name
    return "text"


_SINGLE_TYPES: tuple[FieldType, ...] = ("boolean", "number", "date")
