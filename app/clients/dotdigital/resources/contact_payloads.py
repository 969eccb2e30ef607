"""What is sent of a contact, and its encoding: the same for one contact and for an import of many.

Written by hand, for it runs once for each of a million contacts; contacts-v3.json [spec].
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

import orjson

from app.clients.dotdigital import inferred

EmailStatusChange = Literal["subscribed", "unsubscribed", "suppressed"]
OptInTypeChange = Literal["unknown", "single", "double", "verifiedDouble"]
EmailTypeChange = Literal["html", "plainText"]
DataFieldValue = str | int | float | bool | Decimal | date | datetime | None

#: Consents that go with one contact [spec].
MAX_CONSENTS: Final = 5

_STATUSES: Final = frozenset({"subscribed", "unsubscribed", "suppressed"})
_OPT_IN_TYPES: Final = frozenset({"unknown", "single", "double", "verifiedDouble"})
_EMAIL_TYPES: Final = frozenset({"html", "plainText"})
_IDENTIFIER: Final = re.compile(r"[-A-Za-z0-9_]{1,50}")
_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


class UnsendableContactError(ValueError):
    """A contact can't be sent as it stands; the text says why and names no value."""


@dataclass(frozen=True, slots=True)
class Resubscribe:
    """How a contact that opted out is brought back; goes with the status ``subscribed``."""

    #: Without a challenge it is mailed again at once; with one only after it has confirmed.
    no_challenge: bool = False
    #: Any locale; it goes out as the nearest of the vendor's own.
    preferred_locale: str | None = None
    #: Where a challenged contact is led to once it has confirmed.
    redirect_url: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What a contact agreed to; all of it is needed."""

    text: str
    consented_at: datetime
    url: str
    ip_address: str
    user_agent: str


@dataclass(slots=True, kw_only=True)
class ContactChange:
    """What is to be set on a contact; what is left out stays as it is."""

    email: str | None = None
    #: E.164 with ``+``.
    mobile_number: str | None = None
    #: Custom identifiers by name.
    custom_identifiers: Mapping[str, str] | None = None
    #: By name; None clears the field.
    data_fields: Mapping[str, DataFieldValue] | None = None
    #: Only where it is meant to change: ``subscribed`` brings back who has opted out.
    status: EmailStatusChange | None = None
    opt_in_type: OptInTypeChange | None = None
    email_type: EmailTypeChange | None = None
    resubscribe: Resubscribe | None = None
    #: Ids of lists to add it to, up to 100; it is never removed from others.
    lists: Sequence[int] = ()
    #: Id of the preference, and whether it is opted in.
    preferences: Sequence[tuple[int, bool]] = ()
    #: Up to 5, added to those it has.
    consent_records: Sequence[ConsentRecord] = field(default=())


@dataclass(slots=True, kw_only=True)
class ImportContact(ContactChange):
    """One contact of an import."""

    #: ``email``, ``contactId``, ``mobileNumber`` or a custom identifier; must be given a value.
    match_identifier: str = "email"
    #: Where it is matched by its id, ``email`` may be a new one: that changes the contact's.
    contact_id: int | None = None


def encode_contact(contact: ImportContact) -> bytes:
    """Return one contact of an import as JSON, ready for `ImportsResource.submit`.

    Raises UnsendableContactError; the others of the batch are then as good as before.
    """
    identifiers = _identifiers(contact)
    if contact.contact_id is not None:
        identifiers["contactId"] = contact.contact_id
    if contact.match_identifier not in identifiers:
        raise UnsendableContactError(f"it has no {contact.match_identifier} to be matched by")
    wire: dict[str, Any] = {
        "matchIdentifier": contact.match_identifier,
        "identifiers": identifiers,
    }
    return _encoded(wire, contact)


def encode_change(change: ContactChange) -> bytes:
    """Return the body of a change to one contact. Raises UnsendableContactError."""
    identifiers = _identifiers(change)
    return _encoded({"identifiers": identifiers} if identifiers else {}, change)


def _identifiers(change: ContactChange) -> dict[str, str | int]:
    identifiers: dict[str, str | int] = {}
    if change.email:
        identifiers["email"] = change.email
    if change.mobile_number:
        identifiers["mobileNumber"] = change.mobile_number
    if change.custom_identifiers:
        for name, value in change.custom_identifiers.items():
            if _IDENTIFIER.fullmatch(name) is None or not 1 <= len(value) <= 256:
                raise UnsendableContactError(f"{name!r} is no custom identifier, or has no value")
            identifiers[name] = value
    return identifiers


def _encoded(wire: dict[str, Any], change: ContactChange) -> bytes:
    if change.data_fields:
        for name, value in change.data_fields.items():
            # orjson writes NaN as null, which would clear the field.
            if isinstance(value, float) and not math.isfinite(value):
                raise UnsendableContactError(f"{name} is not a finite number")
        wire["dataFields"] = change.data_fields
    if change.status or change.opt_in_type or change.email_type or change.resubscribe:
        wire["channelProperties"] = {"email": _email_channel(change)}
    if change.lists:
        _check_count("lists", change.lists, 100)
        wire["lists"] = list(change.lists)
    if change.preferences:
        wire["preferences"] = [
            {"id": preference_id, "isOptedIn": opted_in}
            for preference_id, opted_in in change.preferences
        ]
    if change.consent_records:
        _check_count("consent records", change.consent_records, MAX_CONSENTS)
        wire["consentRecords"] = [_consent(record) for record in change.consent_records]
    try:
        return orjson.dumps(wire, _plain, _OPTIONS)
    except orjson.JSONEncodeError as error:
        raise UnsendableContactError(f"it holds a value that JSON can't: {error}") from None


def _email_channel(change: ContactChange) -> dict[str, Any]:
    email: dict[str, Any] = {}
    for name, value, allowed in (
        ("emailType", change.email_type, _EMAIL_TYPES),
        ("optInType", change.opt_in_type, _OPT_IN_TYPES),
        ("status", change.status, _STATUSES),
    ):
        if value is not None:
            if value not in allowed:
                raise UnsendableContactError(f"{value!r} is no {name}")
            email[name] = value
    if change.resubscribe is not None:
        if change.status != "subscribed":
            raise UnsendableContactError("only who is to be subscribed can be resubscribed")
        email["resubscribeOptions"] = _resubscribe(change.resubscribe)
    return email


def _resubscribe(options: Resubscribe) -> dict[str, Any]:
    wire: dict[str, Any] = {"resubscribeWithNoChallenge": options.no_challenge}
    locale = inferred.preferred_locale(options.preferred_locale or "")
    if locale is not None:
        wire["preferredLocale"] = locale
    if options.redirect_url is not None:
        wire["redirectUrlAfterChallenge"] = options.redirect_url
    return wire


def _consent(record: ConsentRecord) -> dict[str, str]:
    instant = record.consented_at.astimezone(UTC).replace(tzinfo=None)
    return {
        "text": record.text,
        "dateTimeConsented": f"{instant.isoformat(timespec='seconds')}Z",
        "url": record.url,
        "ipAddress": record.ip_address,
        "userAgent": record.user_agent,
    }


def _check_count(what: str, given: Sequence[object], most: int) -> None:
    if len(given) > most:
        raise UnsendableContactError(
            f"{len(given)} {what} are more than the {most} a contact takes"
        )


def _plain(value: object) -> object:
    if isinstance(value, Decimal) and value.is_finite():
        whole = value.to_integral_value()
        return int(whole) if whole == value else float(value)
    raise TypeError(type(value).__name__)
