"""From a person's row to what Dotdigital is told: the account's mappings, compiled once a run."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import orjson

from app.clients.dotdigital import UnsendableContactError
from app.models import Mapping as MappingRow
from app.services.person_fields import full_name, parse_path, read
from app.sync.rules.field_values import MAX_TEXT, Scalar, ValueMismatchError, boolean, typed_value

Row = Mapping[str, Any]
Reader = Callable[[Row], object]

SENT_DIRECTIONS = frozenset({"to_dotdigital", "two_way"})


class MappedValueError(ValueMismatchError):
    """Some of a person's values don't fit their data fields; the text names all of them."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        """Take a sentence for each person field that is at fault."""
        super().__init__(" ".join(faults.values()))
        self.fields = tuple(faults)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    data_field_type: str
    person_field: str
    read: Reader
    when_blank: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class _Preference:
    preference_id: int
    person_field: str
    read: Reader


@dataclass(slots=True)
class Payload:
    """What one person's mapped values are at the moment."""

    data_fields: dict[str, Scalar]
    preferences: list[tuple[int, bool]]
    #: Values that only fill a blank there: they go by an import of their own, whose merge option
    #: says just that, after the contact stands.
    filling: dict[str, Scalar]
    #: Data fields that come back as well.
    two_way: frozenset[str] = frozenset()
    #: Preferences that come back as well.
    two_way_preferences: frozenset[int] = frozenset()

    def news(self, base: Mapping[str, Any] | None, *, tells_all: bool = False) -> dict[str, Scalar]:
        """Return the data fields that are to be written there.

        Of those that come back, only what moved here since both sides agreed (``base``, by name):
        what moved there is to be read, and not written over. ``tells_all``: what stands as agreed
        is told again. A blank of ours is no news while nobody knows what they have.
        """
        if not self.two_way:
            return self.data_fields
        agreed = base or {}
        return {
            name: value
            for name, value in self.data_fields.items()
            if name not in self.two_way
            or (tells_all or agreed[name] != value if name in agreed else value is not None)
        }

    def preference_news(
        self, base: Mapping[str, Any] | None, *, tells_all: bool = False
    ) -> list[tuple[int, bool]]:
        """Return the preferences that are to be written there; ``base`` by id, else as `news`."""
        if not self.two_way_preferences or tells_all:
            return self.preferences
        agreed = base or {}
        return [
            (preference_id, opted_in)
            for preference_id, opted_in in self.preferences
            if preference_id not in self.two_way_preferences
            or agreed.get(str(preference_id)) != opted_in
        ]

    def comes_back(
        self, fields: Mapping[str, Scalar], preferences: Sequence[tuple[int, bool]]
    ) -> bool:
        """Say whether these, which are to be written, are also read from there."""
        return not self.two_way.isdisjoint(fields) or any(
            preference_id in self.two_way_preferences for preference_id, _ in preferences
        )

    def acknowledgeable(
        self,
        *,
        filled: Mapping[str, Any] | None,
        base: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the values as the link keeps them once Dotdigital said yes.

        ``filled`` are the filling values that Dotdigital took, this time or before; ``base`` is as
        for `news`: what was not written stands as it was agreed on, or stays unknown.
        """
        fields: Mapping[str, Scalar] = self.data_fields
        if self.two_way:
            fields = {**self.news(base), **_of(self.data_fields, base or {})}
        kept: dict[str, Any] = {"fields": fields}
        if self.preferences:
            kept["preferences"] = {str(key): opted_in for key, opted_in in self.preferences}
        if filled:
            kept["filled"] = filled
        return kept

    def fingerprint(self, email: str | None, mobile_number: str | None) -> bytes:
        """Return 16 bytes that change when anything that would be sent does.

        Raises UnsendableContactError for what can't be written as JSON.
        """
        whole = (email, mobile_number, self.data_fields, self.preferences)
        try:
            written = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as error:
            raise UnsendableContactError(f"it holds a value that JSON can't: {error}") from None
        return blake2b(written, digest_size=16).digest()


def _of(fields: Mapping[str, Scalar], names: Collection[str]) -> dict[str, Scalar]:
    return {name: value for name, value in fields.items() if name in names}


class PayloadPlan:
    """The account's mappings to Dotdigital, ready to be applied to many rows."""

    def __init__(self, mappings: Iterable[MappingRow]) -> None:
        """Compile the mappings that send; those that only retrieve are passed over."""
        sent = [mapping for mapping in mappings if mapping.direction in SENT_DIRECTIONS]
        self._fields = {kind: tuple(_fields(sent, kind)) for kind in ("person", "lead")}
        self._two_way = frozenset(
            each.dotdigital_field
            for each in sent
            if each.kind == "field" and each.direction == "two_way"
        )
        self._two_way_preferences = frozenset(
            each.preference_id
            for each in sent
            if each.preference_id is not None and each.direction == "two_way"
        )
        # By id, so that the order in which mappings were made makes no news of old values.
        self._preferences = {
            kind: tuple(sorted(_preferences(sent, kind), key=lambda rule: rule.preference_id))
            for kind in ("person", "lead")
        }

    def payload(self, row: Row) -> Payload:
        """Return this row's mapped values.

        Raises MappedValueError with all that doesn't fit its data field, or its preference.
        """
        kind = row["kind"]
        faults: dict[str, str] = {}
        data_fields: dict[str, Scalar] = {}
        filling: dict[str, Scalar] = {}
        for rule in self._fields[kind]:
            try:
                value = _typed(rule, row)
            except ValueMismatchError as error:
                target = f"{rule.name} ({rule.data_field_type})"
                _add_fault(faults, rule.person_field, target, error)
                continue
            if rule.when_blank == "clear":
                data_fields[rule.name] = value
            elif value is None:
                continue
            elif rule.when_blank == "keep":
                data_fields[rule.name] = value
            else:
                filling[rule.name] = value
        preferences = []
        for preference in self._preferences[kind]:
            try:
                opted_in = boolean(preference.read(row))
            except ValueMismatchError as error:
                target = f"preference {preference.preference_id}"
                _add_fault(faults, preference.person_field, target, error)
                continue
            if opted_in is not None:
                preferences.append((preference.preference_id, opted_in))
        if faults:
            raise MappedValueError(faults)
        return Payload(data_fields, preferences, filling, self._two_way, self._two_way_preferences)


def _typed(rule: _Field, row: Row) -> Scalar:
    value = rule.read(row)
    # Most values are plain text for text fields, and this runs eight times for each of a million.
    if value is None:
        return None
    if rule.is_text and isinstance(value, str) and value.isascii() and len(value) <= MAX_TEXT:
        return value.strip() or None
    return typed_value(value, rule.data_field_type)


def _add_fault(
    faults: dict[str, str], person_field: str, target: str, error: ValueMismatchError
) -> None:
    before = f"{faults[person_field]} " if person_field in faults else ""
    faults[person_field] = f"{before}{person_field} for {target}: {error}."


def _fields(mappings: Iterable[MappingRow], kind: str) -> Iterable[_Field]:
    for mapping in mappings:
        if mapping.kind == "field" and mapping.applies_to in (kind, "both"):
            yield _Field(
                mapping.dotdigital_field,
                mapping.data_field_type or "String",
                mapping.person_field,
                _reader(mapping.person_field),
                mapping.when_blank,
                mapping.data_field_type in (None, "String"),
            )


def _preferences(mappings: Iterable[MappingRow], kind: str) -> Iterable[_Preference]:
    for mapping in mappings:
        wanted = mapping.kind == "preference" and mapping.applies_to in (kind, "both")
        if wanted and mapping.preference_id is not None:
            yield _Preference(
                mapping.preference_id, mapping.person_field, _reader(mapping.person_field)
            )


def _reader(person_field: str) -> Reader:
    path = parse_path(person_field)
    if not path.is_custom:
        plain: Reader = itemgetter(path.field)
        return plain if path.field != "full_name" else _full_name
    if len(path.steps) == 1 and isinstance(path.steps[0], str):
        return _reader_of_key(path.steps[0])
    return lambda row: read(path, row)


def _reader_of_key(key: str) -> Reader:
    def read_key(row: Row) -> object:
        custom = row["custom"]
        # Plain SQL may have put anything there.
        return custom.get(key) if isinstance(custom, dict) else None

    return read_key


def _full_name(row: Row) -> object:
    return full_name(row["first_name"], row["last_name"])
