"""Reading v2's contact, and doing what it says: creating, updating, refusing."""

from dataclasses import replace
from typing import Any

from sandbox import inferred
from sandbox.answers import Refusal
from sandbox.calls import Call
from sandbox.state import Account, Contact, ContactChange, Failure, MergeOption
from sandbox.statuses import EMAIL_TYPES, OPT_IN_TYPES
from sandbox.v2.refusals import invalid_email, refused
from sandbox.v2.requests import Fields, as_int32

INVALID = "CONTACT_INVALID"

#: The order of the members of v2's enumerations, for clients that send them as numbers.
EMAIL_ORDER = ("PlainText", "Html")
OPT_IN_ORDER = ("Unknown", "Single", "Double", "VerifiedDouble")

#: Consent keys: those of single calls, those of imports.
_CONSENT_KEYS = (
    ("text", "consenttext"),
    ("datetimeconsented", "consentdatetime"),
    ("url", "consenturl"),
    ("ipaddress", "consentip"),
    ("useragent", "consentuseragent"),
)

#: What the state says no with, to v2's codes.
_CODES = {
    "duplicateIdentifier": "NON_UNIQUE_EMAIL",
    "globallySuppressed": "CONTACT_SUPPRESSED",
    "suppressedByDomain": "CONTACT_SUPPRESSED",
    "blocker": "EMAIL_BANNED",
    "exceedsAllowedContactLimit": "CONTACT_TOOMANY",
    "contactNotFound": "CONTACT_NOT_FOUND",
    "invalidContactId": "CONTACT_NOT_FOUND",
    "unknownDataField": "DATAFIELD_NOTFOUND",
    "invalidDataField": "DATAFIELD_INVALID",
    "dataFieldOverflow": "DATAFIELD_VALUE_OVERFLOW",
    "invalidPreferenceIds": "PREFERENCE_NOT_FOUND",
    "invalidAddressBookIds": "ADDRESSBOOK_NOT_FOUND",
}


def find_contact(call: Call, name: str = "id") -> Contact:
    """Return the contact that the path names by id or email; refuses one that is not there."""
    id_or_email = call.path[name]
    if as_int32(id_or_email) is None and not inferred.is_email(id_or_email):
        raise invalid_email()
    contact = call.account.find_v2(id_or_email)
    if contact is None:
        raise refused("CONTACT_NOT_FOUND")
    return contact


def read_email(fields: Fields) -> str:
    """Return the address in the body; refuses none, and what is no address."""
    email = fields.text("email")
    if email is None or not inferred.is_email(email := email.strip()):
        raise invalid_email()
    return email


def read_contact(fields: Fields) -> ContactChange:
    """Read an ApiContact, matched by its email. Its id and status are not the caller's to set."""
    return ContactChange(
        "email",
        email=read_email(fields),
        email_type=fields.choice("emailType", EMAIL_TYPES, EMAIL_ORDER),
        opt_in_type=fields.choice("optInType", OPT_IN_TYPES, OPT_IN_ORDER),
        data=read_pairs(fields.items("dataFields"), INVALID) or None,
    )


def read_pairs(given: list[Any], code: str) -> dict[str, Any]:
    """Read keys with values; refuses with the code what is none."""
    pairs = {}
    for each in given:
        pair = Fields(each, code)
        key, value = pair.text("key"), pair.raw("value")
        if key is None or isinstance(value, list | dict):
            raise refused(code)
        pairs[key] = value
    return pairs


def read_consent(given: dict[str, Any]) -> tuple[str, str, str, str, str] | None:
    """Read one consent record from its keys in either vocabulary; None where it says nothing."""
    folded = {key.lower(): value for key, value in given.items()}
    values = [
        next((str(folded[key]) for key in keys if folded.get(key) is not None), "")
        for keys in _CONSENT_KEYS
    ]
    text, consented, url, ip_address, user_agent = values
    return (text, consented, url, ip_address, user_agent) if any(values) else None


def refuse_suppressed(account: Account, email: str) -> None:
    """Refuse an address that is mailed nothing: v2 leaves such a contact alone [doc].

    Deleting a contact does not lift that.
    """
    contact = account.contacts.by_email(email)
    if contact is not None and contact.is_suppressed:
        raise refused("CONTACT_SUPPRESSED")


def for_contact(contact: Contact, change: ContactChange) -> ContactChange:
    """Return the change for this contact, whose email it may change; refuses a suppressed one."""
    if contact.is_suppressed:
        raise refused("CONTACT_SUPPRESSED")
    return replace(change, match="contactId", contact_id=contact.id)


def save(account: Account, change: ContactChange, option: MergeOption = "overwrite") -> Contact:
    """Create or update the contact, or refuse for the first thing that is wrong with it."""
    for preference_id in change.preferences or ():
        preference = account.preferences.find(preference_id)
        if preference is None or not preference.is_preference:
            raise refused("PREFERENCE_NOT_FOUND")
    outcome = account.apply(change, option, reads_text=True)
    if outcome.contact is None:
        raise refusal_of(outcome.failures[0])
    return outcome.contact


def refusal_of(failure: Failure) -> Refusal:
    """Return v2's way of saying what the state says."""
    if failure.code == "invalidEmail":
        return invalid_email()
    return refused(_CODES.get(failure.code, INVALID))
