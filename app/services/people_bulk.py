"""Many people at once: made where they are new, changed where something differs.

Every step is one statement over arrays. A row that changes nothing leaves its person's version
alone, so that nobody becomes due by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.db import PoolConnection
from app.errors import Conflict
from app.services.people_columns import (
    BITS,
    CUSTOM_LOSES_KEYS,
    CUSTOM_REPLACED,
    INSERT,
    UPDATE,
    as_arrays,
    as_new,
)

Row = Mapping[str, Any]
OutcomeName = Literal["created", "updated", "unchanged", "error"]

#: How often rows are looked at again whose external_ref somebody else took meanwhile.
_MOST_ROUNDS: Final = 5

#: people_external_ref_key.
_HOLDERS = "SELECT id, external_ref FROM people WHERE external_ref = ANY ($1::text[])"
#: people_pkey; in the order of ids, so that two calls never wait for each other.
_LOCK = """
SELECT id, external_ref, deleted_at IS NOT NULL AS deleted, merged_into_id
FROM people WHERE id = ANY ($1::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""
_NEW_IDS = """
SELECT nextval(pg_get_serial_sequence('people', 'id')) AS id FROM generate_series(1, $1::bigint)
"""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row."""

    outcome: OutcomeName
    person_id: int | None = None
    error: str | None = None


@dataclass(slots=True)
class _Write:
    """One person to write: the rows that name it, and what they give taken together."""

    places: list[int]
    values: dict[str, Any]
    custom_replaced: bool = False

    @classmethod
    def of(cls, place: int, row: Row) -> "_Write":
        write = cls([], {})
        write.fold(place, row)
        return write

    def fold(self, place: int, row: Row) -> None:
        """Apply a further row on top of those before."""
        self.places.append(place)
        custom = self.values.get("custom")
        self.values.update(row)
        self.values.pop("id", None)
        if "custom" not in row:
            return
        if row["custom"] is None:
            self.values["custom"], self.custom_replaced = {}, True
        elif custom is not None:
            self.values["custom"] = {**custom, **row["custom"]}

    def mask(self) -> int:
        """Return the bits of what is given."""
        mask = 0
        for name in self.values:
            mask |= BITS[name]
        if self.custom_replaced:
            mask |= CUSTOM_REPLACED
        custom = self.values.get("custom")
        if custom and None in custom.values():
            mask |= CUSTOM_LOSES_KEYS
        return mask


async def upsert_people(connection: PoolConnection, rows: Sequence[Row]) -> list[RowOutcome]:
    """Make or change a person a row; return an outcome a row, in their order.

    ``rows`` are clean (`person_values.clean_person`). A row names its person by ``id``, else by
    ``external_ref``; one with neither is new. A deleted person is restored by its external_ref.
    Rows that name the same person are applied in their order, as one write. ``custom`` is set key
    by key; null in its place clears it. Call it in a transaction; a row in error has no effect and
    takes none from the others. Raises Conflict where other callers write the same people so busily
    that nothing can be settled.
    """
    outcomes: dict[int, RowOutcome] = {}
    left: Sequence[int] = range(len(rows))
    for _ in range(_MOST_ROUNDS):
        plan = await _plan(connection, rows, left, outcomes)
        await _update(connection, plan.changes, outcomes)
        left = await _insert(connection, plan.new, outcomes)
        if not left:
            return [outcomes[place] for place in range(len(rows))]
    raise Conflict("Another call writes the same people at this moment: try again.")


@dataclass(slots=True)
class _Plan:
    changes: dict[int, _Write]
    new: list[_Write]


async def _plan(
    connection: PoolConnection,
    rows: Sequence[Row],
    places: Sequence[int],
    outcomes: dict[int, RowOutcome],
) -> _Plan:
    """Find whom each row names, and hold them; rows that can't be done get their outcome."""
    refs = {ref for place in places if (ref := rows[place].get("external_ref")) is not None}
    holders: dict[str, int | None] = {}
    if refs:
        found = await connection.fetch(_HOLDERS, list(refs))
        holders = {row["external_ref"]: row["id"] for row in found}
    ids = {person_id for place in places if (person_id := rows[place].get("id")) is not None}
    ids.update(person_id for person_id in holders.values() if person_id is not None)
    standing: dict[int, Row] = {}
    if ids:
        standing = {row["id"]: row for row in await connection.fetch(_LOCK, list(ids))}
    plan = _Plan({}, [])
    new_by_ref: dict[str, _Write] = {}
    for place in places:
        row = rows[place]
        ref = row.get("external_ref")
        person_id = row.get("id")
        by_ref = person_id is None
        if by_ref and ref is not None:
            person_id = holders.get(ref)
        if person_id is not None:
            fault = _fault(person_id, ref, standing.get(person_id), holders, by_ref=by_ref)
            if fault is not None:
                outcomes[place] = RowOutcome("error", person_id, fault)
            elif (write := plan.changes.get(person_id)) is not None:
                write.fold(place, row)
            else:
                plan.changes[person_id] = _Write.of(place, row)
            if fault is None and ref is not None:
                holders[ref] = person_id
        elif ref is not None and (write := new_by_ref.get(ref)) is not None:
            write.fold(place, row)
        else:
            write = _Write.of(place, row)
            plan.new.append(write)
            if ref is not None:
                new_by_ref[ref] = write
    return plan


def _fault(
    person_id: int,
    ref: str | None,
    standing: Row | None,
    holders: Mapping[str, int | None],
    *,
    by_ref: bool,
) -> str | None:
    if standing is None:
        return f"There is no person {person_id}."
    if standing["merged_into_id"] is not None:
        return f"Person {person_id} was merged into {standing['merged_into_id']}: send that one."
    if by_ref:
        return None
    if standing["deleted"]:
        return f"Person {person_id} is deleted."
    holder = person_id if ref is None else holders.get(ref, person_id)
    if holder != person_id:
        return f"Person {holder} has the external_ref {ref!r} already."
    return None


async def _update(
    connection: PoolConnection,
    changes: Mapping[int, _Write],
    outcomes: dict[int, RowOutcome],
) -> None:
    if not changes:
        return
    writes = changes.values()
    arrays = as_arrays([write.values for write in writes])
    masks = [write.mask() for write in writes]
    rows = await connection.fetch(UPDATE, list(changes), masks, *arrays)
    changed = {row["id"] for row in rows}
    for person_id, write in changes.items():
        outcome = RowOutcome("updated" if person_id in changed else "unchanged", person_id)
        for place in write.places:
            outcomes[place] = outcome


async def _insert(
    connection: PoolConnection, new: Sequence[_Write], outcomes: dict[int, RowOutcome]
) -> list[int]:
    """Make these people; return the places of those whose external_ref was taken meanwhile."""
    if not new:
        return []
    ids = [row["id"] for row in await connection.fetch(_NEW_IDS, len(new))]
    # Two calls that make the same people take their refs in the same order, and never deadlock.
    inserts = sorted(
        zip(ids, new, strict=True), key=lambda pair: pair[1].values.get("external_ref") or ""
    )
    arrays = as_arrays([as_new(write.values) for _, write in inserts])
    rows = await connection.fetch(INSERT, [person_id for person_id, _ in inserts], *arrays)
    made = {row["id"] for row in rows}
    taken: list[int] = []
    for person_id, write in inserts:
        if person_id not in made:
            taken += write.places
            continue
        outcomes[write.places[0]] = RowOutcome("created", person_id)
        for place in write.places[1:]:
            outcomes[place] = RowOutcome("updated", person_id)
    return taken
