"""Contacts as v3 shows them, and how they are read; contacts-v3.json [spec].

Read by hand, for they come by the million.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from app.clients.dotdigital.wire import dated, id_of, next_marker

Read = TypeVar("Read")

#: Where none of more rows can be read, it is the reading that is at fault, and goes no further.
_FEW = 10


@dataclass(slots=True)
class ContactList:
    """A list that a contact is on."""

    id: int
    name: str
    #: ``subscribed``, ``suppressed`` or ``pending``.
    status: str


@dataclass(slots=True)
class Contact:
    """A contact. What was not asked for, or not given, is None: unknown, never empty."""

    contact_id: int
    #: Of the contact as a whole, such as ``subscribed``, ``unsubscribed`` or ``suppressed``.
    status: str
    created_at: datetime | None
    updated_at: datetime | None
    email: str | None
    #: Without the ``+``, as Dotdigital gives it back.
    mobile_number: str | None
    #: All of them, custom ones too.
    identifiers: Mapping[str, Any]
    #: By name as Dotdigital spells it. A field that isn't in it is unknown: answers leave fields
    #: out that were asked for (Magento 2 extension).
    data_fields: Mapping[str, Any] | None
    #: Of the email channel: one of 19, such as ``subscribed``, ``hardBounced``.
    email_status: str | None
    #: ``Html`` or ``PlainText``.
    email_type: str | None
    #: ``Unknown``, ``Single``, ``Double`` or ``VerifiedDouble``.
    opt_in_type: str | None
    sms_status: str | None
    lists: list[ContactList] | None
    #: Whether it is opted in, by preference id. Documented as those it is opted in to: one that
    #: isn't in it reads as not opted in.
    preferences: dict[int, bool] | None
    #: As given.
    consent_records: list[dict[str, Any]] | None


@dataclass(slots=True)
class ContactPage:
    """Up to 5000 contacts, ascending by what the query filters on [inferred: by which]."""

    items: list[Contact]
    #: Where to go on from, after a stop; None at the end.
    next_marker: str | None
    #: Contact ids of rows that can't be read; None where it is the id that is missing.
    unread: list[int | None] = field(default_factory=list)


@dataclass(slots=True)
class ContactIdPage:
    """Up to 5000 ids of contacts; a million of them are 200 pages."""

    items: list[int]
    #: Where to go on from, after a stop; None at the end.
    next_marker: str | None
    #: Rows without an id that can be read.
    unread: int = 0


def read_page(given: Mapping[str, Any]) -> ContactPage:
    """Read a page of contacts; a row that can't be read spoils none of the others."""
    contacts, unread = _each(read_contact, given["_items"])
    return ContactPage(contacts, next_marker(given), unread)


def read_id_page(given: Mapping[str, Any]) -> ContactIdPage:
    """Read of a page of contacts their ids alone."""
    ids, unread = _each(_read_id, given["_items"])
    return ContactIdPage(ids, next_marker(given), len(unread))


def _each(read: Callable[[Any], Read], rows: Iterable[Any]) -> tuple[list[Read], list[int | None]]:
    """Read each row; return also the ids of those that can't be. Raises ValueError for many."""
    found: list[Read] = []
    unread: list[int | None] = []
    for row in rows:
        try:
            found.append(read(row))
        except (AttributeError, KeyError, TypeError, ValueError):
            try:
                unread.append(_read_id(row))
            except (KeyError, TypeError, ValueError):
                unread.append(None)
    if len(unread) > _FEW and not found:
        raise ValueError("none of the rows can be read")
    return found, unread


def _read_id(row: Mapping[str, Any]) -> int:
    return int(row["contactId"])


def read_contact(row: Mapping[str, Any]) -> Contact:
    """Read one contact."""
    identifiers = row.get("identifiers") or {}
    channels = row.get("channelProperties") or {}
    email = channels.get("email") or {}
    return Contact(
        contact_id=int(row["contactId"]),
        status=row.get("status") or "",
        created_at=dated(row.get("created"))[0],
        updated_at=dated(row.get("updated"))[0],
        email=identifiers.get("email"),
        mobile_number=identifiers.get("mobileNumber"),
        identifiers=identifiers,
        data_fields=row.get("dataFields"),
        email_status=email.get("status"),
        email_type=email.get("emailType"),
        opt_in_type=email.get("optInType"),
        sms_status=(channels.get("sms") or {}).get("status"),
        lists=_lists(row.get("lists")),
        preferences=_preferences(row.get("preferences")),
        consent_records=row.get("consentRecords"),
    )


def _lists(given: list[Mapping[str, Any]] | None) -> list[ContactList] | None:
    if given is None:
        return None
    return [
        ContactList(list_id, row.get("name") or "", row.get("status") or "")
        for row in given
        if (list_id := id_of(row.get("id"))) is not None
    ]


def _preferences(given: list[Mapping[str, Any]] | None) -> dict[int, bool] | None:
    if given is None:
        return None
    return {
        preference_id: bool(row.get("isOptedIn", True))
        for row in given
        if (preference_id := id_of(row.get("id"))) is not None
    }
