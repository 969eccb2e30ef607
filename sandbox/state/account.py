"""One Dotdigital account: its stores, its settings, and what both APIs do with a contact."""

from collections import deque
from itertools import count

from sandbox import inferred, statuses
from sandbox.clock import SandboxClock
from sandbox.state.campaigns import Campaigns
from sandbox.state.changes import (
    apply_change,
    apply_to,
    match,
    missing_attachments,
    replace_contact,
)
from sandbox.state.contacts import Contacts
from sandbox.state.data_fields import DataFields
from sandbox.state.documents import Documents
from sandbox.state.jobs import Jobs
from sandbox.state.lists import Lists
from sandbox.state.preferences import Preferences
from sandbox.state.records import (
    Contact,
    ContactChange,
    CustomIdentifier,
    Failure,
    MergeOption,
    Outcome,
)
from sandbox.state.settings import AccountSettings
from sandbox.state.subscriptions import Subscriptions
from sandbox.state.suppressions import Suppressions
from sandbox.state.surveys import Surveys
from sandbox.state.visits import Visits


class Account:
    """An account and all that is in it. ``now_ms`` everywhere is the clock's stamp for the call."""

    def __init__(
        self,
        account_id: int,
        name: str,
        region: str,
        clock: SandboxClock,
        *,
        ordinal: int = 0,
        settings: AccountSettings | None = None,
    ) -> None:
        self.id = account_id
        self.name = name
        #: `r1`, `r2` or `r3`.
        self.region = region
        self.main_email = f"owner@account-{account_id}.example"
        self.clock = clock
        self._settings = settings or AccountSettings()
        # Ranges apart, so that an id of one account means nothing in another; all fit in 31 bits.
        self.contacts = Contacts(first_id=10_000_001 + ordinal * 50_000_000)
        self.data_fields = DataFields()
        self.lists = Lists(first_id=9001 + ordinal * 100_000)
        self.preferences = Preferences(first_id=61 + ordinal * 10_000)
        self.suppressions = Suppressions()
        self.subscriptions = Subscriptions(
            self.contacts, self.lists, self.suppressions, self._settings
        )
        #: By name in lower case.
        self.custom_identifiers: dict[str, CustomIdentifier] = {}
        self.campaigns = Campaigns(first_id=5501 + ordinal * 100_000)
        self.documents = Documents(account_id)
        self.surveys = Surveys(
            first_id=77 + ordinal * 10_000, first_response_id=90_001 + ordinal * 50_000_000
        )
        self.visits = Visits()
        self.jobs = Jobs(clock)
        self._consent_ids = count(1)
        self._call_times_ms: deque[int] = deque()

    @property
    def settings(self) -> AccountSettings:
        """The account's settings; change them in place or set all of them."""
        return self._settings

    @settings.setter
    def settings(self, settings: AccountSettings) -> None:
        self._settings = self.subscriptions.settings = settings

    @property
    def bars(self) -> bool:
        """Some addresses can't become contacts."""
        settings = self._settings
        return bool(
            settings.globally_suppressed
            or settings.blocked_addresses
            or settings.suppressed_domains
        )

    def bar_on(self, email: str) -> Failure | None:
        """Return why this address can't be a contact's."""
        folded = email.lower()
        if folded in self._settings.globally_suppressed:
            return Failure("globallySuppressed", f"'{email}' is globally suppressed")
        if folded in self._settings.blocked_addresses:
            return Failure("blocker", f"'{email}' is blocked")
        if folded.rpartition("@")[2] in self._settings.suppressed_domains:
            return Failure("suppressedByDomain", f"The domain of '{email}' is suppressed")
        return None

    def find(self, identifier: str, value: str) -> Contact | None:
        """Return the contact outside the recycle bin with this identifier, as written in a path.

        An identifier that the account does not have finds nothing, as does a value that is none.
        """
        found: Contact | None
        match identifier:
            case "contactId":
                found = (
                    self.contacts.by_id(int(value)) if value.isascii() and value.isdigit() else None
                )
            case "email":
                found = self.contacts.by_email(value)
            case "mobileNumber":
                digits = inferred.mobile_digits(value)
                found = self.contacts.by_mobile(digits) if digits else None
            case name:
                found = self.contacts.by_custom(name, value)
        return None if found is None or found.is_binned else found

    def find_v2(self, id_or_email: str) -> Contact | None:
        """Return the contact by its id or its email; v2 does not know those without an email."""
        identifier = "email" if "@" in id_or_email else "contactId"
        found = self.find(identifier, id_or_email)
        return found if found is not None and found.email is not None else None

    def apply(
        self,
        change: ContactChange,
        option: MergeOption = "overwrite",
        *,
        reads_text: bool = False,
        may_create: bool = True,
    ) -> Outcome:
        """Create or update a contact; see `changes.apply_change`."""
        return apply_change(
            self,
            change,
            option,
            self.clock.stamp(),
            reads_text=reads_text or self._settings.reads_typed_text,
            may_create=may_create,
        )

    def apply_to(
        self, contact: Contact | None, change: ContactChange, option: MergeOption, now_ms: int
    ) -> Outcome:
        """Apply a change to the contact that `match` found for it; for many at one instant."""
        reads_text = self._settings.reads_typed_text
        return apply_to(self, contact, change, option, now_ms, reads_text=reads_text)

    def match(self, change: ContactChange) -> Contact | None:
        """Return the contact that a change is about, from the recycle bin too."""
        return match(self, change)

    def replace(self, contact: Contact, change: ContactChange) -> Outcome:
        """Put what the change says in the place of all that a contact holds."""
        return replace_contact(self, contact, change, self.clock.stamp())

    def missing_attachments(self, change: ContactChange) -> list[Failure]:
        """Return the lists and preferences of a change that the account does not have."""
        return missing_attachments(self, change)

    def delete(self, contact: Contact) -> None:
        """Put a contact into the recycle bin; it leaves its lists and keeps all else."""
        self.lists.leave_all(contact)
        self.contacts.bin(contact)

    def empty_recycle_bin(self) -> int:
        """Delete for good what is in the recycle bin; says how many that were."""
        return len(self.contacts.empty_bin())

    def unsubscribe_address(self, email: str) -> Contact | None:
        """Unsubscribe whoever has this address.

        One that is nobody's becomes an unsubscribed contact, unless the settings say otherwise:
        then None.
        """
        contact = self.find("email", email)
        if contact is None:
            if not self._settings.unsubscribe_makes_contact:
                return None
            change = ContactChange("email", email=email, email_status=statuses.UNSUBSCRIBED)
            return self.apply(change).contact
        self.subscriptions.suppress(contact, statuses.UNSUBSCRIBED, self.clock.stamp())
        return contact

    def delete_data_field(self, name: str) -> None:
        """Take a data field away, and its values with it."""
        self.data_fields.delete(name)

    def take_consent_id(self) -> int:
        """Return the next id of a consent record."""
        return next(self._consent_ids)

    def count_call(self) -> None:
        """Note a call for the flat scheme's hour."""
        self._forget_old_calls()
        self._call_times_ms.append(self.clock.now_ms())

    def calls_in_last_hour(self) -> int:
        """Return how many calls the account made in the last hour, over all its API users."""
        self._forget_old_calls()
        return len(self._call_times_ms)

    def _forget_old_calls(self) -> None:
        since_ms = self.clock.now_ms() - 3_600_000
        while self._call_times_ms and self._call_times_ms[0] < since_ms:
            self._call_times_ms.popleft()
