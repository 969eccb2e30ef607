"""The data fields of an account: defining them, checking values, packing a contact's values.

A contact's values are one JSON array in bytes, a place a field: a fifth of what a dictionary takes.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from sandbox.inferred import is_blank
from sandbox.state.records import DataField, DataValue, FieldType, MergeOption, Visibility

#: Present in a fresh account [doc, v1doc].
FRESH: tuple[tuple[str, FieldType], ...] = (
    ("FIRSTNAME", "String"),
    ("LASTNAME", "String"),
    ("FULLNAME", "String"),
    ("GENDER", "String"),
    ("POSTCODE", "String"),
    ("LASTSUBSCRIBED", "Date"),
)
#: Names that no field may have [doc].
RESERVED = frozenset(
    {
        *("account", "campaign", "campaignid", "contact", "contact_api_id", "contactid", "email"),
        *("hcontactid", "hemail", "hemail256", "id", "messagecontent", "mobilenumberid", "notes"),
        *("unsubscribed", "uniquecontactid"),
    }
)
TYPES: tuple[FieldType, ...] = ("String", "Numeric", "Date", "Boolean")
MAX_TEXT = 1000
#: Digits before the point.
MAX_NUMBER = 10**18

_NAME = re.compile(r"[A-Za-z0-9_-]{1,20}")


class FieldRefusedError(ValueError):
    """A definition that the account does not take. ``code`` is v2's, without its prefix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WrongValueError(ValueError):
    """A value that its field does not take."""

    def __init__(self, message: str, *, is_overflow: bool = False) -> None:
        super().__init__(message)
        self.is_overflow = is_overflow


class DataFields:
    """The fields by name, in any case, in the order of their making."""

    def __init__(self) -> None:
        self._by_name: dict[str, DataField] = {}
        #: Any spelling met so far, to be looked at before `find`: saves folding the case of names.
        self.by_spelling: dict[str, DataField] = {}
        self._places = 0
        for name, type_ in FRESH:
            # As the vendor's example lists them: names are public, the rest is private.
            self._add(DataField(name, type_, "Public" if name.endswith("NAME") else "Private"))

    def __iter__(self) -> Iterator[DataField]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, name: str) -> DataField | None:
        """Return the field of this name, in any case."""
        field = self.by_spelling.get(name)
        if field is None and (field := self._by_name.get(name.upper())) is not None:
            self.by_spelling[name] = field
        return field

    def define(
        self,
        name: str,
        type_: FieldType,
        visibility: Visibility = "Private",
        default: DataValue = None,
        *,
        limits: dict[str, int],
    ) -> DataField:
        """Make a field; raises FieldRefusedError. The name is kept as it was given."""
        if not _NAME.fullmatch(name) or name.lower() in RESERVED:
            raise FieldRefusedError("DATAFIELD_INVALID", "Error:")
        if name.upper() in self._by_name:
            raise FieldRefusedError("NON_UNIQUE_DATAFIELD", "Field already exists.")
        if sum(field.type == type_ for field in self) >= limits.get(type_, 0):
            raise FieldRefusedError("DATAFIELD_LIMITEXCEEDED", "Error:")
        field = DataField(name, type_, visibility)
        if default is not None:
            try:
                field.default = check_value(field, default, reads_text=True)
            except WrongValueError:
                raise FieldRefusedError("DATAFIELD_INVALID", "Error:") from None
        return self._add(field)

    def delete(self, name: str) -> None:
        """Take a field away; its values go with it, since its place is never given again."""
        field = self._by_name.pop(name.upper())
        self.by_spelling = {
            spelling: other for spelling, other in self.by_spelling.items() if other is not field
        }

    def read(self, packed: bytes | None) -> dict[str, DataValue]:
        """Unpack a contact's values: every field of the account, null where it has none."""
        values = _unpacked(packed)
        count = len(values)
        return {
            field.name: values[field.ordinal] if field.ordinal < count else None
            for field in self._by_name.values()
        }

    def merge(
        self, packed: bytes | None, values: dict[int, DataValue], option: MergeOption
    ) -> bytes | None:
        """Put checked values, by their field's ordinal, over packed ones as the option says."""
        if packed is None:
            merged = [values.get(ordinal) for ordinal in range(max(values) + 1)]
        else:
            merged = _merged(_unpacked(packed), values, option)
        # A slice, without the brackets, since orjson leaves a kilobyte behind every text it made.
        return orjson.dumps(merged)[1:-1]

    def _add(self, field: DataField) -> DataField:
        field.ordinal = self._places
        self._places += 1
        self._by_name[field.name.upper()] = field
        return field


def _merged(
    kept: list[DataValue], values: dict[int, DataValue], option: MergeOption
) -> list[DataValue]:
    kept.extend([None] * (max(values) + 1 - len(kept)))
    for ordinal, value in values.items():
        if option == "overwrite" or (
            not is_blank(value) if option == "overwriteIfNotEmpty" else is_blank(kept[ordinal])
        ):
            kept[ordinal] = value
    return kept


def _unpacked(packed: bytes | None) -> list[DataValue]:
    values: list[DataValue] = orjson.loads(b"[%b]" % packed) if packed else []
    return values


def check_value(field: DataField, value: object, *, reads_text: bool) -> DataValue:
    """Return the value as it is kept; raises WrongValueError.

    With ``reads_text`` (v2, and CSV) a number, a date or a yes may come as text. An empty text is
    kept as null: nothing distinguishes the two in the vendor's answers [inferred].
    """
    if value is None or value == "":
        return None
    match field.type:
        case "String":
            return _text(field, value, reads_text=reads_text)
        case "Numeric":
            return _number(field, value, reads_text=reads_text)
        case "Date":
            return _date(field, value)
        case "Boolean":
            return _boolean(field, value, reads_text=reads_text)


def _text(field: DataField, value: object, *, reads_text: bool) -> str:
    if type(value) is not str:
        if not reads_text or not isinstance(value, bool | int | float):
            raise WrongValueError(f"The value of '{field.name}' must be a text")
        value = str(value)
    if len(value) > MAX_TEXT:
        raise WrongValueError(f"'{field.name}' takes {MAX_TEXT} characters", is_overflow=True)
    return str(value)


def _number(field: DataField, value: object, *, reads_text: bool) -> int | float:
    if reads_text and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            raise WrongValueError(f"The value of '{field.name}' must be a number") from None
        value = int(number) if number.is_integer() else number
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongValueError(f"The value of '{field.name}' must be a number")
    if not -MAX_NUMBER < value < MAX_NUMBER:
        raise WrongValueError(f"'{field.name}' takes 18 digits before the point", is_overflow=True)
    return value if isinstance(value, int) else round(value, 9)


def _date(field: DataField, value: object) -> str:
    try:
        at = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise WrongValueError(f"The value of '{field.name}' must be a date in ISO 8601") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.isoformat().replace("+00:00", "Z")


def _boolean(field: DataField, value: object, *, reads_text: bool) -> bool:
    if reads_text and str(value).lower() in _SPELLINGS:
        return _SPELLINGS[str(value).lower()]
    if type(value) is not bool:
        raise WrongValueError(f"The value of '{field.name}' must be true or false")
    return value


#: How yes and no are written in v2 and in CSV files [doc, partly inferred].
_SPELLINGS = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}
