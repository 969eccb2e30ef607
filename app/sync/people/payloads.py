"""From a person's row to what Dotdigital is told: the account's mappings, compiled once a run.

How one mapping is compiled is for its kind to say, in `services/mapping_kinds`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import orjson

from app.clients.dotdigital import UnsendableContactError
from app.models import Mapping as MappingRow
from app.services.field_values import Scalar, ValueMismatchError
from app.services.mapping_kinds import with_kinds
from app.services.mapping_kinds.kind import Rule

Row = Mapping[str, Any]
_Compiled = tuple[MappingRow, Rule]
#: Sentences by person field, each beside one without the value.
_Faults = dict[str, list[tuple[str, str]]]
#: Name, value, what a blank does, person field, and what a complaint names. Tuples, for they are
#: gone through once for each of a million people.
_FieldStep = tuple[str, Callable[[Row], Scalar], str, str, str]
#: Id, yes or no, person field, and what a complaint names.
_PreferenceStep = tuple[int, Callable[[Row], Any], str, str]

SENT_DIRECTIONS = frozenset({"to_dotdigital", "two_way"})


class MappedValueError(ValueMismatchError):
    """Some of a person's values don't fit their data fields; the text names all of them."""

    def __init__(self, faults: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Take for each person field at fault its sentences, each beside one without the value."""
        said = [each for of_field in faults.values() for each in of_field]
        super().__init__(
            " ".join(sentence for sentence, _ in said),
            " ".join(impersonal for _, impersonal in said),
        )
        self.fields = tuple(faults)


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
    #: Those of both whose rule may let stand what is there.
    yielding: frozenset[str] = frozenset()
    yielding_preferences: frozenset[int] = frozenset()

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
        self,
        fields: Mapping[str, Scalar],
        preferences: Sequence[tuple[int, bool]],
        *,
        is_linked: bool,
    ) -> bool:
        """Say whether these, which are to be written, are to be read there before.

        Of who is not linked, and may have a contact all the same: where ours needn't stand.
        """
        names = self.two_way if is_linked else self.yielding
        ids = self.two_way_preferences if is_linked else self.yielding_preferences
        return not (
            names.isdisjoint(fields)
            and ids.isdisjoint(preference_id for preference_id, _ in preferences)
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
        sent = [
            (kind.part, mapping, rule)
            for kind, mapping in with_kinds(mappings)
            if mapping.direction in SENT_DIRECTIONS and (rule := kind.rule(mapping)) is not None
        ]
        fields = [(mapping, rule) for part, mapping, rule in sent if part == "fields"]
        preferences = [(mapping, rule) for part, mapping, rule in sent if part == "preferences"]
        self._fields = {whom: tuple(_fields(fields, whom)) for whom in ("person", "lead")}
        self._two_way = frozenset(
            rule.key for mapping, rule in fields if mapping.direction == "two_way"
        )
        self._two_way_preferences = frozenset(
            int(rule.key) for mapping, rule in preferences if mapping.direction == "two_way"
        )
        self._yielding = self._two_way.intersection(_yielding(fields))
        self._yielding_preferences = self._two_way_preferences.intersection(
            map(int, _yielding(preferences))
        )
        # By id, so that the order in which mappings were made makes no news of old values.
        self._preferences = {
            whom: tuple(sorted(_preferences(preferences, whom), key=itemgetter(0)))
            for whom in ("person", "lead")
        }

    def payload(self, row: Row) -> Payload:
        """Return this row's mapped values.

        Raises MappedValueError with all that doesn't fit its data field, or its preference.
        """
        whom = row["kind"]
        faults: _Faults = {}
        data_fields: dict[str, Scalar] = {}
        filling: dict[str, Scalar] = {}
        for name, value_of, when_blank, person_field, target in self._fields[whom]:
            try:
                value = value_of(row)
            except ValueMismatchError as error:
                _add_fault(faults, person_field, target, error)
                continue
            if when_blank == "clear":
                data_fields[name] = value
            elif value is None:
                continue
            elif when_blank == "keep":
                data_fields[name] = value
            else:
                filling[name] = value
        preferences = []
        for preference_id, value_of, person_field, target in self._preferences[whom]:
            try:
                opted_in = value_of(row)
            except ValueMismatchError as error:
                _add_fault(faults, person_field, target, error)
                continue
            if opted_in is not None:
                preferences.append((preference_id, opted_in))
        if faults:
            raise MappedValueError(faults)
        return Payload(
            data_fields,
            preferences,
            filling,
            self._two_way,
            self._two_way_preferences,
            self._yielding,
            self._yielding_preferences,
        )


def _add_fault(faults: _Faults, person_field: str, target: str, error: ValueMismatchError) -> None:
    of_both = f"{person_field} for {target}"
    said = (f"{of_both}: {error}.", f"{of_both}: {error.impersonal}.")
    faults.setdefault(person_field, []).append(said)


def _yielding(given: Iterable[_Compiled]) -> Iterator[str]:
    for mapping, rule in given:
        if mapping.conflict_rule != "prefer_dotsync":
            yield rule.key


def _fields(given: Iterable[_Compiled], whom: str) -> Iterator[_FieldStep]:
    for mapping, rule in given:
        if mapping.applies_to in (whom, "both"):
            yield rule.key, rule.ours, mapping.when_blank, mapping.person_field, rule.target


def _preferences(given: Iterable[_Compiled], whom: str) -> Iterator[_PreferenceStep]:
    for mapping, rule in given:
        if mapping.applies_to in (whom, "both"):
            yield int(rule.key), rule.ours, mapping.person_field, rule.target
