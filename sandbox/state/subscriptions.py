"""Whether a contact is mailed: unsubscribing, suppressing, coming back; the rules of both APIs."""

from enum import StrEnum

from sandbox import inferred, statuses
from sandbox.state.contacts import Contacts
from sandbox.state.lists import Lists
from sandbox.state.records import Contact, ContactList
from sandbox.state.settings import AccountSettings
from sandbox.state.suppressions import Suppressions


class Resubscription(StrEnum):
    """How a resubscription went, as v2 answers it [doc]."""

    ADDED = "ContactAdded"
    CHALLENGED = "ContactChallenged"
    REFUSED = "ContactCannotBeUnsuppressed"


class Subscriptions:
    """The rules, over one account's contacts and suppressions."""

    def __init__(
        self,
        contacts: Contacts,
        lists: Lists,
        suppressions: Suppressions,
        settings: AccountSettings,
    ) -> None:
        self._contacts = contacts
        self._lists = lists
        self._suppressions = suppressions
        self.settings = settings

    def start(self, contact: Contact, status: str | None, now_ms: int) -> None:
        """Give a new contact, or one that just got an address, its first status.

        It is `subscribed` unless said otherwise; `verifiedDouble`, or an account that enforces
        double opt-in, makes it wait [spec].
        """
        wanted = status or statuses.SUBSCRIBED
        if wanted == statuses.SUBSCRIBED and self._needs_confirmation(contact):
            wanted = statuses.PENDING_OPT_IN
        contact.email_status = wanted
        if wanted in statuses.SUPPRESSING:
            self._suppressions.record(contact, now_ms)

    def suppress(
        self, contact: Contact, status: str, now_ms: int, *, since_ms: int | None = None
    ) -> bool:
        """Take a contact off all mail, for this reason; says whether that is news.

        What happened before now, as a mail server reports it late, has its date in ``since_ms``.
        """
        if contact.is_suppressed and inferred.keeps_reason(contact.email_status):
            return False
        contact.email_status = status
        contact.challenged_ms = None
        self._suppressions.record(contact, now_ms if since_ms is None else since_ms)
        self._note(contact, now_ms)
        return True

    def resubscribe(self, contact: Contact, now_ms: int, *, challenge: bool) -> Resubscription:
        """Bring a contact back, if it may be, at once or by a mail that it must answer."""
        if contact.email_status == statuses.SUBSCRIBED:
            return Resubscription.ADDED
        if not inferred.can_resubscribe(contact.email_status):
            return Resubscription.REFUSED
        if challenge or self.settings.double_opt_in:
            contact.email_status = inferred.status_under_challenge(contact.email_status)
            contact.challenged_ms = now_ms
            return Resubscription.CHALLENGED
        self.confirm(contact, now_ms)
        return Resubscription.ADDED

    def confirm(self, contact: Contact, now_ms: int) -> None:
        """Subscribe a contact: it answered its challenge, or needed none."""
        self._suppressions.lift(contact.id)
        contact.email_status = statuses.SUBSCRIBED
        contact.challenged_ms = None
        for the_list, status in self._lists.of(contact):
            if status == "pending":
                self._lists.join(contact, the_list, "subscribed")
                the_list.unsubscribed_ms.pop(contact.id, None)
        self._note(contact, now_ms)

    def unsubscribe_from_list(self, contact: Contact, the_list: ContactList, now_ms: int) -> bool:
        """Take a contact off the mail of one list; says whether that is news."""
        is_news = self._lists.join(contact, the_list, "suppressed")
        if is_news:
            the_list.unsubscribed_ms[contact.id] = now_ms
            self._note(contact, now_ms)
        return is_news

    def resubscribe_to_list(
        self, contact: Contact, the_list: ContactList, now_ms: int, *, challenge: bool
    ) -> Resubscription:
        """Bring a contact back to one list, and to the account where it left that."""
        answer = self.resubscribe(contact, now_ms, challenge=challenge)
        is_off = contact.id in the_list.unsubscribed_ms
        if is_off and (challenge or answer is Resubscription.CHALLENGED):
            self._lists.join(contact, the_list, "pending")
            contact.challenged_ms = now_ms
            return Resubscription.CHALLENGED
        if answer is Resubscription.ADDED and self._lists.join(contact, the_list, "subscribed"):
            the_list.unsubscribed_ms.pop(contact.id, None)
            self._note(contact, now_ms)
        return answer

    def _needs_confirmation(self, contact: Contact) -> bool:
        return self.settings.double_opt_in or contact.opt_in_type == "VerifiedDouble"

    def _note(self, contact: Contact, now_ms: int) -> None:
        if "status" in self.settings.updated_moves_on:
            self._contacts.touch(contact, now_ms)
