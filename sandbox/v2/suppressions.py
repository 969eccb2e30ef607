"""v2: unsubscribing, suppressing, resubscribing; for the account, and for one list."""

from itertools import islice

from starlette.responses import Response

from sandbox import statuses
from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.clock import text_of
from sandbox.state import Contact, ContactChange, ContactList, Resubscription
from sandbox.v2.contact_bodies import INVALID, read_email, read_pairs, save
from sandbox.v2.lists import find_list, find_writable
from sandbox.v2.refusals import refused
from sandbox.v2.requests import Fields, page, read_fields, read_json, since_instant
from sandbox.v2.shapes import contact_json, suppression_json

_RESUBSCRIPTION = "CONTACT_RESUBSCRIPTION_INVALID"


async def unsubscribe(call: Call) -> Response:
    """Unsubscribe an address; one that is nobody's becomes an unsubscribed contact.

    Not stated; old clients rely on it, and the account's settings may answer 404 instead.
    """
    email = read_email(read_fields(call, INVALID))
    contact = call.account.unsubscribe_address(email)
    record = call.account.suppressions.of(contact.id) if contact is not None else None
    if contact is None or record is None:
        raise refused("CONTACT_NOT_FOUND")
    return json_answer(suppression_json(call.account, contact, record))


async def suppress(call: Call) -> Response:
    """Suppress a batch at once; who was suppressed before counts, and keeps the reason."""
    given = read_json(call)
    if not isinstance(given, list):
        raise refused("MALFORMED_REQUEST")
    if not given:
        raise refused("CONTACTS_ARE_NOT_SPECIFIED")
    identities = [Fields(each, INVALID) for each in given]
    now_ms = call.account.clock.stamp()
    suppressed, missing = [], []
    for identity in identities:
        contact_id, email = identity.integer("id"), identity.text("email")
        shape = {"id": contact_id or 0, "email": email}
        contact = call.account.find_v2(str(contact_id) if contact_id else email or "")
        if contact is None:
            missing.append(shape)
        else:
            call.account.subscriptions.suppress(contact, statuses.SUPPRESSED, now_ms)
            suppressed.append(shape)
    return json_answer({"suppressed": suppressed, "notFound": missing})


async def list_unsubscribed_since(call: Call) -> Response:
    """Return who unsubscribed since a date and has not come back, oldest first."""
    return _suppressed_since(call, "Unsubscribed")


async def list_suppressed_since(call: Call) -> Response:
    """Return who was suppressed since a date, for whatever reason, oldest first."""
    return _suppressed_since(call, None)


async def resubscribe(call: Call) -> Response:
    """Bring a contact back by a mail that it must answer; until then it stays off."""
    return _resubscribe(call, None, challenge=True)


async def resubscribe_with_no_challenge(call: Call) -> Response:
    """Bring a contact back at once."""
    return _resubscribe(call, None, challenge=False)


async def unsubscribe_from_list(call: Call) -> Response:
    """Unsubscribe a contact from one list; its status in the account stays [spec example]."""
    the_list = find_writable(call)
    contact = _known(call, read_fields(call, INVALID))
    now_ms = call.account.clock.stamp()
    call.account.subscriptions.unsubscribe_from_list(contact, the_list, now_ms)
    return json_answer(_list_suppression_json(call, contact, the_list))


async def list_unsubscribed_from_list_since(call: Call) -> Response:
    """Return who unsubscribed from one list since a date, oldest first."""
    the_list = find_list(call)
    since_ms, part = since_instant(call), page(call)
    unsubscribed = sorted(
        (at_ms, contact_id)
        for contact_id, at_ms in the_list.unsubscribed_ms.items()
        if at_ms >= since_ms
    )
    found = (call.account.contacts.by_id(contact_id) for _, contact_id in unsubscribed)
    present = [contact for contact in found if contact is not None and not contact.is_binned]
    return json_answer(
        [
            _list_suppression_json(call, contact, the_list)
            for contact in present[part.skip : part.stop]
        ]
    )


async def resubscribe_to_list(call: Call) -> Response:
    """Bring a contact back to one list, by a mail that it must answer."""
    return _resubscribe(call, find_writable(call), challenge=True)


async def resubscribe_to_list_with_no_challenge(call: Call) -> Response:
    """Bring a contact back to one list at once, and to the account if it left that."""
    return _resubscribe(call, find_writable(call), challenge=False)


def _resubscribe(call: Call, the_list: ContactList | None, *, challenge: bool) -> Response:
    """``preferredLocale`` and ``returnUrlToUseIfChallenged`` go with the mail, and are let be."""
    body = read_fields(call, _RESUBSCRIPTION)
    wanted = Fields(body.raw("unsubscribedContact"), _RESUBSCRIPTION)
    contact = _known(call, wanted)
    data = read_pairs(wanted.items("dataFields"), INVALID)
    account, now_ms = call.account, call.account.clock.stamp()
    if the_list is None:
        answer = account.subscriptions.resubscribe(contact, now_ms, challenge=challenge)
    else:
        answer = account.subscriptions.resubscribe_to_list(
            contact, the_list, now_ms, challenge=challenge
        )
    if data and answer is not Resubscription.REFUSED:
        save(account, ContactChange("contactId", contact_id=contact.id, data=data))
    return json_answer(
        {"contact": contact_json(account, contact, full=False), "status": answer.value}
    )


def _known(call: Call, fields: Fields) -> Contact:
    contact = call.account.find_v2(read_email(fields))
    if contact is None:
        raise refused("CONTACT_NOT_FOUND")
    return contact


def _suppressed_since(call: Call, reason: str | None) -> Response:
    since_ms, part = since_instant(call), page(call)
    account = call.account
    pairs = (
        (account.contacts.by_id(record.contact_id), record)
        for record in account.suppressions.since(since_ms, reason=reason)
    )
    present = (
        suppression_json(account, contact, record)
        for contact, record in pairs
        if contact is not None and contact.email is not None
    )
    return json_answer(list(islice(present, part.skip, part.stop)))


def _list_suppression_json(
    call: Call, contact: Contact, the_list: ContactList
) -> dict[str, object]:
    return {
        "suppressedContact": contact_json(call.account, contact, full=False),
        "dateRemoved": text_of(the_list.unsubscribed_ms[contact.id]),
        "reason": "Unsubscribed",
    }


_LIST = "/v2/address-books/{id}/contacts"

OPERATIONS = (
    Operation("POST", "/v2/contacts/unsubscribe", unsubscribe),
    Operation("PUT", "/v2/contacts/suppress-contacts", suppress),
    Operation("GET", "/v2/contacts/unsubscribed-since/{date}", list_unsubscribed_since),
    Operation("GET", "/v2/contacts/suppressed-since/{date}", list_suppressed_since),
    Operation("POST", "/v2/contacts/resubscribe", resubscribe),
    Operation("POST", "/v2/contacts/resubscribe-with-no-challenge", resubscribe_with_no_challenge),
    Operation("POST", f"{_LIST}/unsubscribe", unsubscribe_from_list),
    Operation("GET", f"{_LIST}/unsubscribed-since/{{date}}", list_unsubscribed_from_list_since),
    Operation("POST", f"{_LIST}/resubscribe", resubscribe_to_list),
    Operation(
        "POST", f"{_LIST}/resubscribe-with-no-challenge", resubscribe_to_list_with_no_challenge
    ),
)
