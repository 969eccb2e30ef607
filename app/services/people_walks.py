"""Walks: statements that go through people in the order of a page and stop when it is full.

Each looks at so many people or entries of indexes at most, whoever is there: where the page isn't
full by then, it says how far it came. A row of a walk is somebody to be looked at (``id``), or
where it ends though there may be more (``ends``); everyone up to ``place`` is decided on. The plans
have next to no choice: rows come from index scans with a limit, and what is looked up for each of
them is fenced off by ``OFFSET 0``.
"""
# ruff: noqa: S608 - statements are put together from the names of our own columns

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.services import people_search
from app.services.people_json import shown
from app.services.people_search import AnyOf
from app.services.people_sets import PeopleSet


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """How far a search goes: what a part takes depends on what is sought, a thousandfold."""

    #: People whose texts are looked at.
    people: int
    #: Parts of the people: so many, or fewer where these milliseconds are over.
    parts: int
    parts_at_least: int
    milliseconds: int


_PAGE: Final = f"""
SELECT walk.ends, walk.place, walk.changed_at, walk.entries,
       person.id, person.updated_at, person.body
FROM ({{walk}}) AS walk (id, ends, place, changed_at, entries)
LEFT JOIN LATERAL (
    SELECT person.id, person.updated_at, {shown("person")} AS body
    FROM people AS person WHERE person.id = walk.id AND {{conditions}} OFFSET 0
) AS person ON true
WHERE person.id IS NOT NULL OR walk.ends
LIMIT {{limit}}
"""

#: No time, and no number of entries.
_NOTHING_MORE: Final = "NULL::timestamptz, NULL::bigint"


def page(walk: str, conditions: str, limit: int) -> str:
    """Return the statement of those on a walk whom the conditions on ``person`` hold for.

    With the row at which the walk ended, unless it came to the end of the people or of the page.
    """
    return _PAGE.format(walk=walk, conditions=conditions, limit=limit)


def everyone(after: str, most: int) -> str:
    """Walk through people as they come. people_pkey."""
    return f"""
    SELECT id, nth = {most}, id, {_NOTHING_MORE} FROM (
        SELECT id, row_number() OVER (ORDER BY id) AS nth FROM people WHERE id > {after}
        ORDER BY id LIMIT {most}) AS person"""


def leaps(sets: Sequence[PeopleSet], after: str, most: int) -> str:
    """Walk through who is in all of the sets, by leaps from each to the next id of the others.

    Quick where one of them is small, where many are in all of them, and where they lie apart; so
    many leaps at most.
    """
    last = f"set_{len(sets) - 1}"
    behind = ["leap.place", *(f"set_{place}.id - 1" for place in range(len(sets) - 1))]
    looks = "".join(
        f"\nCROSS JOIN LATERAL ({people.next_id(from_)}) AS set_{place}"
        for place, (people, from_) in enumerate(zip(sets, behind, strict=True))
    )
    met = f"set_0.id = {last}.id"
    return f"""
    WITH RECURSIVE leap (nth, place, id) AS (
        SELECT 0, {after}, NULL::bigint
        UNION ALL
        SELECT leap.nth + 1, CASE WHEN {met} THEN {last}.id ELSE {last}.id - 1 END,
               CASE WHEN {met} THEN {last}.id END
        FROM leap {looks}
        WHERE leap.nth < {most}
    )
    SELECT id, nth = {most}, place, {_NOTHING_MORE} FROM leap"""


def sweep(
    sets: Sequence[PeopleSet], without: PeopleSet, stretch: tuple[str, str], most: tuple[int, int]
) -> str:
    """Walk through who is in all of the sets, all of a stretch of ids held against each other.

    And not in the one that they are without. Quicker by far than leaps where large sets lie between
    each other and have few in common. ``most`` are the entries of each value of an index, and those
    who are looked at. The last row has the number of entries there were.
    """
    after, up_to = stretch
    most_entries, most_people = most
    numbered = list(enumerate([*sets, without]))
    read = ", ".join(
        f"set_{place} AS MATERIALIZED ({people.entries(after, up_to, most_entries)})"
        for place, people in numbered
    )
    each = [f"SELECT id FROM set_{place} WHERE counts" for place, _ in numbered]
    common = f"{' INTERSECT '.join(each[:-1])} EXCEPT {each[-1]}"
    entries = " + ".join(f"(SELECT count(*) FROM set_{place})" for place, _ in numbered)
    return f"""
    WITH {read}, common AS MATERIALIZED (
        SELECT id FROM ({common}) AS common ORDER BY id LIMIT {most_people}
    ), reached (place) AS (
        SELECT CASE WHEN count(*) = {most_people} THEN max(id) ELSE {up_to} END FROM common
    )
    SELECT id, false, id, {_NOTHING_MORE} FROM common
    UNION ALL
    SELECT NULL, place < (SELECT max(id) FROM people), place, NULL, {entries}
    FROM reached"""


def searched(codes: Sequence[AnyOf], facets: Sequence[int], after: str, most: SearchBounds) -> str:
    """Walk through who has the codes of what is sought, part by part. people_search."""
    condition = people_search.in_part(codes, facets, "parts.number")
    parts = people_search.parts_from(
        f"{after} + 1", most.parts, most.parts_at_least, most.milliseconds
    )
    return f"""
    WITH RECURSIVE {parts}
    SELECT id, ends OR nth = {most.people}, place, {_NOTHING_MORE} FROM (
        SELECT one.*, row_number() OVER () AS nth
        FROM parts CROSS JOIN LATERAL (
            (SELECT person.id, false AS ends, person.id AS place FROM people AS person
             WHERE person.id + 0 > {after} AND {condition} ORDER BY person.id)
            UNION ALL
            SELECT NULL, true, (parts.number + 1 << {people_search.PART_BITS}) - 1
            WHERE parts.last
        ) AS one
        WHERE parts.number IS NOT NULL
        LIMIT {most.people}
    ) AS one"""


def changes(facets: Sequence[int], after: tuple[str, str], most: int) -> str:
    """Walk through people in the order of their changes. people_facet_updated."""
    listed = ",".join(map(str, facets))
    return f"""
    SELECT id, row_number() OVER (ORDER BY updated_at, id) = {most}, id, updated_at, NULL::bigint
    FROM people_by_changes('{{{listed}}}', {", ".join(after)}, {most})"""
