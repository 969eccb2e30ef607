"""A person's value as the data field wants it: String, Numeric, Date or Boolean."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

#: The help centre's figure for the newer text fields.
MAX_TEXT = 1000

_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})

Scalar = str | int | float | bool | None


class ValueMismatchError(ValueError):
    """A value doesn't fit the type of its data field; the text says which and why."""


def typed_value(value: object, data_field_type: str) -> Scalar:
    """Return the value as this type of data field takes it; a blank one is None.

    Raises ValueMismatchError for a value that can't be read as the type, for objects and arrays,
    and for text over 1000 characters.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if data_field_type == "String":
            return _text(value)
        value = value.strip()
        if not value:
            return None
    elif isinstance(value, (dict, list)):
        message = "an object or array can't go into a data field: map one of its elements"
        raise ValueMismatchError(message)
    return _CONVERTERS[data_field_type](value)


def boolean(value: object) -> bool | None:
    """Read a yes or no; blank is None. Raises ValueMismatchError for anything else."""
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if not word:
        return None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    message = f"{_shown(value)} is not a yes or no"
    raise ValueMismatchError(message)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return _date(value)
    words = str(value).strip()
    if len(words) > MAX_TEXT:
        message = f"the text has {len(words)} characters and the data field takes {MAX_TEXT}"
        raise ValueMismatchError(message)
    return words or None


def _number(value: object) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    try:
        exact = Decimal(str(value).replace(",", "") if isinstance(value, str) else str(value))
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite() or exact.adjusted() >= 18:
        message = f"{_shown(value)} is not a number that the data field takes"
        raise ValueMismatchError(message)
    if exact == exact.to_integral_value():
        return int(exact)
    number = float(exact)
    if not math.isfinite(number):
        message = f"{_shown(value)} is not a number that the data field takes"
        raise ValueMismatchError(message)
    return number


def _date(value: object) -> str:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, str):
        try:
            return _date(datetime.fromisoformat(value))
        except ValueError:
            pass
    message = f"{_shown(value)} is not a date: write it like 2026-01-31 or 2026-01-31T09:30:00Z"
    raise ValueMismatchError(message)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


_CONVERTERS = {"String": _text, "Numeric": _number, "Date": _date, "Boolean": boolean}
