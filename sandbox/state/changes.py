"""Applies what a caller wants of one contact.

v3's POST, PATCH, PUT and import, and v2's create, update and import all come down to this.

What is wrong with the contact itself refuses the whole change; what is wrong with something that
hangs on it (lists, preferences, consent) is left out and reported beside the rest.
"""

from typing import TYPE_CHECKING

from sandbox import inferred, statuses
from sandbox.state.contacts import Contacts
from sandbox.state.data_fields import MAX_TEXT, WrongValueError, check_value
from sandbox.state.records import (
    ConsentRecord,
    Contact,
    ContactChange,
    DataValue,
    Failure,
    MergeOption,
    Outcome,
)
from sandbox.state.subscriptions import Resubscription

if TYPE_CHECKING:
    from sandbox.state.account import Account


def apply_change(
    account: "Account",
    change: ContactChange,
    option: MergeOption,
    now_ms: int,
    *,
    reads_text: bool = False,
    may_create: bool = True,
) -> Outcome:
    """Create or update the contact that the change matches, or say why not."""
    contact = match(account, change)
    if contact is None and not may_create:
        failure = Failure("contactNotFound", "The contact could not be found")
        return Outcome(None, is_created=False, failures=[failure])
    return apply_to(account, contact, change, option, now_ms, reads_text=reads_text)


def apply_to(
    account: "Account",
    contact: Contact | None,
    change: ContactChange,
    option: MergeOption,
    now_ms: int,
    *,
    reads_text: bool = False,
) -> Outcome:
    """Apply a change to the contact that `match` found for it; None makes one."""
    failures = _refuse(account, change, contact)
    values: dict[int, DataValue] = {}
    if not failures and change.data:
        failures = _check_data(account, change.data, values, reads_text=reads_text)
    if failures:
        return Outcome(None, is_created=False, failures=failures, matched=contact)
    is_created = contact is None
    if contact is None:
        contact = account.contacts.make(now_ms)
    elif contact.is_binned:
        account.contacts.restore(contact)
    had_email = contact.email is not None
    _set_identifiers(account, contact, change)
    if values:
        contact.packed = account.data_fields.merge(contact.packed, values, option)
    failures = list(change.unread) if change.unread else []
    _set_channels(account, contact, change, had_email=had_email, now_ms=now_ms, failures=failures)
    if change.list_ids or change.preferences or change.consents:
        _attach(account, contact, change, now_ms, failures)
    if is_created or _moves_updated(account, change):
        account.contacts.touch(contact, now_ms)
    return Outcome(contact, is_created, failures)


def replace_contact(
    account: "Account", contact: Contact, change: ContactChange, now_ms: int
) -> Outcome:
    """Empty a contact of all that can be left out, then apply the change to it.

    Nothing is emptied where the change is refused. Statuses stay: a contact that left does not come
    back by being replaced [inferred]; consent that was given stays on record.
    """
    change.match, change.contact_id = "contactId", contact.id
    failures = _refuse(account, change, contact) or _check_data(
        account, change.data or {}, {}, reads_text=account.settings.reads_typed_text
    )
    if failures:
        return Outcome(None, is_created=False, failures=failures, matched=contact)
    if change.email is None:
        account.contacts.set_email(contact, None)
        if not contact.is_suppressed:
            contact.email_status = statuses.NO_SUBSCRIPTION
    if change.mobile is None:
        account.contacts.set_mobile(contact, None)
    for name in list(contact.custom or ()):
        if name not in (change.custom or {}):
            account.contacts.set_custom(contact, name, None)
    contact.packed = None
    contact.preferences = None
    contact.email_type, contact.opt_in_type = "Html", "Unknown"
    account.lists.leave_all(contact)
    return apply_change(account, change, "overwrite", now_ms)


def match(account: "Account", change: ContactChange) -> Contact | None:
    """Return the contact that a change matches; the recycle bin counts, save for a contact id."""
    contacts = account.contacts
    match change.match:
        case "email":
            found = contacts.by_email(change.email or "")
        case "mobileNumber":
            found = contacts.by_mobile(change.mobile or "")
        case "contactId":
            found = contacts.by_id(change.contact_id or 0)
        case name:
            found = contacts.by_custom(name, (change.custom or {}).get(name, ""))
    if found is not None and found.is_binned and not inferred.is_restored_by(change.match):
        return None
    return found


def _refuse(account: "Account", change: ContactChange, contact: Contact | None) -> list[Failure]:
    """Return why the change can't stand: nobody to make, a barred address, another's identifier."""
    if contact is None and (refused := _refuse_creation(account, change)) is not None:
        return [refused]
    if change.email is not None and account.bars:
        barred = account.bar_on(change.email)
        if barred is not None:
            return [barred]
    taken = _taken(account.contacts, change, contact)
    return [] if taken is None else [_duplicate(*taken)]


def _taken(
    contacts: Contacts, change: ContactChange, contact: Contact | None
) -> tuple[str, str] | None:
    """Return the first identifier that is another's; whoever the match is of is the contact."""
    if change.email is not None and change.match != "email":
        owner = contacts.by_email(change.email)
        if owner is not None and _is_another(owner, contact):
            return "email", change.email
    if change.mobile is not None and change.match != "mobileNumber":
        owner = contacts.by_mobile(change.mobile)
        if owner is not None and _is_another(owner, contact):
            return "mobileNumber", change.mobile
    if change.custom is not None:
        for name, value in change.custom.items():
            owner = contacts.by_custom(name, value)
            if owner is not None and _is_another(owner, contact):
                return name, value
    return None


def _refuse_creation(account: "Account", change: ContactChange) -> Failure | None:
    if change.match == "contactId":
        return Failure("invalidContactId", f"No contact has the contactId '{change.contact_id}'")
    if change.email is None and change.mobile is None:
        return Failure("noValidIdentifiers", "A contact needs an email or a mobileNumber")
    allowance = account.settings.contact_allowance
    if allowance is not None and account.contacts.live_count >= allowance:
        return Failure("exceedsAllowedContactLimit", "The account's contact allowance is used up")
    return None


def _is_another(owner: Contact, contact: Contact | None) -> bool:
    """Somebody else has the identifier; a contact in the bin gives it up."""
    return owner is not contact and not owner.is_binned


def _duplicate(identifier: str, value: str) -> Failure:
    return Failure(
        "duplicateIdentifier",
        f"Duplicate identifier detected for {identifier} '{value}'",
        identifier,
    )


def _check_data(
    account: "Account",
    data: dict[str, object],
    values: dict[int, DataValue],
    *,
    reads_text: bool,
) -> list[Failure]:
    """Fill ``values`` by ordinal; return what does not fit its field."""
    failures: list[Failure] = []
    by_spelling = account.data_fields.by_spelling
    for name, value in data.items():
        field = by_spelling.get(name) or account.data_fields.find(name)
        if field is None:
            if account.settings.unknown_data_fields == "fail":
                text = f"There is no data field '{name}'"
                failures.append(Failure("unknownDataField", text, name))
        # The common case without a call: a text that fits.
        elif field.type == "String" and type(value) is str and 0 < len(value) <= MAX_TEXT:
            values[field.ordinal] = value
        else:
            try:
                values[field.ordinal] = check_value(field, value, reads_text=reads_text)
            except WrongValueError as wrong:
                code = "dataFieldOverflow" if wrong.is_overflow else "invalidDataField"
                failures.append(Failure(code, str(wrong), name))
    return failures


def _set_identifiers(account: "Account", contact: Contact, change: ContactChange) -> None:
    contacts = account.contacts
    email, mobile = change.email, change.mobile
    if email is not None and not inferred.is_same_email(contact.email, email):
        if contacts.binned_count:
            _take_from_bin(account, contacts.by_email(email), contact, "email")
        contacts.set_email(contact, email)
    if mobile is not None and mobile != contact.mobile:
        if contacts.binned_count:
            _take_from_bin(account, contacts.by_mobile(mobile), contact, "mobileNumber")
        contacts.set_mobile(contact, mobile)
    if change.custom is not None:
        for name, value in change.custom.items():
            _take_from_bin(account, contacts.by_custom(name, value), contact, name)
            contacts.set_custom(contact, name, value)


def _take_from_bin(
    account: "Account", owner: Contact | None, contact: Contact, identifier: str
) -> None:
    if owner is None or owner is contact:
        return
    match identifier:
        case "email":
            account.contacts.set_email(owner, None)
        case "mobileNumber":
            account.contacts.set_mobile(owner, None)
        case name:
            account.contacts.set_custom(owner, name, None)


def _set_channels(
    account: "Account",
    contact: Contact,
    change: ContactChange,
    *,
    had_email: bool,
    now_ms: int,
    failures: list[Failure],
) -> None:
    if change.email_type is not None:
        contact.email_type = change.email_type
    if change.opt_in_type is not None:
        contact.opt_in_type = change.opt_in_type
    if change.sms_status is not None:
        contact.sms_status = change.sms_status
    if change.whatsapp_status is not None:
        contact.whatsapp_status = change.whatsapp_status
    if contact.email is None:
        return
    if not had_email and not contact.is_suppressed:
        account.subscriptions.start(contact, change.email_status, now_ms)
    elif change.email_status == statuses.SUBSCRIBED:
        answer = account.subscriptions.resubscribe(contact, now_ms, challenge=change.challenge)
        if answer is Resubscription.REFUSED:
            failures.append(
                Failure("invalidContactStatus", f"The contact is {contact.email_status}")
            )
    elif change.email_status is not None:
        account.subscriptions.suppress(contact, change.email_status, now_ms)


def _attach(
    account: "Account",
    contact: Contact,
    change: ContactChange,
    now_ms: int,
    failures: list[Failure],
) -> None:
    """Add lists, preferences and consent records; what there is none of is reported."""
    failures.extend(missing_attachments(account, change))
    for list_id in change.list_ids or ():
        the_list = account.lists.find(list_id)
        if the_list is not None and the_list.is_writable and contact.id not in the_list.members:
            account.lists.join(contact, the_list, "subscribed")
    for preference_id, opted_in in (change.preferences or {}).items():
        preference = account.preferences.find(preference_id)
        if preference is not None and preference.is_preference:
            account.preferences.answer(contact, preference_id, now_ms, opted_in=opted_in)
    for consent in change.consents or ():
        record = ConsentRecord(account.take_consent_id(), *consent, created_ms=now_ms)
        contact.consents = [*(contact.consents or ()), record]


def missing_attachments(account: "Account", change: ContactChange) -> list[Failure]:
    """Return the lists and preferences of a change that the account does not have."""
    failures = []
    for list_id in change.list_ids or ():
        the_list = account.lists.find(list_id)
        if the_list is None or not the_list.is_writable:
            text = f"There is no list '{list_id}'"
            failures.append(Failure("invalidAddressBookIds", text, "lists"))
    for preference_id in change.preferences or ():
        preference = account.preferences.find(preference_id)
        if preference is None or not preference.is_preference:
            text = f"There is no preference '{preference_id}'"
            failures.append(Failure("invalidPreferenceIds", text, "preferences"))
    return failures


def _moves_updated(account: "Account", change: ContactChange) -> bool:
    """Whether `updated` moves is not stated; the account's settings say what moves it."""
    moves_on = account.settings.updated_moves_on
    if change.data or change.email_type is not None or change.sms_status is not None:
        return "data" in moves_on
    kinds = {
        "status": change.email_status is not None,
        "lists": bool(change.list_ids),
        "preferences": bool(change.preferences or change.consents),
    }
    changed = {kind for kind, is_changed in kinds.items() if is_changed}
    # With none of these it is about identifiers, or about nothing: an update all the same.
    return bool((changed or {"data"}) & moves_on)
