"""The shapes of v2's answers."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import text_of
from sandbox.state import (
    Account,
    ConsentRecord,
    Contact,
    ContactList,
    DataField,
    Preference,
    Segment,
    Suppression,
)
from sandbox.statuses import V2_STATUS


def contact_json(account: Account, contact: Contact, *, full: bool) -> dict[str, Any]:
    """Return v2's contact; ``dataFields`` is null in listings that did not ask for them."""
    values = account.data_fields.read(contact.packed) if full else {}
    fields = [{"key": name.upper(), "value": value} for name, value in values.items()]
    return {
        "id": contact.id,
        "email": contact.email,
        "optInType": contact.opt_in_type,
        "emailType": contact.email_type,
        "dataFields": fields if full else None,
        "status": V2_STATUS[contact.email_status],
    }


def contacts_json(
    account: Account, contacts: Iterable[Contact], *, full: bool
) -> list[dict[str, Any]]:
    """Return a listing of contacts."""
    return [contact_json(account, contact, full=full) for contact in contacts]


def field_json(field: DataField) -> dict[str, Any]:
    """Return a data field; v2 spells its name in capitals [spec]."""
    return {
        "name": field.name.upper(),
        "type": field.type,
        "visibility": field.visibility,
        "defaultValue": field.default,
    }


def list_json(the_list: ContactList) -> dict[str, Any]:
    """Return a list."""
    return {
        "id": the_list.id,
        "name": the_list.name,
        "visibility": the_list.visibility,
        "contacts": the_list.active_count,
    }


def segment_json(segment: Segment) -> dict[str, Any]:
    """Return a segment."""
    return {"id": segment.id, "name": segment.name, "contacts": len(segment.contact_ids)}


def preference_json(
    account: Account, node: Preference, contact: Contact | None = None
) -> dict[str, Any]:
    """Return a preference or a category with what stands in it; ``order`` is a text [spec].

    For a contact, preferences say whether it is opted in.
    """
    inner = [] if node.is_preference else account.preferences.within(node.id)
    shape: dict[str, Any] = {
        "id": node.id,
        "publicName": node.public_name,
        "privateName": node.private_name,
        "isPreference": node.is_preference,
        "order": str(node.order),
        "isPublic": node.is_public,
        "categoryId": node.category_id,
        "preferenceCount": len(inner),
        "created": text_of(node.created_ms),
        "lastModified": text_of(node.modified_ms),
    }
    if node.category_id == 0:
        shape["preferences"] = [preference_json(account, each, contact) for each in inner]
    if contact is not None and node.is_preference:
        answered = (contact.preferences or {}).get(node.id)
        shape["isOptedIn"] = answered is not None and answered.is_opted_in
    return shape


def preferences_json(account: Account, contact: Contact | None = None) -> list[dict[str, Any]]:
    """Return the whole tree, for a contact with what it is opted in to."""
    return [preference_json(account, node, contact) for node in account.preferences.top_level()]


def opt_ins_json(
    contact: Contact, preference_ids: Iterable[int], list_id: int
) -> list[dict[str, Any]]:
    """Return what a contact said to these preferences. ``dateModifed`` is spelt so [spec]."""
    answers = contact.preferences or {}
    return [
        {
            "marketingPreferenceId": preference_id,
            "addressBookId": list_id,
            "isOptedIn": answers[preference_id].is_opted_in,
            "dateModifed": text_of(answers[preference_id].modified_ms),
        }
        for preference_id in preference_ids
        if preference_id in answers
    ]


def consent_json(record: ConsentRecord) -> dict[str, Any]:
    """Return a consent record; its id is a text made of a time and a digest [spec example]."""
    digest = base64.b64encode(hashlib.sha256(str(record.id).encode()).digest()).decode()
    at = datetime.fromtimestamp(record.created_ms / 1000, UTC)
    values = {
        "TEXT": record.text,
        "DATETIMECONSENTED": record.date_time_consented,
        "URL": record.url,
        "IPADDRESS": record.ip_address,
        "USERAGENT": record.user_agent,
    }
    return {
        "id": f"{at:%d/%m/%Y %H:%M:%S} ({digest})",
        "fields": [{"key": key, "value": value} for key, value in values.items()],
    }


def suppression_json(account: Account, contact: Contact, record: Suppression) -> dict[str, Any]:
    """Return a suppression record."""
    return {
        "suppressedContact": contact_json(account, contact, full=False),
        "dateRemoved": text_of(record.removed_ms),
        "reason": record.reason,
    }
