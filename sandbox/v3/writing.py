"""Writes contacts as v3 answers them."""

from collections.abc import Collection
from typing import Any

from sandbox import inferred
from sandbox.clock import text_of
from sandbox.country_codes import country_of
from sandbox.state import Account, Contact

BLOCKS = frozenset({"channelProperties", "lists", "preferences", "consentRecords"})
ALL_FIELDS = "[[ALL]]"


def identifiers_of(contact: Contact) -> dict[str, str]:
    """Return a contact's identifiers, its contact id aside."""
    identifiers = {}
    if contact.email is not None:
        identifiers["email"] = contact.email
    if contact.mobile is not None:
        identifiers["mobileNumber"] = contact.mobile
    if contact.custom is not None:
        identifiers.update(contact.custom)
    return identifiers


def full_contact(account: Account, contact: Contact) -> dict[str, Any]:
    """Write a contact with everything, as the calls for a single one answer."""
    return contact_json(account, contact, blocks=BLOCKS, fields=None)


def contact_json(
    account: Account,
    contact: Contact,
    *,
    blocks: Collection[str],
    fields: Collection[str] | None,
) -> dict[str, Any]:
    """Write a contact with these blocks and data fields; ``fields`` None is all, () is none."""
    quirky = account.settings.quirky_timestamps
    written: dict[str, Any] = {
        "contactId": contact.id,
        "status": inferred.contact_status(contact.email_status, contact.sms_status),
        "created": timestamp(contact.created_ms, quirky=quirky),
        "updated": timestamp(contact.updated_ms, quirky=quirky),
        "identifiers": identifiers_of(contact),
    }
    if fields is None or fields:
        written["dataFields"] = _data_fields(account, contact, fields)
    if "channelProperties" in blocks:
        written["channelProperties"] = _channels(contact)
    if "lists" in blocks:
        written["lists"] = [
            {
                "id": the_list.id,
                "name": the_list.name,
                "status": inferred.list_status(status, contact.email_status),
            }
            for the_list, status in account.lists.of(contact)
        ]
    if "preferences" in blocks and (preferences := _preferences(account, contact)):
        written["preferences"] = preferences
    if "consentRecords" in blocks and contact.consents:
        written["consentRecords"] = [
            {
                "text": consent.text,
                "dateTimeConsented": consent.date_time_consented,
                "url": consent.url,
                "ipAddress": consent.ip_address,
                "userAgent": consent.user_agent,
                "dateTimeCreated": timestamp(consent.created_ms, quirky=quirky),
            }
            for consent in contact.consents
        ]
    return written


def timestamp(at_ms: int, *, quirky: bool) -> str:
    """Write an instant; the quirky way, once seen, has seven digits and no zone [sdk]."""
    text = text_of(at_ms)
    return f"{text[:-1]}0000" if quirky else text


def _data_fields(
    account: Account, contact: Contact, fields: Collection[str] | None
) -> dict[str, Any]:
    if account.settings.empty_data_fields:
        return {}
    values = account.data_fields.read(contact.packed)
    if fields is None:
        return values
    asked = {name.upper() for name in fields}
    return {name: value for name, value in values.items() if name.upper() in asked}


def _channels(contact: Contact) -> dict[str, Any]:
    channels: dict[str, Any] = {}
    if contact.email is not None:
        channels["email"] = {
            "emailType": contact.email_type,
            "optInType": contact.opt_in_type,
            "status": contact.email_status,
        }
    if contact.mobile is not None:
        channels["sms"] = {
            "countryCode": country_of(contact.mobile),
            "status": contact.sms_status,
        }
        if inferred.shows_whatsapp(contact.whatsapp_status):
            channels["whatsApp"] = {"status": contact.whatsapp_status}
    return channels


def _preferences(account: Account, contact: Contact) -> list[dict[str, Any]]:
    """Write the preferences that the contact is opted in to [spec]; `name` is required there."""
    written = []
    for preference_id, answer in (contact.preferences or {}).items():
        preference = account.preferences.find(preference_id)
        if preference is not None and answer.is_opted_in:
            written.append(
                {
                    "id": preference.id,
                    "isOptedIn": True,
                    "name": preference.public_name,
                    "publicName": preference.public_name,
                    "privateName": preference.private_name,
                }
            )
    return written
