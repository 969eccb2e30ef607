"""A page of contacts held against the people here: what each of them is news of. No I/O."""

from app.clients.dotdigital import Contact
from app.sync.contacts.contact_consents import movement_of
from app.sync.contacts.contact_work import Plans, Standing, Work
from app.sync.contacts.held_contacts import Held
from app.sync.contacts.new_contacts import Newcomer
from app.sync.contacts.taking_plan import Row
from app.sync.rules.consent_news import Mailability
from app.sync.rules.email_match import matched_by

#: Statuses of contacts that are in the recycle bin, or gone.
_GONE = frozenset({"deleted", "binned"})


def needs_bearers(contact: Contact, holder: Row | None) -> bool:
    """Say whether everybody who has the contact's email is to be looked up, for it to be judged."""
    if holder is None:
        return contact.email is not None
    return movement_of(contact, holder) is not Mailability.SAME


def asks_for_erasures(contact: Contact, holder: Row | None) -> bool:
    """Say whether the contact's email may not be one that was erased."""
    if contact.email is None:
        return False
    return holder is None or matched_by(contact.email) != matched_by(holder["email"] or "")


def judge(contact: Contact, standing: Standing, plans: Plans) -> Work:
    """Say what one contact comes to."""
    holder = standing.holder
    is_gone = contact.status.lower() in _GONE or (contact.email_status or "").lower() in _GONE
    if holder is None:
        return Work(contact.contact_id) if is_gone else Newcomer(contact, standing, plans).judge()
    work = Work(contact.contact_id, person_id=holder["person_id"])
    if not holder["is_settled"]:
        work.is_deferred = True
    elif is_gone:
        work.unlinks = True
        work.counts["unlinked"] = 1
    else:
        Held(contact, holder, standing, plans, work).judge()
    return work
