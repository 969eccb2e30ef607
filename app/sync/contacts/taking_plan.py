"""The account's mappings as they are read by retrieve_people: what is asked for, and where it goes.

Compiled once a run. The other way, from a person to what is sent, is in `payloads`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar, get_args

import orjson

from app.clients.dotdigital import Contact
from app.models import Mapping as MappingRow
from app.services.person_fields import FieldPath, parse_path, read
from app.sync.rules.field_values import Scalar, ValueMismatchError, boolean, typed_value
from app.sync.rules.three_way_merge import (
    UNKNOWN,
    ConflictRule,
    MergeRule,
    Unknown,
    WhenBlank,
)

Row = Mapping[str, Any]

_TAKES: Final = frozenset({"from_dotdigital", "two_way"})
_SENDS: Final = frozenset({"to_dotdigital", "two_way"})
#: They change with the row itself, so that a new row is never what a contact shows.
_MOVING: Final = frozenset({"created_at", "updated_at"})

_Word = TypeVar("_Word", bound=str)
_CONFLICT_RULES: Final[tuple[ConflictRule, ...]] = get_args(ConflictRule)
_WHEN_BLANK: Final[tuple[WhenBlank, ...]] = get_args(WhenBlank)


class Absent(Enum):
    """The answer doesn't say what the contact has: not the same as blank."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class There:
    """What one contact was read to have, by the names of the mappings."""

    def __init__(self, contact: Contact) -> None:
        """Take a contact whose mapped fields and preferences were asked for."""
        fields = contact.data_fields or {}
        self._fields: dict[str, Any] = {name.upper(): value for name, value in fields.items()}
        self._preferences = contact.preferences or {}

    def field(self, upper_name: str, data_field_type: str) -> Scalar | Absent:
        """Return a data field as its type has it; ABSENT for a value that can't be kept."""
        if upper_name not in self._fields:
            return ABSENT
        try:
            typed = typed_value(self._fields[upper_name], data_field_type)
        except ValueMismatchError:
            return ABSENT
        # Postgres has no text with a NUL in it.
        return ABSENT if isinstance(typed, str) and "\x00" in typed else typed

    def preference(self, preference_id: int) -> bool:
        """Say whether it is opted in; one that isn't listed is not [doc]."""
        return self._preferences.get(preference_id, False)


@dataclass(frozen=True, slots=True)
class Taking:
    """One mapping, ready to be held against a person and a contact."""

    mapping_id: int
    #: As Dotdigital spells it; a preference by its path.
    name: str
    #: None for a data field.
    preference_id: int | None
    data_field_type: str
    path: FieldPath
    takes: bool
    sends: bool
    rule: MergeRule

    @property
    def part(self) -> str:
        """Return the part of the acknowledged values that it is in."""
        return "fields" if self.preference_id is None else "preferences"

    @property
    def key(self) -> str:
        """Return its key in there."""
        return self.name if self.preference_id is None else str(self.preference_id)

    def theirs(self, there: There) -> Scalar | Absent:
        """Return what the contact has."""
        if self.preference_id is not None:
            return there.preference(self.preference_id)
        return there.field(self.name.upper(), self.data_field_type)

    def ours(self, row: Row) -> Scalar | Unknown:
        """Return what the person has, as Dotdigital would; UNKNOWN for what it couldn't hold."""
        value = read(self.path, row)
        try:
            if self.preference_id is not None:
                return boolean(value)
            return typed_value(value, self.data_field_type)
        except ValueMismatchError:
            return UNKNOWN


class TakingPlan:
    """The account's mappings, ready to be applied to many contacts."""

    def __init__(self, mappings: Iterable[MappingRow]) -> None:
        """Compile all of them: a new person begins with whatever is mapped."""
        given = list(mappings)
        self._by_kind = {kind: tuple(_compiled(given, kind)) for kind in ("person", "lead")}
        #: To be asked for.
        self.data_fields = sorted({each.dotdigital_field for each in given if each.kind == "field"})
        self.has_preferences = any(each.kind == "preference" for each in given)
        taken = sorted(
            (each.id, each.kind, each.dotdigital_field, each.person_field, each.applies_to)
            for each in given
            if each.direction in _TAKES
        )
        #: Changes when something else is taken, so that everything is read again.
        self.mark = hashlib.blake2b(orjson.dumps(taken), digest_size=8).hexdigest()

    def rules(self, kind: str) -> tuple[Taking, ...]:
        """Return the mappings of a person, or of a lead."""
        return self._by_kind[kind]

    def sends_what_moves(self, kind: str) -> bool:
        """Say whether a new person has something to be sent that nobody knows before it stands."""
        return any(each.sends and each.path.field in _MOVING for each in self._by_kind[kind])


def _compiled(mappings: Iterable[MappingRow], kind: str) -> Iterator[Taking]:
    for mapping in mappings:
        if mapping.applies_to not in (kind, "both"):
            continue
        is_preference = mapping.kind == "preference"
        if is_preference and mapping.preference_id is None:
            continue
        takes = mapping.direction in _TAKES
        yield Taking(
            mapping_id=mapping.id,
            name=mapping.dotdigital_field,
            preference_id=mapping.preference_id if is_preference else None,
            data_field_type=mapping.data_field_type or "String",
            path=parse_path(mapping.person_field),
            takes=takes,
            sends=mapping.direction in _SENDS,
            rule=MergeRule(
                conflict_rule=_one_of(mapping.conflict_rule, _CONFLICT_RULES),
                when_blank=_one_of(mapping.when_blank, _WHEN_BLANK),
                only_takes=mapping.direction == "from_dotdigital",
            ),
        )


def _one_of(word: str, words: tuple[_Word, ...]) -> _Word:
    return next(each for each in words if each == word)


def put(changes: dict[str, Any], row: Row, path: FieldPath, value: Scalar) -> bool:
    """Put a value into a person's changes; False where there is no place for it.

    A column takes text; a path into ``custom`` takes the value as it is, and makes the objects that
    lead to it, but never in the place of a plain value.
    """
    if not path.is_custom:
        changes[path.field] = _as_text(value)
        return True
    standing = changes.get("custom", row["custom"])
    custom = dict(standing) if isinstance(standing, dict) else {}
    inside = custom
    for step in path.steps[:-1]:
        below = inside.get(str(step))
        if below is not None and not isinstance(below, dict):
            return False
        inside[str(step)] = inside = dict(below or {})
    inside[str(path.steps[-1])] = value
    changes["custom"] = custom
    return True


def _as_text(value: Scalar) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
