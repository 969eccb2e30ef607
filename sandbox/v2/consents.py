"""v2: contacts together with consent records, and with marketing preferences."""

from typing import Any

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Account, Contact, ContactChange
from sandbox.v2.contact_bodies import (
    INVALID,
    find_contact,
    for_contact,
    read_consent,
    read_contact,
    read_pairs,
    refuse_suppressed,
    save,
)
from sandbox.v2.contact_preferences import read_opt_ins
from sandbox.v2.refusals import refused
from sandbox.v2.requests import Fields, path_id, read_fields
from sandbox.v2.shapes import consent_json, contact_json, preferences_json


async def create(call: Call) -> Response:
    """Create a contact, or update the one with this email, and add what it consented to."""
    body = read_fields(call, INVALID)
    change = _read(body)
    contact = _create(call.account, change)
    return json_answer(_as_sent(call.account, contact, change), 201)


async def create_with_preferences(call: Call) -> Response:
    """Create or update a contact with consent and marketing preferences."""
    body = read_fields(call, INVALID)
    change = _read(body)
    change.preferences = read_opt_ins(call.account, body.items("preferences"))
    contact = _create(call.account, change)
    shape = _as_sent(call.account, contact, change)
    return json_answer(shape | {"preferences": preferences_json(call.account, contact)}, 201)


async def get(call: Call) -> Response:
    """Return a contact with its consent records."""
    contact = find_contact(call)
    records = [consent_json(record) for record in contact.consents or ()]
    return json_answer(
        {
            "contact": contact_json(call.account, contact, full=True),
            "consentFields": records,
        }
    )


async def update(call: Call) -> Response:
    """Update the contact of an id, and add what it consented to."""
    path_id(call)
    body = read_fields(call, INVALID)
    change = for_contact(find_contact(call), _read(body))
    contact = save(call.account, change)
    return json_answer(_as_sent(call.account, contact, change))


async def update_with_preferences(call: Call) -> Response:
    """Update the contact of an id with consent and marketing preferences."""
    path_id(call)
    body = read_fields(call, INVALID)
    change = for_contact(find_contact(call), _read(body))
    change.preferences = read_opt_ins(call.account, body.items("preferences"))
    contact = save(call.account, change)
    shape = _as_sent(call.account, contact, change)
    return json_answer(shape | {"preferences": preferences_json(call.account, contact)})


def _create(account: Account, change: ContactChange) -> Contact:
    refuse_suppressed(account, change.email or "")
    return save(account, change)


def _read(body: Fields) -> ContactChange:
    change = read_contact(Fields(body.raw("contact"), INVALID))
    given = body.raw("consentFields")
    # The YAML has one object here, and an array for the other call.
    records = [given] if isinstance(given, dict) else body.items("consentFields")
    consents = []
    for each in records:
        pairs = read_pairs(Fields(each, INVALID).items("fields"), INVALID)
        if (consent := read_consent(pairs)) is None:
            raise refused(INVALID)
        consents.append(consent)
    change.consents = consents or None
    return change


def _as_sent(account: Account, contact: Contact, change: ContactChange) -> dict[str, Any]:
    """Return the contact with the consent records that this call added, as yet without ids."""
    added = (contact.consents or [])[-len(change.consents or ()) :] if change.consents else []
    return {
        "contact": contact_json(account, contact, full=True),
        "consentFields": [consent_json(record) | {"id": None} for record in added],
    }


OPERATIONS = (
    Operation("POST", "/v2/contacts/with-consent", create),
    Operation(
        "POST",
        "/v2/contacts/with-consent-and-preferences",
        create_with_preferences,
        feature="preferences",
    ),
    Operation("GET", "/v2/contacts/{id}/with-consent", get),
    Operation("PUT", "/v2/contacts/{id}/with-consent", update),
    Operation(
        "PUT",
        "/v2/contacts/{id}/with-consent-and-preferences",
        update_with_preferences,
        feature="preferences",
    ),
)
