"""Likely mappings: person fields and data fields whose names and types go together. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from app.services.mapping_targets import DataFieldThere, PreferenceThere, agree
from app.services.person_fields import FieldType

#: Other names that our fields are met under, as `_bare` writes them.
_SYNONYMS: Final[dict[str, frozenset[str]]] = {
    "external_ref": frozenset({"crmid", "customerid", "externalid", "customerref"}),
    "mobile_number": frozenset({"mobile", "mobilephone", "cellphone", "phone"}),
    "full_name": frozenset({"name", "contactname"}),
    "first_name": frozenset({"fname", "forename", "givenname"}),
    "last_name": frozenset({"lname", "surname", "familyname"}),
    "title": frozenset({"salutation", "prefix"}),
    "job_title": frozenset({"job", "role", "position", "jobrole"}),
    "organisation": frozenset({"organization", "company", "companyname", "employer"}),
    "address_line_1": frozenset({"address", "address1", "street"}),
    "address_line_2": frozenset({"address2", "street2"}),
    "city": frozenset({"town", "posttown"}),
    "county": frozenset({"district"}),
    "state": frozenset({"province", "region"}),
    "postcode": frozenset({"postalcode", "zip", "zipcode"}),
    "country": frozenset({"countryname"}),
    "created_at": frozenset({"created", "datecreated"}),
    "updated_at": frozenset({"updated", "lastupdated"}),
}
#: Below this, names are alike by chance.
_ALIKE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Offered:
    """A person field that may be mapped."""

    path: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One likely pair; ``confidence`` is 1 where the names are the same."""

    kind: Literal["field", "preference"]
    person_field: str
    dotdigital_field: str
    data_field_type: str | None
    confidence: float


def suggest(
    offered: Sequence[Offered],
    data_fields: Iterable[DataFieldThere],
    preferences: Iterable[PreferenceThere],
    mapped: Collection[tuple[str, str]],
) -> list[Suggestion]:
    """Return likely pairs, the surest first; each side stands in one of them at most.

    ``mapped`` names what has a mapping already, as (kind, name in Dotdigital in lower case).
    """
    likely = [
        *_likely_fields(offered, data_fields),
        *_likely_preferences(offered, preferences),
    ]
    likely.sort(key=lambda each: (-each.confidence, each.person_field, each.dotdigital_field))
    taken_fields: set[str] = set()
    taken_targets = set(mapped)
    chosen = []
    for each in likely:
        target = (each.kind, each.dotdigital_field.lower())
        if each.person_field in taken_fields or target in taken_targets:
            continue
        taken_fields.add(each.person_field)
        taken_targets.add(target)
        chosen.append(each)
    return chosen


def _likely_fields(
    offered: Sequence[Offered], data_fields: Iterable[DataFieldThere]
) -> Iterator[Suggestion]:
    for there in data_fields:
        for ours in offered:
            if not agree(ours.type, there.type):
                continue
            likeness = _likeness(ours.path, there.name)
            if likeness >= _ALIKE:
                yield Suggestion("field", ours.path, there.name, there.type, likeness)


def _likely_preferences(
    offered: Sequence[Offered], preferences: Iterable[PreferenceThere]
) -> Iterator[Suggestion]:
    yes_or_no = [each for each in offered if each.type == "boolean"]
    for there in preferences:
        for ours in yes_or_no:
            likeness = max(
                _likeness(ours.path, there.public_name), _likeness(ours.path, there.private_name)
            )
            if likeness >= _ALIKE:
                yield Suggestion("preference", ours.path, there.path, None, likeness)


def _likeness(path: str, name: str) -> float:
    theirs = _bare(name)
    ours = _bare(path.removeprefix("custom."))
    if not theirs or not ours:
        return 0.0
    if theirs == ours or theirs == _bare(path):
        return 1.0
    if theirs in _SYNONYMS.get(path, ()):
        return 0.9
    # A pair of known synonyms of another field is alike by chance: state and estate, say.
    ratio = SequenceMatcher(None, ours, theirs, autojunk=False).ratio()
    return round(min(ratio, 0.89), 2)


def _bare(name: str) -> str:
    """Return the name's letters and digits, in lower case."""
    return re.sub(r"[\W_]", "", name.casefold())
