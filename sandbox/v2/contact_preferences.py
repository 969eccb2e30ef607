"""v2: what contacts said to the marketing preferences."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from starlette.responses import Response

from sandbox import inferred
from sandbox.answers import empty, json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Account, Contact, ContactChange, Preference
from sandbox.v2.contact_bodies import find_contact, for_contact, save
from sandbox.v2.lists import find_list
from sandbox.v2.preferences import FEATURE, INVALID, find_preference
from sandbox.v2.refusals import invalid_email, refused
from sandbox.v2.requests import (
    Fields,
    least_contact_id,
    path_id,
    read_json,
    since_instant,
)
from sandbox.v2.shapes import contact_json, opt_ins_json, preferences_json

#: Listings by preference give the first so many; the next begin at the last id plus one [spec].
PAGE = 1000


async def get(call: Call) -> Response:
    """Return the tree with what the contact is opted in to."""
    return json_answer(preferences_json(call.account, find_contact(call)))


async def put(call: Call) -> Response:
    """Opt a contact in and out; the answer has no body."""
    contact = find_contact(call)
    given = read_json(call)
    if not isinstance(given, list):
        raise refused(INVALID)
    change = ContactChange("contactId", preferences=read_opt_ins(call.account, given))
    save(call.account, for_contact(contact, change))
    return empty(200)


def read_opt_ins(account: Account, given: list[Any]) -> dict[int, bool] | None:
    """Read preferences, those within categories too; None where there are none.

    Refuses one that the account has not got, and one that does not say yes or no.
    """
    opt_ins: dict[int, bool] = {}
    for each in given:
        fields = Fields(each, INVALID)
        preference_id, opted_in = fields.integer("id"), fields.flag("isOptedIn")
        node = account.preferences.find(preference_id or 0)
        if node is None:
            raise refused("PREFERENCE_NOT_FOUND")
        if node.is_preference:
            if opted_in is None:
                raise refused(INVALID)
            opt_ins[node.id] = opted_in
        else:
            opt_ins |= read_opt_ins(account, fields.items("preferences")) or {}
    return opt_ins or None


async def list_opted_in(call: Call) -> Response:
    """Return who is opted in to a preference, the first 1000 by id."""
    return _opted_in(call, call.account.contacts.by_id_from(least_contact_id(call)))


async def list_opted_in_on_list(call: Call) -> Response:
    """Return who of a list is opted in to a preference, the first 1000 by id."""
    return _opted_in(call, _on_list(call))


async def list_opt_ins_since(call: Call) -> Response:
    """Return whose answer to a preference changed since a date, the first 1000 by id."""
    return _opt_ins_since(call, call.account.contacts.by_id_from(least_contact_id(call)), 0)


async def list_opt_ins_since_on_list(call: Call) -> Response:
    """Return whose answer changed of a list."""
    return _opt_ins_since(call, _on_list(call), path_id(call, "bookId"))


async def get_subscriptions(call: Call) -> Response:
    """Return all that the contact of an email said to preferences.

    The answers hold for the account; ``addressBookId`` is 0 [inferred].
    """
    if not inferred.is_email(call.path["email"]):
        raise invalid_email()
    contact = find_contact(call, "email")
    return json_answer(
        {
            "contact": contact_json(call.account, contact, full=False),
            "marketingPreferenceOptIns": opt_ins_json(contact, contact.preferences or (), 0),
        }
    )


def _preference(call: Call) -> Preference:
    node = find_preference(call, path_id(call, "preferenceId"))
    if not node.is_preference:
        raise refused(INVALID)
    return node


def _on_list(call: Call) -> Iterable[Contact]:
    the_list = find_list(call, "bookId")
    least = least_contact_id(call)
    for contact_id in call.account.lists.member_ids(the_list):
        contact = call.account.contacts.by_id(contact_id) if contact_id >= least else None
        if contact is not None:
            yield contact


def _opted_in(call: Call, contacts: Iterable[Contact]) -> Response:
    preference_id = _preference(call).id

    def is_meant(contact: Contact) -> bool:
        answered = (contact.preferences or {}).get(preference_id)
        return answered is not None and answered.is_opted_in

    return json_answer(
        [{"id": contact.id, "email": contact.email} for contact in _first_page(contacts, is_meant)]
    )


def _opt_ins_since(call: Call, contacts: Iterable[Contact], list_id: int) -> Response:
    preference_id = _preference(call).id
    since_ms = since_instant(call)

    def is_meant(contact: Contact) -> bool:
        answered = (contact.preferences or {}).get(preference_id)
        return answered is not None and answered.modified_ms >= since_ms

    return json_answer(
        [
            {
                "contact": contact_json(call.account, contact, full=False),
                "marketingPreferenceOptIns": opt_ins_json(contact, [preference_id], list_id),
            }
            for contact in _first_page(contacts, is_meant)
        ]
    )


def _first_page(
    contacts: Iterable[Contact], is_meant: Callable[[Contact], bool]
) -> Iterable[Contact]:
    with_email = (contact for contact in contacts if contact.email is not None)
    return islice(filter(is_meant, with_email), PAGE)


_ON_LIST = "/v2/address-books/{bookId}/contacts/with-preference/{preferenceId}"

OPERATIONS = tuple(
    Operation(method, template, handler, feature=FEATURE)
    for method, template, handler in (
        ("GET", "/v2/contacts/{id}/preferences", get),
        ("PUT", "/v2/contacts/{id}/preferences", put),
        # The generated document has these in the singular too.
        ("GET", "/v2/contact/{id}/preferences", get),
        ("PUT", "/v2/contact/{id}/preferences", put),
        ("GET", "/v2/contacts/with-preference/{preferenceId}", list_opted_in),
        (
            "GET",
            "/v2/contacts/with-preference/{preferenceId}/opt-ins-since/{date}",
            list_opt_ins_since,
        ),
        ("GET", _ON_LIST, list_opted_in_on_list),
        ("GET", f"{_ON_LIST}/opt-ins-since/{{date}}", list_opt_ins_since_on_list),
        ("GET", "/v2/contacts/{email}/subscriptions", get_subscriptions),
    )
)
