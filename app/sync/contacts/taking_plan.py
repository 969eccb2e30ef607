"""The account's mappings as they are read by retrieve_people: what is asked for, and where it goes.

Compiled once a run, each as its kind says in `services/mapping_kinds`. The other way, from a
person to what is sent, is in `payloads`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_args

import orjson

from app.models import Mapping as MappingRow
from app.services.field_values import Scalar, ValueMismatchError
from app.services.mapping_kinds import with_kinds
from app.services.mapping_kinds.contact_values import Absent, There
from app.services.mapping_kinds.kind import Kind, Part
from app.services.person_fields import FieldPath, parse_path
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


@dataclass(frozen=True, slots=True)
class Taking:
    """One mapping, ready to be held against a person and a contact."""

    mapping_id: int
    #: As Dotdigital spells it; a preference by its path.
    name: str
    #: The part of the acknowledged values that it is in, and its key in there.
    part: Part
    key: str
    path: FieldPath
    takes: bool
    sends: bool
    rule: MergeRule
    #: What the contact has.
    theirs: Callable[[There], Scalar | Absent]
    #: What a contact has that nobody ever told anything.
    nothing: Scalar
    #: What the person gets of it.
    taken: Callable[[Scalar], Scalar]
    value_of: Callable[[Row], Scalar]

    def ours(self, row: Row) -> Scalar | Unknown:
        """Return what the person has, as Dotdigital would; UNKNOWN for what it couldn't hold."""
        try:
            return self.value_of(row)
        except ValueMismatchError:
            return UNKNOWN


class TakingPlan:
    """The account's mappings, ready to be applied to many contacts."""

    def __init__(self, mappings: Iterable[MappingRow]) -> None:
        """Compile all of them: a new person begins with whatever is mapped."""
        given = list(with_kinds(mappings))
        compiled = list(_compiled(given))
        self._by_kind = {
            whom: tuple(each for mapping, each in compiled if mapping.applies_to in (whom, "both"))
            for whom in ("person", "lead")
        }
        #: To be asked for.
        self.data_fields = sorted({each.key for _, each in compiled if each.part == "fields"})
        self.has_preferences = any(each.part == "preferences" for _, each in compiled)
        taken = sorted(
            (each.id, each.kind, each.dotdigital_field, each.person_field, each.applies_to)
            for _, each in given
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


def _compiled(
    given: Iterable[tuple[Kind[Any], MappingRow]],
) -> Iterator[tuple[MappingRow, Taking]]:
    for kind, mapping in given:
        compiled = kind.rule(mapping)
        if compiled is None:
            continue
        taking = Taking(
            mapping_id=mapping.id,
            name=mapping.dotdigital_field,
            part=kind.part,
            key=compiled.key,
            path=parse_path(mapping.person_field),
            takes=mapping.direction in _TAKES,
            sends=mapping.direction in _SENDS,
            rule=MergeRule(
                conflict_rule=_one_of(mapping.conflict_rule, _CONFLICT_RULES),
                when_blank=_one_of(mapping.when_blank, _WHEN_BLANK),
                only_takes=mapping.direction == "from_dotdigital",
            ),
            theirs=compiled.theirs,
            nothing=compiled.nothing,
            taken=compiled.taken,
            value_of=compiled.ours,
        )
        yield mapping, taking


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
