"""What a contact's mapped values mean for its person. No I/O: a row and a contact in, work out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.clients.dotdigital import Contact, UnsendableContactError
from app.services.field_values import Scalar
from app.services.mapping_kinds.contact_values import ABSENT, There
from app.services.person_fields import full_name, read
from app.sync.contacts.taking_plan import Row, Taking, TakingPlan, put
from app.sync.people.payloads import MappedValueError, Payload, PayloadPlan
from app.sync.rules.email_match import matched_by
from app.sync.rules.three_way_merge import UNKNOWN, Step, Times, merge

_NO_VALUES: Final[Mapping[str, Any]] = {}


@dataclass(slots=True)
class FoundConflict:
    """A value that both sides moved."""

    mapping_id: int | None
    name: str
    base: Any
    ours: Any
    theirs: Any
    rule: str
    winner: str


@dataclass(slots=True)
class FieldNews:
    """What becomes of a person's fields, and what the link knows of the contact from now on."""

    #: Columns of the person.
    changes: dict[str, Any] = field(default_factory=dict)
    conflicts: list[FoundConflict] = field(default_factory=list)
    #: Something of the link's knowledge moved.
    moved: bool = False
    acknowledged: dict[str, Any] = field(default_factory=dict)
    #: Values of the contact that ``acknowledged`` has no place for, by part.
    read_values: dict[str, Any] = field(default_factory=dict)
    #: None where something of ours is still to be sent.
    fingerprint: bytes | None = None


class Bases:
    """What is known of a contact's values from before; of nobody's contact, nothing."""

    def __init__(self, row: Row | None) -> None:
        """Take a person's row with its link."""
        self._parts: list[Mapping[str, Any]] = []
        self._in_flight: Mapping[str, Any] = _NO_VALUES
        #: What the link has acknowledged, as it stands.
        self.acknowledged: Mapping[str, Any] = _NO_VALUES
        if row is None:
            return
        self._in_flight = row["in_flight"] or _NO_VALUES
        if row["linked_to"] is not None:
            self.acknowledged = row["acknowledged"] or _NO_VALUES
            self._parts = [self.acknowledged, read_of(row)]

    def of(self, rule: Taking, theirs: object) -> object:
        """Return the base of a value; what is in flight to Dotdigital is no news when it is met."""
        flying = (self._in_flight.get(rule.part) or _NO_VALUES).get(rule.key, ABSENT)
        if flying is not ABSENT and flying == theirs:
            return theirs
        for part in self._parts:
            values = part.get(rule.part) or _NO_VALUES
            if rule.key in values:
                return values[rule.key]
        return UNKNOWN


def read_of(row: Row) -> Mapping[str, Any]:
    """Return what was last read of the contact that the person is linked to."""
    last: Mapping[str, Any] = row["last_read"] or _NO_VALUES
    return last if last.get("contact_id") == row["linked_to"] else _NO_VALUES


def merge_fields(
    row: Row,
    contact: Contact,
    plan: TakingPlan,
    *,
    sees_all: bool,
    read_until: datetime | None = None,
) -> FieldNews:
    """Merge a person's mapped values with a contact's, and say what the contact has now.

    ``sees_all``: values that are only sent are looked at too, so that what was changed there is
    put right; else only those that are taken. ``read_until``: changes before it were read, so that
    a value which is gone from a contact that nobody has changed since was not cleared by anybody:
    its data field was deleted and made anew. Ours is then for the send job.
    """
    news, there, bases = FieldNews(), There(contact), Bases(row)
    times = Times(row["updated_at"], contact.updated_at)
    is_read = read_until is not None and times.theirs is not None and times.theirs < read_until
    for rule in plan.rules(row["kind"]):
        if not (rule.takes or sees_all):
            continue
        theirs = rule.theirs(there)
        if theirs is ABSENT:
            continue
        base = bases.of(rule, theirs)
        if is_read and theirs is None and base is not None and base is not UNKNOWN:
            news.moved, base = True, UNKNOWN
        if rule.takes:
            _merge_one(news, rule, row, theirs, base, times)
        elif _differs(base, theirs, rule):
            news.moved = True
    return news


def _merge_one(
    news: FieldNews, rule: Taking, row: Row, theirs: Scalar, base: object, times: Times
) -> None:
    ours = rule.ours(row)
    if ours is None and theirs == rule.nothing:
        # Never asked here, and not opted in there: nothing to tell apart.
        ours = theirs
    merged = merge(base, ours, theirs, rule.rule, times)
    news.moved |= _differs(base, theirs, rule)
    took = merged.step is Step.TAKE and put(news.changes, row, rule.path, rule.taken(theirs))
    if merged.is_conflict:
        news.conflicts.append(
            FoundConflict(
                rule.mapping_id,
                rule.name,
                None if base is UNKNOWN else base,
                read(rule.path, row),
                theirs,
                rule.rule.conflict_rule,
                "dotdigital" if took else "dotsync",
            )
        )


def _differs(base: object, theirs: object, rule: Taking) -> bool:
    """Say whether the base moves; what was blank when it was first met is no base."""
    if base is UNKNOWN:
        return theirs != rule.nothing
    return base != theirs


def first_values(contact: Contact, kind: str, plan: TakingPlan) -> dict[str, Any]:
    """Return what a new person has of a contact: all that is mapped, whatever its direction.

    A full name is taken apart where neither name is mapped, or both are blank there.
    """
    changes: dict[str, Any] = {}
    row: Row = {"custom": {}}
    there = There(contact)
    whole_name = None
    for rule in plan.rules(kind):
        theirs = rule.theirs(there)
        if theirs is ABSENT or theirs is None or theirs == rule.nothing:
            continue
        if rule.path.field == "full_name":
            whole_name = str(rule.taken(theirs))
        elif rule.path.is_writable:
            put(changes, row, rule.path, rule.taken(theirs))
    if whole_name and not full_name(changes.get("first_name"), changes.get("last_name")):
        first, _, last = whole_name.partition(" ")
        changes |= {"first_name": first, "last_name": last.strip() or None}
    return changes


def settle_link(
    news: FieldNews,
    row: Row,
    contact: Contact,
    plan: TakingPlan,
    payloads: PayloadPlan,
    mobile_number: str | None,
    *,
    sees_all: bool,
) -> None:
    """Say what the link acknowledges from now on, and whether anything is left to be sent.

    ``row``: the person as it stands afterwards, ``mobile_number``: as it would be sent.
    """
    there, bases = There(contact), Bases(row)
    try:
        payload = payloads.payload(row)
        fingerprint = payload.fingerprint((row["email"] or "").strip(), mobile_number)
    except (MappedValueError, UnsendableContactError):
        # The send job says what is wrong with it.
        payload, fingerprint = Payload({}, [], {}), b""
    known = _Known(plan, row, there, bases, sees_all=sees_all)
    agrees = fingerprint and known.has(payload) and _has_identifiers(row, contact, mobile_number)
    news.fingerprint = fingerprint if agrees else None
    news.acknowledged = known.acknowledged(payload)
    news.read_values = known.rest()


class _Known:
    """A contact's values as they are known now, by part and key."""

    def __init__(
        self, plan: TakingPlan, row: Row, there: There, bases: Bases, *, sees_all: bool
    ) -> None:
        self._values: dict[str, dict[str, Any]] = {"fields": {}, "preferences": {}}
        self._taken: list[Taking] = []
        self._filled = bases.acknowledged.get("filled")
        for rule in plan.rules(row["kind"]):
            theirs = rule.theirs(there) if rule.takes or sees_all else ABSENT
            base = bases.of(rule, theirs)
            value = base if theirs is ABSENT else theirs
            if value is UNKNOWN:
                continue
            self._values[rule.part][rule.key] = value
            if rule.takes and (base is not UNKNOWN or _differs(base, value, rule)):
                self._taken.append(rule)

    def has(self, payload: Payload) -> bool:
        """Say whether sending this payload would change nothing."""
        fields, preferences = self._values["fields"], self._values["preferences"]
        return (
            all(fields.get(name, ABSENT) == value for name, value in payload.data_fields.items())
            and all(preferences.get(str(key)) == opted_in for key, opted_in in payload.preferences)
            and (not payload.filling or self._fills(payload) == payload.filling)
        )

    def acknowledged(self, payload: Payload) -> dict[str, Any]:
        """Return what the link acknowledges; takes those values out of the rest."""
        kept: dict[str, Any] = {"fields": self._move("fields", payload.data_fields)}
        if payload.preferences:
            kept["preferences"] = self._move(
                "preferences", [str(key) for key, _ in payload.preferences]
            )
        if (filled := self._fills(payload)) is not None:
            kept["filled"] = filled
        return kept

    def rest(self) -> dict[str, Any]:
        """Return the values that are taken and not acknowledged, by part."""
        rest: dict[str, Any] = {}
        for rule in self._taken:
            if rule.key in self._values[rule.part]:
                rest.setdefault(rule.part, {})[rule.key] = self._values[rule.part][rule.key]
        return rest

    def _move(self, part: str, keys: Any) -> dict[str, Any]:  # noqa: ANN401 - any iterable of keys
        values = self._values[part]
        return {key: values.pop(key) for key in keys if key in values}

    def _fills(self, payload: Payload) -> Mapping[str, Any] | None:
        """Return the values that count as filled: none while one of them meets a blank there."""
        fields = self._values["fields"]
        if not payload.filling:
            return self._filled
        if any(name in fields and fields[name] is None for name in payload.filling):
            return None
        all_there = all(name in fields for name in payload.filling)
        return payload.filling if all_there else self._filled


def _has_identifiers(row: Row, contact: Contact, mobile_number: str | None) -> bool:
    email = contact.email is None or matched_by(contact.email) == matched_by(row["email"] or "")
    digits = (mobile_number or "").lstrip("+")
    mobile = mobile_number is None or digits == (contact.mobile_number or "").lstrip("+")
    return email and (mobile or mobile_number == row["mobile_sent"])


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two instants; one that isn't known is never later."""
    if one is None or other is None:
        return one or other
    return max(one, other)
