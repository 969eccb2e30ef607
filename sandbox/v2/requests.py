"""Reading v2 requests as its clients write them: names in any case, numbers and flags as text.

Pascal case comes from the Magento extension, ids of 0 and nulls from .NET, empty texts from PHP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sandbox.calls import Call
from sandbox.clock import read_instant
from sandbox.v2.refusals import invalid, refused

MAX_SELECT = 1000
_MAX_INT32 = 2**31 - 1
#: A body without a type is read as JSON too: PHP's curl calls it a form.
_JSON_TYPES = {"", "application/json", "text/json", "application/x-www-form-urlencoded"}

Choice = TypeVar("Choice")


def content_type(call: Call) -> str:
    """Return the kind of the body, without its parameters, in lower case."""
    return str(call.request.headers.get("content-type", "")).partition(";")[0].strip().lower()


def read_json(call: Call) -> Any:  # noqa: ANN401 - JSON
    """Return the body, parsed. Refuses what is no JSON, by its type or by its text."""
    if content_type(call) not in _JSON_TYPES:
        raise refused("CONTENT_TYPE_IS_NOT_SUPPORTED")
    try:
        return call.json()
    except ValueError:
        is_empty = not call.body.strip()
        code = "MALFORMED_REQUEST" if is_empty else "BODY_DOES_NOT_MATCH_CONTENT_TYPE"
        raise refused(code) from None


def read_fields(call: Call, code: str) -> "Fields":
    """Return the body, an object; refuses with the code what is none."""
    return Fields(read_json(call), code)


class Fields:
    """A JSON object whose names are read in any case; what is null or empty text is not there."""

    def __init__(self, given: object, code: str) -> None:
        """Refuse with the code what is no object, now, or not of its type, when it is read."""
        if not isinstance(given, dict):
            raise refused(code)
        self._code = code
        self._values: dict[str, Any] = {name.lower(): value for name, value in given.items()}

    def raw(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return a value as it came, None where it didn't."""
        return self._values.get(name.lower())

    def text(self, name: str) -> str | None:
        """Return a text; a number is one too."""
        value = self.raw(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise refused(self._code)
        return str(value)

    def integer(self, name: str) -> int | None:
        """Return a number, which may come as text."""
        value = self.raw(name)
        if value is None or value == "":
            return None
        number = as_int32(value)
        if number is None:
            raise refused(self._code)
        return number

    def flag(self, name: str) -> bool | None:
        """Return true or false, which may come as text."""
        value = self.raw(name)
        if value is None or value == "":
            return None
        flag = as_flag(value)
        if flag is None:
            raise refused(self._code)
        return flag

    def items(self, name: str) -> list[Any]:
        """Return an array; empty where there is none."""
        value = self.raw(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise refused(self._code)
        return value

    def choice(
        self, name: str, choices: Mapping[str, Choice], order: Sequence[Choice] = ()
    ) -> Choice | None:
        """Return one of the choices, by its name in any case or by its place in the enumeration.

        Names of choices are given in lower case. `NotAvailableInThisVersion`, the last member of
        every enumeration of v2, says nothing.
        """
        value = self.raw(name)
        if value is None or value == "" or str(value).lower() == "notavailableinthisversion":
            return None
        found = choices.get(value.lower()) if isinstance(value, str) else None
        place = as_int32(value)
        if found is None and place is not None and 0 <= place < len(order):
            found = order[place]
        if found is None:
            raise refused(self._code)
        return found


def as_int32(value: object) -> int | None:
    """Return a whole number of 32 bits, also from text; None for anything else."""
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        value = int(value) if len(value) < 20 else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -_MAX_INT32 <= value <= _MAX_INT32 else None


def as_flag(value: object) -> bool | None:
    """Return true or false, also from text; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(value).lower())


def path_id(call: Call, name: str = "id") -> int:
    """Return the number in the path."""
    number = as_int32(call.path[name])
    if number is None:
        raise invalid(name)
    return number


def path_instant(call: Call, name: str = "date") -> int:
    """Return the instant that the path's date or date-time means, in milliseconds."""
    try:
        return read_instant(call.path[name])
    except (ValueError, OverflowError):
        raise invalid(name) from None


def since_instant(call: Call, name: str = "date") -> int:
    """Return the first instant that counts as since the path's date, in milliseconds."""
    is_inclusive = call.account.settings.since_is_inclusive
    return path_instant(call, name) + (0 if is_inclusive else 1)


@dataclass(frozen=True)
class Page:
    """Which part of a listing was asked for."""

    skip: int
    select: int

    @property
    def stop(self) -> int:
        """Where the part ends."""
        return self.skip + self.select


def page(call: Call, *, default: int = MAX_SELECT, most: int = MAX_SELECT) -> Page:
    """Return what ``select`` and ``skip`` say; refuses a page of none, or of more than may be.

    An empty value is as none. The YAML calls the size ``limit`` in one place.
    """
    size = "select" if call.parameter("select") or not call.parameter("limit") else "limit"
    select, skip = _number(call, size, default), _number(call, "skip", 0)
    if call.parameter(size) and not 1 <= select <= most:
        raise invalid(size)
    if skip < 0:
        raise invalid("skip")
    return Page(max(0, skip + call.row_shift), select)


def with_full_data(call: Call) -> bool:
    """Say whether the contacts' data fields were asked for."""
    flag = as_flag(call.parameter("withFullData") or "false")
    if flag is None:
        raise invalid("withFullData")
    return flag


def least_contact_id(call: Call) -> int:
    """Return the contact id from which on to list."""
    return _number(call, "minContactId", 0)


def _number(call: Call, name: str, default: int) -> int:
    given = call.parameter(name)
    if not given:
        return default
    number = as_int32(given)
    if number is None:
        raise invalid(name)
    return number
