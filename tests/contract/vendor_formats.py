"""The formats that the vendor's documents name, checked as the vendor writes them."""

import base64
import binascii
import ipaddress
import re
import uuid
from datetime import date, datetime
from urllib.parse import urlsplit

from jsonschema import FormatChecker

#: What a checker raises on a value that isn't of its format.
_NOT_OF_FORMAT = (ValueError, binascii.Error)

# `T` or a space, as the documents' examples have both.
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d{1,7})?(Z|[+-]\d\d:\d\d)?", re.ASCII
)

REQUESTED_FORMATS = FormatChecker(formats=())
#: As `REQUESTED_FORMATS`, but v3 was seen to leave the zone out; such a time is UTC.
ANSWERED_FORMATS = FormatChecker(formats=())


def _instant(text: str) -> str | None:
    """Return the zone of an instant, None where it has none; raises ValueError on other text."""
    matched = _INSTANT.fullmatch(text)
    if matched is None:
        raise ValueError(f"{text} is no instant")
    datetime.fromisoformat(f"{matched[1]}T{matched[2]}")
    return matched[3]


@ANSWERED_FORMATS.checks("date-time", raises=_NOT_OF_FORMAT)
def _is_answered_instant(value: object) -> bool:
    if isinstance(value, str):
        _instant(value)
    return True


@REQUESTED_FORMATS.checks("date-time", raises=_NOT_OF_FORMAT)
def _is_requested_instant(value: object) -> bool:
    return not isinstance(value, str) or _instant(value) is not None


def _is_date(value: object) -> bool:
    if isinstance(value, str):
        date.fromisoformat(value)
    return True


def _is_guid(value: object) -> bool:
    if isinstance(value, str):
        uuid.UUID(value)
    return True


def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _is_byte(value: object) -> bool:
    if isinstance(value, str):
        base64.b64decode(value, validate=True)
    return not isinstance(value, int) or 0 <= value < 2**8


def _is_email(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


def _is_ipv4(value: object) -> bool:
    if isinstance(value, str):
        ipaddress.IPv4Address(value)
    return True


def _is_ipv6(value: object) -> bool:
    if isinstance(value, str):
        ipaddress.IPv6Address(value)
    return True


for _name, _check in {
    "date": _is_date,
    "guid": _is_guid,
    "uuid": _is_guid,
    "int32": _is_int32,
    "int64": _is_int64,
    "byte": _is_byte,
    "email": _is_email,
    "uri": _is_uri,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
}.items():
    for _formats in (REQUESTED_FORMATS, ANSWERED_FORMATS):
        _formats.checks(_name, raises=_NOT_OF_FORMAT)(_check)
