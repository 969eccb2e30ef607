"""Data fields as mappings point at them: found by name, checked against the person field's type.

Pure: what Dotdigital has is handed in. Names compare without regard to case, as Dotdigital's do.
Preferences are found in `preference_paths`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
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


class UnknownTarget(Invalid):
    """Dotdigital has no such data field or preference; the nearest names are given."""

    def __init__(self, what: str, name: str, near: Sequence[str]) -> None:
        """Name what was asked for and what comes nearest to it."""
        hint = f" Did you mean {listed(near)}?" if near else ""
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


def listed(names: Sequence[str]) -> str:
    """Return the names in quotes, with commas between them."""
    return ", ".join(repr(name) for name in names)
