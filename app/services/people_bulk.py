"""Many people at once: made where they are new, changed where something differs.

Every step is one statement over arrays. A row that changes nothing leaves its person's version
alone, so that nobody becomes due by it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from app.db import PoolConnection
from app.errors import Conflict
from app.services.people_columns import (
    INSERT,
    UPDATE,
    as_changes,
    as_new,
    mask_of,
)
from app.services.person_values import PersonFaults, clean_person

Row = Mapping[str, Any]
OutcomeName = Literal["created", "updated", "unchanged", "error"]

#: How often rows are looked at again whose external_ref somebody else took meanwhile.
_MOST_ROUNDS: Final = 5

#: people_external_ref_key.
_HOLDERS = "SELECT id, external_ref FROM people WHERE external_ref = ANY ($1::text[])"
#: people_pkey; in the order of ids, so that two calls never wait for each other.
_LOCK = """
SELECT id, external_ref, deleted_at IS NOT NULL AS deleted, merged_into_id, no_email
FROM people WHERE id = ANY ($1::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""
_NEW_IDS = """
SELECT array_agg(nextval(pg_get_serial_sequence('people', 'id')))
FROM generate_series(1, $1::bigint)
"""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row."""

    outcome: OutcomeName
    person_id: int | None = None
    error: str | None = None
    #: The person was deleted, and stands again; said of the first of its rows.
    restored: bool = False
    #: The row says false for ``no_email`` and was not heeded, since the person has opted out.
    opt_out_kept: bool = False


@dataclass(slots=True)
class _Write:
    """One person to write: the rows that name it, and what they give taken together."""

    places: list[int]
    values: Row
    is_restored: bool = False
    #: What stands in ``custom`` goes first.
    custom_replaced: bool = False

    def fold(self, place: int, row: Row) -> None:
        """Apply a further row on top of those before."""
        self.places.append(place)
        if "custom" in row:
            before = self.values.get("custom")
            cleared_before = "custom" in self.values and before is None
            self.custom_replaced |= cleared_before or row["custom"] is None
            after = {} if row["custom"] is None else {**(before or {}), **row["custom"]}
            row = {**row, "custom": after}
        self.values = {**self.values, **row}

    def mask(self) -> int:
        """Return the bits of what is given."""
        return mask_of(self.values, custom_replaced=self.custom_replaced)


async def upsert_people(
    connection: PoolConnection, rows: Sequence[Row], *, keeps_opt_outs: bool = False
) -> list[RowOutcome]:
    """Make or change a person a row; return an outcome a row, in their order.

    ``rows`` are clean (`person_values.clean_person`). A row names its person by ``id``, else by
    ``external_ref``; one with neither is new. A deleted person is restored by its external_ref.
    Rows that name the same person are applied in their order, as one write. ``custom`` is set key
    by key; null in its place clears it. ``keeps_opt_outs``: false for ``no_email`` lifts no
    opt-out, neither one that stands nor one of a row before. Call it in a transaction; a row in
    error has no effect and takes none from the others. Raises Conflict where other callers write
    the same people so busily that nothing can be settled.
    """
    outcomes: dict[int, RowOutcome] = {}
    left: Sequence[int] = range(len(rows))
    for _ in range(_MOST_ROUNDS):
        plan = await _plan(connection, rows, left, keeps_opt_outs=keeps_opt_outs)
        outcomes.update(plan.faults)
        await _update(connection, plan.changes, outcomes)
        left = await _insert(connection, plan.new, outcomes)
        for place in plan.opt_outs_kept & outcomes.keys():
            outcomes[place] = replace(outcomes[place], opt_out_kept=True)
        if not left:
            return [outcomes[place] for place in range(len(rows))]
    raise Conflict("Another call writes the same people at this moment: try again.")


_NOTE: Final = """
INSERT INTO audit_log (actor, action, subject_type, detail)
VALUES ($1, 'people_upserted', 'person', $2)
"""


async def upsert_raw(
    connection: PoolConnection, raw: Sequence[object], phone_region: str, actor: str
) -> list[RowOutcome]:
    """Do the same for rows as they were sent; one whose values can't be taken is in error."""
    clean: dict[int, Row] = {}
    outcomes: dict[int, RowOutcome] = {}
    for place, row in enumerate(raw):
        if not isinstance(row, dict):
            outcomes[place] = RowOutcome("error", error="A person is an object.")
            continue
        try:
            clean[place] = clean_person(row, phone_region)
        except PersonFaults as faults:
            outcomes[place] = RowOutcome("error", error=str(faults))
    done = await upsert_people(connection, list(clean.values()))
    outcomes.update(zip(clean, done, strict=True))
    counts = Counter(outcome.outcome for outcome in outcomes.values())
    if counts["created"] or counts["updated"]:
        await connection.execute(_NOTE, actor, dict(counts))
    return [outcomes[place] for place in range(len(raw))]


async def _plan(
    connection: PoolConnection,
    rows: Sequence[Row],
    places: Sequence[int],
    *,
    keeps_opt_outs: bool,
) -> "_Plan":
    """Find whom each row names, and hold them."""
    refs = {ref for place in places if (ref := rows[place].get("external_ref")) is not None}
    holders: dict[str, int] = {}
    if refs:
        found = await connection.fetch(_HOLDERS, list(refs))
        holders = {row["external_ref"]: row["id"] for row in found}
    ids = {person_id for place in places if (person_id := rows[place].get("id")) is not None}
    ids.update(holders.values())
    standing: dict[int, Row] = {}
    if ids:
        standing = {row["id"]: row for row in await connection.fetch(_LOCK, list(ids))}
    plan = _Plan(holders, standing, keeps_opt_outs)
    for place in places:
        plan.add(place, rows[place])
    return plan


@dataclass(slots=True)
class _Plan:
    """Whom each row names: somebody who stands, or somebody new."""

    #: Who has which external_ref, with the rows before taken as applied.
    holders: dict[str, int]
    standing: Mapping[int, Row]
    keeps_opt_outs: bool
    changes: dict[int, _Write] = field(default_factory=dict)
    new: list[_Write] = field(default_factory=list)
    faults: dict[int, RowOutcome] = field(default_factory=dict)
    #: Places of rows that would have lifted an opt-out.
    opt_outs_kept: set[int] = field(default_factory=set)
    _new_by_ref: dict[str, _Write] = field(default_factory=dict)

    def add(self, place: int, row: Row) -> None:
        """Take the next row."""
        ref, person_id = row.get("external_ref"), row.get("id")
        if person_id is not None:
            self._change(place, row, person_id, self._fault_by_id(person_id, ref))
        elif ref is not None and (holder := self.holders.get(ref)) is not None:
            self._change(place, row, holder, self._fault(holder))
        elif ref is not None and (write := self._new_by_ref.get(ref)) is not None:
            write.fold(place, self._heeded(place, row, opted_out=write.values.get("no_email")))
        else:
            write = _Write([place], row)
            self.new.append(write)
            if ref is not None:
                self._new_by_ref[ref] = write

    def _change(self, place: int, row: Row, person_id: int, fault: str | None) -> None:
        if fault is not None:
            self.faults[place] = RowOutcome("error", person_id, fault)
            return
        stands = self.standing[person_id]
        if (write := self.changes.get(person_id)) is not None:
            opted_out = write.values.get("no_email", stands["no_email"])
            write.fold(place, self._heeded(place, row, opted_out=opted_out))
        else:
            row = self._heeded(place, row, opted_out=stands["no_email"])
            self.changes[person_id] = _Write([place], row, is_restored=stands["deleted"])
        if (ref := row.get("external_ref")) is not None:
            self.holders[ref] = person_id

    def _heeded(self, place: int, row: Row, *, opted_out: bool | None) -> Row:
        """Return the row without its opt-in, where that would lift an opt-out that is kept."""
        if not (self.keeps_opt_outs and opted_out) or row.get("no_email") is not False:
            return row
        self.opt_outs_kept.add(place)
        return {name: value for name, value in row.items() if name != "no_email"}

    def _fault(self, person_id: int) -> str | None:
        standing = self.standing.get(person_id)
        if standing is None:
            return f"There is no person {person_id}."
        if (survivor := standing["merged_into_id"]) is not None:
            return f"Person {person_id} was merged into {survivor}: send that one."
        return None

    def _fault_by_id(self, person_id: int, ref: str | None) -> str | None:
        if fault := self._fault(person_id):
            return fault
        if self.standing[person_id]["deleted"]:
            return f"Person {person_id} is deleted."
        if ref is None:
            return None
        if (holder := self.holders.get(ref, person_id)) != person_id:
            return f"Person {holder} has the external_ref {ref!r} already."
        if ref in self._new_by_ref:
            return f"A row before makes a person with the external_ref {ref!r}."
        return None


async def _update(
    connection: PoolConnection, changes: Mapping[int, _Write], outcomes: dict[int, RowOutcome]
) -> None:
    if not changes:
        return
    writes = changes.values()
    arrays = as_changes([write.values for write in writes])
    masks = [write.mask() for write in writes]
    changed = set(await connection.fetchval(UPDATE, list(changes), masks, *arrays) or ())
    for person_id, write in changes.items():
        outcome = RowOutcome("updated" if person_id in changed else "unchanged", person_id)
        for place in write.places:
            outcomes[place] = outcome
        if write.is_restored:
            outcomes[write.places[0]] = replace(outcome, restored=True)


async def _insert(
    connection: PoolConnection, new: Sequence[_Write], outcomes: dict[int, RowOutcome]
) -> list[int]:
    """Make these people; return the places of those whose external_ref was taken meanwhile."""
    if not new:
        return []
    ids = await connection.fetchval(_NEW_IDS, len(new))
    # Two calls that make the same people take their refs in the same order, and never deadlock.
    inserts = sorted(
        zip(ids, new, strict=True), key=lambda pair: pair[1].values.get("external_ref") or ""
    )
    arrays = as_new([write.values for _, write in inserts])
    given_ids = [person_id for person_id, _ in inserts]
    made = set(await connection.fetchval(INSERT, given_ids, *arrays) or ())
    taken: list[int] = []
    for person_id, write in inserts:
        if person_id not in made:
            taken += write.places
            continue
        outcomes[write.places[0]] = RowOutcome("created", person_id)
        for place in write.places[1:]:
            outcomes[place] = RowOutcome("updated", person_id)
    return taken
