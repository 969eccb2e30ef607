"""Every behaviour that no document states, one function each, with what it rests on.

Where an account may differ, its settings turn it (`state.settings.AccountSettings`).
"""

import re
from collections.abc import Container
from typing import Final

from sandbox import statuses
from sandbox.statuses import ListStatus

_WORD: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]++"
_LABEL: Final = r"(?!-)[A-Za-z0-9\u0080-\U0010ffff-]++(?<!-)"
#: No document says what Dotdigital takes for an address; this refuses what no server would.
_EMAIL: Final = re.compile(
    rf"{_WORD}(?:\.{_WORD})*+@(?:{_LABEL}\.)++(?![0-9-]|.$){_LABEL}", re.DOTALL
)
#: The words are documented, that they come as v2's message is not.
WRONG_REGION: Final = "Forbidden: Access is denied"
#: No body of a 429 for calls is documented.
TOO_MANY_REQUESTS: Final = "Too Many Requests"
#: "50 MB" is documented for the import; read as binary, and held against every call.
MAX_BODY_BYTES: Final = 50 * 1024 * 1024
TOO_LARGE: Final = "The request body is larger than 50 MB"


def no_such_path(path: str, status: int) -> str:
    """Return what v2 says of a path or a method that it does not have; its framework's words."""
    if status == 405:
        return "The requested resource does not support this http method."
    return f"No HTTP resource was found that matches the request URI '{path}'."


def is_email(text: str) -> bool:
    """Say whether Dotdigital would take it for an address; at most 256 characters [spec]."""
    return len(text) <= 256 and _EMAIL.fullmatch(text) is not None


def is_same_email(kept: str | None, given: str) -> bool:
    """Say whether an address is the kept one: case does not count, and the kept spelling stays."""
    return kept is not None and (kept == given or kept.lower() == given.lower())


def mobile_digits(text: str) -> str | None:
    """Return the digits of a number in E.164, with or without its plus; None for anything else.

    E.164 is documented, answers come without the plus [spec]; spaces and dashes are let pass.
    """
    bare = text[1:] if text[:1] == "+" else text
    if not (bare.isascii() and bare.isdigit()):
        bare = text.translate(_PUNCTUATION).removeprefix("+")
    if not (bare.isascii() and bare.isdigit() and 7 <= len(bare) <= 15) or bare[0] == "0":
        return None
    return bare


_PUNCTUATION: Final = str.maketrans("", "", " -().")


def is_blank(value: object) -> bool:
    """Say whether a value counts as empty for the merge options: null or an empty text."""
    return value is None or value == ""


#: Ways to be suppressed that nobody can be resubscribed from: complaints and the vendor's blocks.
_BEYOND_RESUBSCRIBING: Final = frozenset(
    {
        "ispComplained",
        "directComplaint",
        "spamTrap",
        "blockedlocalpart",
        "sharedsuppression",
        "sharedDomainSuppression",
        "domainSuppressed",
        "knownComplainer",
        "knownLitigator",
    }
)


def can_resubscribe(email_status: str) -> bool:
    """Say whether a contact with this status may come back at all.

    `ContactCannotBeUnsuppressed` is documented by name only; its meaning is read as "complaint or
    block".
    """
    return email_status not in _BEYOND_RESUBSCRIBING


def status_under_challenge(email_status: str) -> str:
    """Return the status of a contact that was challenged: it stays off until it confirms.

    The guide says that it is not mailed before; that it keeps its old status is our reading.
    """
    return email_status


def contact_status(email_status: str, sms_status: str) -> str:
    """Return the status of a contact as a whole: its email's, or without an email its mobile's.

    That `hardBounced` reads `suppressed` is seen in the fixtures, the rest is not stated.
    """
    if email_status == statuses.NO_SUBSCRIPTION:
        return statuses.contact_status(sms_status)
    return statuses.contact_status(email_status)


def shows_whatsapp(whatsapp_status: str) -> bool:
    """Say whether a contact's WhatsApp channel is listed: no example lists an unused one."""
    return whatsapp_status != statuses.NO_SUBSCRIPTION


#: A PATCH by a contact id that nobody has: it can't make one, and the document has no 404 there.
PATCH_OF_UNKNOWN_CONTACT_ID: Final = (400, "contacts:invalidId")


def is_restored_by(match: str) -> bool:
    """Say whether a contact in the recycle bin comes back when it is matched by this identifier.

    "A matching identifier restores" it [doc]; a contact id is read as the way to name a contact
    that stands, since one of a binned contact finds nothing in the other calls either.
    """
    return match != "contactId"


def is_duplicate(contact_id: int | None, applied: Container[int]) -> bool:
    """Say whether an entry of an import is a duplicate: an earlier one was applied to its contact.

    `Duplicate` is documented by name; that the first of them wins is our reading.
    """
    return contact_id is not None and contact_id in applied


#: The document allows the status alone; the vendor's own PHP client sends the other, unread [sdk].
MOBILE_CHANNEL_PROPERTIES: Final = frozenset({"status", "optInType"})

#: Contacts a page when `limit` is left out; the conventions digest says 5000, the spec nothing.
DEFAULT_LIMIT: Final = 5000

#: Our own codes for what no document names, to the vendor's nearest.
_NEAREST_CODES: Final = {
    "unknownDataField": "apiSchemaViolation",
    "invalidDataField": "apiSchemaViolation",
    "dataFieldOverflow": "apiSchemaViolation",
    "invalidPreferenceIds": "apiSchemaViolation",
}


#: An import of no contacts: a fault of the envelope.
EMPTY_IMPORT_CODE: Final = "contacts:badRequest"


def echoed_match(match: object) -> str:
    """Return the match identifier of a failed entry; the schema wants one even where none came."""
    return match if isinstance(match, str) and 0 < len(match) <= 50 else "email"


def echoed_identifiers(identifiers: dict[str, object], *, is_known: bool) -> dict[str, object]:
    """Return the identifiers of a failed entry: as sent, with no nulls.

    A contact id stands beside them where the contact is known, as in the vendor's example; where it
    is not it stays among them, as a number, since nothing else says which entry failed.
    """
    return {
        name: value
        for name, value in identifiers.items()
        if value is not None and not (is_known and name == "contactId")
    }


def vendor_code(code: str) -> str:
    """Return the code that an import's report gives; which a wrong-typed value gets isn't known."""
    return _NEAREST_CODES.get(code, code)


def list_status(status_on_list: ListStatus, email_status: str) -> ListStatus:
    """Return how a contact stands on a list: what holds for the account holds for its lists."""
    if email_status == statuses.PENDING_OPT_IN:
        return "pending"
    return "suppressed" if email_status in statuses.SUPPRESSING else status_on_list


def keeps_reason(old_status: str) -> bool:
    """Say whether a suppressed contact that is suppressed again keeps its first reason."""
    return old_status != statuses.SOFT_BOUNCED


#: The texts of these codes differ between the vendor's spec (lower camel) and guide (Pascal).
_PASCAL_CODES: Final = {"duplicateIdentifier": "Duplicate"}


def failure_code(code: str, case: str) -> str:
    """Spell a failure code: `camel` as the spec's examples, `pascal` as the guide's list."""
    if case == "camel":
        return code
    return _PASCAL_CODES.get(code, code[0].upper() + code[1:])


def server_time_is_json(accept: str) -> bool:
    """Say whether server-time answers a JSON text, as the generated document has it.

    The hand-written one has plain text, so whoever asks for that gets that.
    """
    return "text/plain" not in accept.lower()


#: How a date that may not be null says "never": .NET's least.
NEVER: Final = "0001-01-01T00:00:00Z"


def never_opened(spelling: str) -> tuple[str | None, str | None]:
    """Return date and address of an open that there never was.

    The generated document forbids a null date and calls an absent address an empty text.
    """
    return (None, None) if spelling == "null" else (NEVER, "")


#: What v2 says of a sending that it does not know; no code is documented for it.
UNKNOWN_SENDING: Final = "CAMPAIGN_NOT_FOUND"

_BLOCK: Final = 64


def scrambled(number: int, count: int) -> int:
    """Return which of ``count`` rows stands at this place of a listing out of order.

    Each full block of rows is turned round, so that rows that join at the end move few others.
    """
    block = number - number % _BLOCK
    return block + _BLOCK - 1 - number % _BLOCK if block + _BLOCK <= count else number


_V2_STATUSES: Final = (
    (re.compile(r"\w+_(NOT_?FOUND|DOES_NOT_EXIST)"), 404),
    (re.compile(r"FEATURENOTACTIVE|CANNOT_PERFORM_OPERATION_ON_ACCOUNT"), 403),
    (re.compile(r"INVALID_LOGIN|OAUTH_TOKEN_INVALID|UNKNOWN_ACCOUNT"), 401),
    (re.compile(r"SYSTEM_SERVICETEMPORARILYUNAVAILABLE|\w+_IS_RESTORING"), 503),
    (re.compile(r"PROGRAM_NOT_ACTIVE"), 422),
)


def v2_status(code: str) -> int:
    """Return the status that comes with a v2 code; the documents give almost none."""
    return next((status for pattern, status in _V2_STATUSES if pattern.fullmatch(code)), 400)


def rate_window(now_ms: int) -> tuple[int, int]:
    """Return the number of the minute that calls are counted in, and its end, epoch seconds.

    Limits are "per minute" [doc]; that minutes begin with the clock's is our reading.
    """
    minute = now_ms // 60_000
    return minute, (minute + 1) * 60


def rate_scope(method: str, template: str) -> str:
    """Return the tier of a call. `lowCallRate` is documented by example, the table is not."""
    key = f"{method} {template}"
    for scope, pattern in _SCOPES:
        if pattern.fullmatch(key):
            return scope
    return "mediumCallRate"


LOW: Final = "lowCallRate"
MEDIUM: Final = "mediumCallRate"
HIGH: Final = "highCallRate"
UNLIMITED: Final = "unlimitedCallRate"

_SCOPES: Final = (
    (UNLIMITED, re.compile(r"POST /v2/campaigns/send(-.*)?|POST /v2/(email|sms).*")),
    (
        HIGH,
        re.compile(
            r"GET (/v2/account-info|/v2/server-time|/v2/data-fields|/v2/preferences"
            r"|/v2/address-books(/private|/public|/\{[^/]+\})?|/v2/segments"
            r"|/v2/contacts/\{[^/]+\}|/v2/contacts/count"
            r"|/v2/contacts/import/\{[^/]+\}(/report|/report-faults)?|/v2/contacts/deletion/\{[^/]+\}"
            r"|/v2/segments/refresh/\{[^/]+\}"
            r"|/contacts/v3/\{[^/]+\}/\{[^/]+\}|/contacts/v3/(import|delete)/\{[^/]+\}"
            r"|/configuration/v3/customIdentifiers)"
        ),
    ),
    (
        LOW,
        re.compile(
            r"PUT /contacts/v3/import|POST /contacts/v3/delete|GET /contacts/v3"
            r"|POST /v2/(address-books/\{[^/]+\}/)?contacts/import.*"
            r"|POST /v2/contacts/import-collection"
            r"|(POST|DELETE) /v2/address-books/\{[^/]+\}/contacts(/delete|/delete-all)?"
            r"|PUT /v2/contacts/suppress-contacts"
            r"|GET /v2/contacts|GET /v2/address-books/\{[^/]+\}/contacts"
            r"|GET /v2/(address-books/\{[^/]+\}/)?contacts/(created|modified)-since/\{[^/]+\}"
            r"|GET /v2/contacts/retrieve-collection|GET /insightData/v3/contacts/.*"
        ),
    ),
)
