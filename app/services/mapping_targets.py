"""What a mapping points at in Dotdigital: found by name, checked against the person field's type.

Pure: what Dotdigital has is handed in. Names of data fields compare without regard to case, as
Dotdigital's do; preferences are named ``Category > Preference`` or ``Preference``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Final, Literal, Protocol

from app.errors import Conflict, FieldError, Invalid
from app.services.person_fields import FieldType

DataFieldType = Literal["String", "Numeric", "Date", "Boolean"]
DATA_FIELD_TYPES: Final[tuple[DataFieldType, ...]] = ("String", "Numeric", "Date", "Boolean")

#: Data fields of each type that an account holds, mapped or not.
FIELDS_LIMIT: Final[dict[str, int]] = {"String": 246, "Numeric": 50, "Date": 50, "Boolean": 50}

#: Names that Dotdigital keeps for what a contact has anyway.
RESERVED_FIELDS: Final = frozenset(
    {
        "account",
        "campaign",
        "campaignid",
        "contact",
        "contact_api_id",
        "contactid",
        "email",
        "hcontactid",
        "hemail",
        "hemail256",
        "id",
        "messagecontent",
        "mobilenumberid",
        "notes",
        "uniquecontactid",
        "unsubscribed",
    }
)

_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
_YES_OR_NO: Final = frozenset({"true", "yes", "y", "1", "on", "false", "no", "n", "0", "off"})
_POINTER: Final = "/body/dotdigital_field"

#: Which data fields can hold a value of this type; of one inside ``custom``, `fitting_types` says.
_AGREEING: Final[dict[FieldType, frozenset[str]]] = {
    "text": frozenset({"String"}),
    "boolean": frozenset({"Boolean", "String"}),
    "number": frozenset({"Numeric", "String"}),
    "date": frozenset({"Date", "String"}),
    "json": frozenset(),
}

#: The data field that is made for a person field of this type.
TYPE_FOR: Final[dict[FieldType, DataFieldType]] = {
    "text": "String",
    "boolean": "Boolean",
    "number": "Numeric",
    "date": "Date",
    "json": "String",
}


class DataFieldThere(Protocol):
    """A data field as the client reads it."""

    @property
    def name(self) -> str:
        """Its name as Dotdigital spells it."""
        ...

    @property
    def type(self) -> str:
        """One of `DATA_FIELD_TYPES`."""
        ...


@dataclass(frozen=True, slots=True)
class PreferenceThere:
    """One marketing preference, with the category that it is in, if it is in one."""

    id: int
    public_name: str
    private_name: str
    category_public_name: str | None = None
    category_private_name: str | None = None

    @property
    def path(self) -> str:
        """How it is named in a mapping, by its public names."""
        if self.category_public_name is None:
            return self.public_name
        return f"{self.category_public_name} > {self.public_name}"


class UnknownTarget(Invalid):
    """Dotdigital has no such data field or preference; the nearest names are given."""

    def __init__(self, what: str, name: str, near: Sequence[str]) -> None:
        """Name what was asked for and what comes nearest to it."""
        hint = f" Did you mean {_listed(near)}?" if near else ""
        detail = (
            f"Dotdigital has no {what} {name!r}.{hint} "
            "Make it there first, or send create_missing=true."
        )
        super().__init__(detail, errors=[FieldError(_POINTER, detail)])


def find_data_field(name: str, there: Iterable[DataFieldThere]) -> DataFieldThere:
    """Return the data field of this name, in any case.

    Raises UnknownTarget, and Invalid for a name that Dotdigital keeps for itself.
    """
    refuse_reserved(name)
    known = list(there)
    wanted = name.strip().casefold()
    for field in known:
        if field.name.casefold() == wanted:
            return field
    raise UnknownTarget("data field", name, nearest(name, [field.name for field in known]))


def refuse_reserved(name: str) -> None:
    """Raise Invalid where the name is one that Dotdigital keeps for what a contact has anyway."""
    if name.strip().casefold() in RESERVED_FIELDS:
        raise Invalid.at(
            _POINTER,
            f"{name!r} is a name that Dotdigital keeps for itself, so nothing can be mapped to it. "
            "The email and the mobile number go along by themselves.",
        )


def check_new_data_field(name: str, field_type: str, there: Iterable[DataFieldThere]) -> None:
    """Raise Invalid where Dotdigital wouldn't take the name, Conflict where the account is full."""
    refuse_reserved(name)
    if _FIELD_NAME.fullmatch(name) is None:
        raise Invalid.at(
            _POINTER,
            f"{name!r} can't be made: a data field's name has 1 to 20 letters A to Z, digits, "
            "underscores or hyphens.",
        )
    used = count_by_type(there)[field_type]
    limit = FIELDS_LIMIT[field_type]
    if used >= limit:
        raise Conflict(
            f"The account has {used} {field_type} data fields and takes {limit}. Delete one in "
            "Dotdigital, or map to one that is there.",
            extensions={"data_field_type": field_type, "used": used, "limit": limit},
        )


def count_by_type(there: Iterable[DataFieldThere]) -> dict[str, int]:
    """Return how many data fields there are of each type; every type is named."""
    counted = Counter(field.type for field in there)
    return {name: counted[name] for name in DATA_FIELD_TYPES}


def find_preference(path: str, there: Sequence[PreferenceThere]) -> PreferenceThere:
    """Return the preference that this path names; public names go before private ones.

    Raises UnknownTarget, and Invalid for a name that more than one preference answers to.
    """
    in_categories = [each for each in there if each.category_public_name is not None]
    twins = [each for each in in_categories if _same(each.public_name, path)]
    for private in (False, True):
        found = _matches(path, there, private=private)
        if private:
            twins += [each for each in in_categories if _same(each.private_name, path)]
        # A name that stands alone and in a category too could mean either.
        if found and found[0].category_public_name is None:
            found += [each for each in twins if each not in found]
        if len(found) > 1:
            raise _ambiguous(path, found)
        if found:
            return found[0]
    near = [each.path for each in twins] or nearest(path, [each.path for each in there])
    raise UnknownTarget("preference", path, near[:3])


def split_path(path: str) -> tuple[str | None, str]:
    """Return the category, if there is one, and the preference that a path names."""
    category, arrow, name = path.partition(">")
    if not arrow:
        return None, path.strip()
    return category.strip(), name.strip()


def agree(field_type: FieldType, data_field_type: str) -> bool:
    """Say whether a data field of this type can hold a person field of that type."""
    return data_field_type in _AGREEING[field_type]


def fitting_types(value: object) -> frozenset[str]:
    """Return which data fields could hold this value; none holds an object or an array."""
    match value:
        case None:
            return frozenset(DATA_FIELD_TYPES)
        case bool():
            return frozenset({"Boolean", "String", "Numeric"})
        case int() | float():
            yes_or_no = {"Boolean"} if value in (0, 1) else set()
            return frozenset({"Numeric", "String", *yes_or_no})
        case str():
            return _types_of_text(value.strip())
        case _:
            return frozenset()


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three of the known names that come nearest to this one."""
    by_folded = {each.casefold(): each for each in known}
    close = get_close_matches(name.strip().casefold(), by_folded, n=3, cutoff=0.6)
    return [by_folded[each] for each in close]


def _types_of_text(words: str) -> frozenset[str]:
    if not words:
        return frozenset(DATA_FIELD_TYPES)
    fitting = {"String"}
    if _is_number(words):
        fitting.add("Numeric")
    if words.lower() in _YES_OR_NO:
        fitting.add("Boolean")
    try:
        datetime.fromisoformat(words)
    except ValueError:
        return frozenset(fitting)
    return frozenset({*fitting, "Date"})


def _is_number(words: str) -> bool:
    try:
        number = Decimal(words.replace(",", ""))
    except InvalidOperation:
        return False
    # Dotdigital takes 18 digits before the point.
    return number.is_finite() and number.adjusted() < 18


def _matches(
    path: str, there: Sequence[PreferenceThere], *, private: bool
) -> list[PreferenceThere]:
    """Return what the path fits; a name may hold the arrow itself, so it is tried whole as well."""
    category, name = split_path(path)
    return [
        each
        for each in there
        if (category is not None and _is(each, category, name, private=private))
        or _is(each, None, path, private=private)
    ]


def _is(each: PreferenceThere, category: str | None, name: str, *, private: bool) -> bool:
    own_category = each.category_private_name if private else each.category_public_name
    own_name = each.private_name if private else each.public_name
    return _same(own_category, category) and _same(own_name, name)


def _same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.strip().casefold() == other.strip().casefold()


def _ambiguous(path: str, found: Sequence[PreferenceThere]) -> Invalid:
    return Invalid.at(
        _POINTER,
        f"{path!r} could be any of {_listed([each.path for each in found])}. Name it with its "
        "category, like Category > Preference, or give it a name of its own in Dotdigital.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
