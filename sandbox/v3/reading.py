"""Reads one contact of v3's JSON into a `ContactChange`, or says what is wrong with it.

What a schema of `contacts-v3.json` forbids is refused [spec]; a consent record that is badly formed
costs only itself, as in the document's own example.
"""

import ipaddress
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox import inferred, statuses
from sandbox.state import Account, ContactChange, Failure

MAX_LISTS = 100
MAX_CONSENTS = 5
LOCALES = frozenset(
    {
        *("cs-CS", "da-DA", "de-DE", "el-EL", "en-EN", "es-ES", "es", "fi-FI", "fr-FR", "hu-HU"),
        *("it-IT", "nl-NL", "nb-NO", "pl-PL", "pt-PT", "ru-RU", "se-SE", "sk-SK", "tr-TR", "zh-CN"),
    }
)

_EMAIL_STATUSES = frozenset({"subscribed", "unsubscribed", "suppressed"})


class UnreadableError(ValueError):
    """A contact that can't be read; carries why."""

    def __init__(self, code: str, description: str, item: str = "") -> None:
        super().__init__(description)
        self.failure = Failure(code, description, item)


def _violation(item: str, description: str) -> UnreadableError:
    return UnreadableError("apiSchemaViolation", description, item)


def read_entry(account: Account, entry: object) -> ContactChange:
    """Read an entry of an import; raises UnreadableError."""
    if not isinstance(entry, dict):
        raise _violation("contacts", "A contact must be an object")
    if "matchIdentifier" not in entry or "identifiers" not in entry:
        entry = spelled(entry)
    match = entry.get("matchIdentifier")
    if match not in _IDENTIFIERS and not (isinstance(match, str) and _is_custom(account, match)):
        raise UnreadableError(
            "invalidMatchIdentifier", f"'{match}' is no identifier", "matchIdentifier"
        )
    change = ContactChange.matching(match)
    identifiers = entry.get("identifiers")
    if not isinstance(identifiers, dict):
        raise _violation("identifiers", "The identifiers field is required")
    for name, value in identifiers.items():
        set_identifier(account, change, name, value)
    if identifiers.get(match) is None and spelled(identifiers).get(match) is None:
        raise UnreadableError(
            "noValidIdentifiers", f"There is no value for the identifier '{match}'", match
        )
    read_parts(entry, change)
    return change


def spelled(body: dict[str, Any]) -> dict[str, Any]:
    """Return an object with its names in the documented case: requests are read in any [sdk]."""
    if _NAMES.keys() >= body.keys():
        return body
    return {_FOLDED.get(name.lower(), name): value for name, value in body.items()}


def read_identifiers(account: Account, body: dict[str, Any], change: ContactChange) -> None:
    """Read the identifiers of a single contact, if it has any; raises UnreadableError."""
    identifiers = body.get("identifiers")
    if identifiers is None:
        return
    if not isinstance(identifiers, dict):
        raise _violation("identifiers", "The identifiers must be an object")
    for name, value in identifiers.items():
        set_identifier(account, change, name, value)


def read_parts(body: dict[str, Any], change: ContactChange) -> None:
    """Read what is not an identifier; raises UnreadableError."""
    for name, value in body.items():
        reader = _PARTS.get(name)
        if reader is None and name not in _NAMES:
            reader = _PARTS.get(_FOLDED.get(name.lower(), ""))
        if reader is not None and value is not None:
            reader(value, change)


def set_identifier(account: Account, change: ContactChange, name: str, value: object) -> None:
    """Read one identifier; null says nothing [doc]. Raises UnreadableError."""
    if value is None:
        return
    reader = _IDENTIFIERS.get(name) or _IDENTIFIERS.get(_FOLDED.get(name.lower(), ""))
    if reader is not None:
        reader(value, change)
    elif not _is_custom(account, name):
        raise _violation(name, f"There is no identifier '{name}'")
    elif not isinstance(value, str) or not 0 < len(value) <= 256:
        raise _violation(name, f"Invalid value for '{name}'")
    else:
        change.custom = {**(change.custom or {}), name: value}


def _read_email(value: object, change: ContactChange) -> None:
    if not isinstance(value, str) or not inferred.is_email(value):
        raise UnreadableError("invalidEmail", "Invalid value for 'email'", "email")
    change.email = value


def _read_mobile(value: object, change: ContactChange) -> None:
    change.mobile = inferred.mobile_digits(str(value))
    if change.mobile is None:
        raise UnreadableError(
            "invalidPhoneNumber", "Invalid value for 'mobileNumber'", "mobileNumber"
        )


def _read_contact_id(value: object, change: ContactChange) -> None:
    change.contact_id = contact_id_of(value)
    if change.contact_id is None:
        raise UnreadableError("invalidContactId", "Invalid value for 'contactId'", "contactId")


def contact_id_of(value: object) -> int | None:
    """Return a contact id that came as a number or as a text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if type(value) is int and value >= 0 else None


def _is_custom(account: Account, name: str) -> bool:
    known = account.custom_identifiers.get(name.lower())
    return known is not None and known.name == name


def _read_data(value: object, change: ContactChange) -> None:
    if not isinstance(value, dict):
        raise _violation("dataFields", "The data fields must be an object")
    change.data = value


def _read_lists(value: object, change: ContactChange) -> None:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_LISTS:
        raise _violation("lists", f"There must be 1 to {MAX_LISTS} lists")
    if not all(type(list_id) is int for list_id in value):
        raise _violation("lists", "A list is named by its id")
    change.list_ids = value


def _read_preferences(value: object, change: ContactChange) -> None:
    if not isinstance(value, list) or not value:
        raise _violation("preferences", "There must be at least one preference")
    change.preferences = {}
    for given in value:
        preference = _object("preferences", given)
        preference_id, is_opted_in = preference.get("id"), preference.get("isOptedIn")
        if type(preference_id) is not int or type(is_opted_in) is not bool:
            raise _violation("preferences", "A preference has an id and isOptedIn")
        change.preferences[preference_id] = is_opted_in


def _read_consents(value: object, change: ContactChange) -> None:
    consents = []
    if isinstance(value, list) and 1 <= len(value) <= MAX_CONSENTS:
        consents = [consent for record in value if (consent := _consent(record)) is not None]
    if isinstance(value, list) and len(consents) == len(value) > 0:
        change.consents = consents
        return
    change.unread = [
        *(change.unread or ()),
        Failure(
            "consentRecordsNotApplied",
            "The provided consent records could not be applied as they were incorrectly formatted",
            "consentRecords",
        ),
    ]


_CONSENT = ("text", "dateTimeConsented", "url", "ipAddress", "userAgent")


def _consent(record: object) -> tuple[str, str, str, str, str] | None:
    record = spelled(record) if isinstance(record, dict) else {}
    if record.keys() != set(_CONSENT):
        return None
    text, consented, url, address, agent = (record[name] for name in _CONSENT)
    if not all(isinstance(part, str) and part for part in record.values()):
        return None
    try:
        datetime.fromisoformat(consented)
        ipaddress.ip_address(address)
        if not urlsplit(url).scheme:
            return None
    except ValueError:
        return None
    return text, consented, url, address, agent


def _read_channels(value: object, change: ContactChange) -> None:
    for channel, properties in _object("channelProperties", value).items():
        reader = _CHANNELS.get(channel)
        if reader is None:
            raise _violation("channelProperties", f"There is no channel '{channel}'")
        if properties is not None:
            reader(_object(f"channelProperties.{channel}", properties), change)


def _object(item: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _violation(item, f"{item} must be an object")
    return spelled(value)


def _read_email_channel(properties: dict[str, Any], change: ContactChange) -> None:
    for name, value in properties.items():
        item = f"channelProperties.email.{name}"
        if name == "resubscribeOptions":
            _read_resubscribe_options(_object(item, value or {}), change)
        elif name not in {"emailType", "optInType", "status"}:
            raise _violation(item, f"The email channel has no '{name}'")
        elif value is None:
            continue
        elif name == "emailType":
            change.email_type = _one_of(statuses.EMAIL_TYPES, item, value)
        elif name == "optInType":
            change.opt_in_type = _one_of(statuses.OPT_IN_TYPES, item, value)
        elif isinstance(value, str) and value in _EMAIL_STATUSES:
            change.email_status = value
        else:
            raise UnreadableError("invalidContactStatus", f"'{value}' is no status", item)


def _one_of(spellings: dict[str, str], item: str, value: object) -> str:
    """Enums are read without regard to case: the document's own example is in another [doc]."""
    if not isinstance(value, str) or value.lower() not in spellings:
        raise _violation(item, f"'{value}' is no value of {item}")
    return spellings[value.lower()]


def _read_resubscribe_options(options: dict[str, Any], change: ContactChange) -> None:
    without_challenge = options.get("resubscribeWithNoChallenge", True)
    locale = options.get("preferredLocale")
    item = "channelProperties.email.resubscribeOptions"
    if type(without_challenge) is not bool:
        raise _violation(item, "resubscribeWithNoChallenge is true or false")
    if locale is not None and str(locale) not in LOCALES:
        raise _violation(item, f"'{locale}' is no locale")
    change.challenge = not without_challenge


def _read_sms_channel(properties: dict[str, Any], change: ContactChange) -> None:
    change.sms_status = _channel_status("sms", properties)


def _read_whatsapp_channel(properties: dict[str, Any], change: ContactChange) -> None:
    change.whatsapp_status = _channel_status("whatsApp", properties)


def _channel_status(channel: str, properties: dict[str, Any]) -> str | None:
    for name in properties:
        if name not in inferred.MOBILE_CHANNEL_PROPERTIES:
            raise _violation(f"channelProperties.{channel}", f"The channel has no '{name}'")
    status: str | None = properties.get("status")
    if status is not None and str(status) not in statuses.SMS_STATUSES:
        item = f"channelProperties.{channel}.status"
        raise UnreadableError("invalidContactStatus", f"'{status}' is no status", item)
    return status


_IDENTIFIERS: dict[str, Callable[[object, ContactChange], None]] = {
    "email": _read_email,
    "mobileNumber": _read_mobile,
    "contactId": _read_contact_id,
}
_CHANNELS: dict[str, Callable[[dict[str, Any], ContactChange], None]] = {
    "email": _read_email_channel,
    "sms": _read_sms_channel,
    "whatsApp": _read_whatsapp_channel,
}
#: Every name that a request may hold, custom identifiers and data fields aside.
_NAMES = dict.fromkeys(
    (
        *("matchIdentifier", "identifiers", "dataFields", "channelProperties", "lists"),
        *("preferences", "consentRecords", "email", "mobileNumber", "contactId", "sms", "whatsApp"),
        *("emailType", "optInType", "status", "resubscribeOptions", "resubscribeWithNoChallenge"),
        *("preferredLocale", "redirectUrlAfterChallenge", "id", "isOptedIn", "mergeOption"),
        *("contacts", "name"),
        *_CONSENT,
    )
)
_FOLDED = {name.lower(): name for name in _NAMES}
_PARTS: dict[str, Callable[[object, ContactChange], None]] = {
    "dataFields": _read_data,
    "channelProperties": _read_channels,
    "lists": _read_lists,
    "preferences": _read_preferences,
    "consentRecords": _read_consents,
}
