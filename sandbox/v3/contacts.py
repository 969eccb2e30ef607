"""One contact in v3: POST, GET, PATCH, PUT and DELETE."""

from typing import Any

from starlette.responses import Response

from sandbox import inferred
from sandbox.answers import Refusal, json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Account, Contact, ContactChange, Failure, MergeOption, Outcome
from sandbox.v3 import refusals
from sandbox.v3.reading import (
    UnreadableError,
    contact_id_of,
    read_identifiers,
    read_parts,
    set_identifier,
    spelled,
)
from sandbox.v3.writing import full_contact

_MERGE_OPTIONS: dict[str, MergeOption] = {
    "overwrite": "overwrite",
    "overwrite-if-not-empty": "overwriteIfNotEmpty",
    "overwrite-if-empty": "overwriteIfEmpty",
}


async def create_contact(call: Call) -> Response:
    """Create a contact; 409 where any of its identifiers is taken."""
    body = _object(call)
    change = _read(call.account, body, ContactChange("email"), needs_identifiers=True)
    if change.email is None and change.mobile is None:
        raise refusals.invalid_contact([Failure("", "A value is required", "email")])
    _refuse_attachments(call.account, change)
    change.match = "email" if change.email is not None else "mobileNumber"
    if (taken := _taken_by_other(call.account, change, None)) is not None:
        raise refusals.id_exists(*taken)
    outcome = call.account.apply(change)
    return json_answer(full_contact(call.account, _applied(outcome)), 201)


async def get_contact(call: Call) -> Response:
    """Answer a contact with everything."""
    return json_answer(full_contact(call.account, _named(call)))


async def patch_contact(call: Call) -> Response:
    """Change what is sent and nothing else; create where nobody has the identifier."""
    spelling = call.parameter("merge-option") or "overwrite"
    option = _MERGE_OPTIONS.get(spelling.lower())
    if option is None:
        raise refusals.bad_request(f"The merge-option '{spelling}' is invalid")
    identifier, value = _identifier(call)
    account = call.account
    body = _object(call)
    contact = account.find(identifier, value)
    if contact is None and identifier == "contactId":
        raise refusals.patch_of_unknown_contact_id(value)
    change = _read(account, body, ContactChange(identifier), needs_identifiers=False)
    _refuse_attachments(account, change)
    if (taken := _taken_by_other(account, change, contact)) is not None:
        raise refusals.id_exists(*taken)
    if contact is not None:
        change.match, change.contact_id = "contactId", contact.id
    else:
        named = ContactChange(identifier)
        set_identifier(account, named, identifier, value)
        change.email = change.email or named.email
        change.mobile = change.mobile or named.mobile
        change.custom = {**(named.custom or {}), **(change.custom or {})} or None
    outcome = account.apply(change, option)
    body = full_contact(account, _applied(outcome))
    return json_answer(body, 201 if outcome.is_created else 200)


async def replace_contact(call: Call) -> Response:
    """Put another contact in the place of one: what is left out is emptied [doc]."""
    contact = _named(call)
    account = call.account
    body = _object(call)
    change = _read(account, body, ContactChange("contactId"), needs_identifiers=True)
    if body.get("consentRecords") is not None:
        failure = Failure("", "Consent records can't be replaced", "consentRecords")
        raise refusals.invalid_contact([failure])
    if change.email is None and change.mobile is None:
        raise refusals.invalid_contact([Failure("", "A value is required", "email")])
    _refuse_attachments(account, change)
    if (taken := _taken_by_other(account, change, contact)) is not None:
        # The document has no 409 for this call alone.
        identifier, value = taken
        raise refusals.invalid_contact([Failure("", f"{value} is in use", identifier)])
    outcome = account.replace(contact, change)
    return json_answer(full_contact(account, _applied(outcome)))


async def delete_contact(call: Call) -> Response:
    """Put a contact into the recycle bin."""
    contact = _named(call)
    call.account.delete(contact)
    return json_answer({"contactId": contact.id})


def identifier_fits(account: Account, identifier: str, value: str) -> bool:
    """Say whether the account has the identifier and the value can be one of it."""
    if len(value) > 256:
        return False
    match identifier:
        case "contactId":
            return contact_id_of(value) is not None
        case "email":
            return inferred.is_email(value)
        case "mobileNumber":
            return inferred.mobile_digits(value) is not None
        case name:
            known = account.custom_identifiers.get(name.lower())
            return known is not None and known.name == name


def _identifier(call: Call) -> tuple[str, str]:
    """Return the identifier in the path; raises Refusal where the value can't be one of it."""
    identifier, value = call.path["identifier"], call.path["value"]
    if not identifier_fits(call.account, identifier, value):
        raise refusals.invalid_id(identifier, value)
    return identifier, value


def _named(call: Call) -> Contact:
    identifier, value = _identifier(call)
    contact = call.account.find(identifier, value)
    if contact is None:
        raise refusals.not_found(identifier, value)
    return contact


def _object(call: Call) -> dict[str, Any]:
    try:
        body = call.json()
    except ValueError:
        raise refusals.bad_json() from None
    if not isinstance(body, dict):
        raise refusals.bad_request("The request must be an object")
    return spelled(body)


def _read(
    account: Account, body: dict[str, Any], change: ContactChange, *, needs_identifiers: bool
) -> ContactChange:
    if needs_identifiers and body.get("identifiers") is None:
        raise refusals.bad_request("The identifiers field is required.")
    try:
        read_identifiers(account, body, change)
        read_parts(body, change)
    except UnreadableError as unreadable:
        raise _unreadable(unreadable.failure, body) from None
    if change.unread:
        raise refusals.invalid_contact(change.unread)
    return change


_INVALID_IDS = frozenset({"invalidEmail", "invalidPhoneNumber", "invalidContactId"})


def _unreadable(failure: Failure, body: dict[str, Any]) -> Refusal:
    if failure.code not in _INVALID_IDS:
        return refusals.invalid_contact([failure])
    value = spelled(body["identifiers"])[failure.item]
    if value == "":
        return refusals.invalid_contact([failure._replace(description="A value is required")])
    return refusals.invalid_id(failure.item, value)


def _refuse_attachments(account: Account, change: ContactChange) -> None:
    """Refuse lists and preferences that there are none of; an import would leave them out."""
    if failures := account.missing_attachments(change):
        raise refusals.invalid_contact(failures)


def _taken_by_other(
    account: Account, change: ContactChange, contact: Contact | None
) -> tuple[str, str] | None:
    """Return the first identifier that somebody else has."""
    asked = [("email", change.email), ("mobileNumber", change.mobile)]
    asked += list((change.custom or {}).items())
    for identifier, value in asked:
        if value is None:
            continue
        owner = account.find(identifier, value)
        if owner is not None and owner is not contact:
            return identifier, value
    return None


def _applied(outcome: Outcome) -> Contact:
    """Return the contact; a part that a single call could not apply is left out without a word."""
    if outcome.contact is None:
        raise refusals.invalid_contact(outcome.failures)
    return outcome.contact


_ONE = "/contacts/v3/{identifier}/{value}"

OPERATIONS = (
    Operation("POST", "/contacts/v3", create_contact),
    Operation("GET", _ONE, get_contact),
    Operation("PATCH", _ONE, patch_contact),
    Operation("PUT", _ONE, replace_contact),
    Operation("DELETE", _ONE, delete_contact),
)
