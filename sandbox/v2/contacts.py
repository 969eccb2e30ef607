"""v2: contacts one by one, and listings of them. All but a few are deprecated, and still served."""

from collections.abc import Iterable
from itertools import islice

from starlette.responses import Response

from sandbox.answers import empty, json_answer
from sandbox.calls import Call, Operation
from sandbox.clock import text_of
from sandbox.state import Contact
from sandbox.v2.contact_bodies import (
    INVALID,
    find_contact,
    for_contact,
    read_contact,
    refuse_suppressed,
    save,
)
from sandbox.v2.refusals import refused
from sandbox.v2.requests import (
    Fields,
    Page,
    page,
    path_id,
    read_fields,
    since_instant,
    with_full_data,
)
from sandbox.v2.shapes import contact_json, contacts_json, list_json

#: What `modified-since` gives when ``select`` is left out; other listings give 1000 [spec].
MODIFIED_SINCE_PAGE = 2000


async def create(call: Call) -> Response:
    """Create a contact, or update the one with this email."""
    change = read_contact(read_fields(call, INVALID))
    refuse_suppressed(call.account, change.email or "")
    contact = save(call.account, change)
    return json_answer(contact_json(call.account, contact, full=True), 201)


async def get(call: Call) -> Response:
    """Return the contact of an id or an email."""
    return json_answer(contact_json(call.account, find_contact(call), full=True))


async def update(call: Call) -> Response:
    """Update the contact of an id; another email becomes its own."""
    path_id(call)
    change = read_contact(read_fields(call, INVALID))
    contact = save(call.account, for_contact(find_contact(call), change))
    return json_answer(contact_json(call.account, contact, full=True))


async def delete(call: Call) -> Response:
    """Put a contact into the recycle bin."""
    path_id(call)
    call.account.delete(find_contact(call))
    return empty()


async def list_all(call: Call) -> Response:
    """Return all contacts, ascending by id."""
    return _listing(call, call.account.contacts, page(call))


async def list_created_since(call: Call) -> Response:
    """Return the contacts made since a date, ascending by id."""
    contacts = call.account.contacts
    since = contacts.by_id_from(contacts.first_created_since(since_instant(call)))
    return _listing(call, since, page(call))


async def list_modified_since(call: Call) -> Response:
    """Return the contacts changed since a date, oldest change first."""
    contacts = call.account.contacts
    since = contacts.modified_after(contacts.first_sequence_since(since_instant(call)) - 1)
    return _listing(call, since, page(call, default=MODIFIED_SINCE_PAGE))


async def count(call: Call) -> Response:
    """Return how many contacts there are: a bare number."""
    return json_answer(call.account.contacts.live_count)


async def retrieve(call: Call) -> Response:
    """Return the contacts of the ids and emails in the body of a GET."""
    body = read_fields(call, "MALFORMED_REQUEST")
    wanted = body.items("contacts")
    if not wanted:
        raise refused("CONTACTS_ARE_NOT_SPECIFIED")
    full = body.flag("withFullData") or False
    found, missing = [], []
    for each in wanted:
        identity = Fields(each, INVALID)
        contact_id, email = identity.integer("id"), identity.text("email")
        contact = call.account.find_v2(str(contact_id) if contact_id else email or "")
        if contact is None:
            missing.append({"id": contact_id or 0, "email": email})
        else:
            shape = contact_json(call.account, contact, full=full)
            found.append(shape | {"created": text_of(contact.created_ms)})
    return json_answer({"contacts": found, "notFound": missing})


async def list_lists(call: Call) -> Response:
    """Return the lists that a contact is on."""
    path_id(call)
    on = call.account.lists.of(find_contact(call))
    part = page(call)
    active = [the_list for the_list, status in on if status != "suppressed"]
    return json_answer([list_json(the_list) for the_list in active[part.skip : part.stop]])


def _listing(call: Call, contacts: Iterable[Contact], part: Page) -> Response:
    with_email = (contact for contact in contacts if contact.email is not None)
    shown = islice(with_email, part.skip, part.stop)
    return json_answer(contacts_json(call.account, shown, full=with_full_data(call)))


OPERATIONS = (
    Operation("POST", "/v2/contacts", create),
    Operation("GET", "/v2/contacts", list_all),
    Operation("GET", "/v2/contacts/count", count),
    Operation("GET", "/v2/contacts/retrieve-collection", retrieve),
    Operation("GET", "/v2/contacts/created-since/{date}", list_created_since),
    Operation("GET", "/v2/contacts/modified-since/{date}", list_modified_since),
    Operation("GET", "/v2/contacts/{id}", get),
    Operation("PUT", "/v2/contacts/{id}", update),
    Operation("DELETE", "/v2/contacts/{id}", delete),
    Operation("GET", "/v2/contacts/{id}/address-books", list_lists),
)
