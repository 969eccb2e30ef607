"""The columns of people that callers set, and the statements over arrays of them.

A bit a column says whether a row gives it: what a row leaves out stays as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.models.people import PERSON_TEXT_FIELDS

#: What a new person has where nothing was given; null for all others.
DEFAULTS: Final[Mapping[str, Any]] = {
    "kind": "person",
    "custom": {},
    "sync_with_mailer": True,
    "no_email": False,
    "email_undeliverable": False,
}

TYPES: Final[Mapping[str, str]] = {
    "external_ref": "text",
    "kind": "text",
    **dict.fromkeys(PERSON_TEXT_FIELDS, "text"),
    "custom": "jsonb",
    "sync_with_mailer": "boolean",
    "no_email": "boolean",
    "email_undeliverable": "boolean",
}
COLUMNS: Final = tuple(TYPES)
_CUSTOM: Final = COLUMNS.index("custom")
#: The bit of each column in a row's mask.
BITS: Final = {name: 1 << place for place, name in enumerate(COLUMNS)}
#: ``custom`` is set as a whole, not key by key.
CUSTOM_REPLACED: Final = 1 << len(COLUMNS)
#: ``custom`` has keys with null, which go.
CUSTOM_LOSES_KEYS: Final = 1 << (len(COLUMNS) + 1)

_REPLACES: Final = f"given.mask & {CUSTOM_REPLACED} <> 0"
_MERGED_CUSTOM: Final = f"""CASE
        WHEN given.mask & {CUSTOM_LOSES_KEYS} <> 0 THEN
            (CASE WHEN {_REPLACES} THEN '{{}}' ELSE person.custom END || given.custom) - ARRAY(
                SELECT key FROM jsonb_each(given.custom) AS each (key, value)
                WHERE value = 'null')
        WHEN {_REPLACES} THEN given.custom
        WHEN given.mask & {BITS["custom"]} <> 0 THEN person.custom || given.custom
        ELSE person.custom END"""  # noqa: S608 - put together from numbers of our own
#: A new address starts with a clean slate: the bounce was the old one's.
_UNDELIVERABLE: Final = f"""CASE
        WHEN given.mask & {BITS["email_undeliverable"]} <> 0 THEN given.email_undeliverable
        WHEN given.mask & {BITS["email"]} <> 0
             AND lower(given.email) IS DISTINCT FROM person.email_key THEN false
        ELSE person.email_undeliverable END"""

#: The reason that Dotdigital gave goes with the opt-out it gave it for.
_REASON: Final = f"""CASE
        WHEN given.mask & {BITS["no_email"]} <> 0 AND given.no_email <> person.no_email THEN NULL
        ELSE person.opt_out_reason END"""


def _becomes(column: str) -> str:
    match column:
        case "custom":
            return _MERGED_CUSTOM
        case "email_undeliverable":
            return _UNDELIVERABLE
    bit = BITS[column]
    return f"CASE WHEN given.mask & {bit} <> 0 THEN given.{column} ELSE person.{column} END"


def _arrays(first: int) -> str:
    return ", ".join(f"${place}::{TYPES[name]}[]" for place, name in enumerate(COLUMNS, first))


_NAMES: Final = ", ".join(COLUMNS)
_BECOME: Final = ",\n    ".join(f"{_becomes(name)}" for name in COLUMNS)

#: Ids, masks, then an array a column. Returns those that differ now; a deleted person is restored.
UPDATE: Final = f"""
WITH changed AS (
    UPDATE people AS person
    SET ({_NAMES}, opt_out_reason, deleted_at) = ROW(
        {_BECOME},
        {_REASON}, NULL)
    FROM unnest($1::bigint[], $2::bigint[], {_arrays(3)}) AS given (id, mask, {_NAMES})
    WHERE person.id = given.id
      AND (person.deleted_at IS NOT NULL
           OR ({", ".join(f"person.{name}" for name in COLUMNS)}) IS DISTINCT FROM ROW(
        {_BECOME}))
    RETURNING person.id
)
SELECT array_agg(id) FROM changed
"""  # noqa: S608 - put together from the names of our own columns

#: Ids, then an array a column. Returns those that were made: not one whose external_ref is taken.
INSERT: Final = f"""
WITH made AS (
    INSERT INTO people (id, {_NAMES})
    SELECT * FROM unnest($1::bigint[], {_arrays(2)})
    ON CONFLICT (external_ref) DO NOTHING
    RETURNING id
)
SELECT array_agg(id) FROM made
"""  # noqa: S608 - put together from the names of our own columns


def mask_of(row: Mapping[str, Any], *, custom_replaced: bool = False) -> int:
    """Return the bits of what a row gives; null for ``custom`` clears what stands in it."""
    mask = sum(BITS[name] for name in row if name != "id")
    custom = row.get("custom")
    if "custom" in row and (custom is None or custom_replaced):
        mask |= CUSTOM_REPLACED
    if custom and None in custom.values():
        mask |= CUSTOM_LOSES_KEYS
    return mask


def as_changes(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return an array a column, in the order of `COLUMNS`; null where a row doesn't give it."""
    arrays = [[row.get(name) for row in rows] for name in COLUMNS]
    arrays[_CUSTOM] = [custom or {} for custom in arrays[_CUSTOM]]
    return arrays


def as_new(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return an array a column, with the defaults of what a row leaves out."""
    arrays = [[row.get(name, DEFAULTS.get(name)) for row in rows] for name in COLUMNS]
    arrays[_CUSTOM] = [without_nulls(custom) for custom in arrays[_CUSTOM]]
    return arrays


def without_nulls(custom: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the keys that have a value."""
    if not custom:
        return {}
    if None not in custom.values():
        return custom
    return {key: value for key, value in custom.items() if value is not None}
