"""The client's errors, by what the caller does about them.

DotdigitalError
├── Retryable             nobody's fault in the request; the same call may go through later
│   ├── Unreachable       no answer came, or only a part of one
│   ├── ServerFault       an answer of 5xx, or maintenance
│   └── CircuitOpen       too many failures in a row; no call is made until ``until``
├── RateLimited           the scope's calls are used up until ``until``
├── WaitForSlot           too many imports or bulk deletes are active; says nothing of the rate
├── Rejected              Dotdigital says no to this very request, with its own code and message
│   └── NotFound          what the request names isn't there
├── BadCredentials        wrong or disabled API user; no further call is worth making
├── NotPermitted          the API user lacks a permission, or the account's package the feature
├── WrongRegion           the account lives on another host
├── HostNotAllowed        the host is outside the allowed ones; nothing was sent to it
└── ProtocolError         an answer that can't be read

`error_from` is the one place where an answer becomes an error. It goes by the code first and by
the status second, for Dotdigital documents hardly any status (error-codes.yml [spec]).
"""

# ruff: noqa: N818 - the tree is named by what is to be done

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import orjson

from app.clients.dotdigital import inferred
from app.clients.dotdigital.rate_headers import read_rate_headers, retry_after_s


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One of the details of a v3 error, or what blocks a request in v2."""

    #: A field, an identifier, or a kind of thing; may be personal, so it stays out of logs.
    item: str
    description: str


HostFault = Literal["unreadable", "insecure", "foreign"]


class DotdigitalError(Exception):
    """Base of all errors of this client."""

    #: Method and path template of the call that met it, such as ``PUT /contacts/v3/import``.
    call: str | None = None
    #: Scheme and host that the call went to, or was to go to.
    asked: str | None = None


class Retryable(DotdigitalError):
    """The same call may go through later, unchanged."""


class Unreachable(Retryable):
    """No whole answer came: no connection, a timeout, or a body that was cut off."""

    def __init__(self, reason: str, *, may_have_arrived: bool = True) -> None:
        """``may_have_arrived``: the request may have been carried out all the same."""
        super().__init__(reason)
        self.reason = reason
        self.may_have_arrived = may_have_arrived


class ServerFault(Retryable):
    """Dotdigital failed, or is down for maintenance."""

    def __init__(
        self, status: int, message: str, code: str | None = None, retry_after_s: float | None = None
    ) -> None:
        """``retry_after_s``: the wait that the answer asks for, in seconds."""
        super().__init__(_sentence(message, code, f"it answered {status}"))
        self.status = status
        self.message = message
        self.code = code
        self.retry_after_s = retry_after_s


class CircuitOpen(Retryable):
    """The last calls failed one after another; no call is made before ``until``."""

    def __init__(self, until: datetime) -> None:
        """Say when the next call may be tried."""
        super().__init__(f"the last calls all failed; the next one is tried at {until:%H:%M:%S}")
        self.until = until


class RateLimited(DotdigitalError):
    """The calls of this scope are used up until then."""

    def __init__(self, scope: str | None, until: datetime) -> None:
        """``scope``: the tier that the answer named, or that the call was counted under."""
        super().__init__(f"the rate limit is used up until {until:%H:%M:%S}")
        self.scope = scope
        self.until = until


class WaitForSlot(DotdigitalError):
    """Too many imports (25) or bulk deletes are active; try again when one has ended."""

    def __init__(self, code: str, message: str) -> None:
        """Take Dotdigital's own code and message."""
        super().__init__(_sentence(message, code))
        self.code = code
        self.message = message


class Rejected(DotdigitalError):
    """Dotdigital says no; the same request will meet the same answer."""

    def __init__(
        self,
        code: str | None,
        message: str,
        details: Sequence[ErrorDetail] = (),
        status: int = 400,
    ) -> None:
        """``code``: ``ERROR_...`` in v2, ``service:name`` in v3, None where the answer has none."""
        super().__init__(_sentence(message, code, f"it answered {status}"))
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.status = status


class NotFound(Rejected):
    """The contact, list, import or field that the request names isn't there."""


class BadCredentials(DotdigitalError):
    """The user name or password is wrong, or the API user is disabled."""


class NotPermitted(DotdigitalError):
    """The API user lacks a permission, or the account's package lacks the feature."""

    def __init__(self, message: str, code: str | None = None) -> None:
        """Take Dotdigital's own message and code, where it gave one."""
        super().__init__(_sentence(message, code))
        self.message = message
        self.code = code


class WrongRegion(DotdigitalError):
    """The account is served by another host."""

    def __init__(self, endpoint: str | None = None) -> None:
        """``endpoint``: where the account lives, if it could be asked."""
        super().__init__(f"the account is served by {endpoint or 'another region'}")
        self.endpoint = endpoint


class HostNotAllowed(DotdigitalError):
    """The host is outside the allowed ones, or not on TLS; nothing was sent to it."""

    def __init__(self, host: str, why: HostFault = "foreign") -> None:
        """Name the host, or what was given for its URL, and say what is wrong with it.

        ``unreadable``: no URL of a web server; ``insecure``: it would go over plain http to another
        machine; ``foreign``: the host isn't among the allowed ones.
        """
        super().__init__(f"{host} is not an allowed host")
        self.host = host
        self.why = why


class ProtocolError(DotdigitalError):
    """An answer that can't be read: not what the vendor's documents describe."""


_CREDENTIALS: Final = frozenset(
    {
        "ERROR_APIUSER_INVALID",
        "ERROR_INVALID_LOGIN",
        "ERROR_OAUTH_TOKEN_INVALID",
        "ERROR_UNKNOWN_ACCOUNT",
        "ERROR_USERACCOUNT_UNKNOWN",
    }
)
_PERMISSION: Final = frozenset(
    {
        "ERROR_ACCOUNT_INVALID",
        "ERROR_CANNOT_PERFORM_OPERATION_ON_ACCOUNT",
        "ERROR_FEATURENOTACTIVE",
    }
)
_SLOTS: Final = frozenset(
    {
        "ERROR_IMPORT_TOOMANYACTIVEIMPORTS",
        "contacts:tooManyActiveImports",
        "contacts:tooManyBulkDeleteJobs",
    }
)
_MAINTENANCE: Final = re.compile("ERROR_SYSTEM_SERVICETEMPORARILYUNAVAILABLE|ERROR_.*_IS_RESTORING")
_NOT_FOUND: Final = re.compile(
    r"ERROR_.*(_NOT_FOUND|_NOTFOUND|_DOES_NOT_EXIST)|\w+:(\w+NotFound|notExist)"
)
_V2_CODE: Final = re.compile(r"ERROR_[A-Z0-9_]*[A-Z0-9]")


def error_from(  # noqa: PLR0911 - a table of statuses
    status: int, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> DotdigitalError:
    """Return the error that an answer other than 2xx stands for.

    A 403 without a code comes back as `WrongRegion` with no endpoint: whether it is the region or
    a permission, only a look at account-info tells, which is the caller's to take.
    """
    code, message, details = _read(body)
    by_code = _from_code(status, code, message, headers, now)
    if by_code is not None:
        return by_code
    if status == 404 or (code is not None and _NOT_FOUND.fullmatch(code)):
        return NotFound(code, message, details, status)
    if status == 401:
        return BadCredentials(message or "authorization was denied")
    if status == 403:
        return WrongRegion() if code is None else NotPermitted(message, code)
    if status == 429:
        return _rate_limited(headers, now)
    if status >= 500:
        return ServerFault(status, message, code, retry_after_s(headers, now))
    if status >= 400:
        return Rejected(code, message, details, status)
    return ProtocolError(f"it answered {status} where 2xx was due")


def _from_code(  # noqa: PLR0911 - a table of codes
    status: int, code: str | None, message: str, headers: Mapping[str, str], now: datetime
) -> DotdigitalError | None:
    if code is None:
        return None
    if code in _SLOTS or (status == 429 and inferred.is_slot_code(code)):
        return WaitForSlot(code, message)
    if code == "ERROR_APIUSAGE_EXCEEDED":
        wait = timedelta(seconds=inferred.FLAT_SCHEME_WAIT_S)
        return RateLimited(inferred.FLAT_SCOPE, now + wait)
    if _MAINTENANCE.fullmatch(code):
        return ServerFault(status, message, code, retry_after_s(headers, now))
    if code in _CREDENTIALS:
        return BadCredentials(_sentence(message, code))
    if code in _PERMISSION:
        return NotPermitted(message, code)
    return None


def _rate_limited(headers: Mapping[str, str], now: datetime) -> RateLimited:
    rate = read_rate_headers(headers, now)
    if rate.resets_at is not None:
        margin = timedelta(seconds=inferred.RESET_MARGIN_S)
        return RateLimited(rate.scope, max(rate.resets_at, now) + margin)
    wait_s = retry_after_s(headers, now) or inferred.WAIT_WITHOUT_RESET_S
    return RateLimited(rate.scope, now + timedelta(seconds=wait_s))


def _read(body: bytes) -> tuple[str | None, str, tuple[ErrorDetail, ...]]:
    """Return code, message and details of an error's body, in whichever envelope it came."""
    try:
        given: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body[:2000].decode("utf-8", "replace").strip()
        # A page of HTML comes from a proxy on the way, and says nothing that is worth showing.
        given = "" if text.startswith("<") else text
    if not isinstance(given, dict):
        return (*_split(given if isinstance(given, str) else ""), ())
    read = {str(key).lower(): value for key, value in given.items()}
    details = _read_details(read.get("details") or read.get("dependencies"))
    if isinstance(read.get("errorcode"), str):
        return read["errorcode"], str(read.get("description") or ""), details
    return (*_split(str(read.get("message") or "")), details)


def _split(message: str) -> tuple[str | None, str]:
    """Part a v2 message into its code, the last one in it, and the words before."""
    codes = _V2_CODE.findall(message)
    if not codes:
        return None, message.strip()
    words = message[: message.rindex(codes[-1])].strip()
    return codes[-1], "" if words == "Error:" else words


def _read_details(given: object) -> tuple[ErrorDetail, ...]:
    """Read v3's details, and v2's dependencies in either of their two shapes."""
    details = []
    for each in given if isinstance(given, list) else ():
        if isinstance(each, dict):
            read = {str(key).lower(): value for key, value in each.items()}
            item = read.get("item") or read.get("type") or ""
            said = read.get("description") or read.get("error") or read.get("objectid") or ""
            details.append(ErrorDetail(str(item), str(said)))
        else:
            details.append(ErrorDetail("", str(each)))
    return tuple(details)


def _sentence(message: str, code: str | None, otherwise: str = "") -> str:
    if message and code:
        return f"{message} ({code})"
    return message or code or otherwise
