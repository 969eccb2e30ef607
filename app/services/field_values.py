"""A person's value as the data field wants it: String, Numeric, Date or Boolean."""

import contextlib
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

#: The help centre's figures for the newer fields [doc].
MAX_TEXT = 1000
_DIGITS_BEFORE_POINT = 18
_SHORT = 10**15
_DIGITS = re.compile(r"[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LAST_PLACE = Decimal("1e-9")

_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})
#: Commas between thousands only: a decimal comma that is passed over makes ten times the number.
_WRITTEN_NUMBER = re.compile(
    r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)?(?:\.\d*)?(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE
)

Scalar = str | int | float | bool | None


class ValueMismatchError(ValueError):
    """A value doesn't fit the type of its data field; the text says which and why."""

    def __init__(self, message: str, impersonal: str | None = None) -> None:
        """Take the text, and the same without the value where it names it."""
        super().__init__(message)
        #: The text with nothing of the value itself.
        self.impersonal = impersonal or message

    @staticmethod
    def of(value: object, what: str) -> "ValueMismatchError":
        """Return the error that says this of the value."""
        return ValueMismatchError(f"{_shown(value)} {what}", f"the value {what}")


def typed_value(value: object, data_field_type: str) -> Scalar:
    """Return the value as this type of data field takes it; a blank one is None.

    Raises ValueMismatchError for a value that can't be read as the type, for objects and arrays,
    for text over 1000 characters and for numbers with more than 18 digits before the point. Those
    behind it are rounded to 9; dates come back in UTC, cut to the second.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = _cleaned(value)
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
    word = (value if isinstance(value, str) else _shown(value)).strip().lower()
    if not word:
        return None
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    what = "is not a yes or no"
    raise ValueMismatchError.of(value, what)


def _cleaned(given: str) -> str:
    words = given.strip()
    if not words.isascii():
        try:
            words.encode()
        except UnicodeEncodeError:
            message = "the text holds half a surrogate pair, which is no character"
            raise ValueMismatchError(message) from None
    return words


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return _date(value)
    if isinstance(value, float) and not math.isfinite(value):
        what = "is not a number"
        raise ValueMismatchError.of(value, what)
    if isinstance(value, int) and abs(value) >= 10**MAX_TEXT:
        message = f"the number has more digits than the {MAX_TEXT} that the data field takes"
        raise ValueMismatchError(message)
    words = str(value)
    if len(words) > MAX_TEXT:
        message = f"the text has {len(words)} characters and the data field takes {MAX_TEXT}"
        raise ValueMismatchError(message)
    return words


def _number(value: object) -> int | float:
    if isinstance(value, bool):
        return int(value)
    # Most numbers are short and whole, and this runs for each of a million.
    if isinstance(value, int) and -_SHORT < value < _SHORT:
        return value
    if isinstance(value, str) and len(value) < _DIGITS_BEFORE_POINT and _DIGITS.fullmatch(value):
        return int(value)
    exact = _exact(value)
    if exact.is_finite() and exact.adjusted() < _DIGITS_BEFORE_POINT:
        rounded = exact.quantize(_LAST_PLACE)
        if rounded.adjusted() < _DIGITS_BEFORE_POINT:
            number = float(rounded)
            is_whole = rounded == rounded.to_integral_value() or number.is_integer()
            return int(rounded) if is_whole else number
    what = "is not a number that the data field takes"
    raise ValueMismatchError.of(value, what)


def _exact(value: object) -> Decimal:
    """Return what the value says, or NaN where it is no number."""
    if isinstance(value, int):
        return Decimal(value)
    written = str(value)
    if _WRITTEN_NUMBER.fullmatch(written):
        try:
            return Decimal(written.replace(",", ""))
        except InvalidOperation:
            pass
    return Decimal("NaN")


def _date(value: object) -> str:
    if isinstance(value, str) and _DAY.fullmatch(value):
        with contextlib.suppress(ValueError):
            return f"{date.fromisoformat(value).isoformat()}T00:00:00Z"
    moment = _moment(value) if isinstance(value, str) else value
    if isinstance(moment, datetime):
        try:
            in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
        except OverflowError:
            what = "is before the year 1 or after 9999 in UTC"
            raise ValueMismatchError.of(value, what) from None
        return f"{in_utc.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    if isinstance(moment, date):
        return f"{moment.isoformat()}T00:00:00Z"
    what = "is not a date: write it like 2026-01-31 or 2026-01-31T09:30:00Z"
    raise ValueMismatchError.of(value, what)


def _moment(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:
        # Python writes no whole number of more than 4300 digits.
        return "a number of thousands of digits"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


_CONVERTERS = {"String": _text, "Numeric": _number, "Date": _date, "Boolean": boolean}
