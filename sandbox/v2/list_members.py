"""v2: who is on a list. Leaving a list never deletes a contact.

Listings leave out who unsubscribed from the list; who left the account's mail altogether is there,
with that status [inferred].
"""

import uuid
from collections.abc import Iterator
from itertools import islice

from starlette.responses import Response

from sandbox.answers import empty, json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Contact, ContactList
from sandbox.state.jobs import JobKind
from sandbox.v2.contact_bodies import INVALID, read_contact, refuse_suppressed, save
from sandbox.v2.contacts import MODIFIED_SINCE_PAGE
from sandbox.v2.lists import find_list, find_writable
from sandbox.v2.refusals import invalid, refused
from sandbox.v2.requests import (
    as_int32,
    page,
    path_id,
    read_fields,
    read_json,
    since_instant,
    with_full_data,
)
from sandbox.v2.shapes import contact_json, contacts_json

_KIND: JobKind = "list-deletion"


async def list_members(call: Call) -> Response:
    """Return the contacts of a list or a segment, ascending by id."""
    part, full = page(call), with_full_data(call)
    shown = islice(_members(call), part.skip, part.stop)
    return json_answer(contacts_json(call.account, shown, full=full))


async def list_modified_since(call: Call) -> Response:
    """Return the contacts of a list or a segment that changed since a date."""
    contacts = call.account.contacts
    since = contacts.first_sequence_since(since_instant(call)) - 1
    part, full = page(call, default=MODIFIED_SINCE_PAGE), with_full_data(call)
    ids = {contact.id for contact in _members(call)}
    meant = (contact for contact in contacts.modified_after(since) if contact.id in ids)
    shown = islice(meant, part.skip, part.stop)
    return json_answer(contacts_json(call.account, shown, full=full))


async def add(call: Call) -> Response:
    """Put a contact on a list, creating or updating it by its email."""
    the_list = find_writable(call)
    change = read_contact(read_fields(call, INVALID))
    account = call.account
    refuse_suppressed(account, change.email or "")
    known = account.contacts.by_email(change.email or "")
    if known is not None and known.id in the_list.unsubscribed_ms:
        raise refused("CONTACT_SUPPRESSEDFORADDRESSBOOK")
    change.list_ids = [the_list.id]
    contact = save(account, change)
    return json_answer(contact_json(account, contact, full=True))


async def remove(call: Call) -> Response:
    """Take a contact off a list. One that is not on it is as good as taken off [inferred]."""
    the_list = find_writable(call, "id")
    contact = call.account.contacts.by_id(path_id(call, "contactId"))
    if contact is None or contact.is_binned:
        raise refused("CONTACT_NOT_FOUND")
    _leave(call, the_list, contact.id)
    return empty(204)


async def remove_all(call: Call) -> Response:
    """Empty a list at once."""
    the_list = find_writable(call)
    for contact_id in list(the_list.members):
        _leave(call, the_list, contact_id)
    return empty(204)


async def start_removing(call: Call) -> Response:
    """Take contacts off a list, in the background; ids that are not on it are passed over."""
    the_list = find_writable(call)
    given = read_json(call)
    if not isinstance(given, list):
        raise refused("MALFORMED_REQUEST")
    if not given:
        raise refused("CONTACTS_ARE_NOT_SPECIFIED")
    contact_ids = [contact_id for each in given if (contact_id := as_int32(each)) is not None]
    if len(contact_ids) < len(given):
        raise invalid("contactIds")
    return _start(call, the_list, contact_ids)


async def start_removing_all(call: Call) -> Response:
    """Empty a list in the background."""
    the_list = find_writable(call)
    return _start(call, the_list, list(the_list.members))


async def get_removal(call: Call) -> Response:
    """Return how far a removal is."""
    deletion_id = call.path["deletionRequestId"]
    try:
        uuid.UUID(deletion_id)
    except ValueError:
        raise invalid("deletionRequestId") from None
    job = call.account.jobs.find(deletion_id, _KIND, "v2")
    if job is None:
        raise invalid("deletionRequestId")
    return json_answer({"id": job.id, "status": await call.account.jobs.look(job) or "Started"})


def _start(call: Call, the_list: ContactList, contact_ids: list[int]) -> Response:
    def apply(start: int, stop: int) -> None:
        for contact_id in contact_ids[start:stop]:
            _leave(call, the_list, contact_id)

    job = call.account.jobs.submit(
        _KIND,
        "v2",
        total=len(contact_ids),
        duration_s=call.account.settings.deletion_duration_s,
        apply=apply,
        report=None,
        finish=lambda: "Completed",
        fate=call.fate,
    )
    return json_answer({"id": job.id, "status": "Started"}, 202)


def _leave(call: Call, the_list: ContactList, contact_id: int) -> None:
    """Take a contact off a list; it stays unsubscribed from it if it was [inferred]."""
    account = call.account
    contact = account.contacts.by_id(contact_id)
    if contact is None or contact_id in the_list.unsubscribed_ms:
        return
    has_left = account.lists.leave(contact, the_list)
    if has_left and "lists" in account.settings.updated_moves_on:
        account.contacts.touch(contact, account.clock.stamp())


def _members(call: Call) -> Iterator[Contact]:
    """Yield the contacts of the list or segment in the path, ascending by id."""
    account = call.account
    segment = account.lists.segments.get(path_id(call))
    if segment is not None:
        contact_ids = sorted(segment.contact_ids)
    else:
        the_list = find_list(call)
        gone = the_list.unsubscribed_ms
        contact_ids = [each for each in account.lists.member_ids(the_list) if each not in gone]
    for contact_id in contact_ids:
        contact = account.contacts.by_id(contact_id)
        if contact is not None and not contact.is_binned and contact.email is not None:
            yield contact


OPERATIONS = (
    Operation("GET", "/v2/address-books/{id}/contacts", list_members),
    Operation("GET", "/v2/address-books/{id}/contacts/modified-since/{date}", list_modified_since),
    Operation("POST", "/v2/address-books/{id}/contacts", add),
    Operation("DELETE", "/v2/address-books/{id}/contacts", remove_all),
    Operation("DELETE", "/v2/address-books/{id}/contacts/{contactId}", remove),
    Operation("POST", "/v2/address-books/{id}/contacts/delete", start_removing),
    Operation("POST", "/v2/address-books/{id}/contacts/delete-all", start_removing_all),
    Operation("GET", "/v2/contacts/deletion/{deletionRequestId}", get_removal),
)
