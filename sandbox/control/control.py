"""What can be done to a sandbox behind the API's back, in process."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox import statuses
from sandbox.clock import read_instant, text_of
from sandbox.control.campaigns import CampaignControl
from sandbox.control.errors import UnknownError
from sandbox.control.forms import DocumentControl, FormControl
from sandbox.faults import Fault, FaultKind
from sandbox.sandbox import Sandbox
from sandbox.state import (
    Account,
    AccountSettings,
    ApiUser,
    Contact,
    ContactChange,
    ContactList,
    DataField,
    DataValue,
    Outcome,
    Preference,
    Segment,
)
from sandbox.state.visits import Visit
from sandbox.v3.reading import UnreadableError, read_entry
from sandbox.v3.writing import full_contact

_SETTINGS = {field.name: field for field in dataclasses.fields(AccountSettings)}
_SET_SETTINGS = frozenset(
    {
        *("missing_features", "updated_moves_on", "globally_suppressed", "blocked_addresses"),
        "suppressed_domains",
    }
)


class Control:
    """Acts on the default account unless another is named. Raises ValueError or UnknownError."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.campaigns = CampaignControl(self)
        self.forms = FormControl(self)
        self.documents = DocumentControl(self)

    def account(self, account_id: int | None = None) -> Account:
        """Return an account, the first unless another is named."""
        accounts = self.sandbox.world.accounts
        found = (
            next(iter(accounts.values()), None) if account_id is None else accounts.get(account_id)
        )
        if found is None:
            raise UnknownError(f"there is no account {account_id}")
        return found

    def contact(self, id_or_email: int | str, account_id: int | None = None) -> Contact:
        """Return a contact by its id, email or mobile number."""
        account = self.account(account_id)
        text = str(id_or_email)
        identifiers = ("email",) if "@" in text else ("contactId", "mobileNumber")
        for identifier in identifiers:
            if (found := account.find(identifier, text)) is not None:
                return found
        raise UnknownError(f"there is no contact {text}")

    def read_contact(self, id_or_email: int | str, account_id: int | None = None) -> dict[str, Any]:
        """Return a contact as v3 would answer it, with everything."""
        return full_contact(self.account(account_id), self.contact(id_or_email, account_id))

    def add_account(
        self,
        *,
        username: str,
        password: str,
        region: str = "r1",
        name: str = "Harbour Trust",
        settings: Mapping[str, Any] | None = None,
    ) -> Account:
        """Make an account with an API user."""
        account = self.sandbox.world.add_account(
            username=username, password=password, region=region, name=name
        )
        if settings:
            self.set_settings(settings, account.id)
        return account

    def add_user(self, user: ApiUser) -> None:
        """Add an API user, or change the one of this name."""
        self.account(user.account_id)
        self.sandbox.world.add_user(user)

    def move_account(self, region: str, account_id: int | None = None) -> None:
        """Move an account to another region."""
        if region not in self.sandbox.hosts:
            raise ValueError(f"no region {region!r}")
        self.account(account_id).region = region

    def set_settings(
        self, changes: Mapping[str, Any], account_id: int | None = None
    ) -> AccountSettings:
        """Change an account's settings by their names in `AccountSettings`."""
        settings = self.account(account_id).settings
        for name, value in changes.items():
            if name not in _SETTINGS:
                raise ValueError(f"there is no setting {name!r}")
            setattr(settings, name, set(value) if name in _SET_SETTINGS else value)
        return settings

    def add_contacts(
        self, entries: Iterable[Mapping[str, Any]], account_id: int | None = None
    ) -> list[int]:
        """Make or update contacts, each as an entry of a v3 import; returns their ids.

        ``matchIdentifier`` may be left out.
        """
        account = self.account(account_id)
        ids = []
        for entry in entries:
            identifiers = entry.get("identifiers") or {}
            match = "email" if "email" in identifiers else "mobileNumber"
            try:
                change = read_entry(account, {"matchIdentifier": match, **entry})
            except UnreadableError as unreadable:
                raise ValueError(unreadable.failure.description) from None
            ids.append(_done(account.apply(change)).id)
        return ids

    def generate_contacts(
        self,
        count: int,
        email: str = "person{n}@mail.example",
        data_fields: Mapping[str, Any] | None = None,
        list_ids: list[int] | None = None,
        account_id: int | None = None,
    ) -> range:
        """Make many contacts; ``{n}`` in a text stands for the number, from 1. Returns the ids."""
        account = self.account(account_id)
        first, last = 0, -1
        for number in range(1, count + 1):
            data = {
                name: value.replace("{n}", str(number)) if isinstance(value, str) else value
                for name, value in (data_fields or {}).items()
            }
            change = ContactChange(
                "email", email=email.replace("{n}", str(number)), data=data, list_ids=list_ids
            )
            contact = _done(account.apply(change))
            first, last = first or contact.id, contact.id
        return range(first, last + 1)

    def unsubscribe(self, id_or_email: int | str, account_id: int | None = None) -> Contact:
        """Let a contact unsubscribe."""
        return self.suppress(id_or_email, statuses.UNSUBSCRIBED, account_id)

    def hard_bounce(self, id_or_email: int | str, account_id: int | None = None) -> Contact:
        """Let mail to a contact bounce for good."""
        return self.suppress(id_or_email, statuses.HARD_BOUNCED, account_id)

    def suppress(
        self, id_or_email: int | str, status: str, account_id: int | None = None
    ) -> Contact:
        """Suppress a contact for any reason, by its email status in v3's spelling."""
        if status not in statuses.SUPPRESSING:
            raise ValueError(f"{status!r} suppresses nobody")
        account, contact = self.account(account_id), self.contact(id_or_email, account_id)
        account.subscriptions.suppress(contact, status, account.clock.stamp())
        return contact

    def resubscribe(self, id_or_email: int | str, account_id: int | None = None) -> Contact:
        """Let a contact come back: by a form of its own, or by answering its challenge."""
        account, contact = self.account(account_id), self.contact(id_or_email, account_id)
        account.subscriptions.confirm(contact, account.clock.stamp())
        return contact

    def edit(
        self,
        id_or_email: int | str,
        *,
        email: str | None = None,
        data_fields: Mapping[str, Any] | None = None,
        account_id: int | None = None,
    ) -> Contact:
        """Change a contact by hand in Dotdigital: its address, or data fields (None clears one)."""
        contact = self.contact(id_or_email, account_id)
        change = ContactChange(
            "contactId", contact_id=contact.id, email=email, data=dict(data_fields or {})
        )
        return _done(self.account(account_id).apply(change, reads_text=True))

    def visit(
        self, id_or_email: int | str, url: str, account_id: int | None = None, **contents: DataValue
    ) -> Visit:
        """Let a contact look at a page that the account's site tracking sees."""
        account, contact = self.account(account_id), self.contact(id_or_email, account_id)
        now_ms = account.clock.stamp()
        seen = {"url": url, "visitedAt": text_of(now_ms), **contents}
        return account.visits.record(contact.id, seen, now_ms)

    def delete(self, id_or_email: int | str, account_id: int | None = None) -> None:
        """Put a contact into the recycle bin."""
        account = self.account(account_id)
        account.delete(self.contact(id_or_email, account_id))

    def add_list(
        self, name: str, visibility: str = "Private", account_id: int | None = None
    ) -> ContactList:
        """Make a list."""
        return self.account(account_id).lists.create(name, _visibility(visibility))

    def add_segment(
        self, name: str, contact_ids: Iterable[int] = (), account_id: int | None = None
    ) -> Segment:
        """Make a segment of these contacts."""
        return self.account(account_id).lists.add_segment(name, set(contact_ids))

    def add_data_field(
        self, name: str, type_: str = "String", account_id: int | None = None
    ) -> DataField:
        """Make a data field."""
        account = self.account(account_id)
        for known in ("String", "Numeric", "Date", "Boolean"):
            if known == type_:
                return account.data_fields.define(name, known, limits=account.settings.field_limits)
        raise ValueError(f"there is no type {type_!r}")

    def add_preference(
        self, path: str, private_name: str | None = None, account_id: int | None = None
    ) -> Preference:
        """Make a preference, ``Category > Preference`` or by itself; its category as needed."""
        account = self.account(account_id)
        now_ms = account.clock.stamp()
        category, _, name = re.sub(r"\s*>\s*", ">", path).rpartition(">")
        category_id = 0
        if category:
            known = (node for node in account.preferences.top_level() if not node.is_preference)
            found = next((node for node in known if node.public_name == category), None)
            found = found or account.preferences.create(category, now_ms, is_preference=False)
            category_id = found.id
        return account.preferences.create(
            name, now_ms, private_name=private_name, category_id=category_id
        )

    def answer_preference(
        self,
        id_or_email: int | str,
        preference_id: int,
        *,
        opted_in: bool,
        account_id: int | None = None,
    ) -> None:
        """Let a contact opt in to a preference, or out of it."""
        account, contact = self.account(account_id), self.contact(id_or_email, account_id)
        said = {preference_id: opted_in}
        change = ContactChange("contactId", contact_id=contact.id, preferences=said)
        if failures := account.missing_attachments(change):
            raise UnknownError(failures[0].description)
        account.apply(change)

    def add_fault(self, kind: FaultKind | str, **details: Any) -> Fault:  # noqa: ANN401 - a Fault's
        """Hold a fault ready; details as the fields of `Fault`."""
        try:
            return self.sandbox.faults.add(Fault(kind=FaultKind(kind), **details))
        except TypeError as unknown:
            raise ValueError(str(unknown)) from None

    def release_jobs(self, account_id: int | None = None) -> int:
        """Let imports and deletions that hang go on; says how many."""
        return self.account(account_id).jobs.release()

    def move_clock(
        self, *, advance_s: float = 0.0, to: str | None = None, frozen: bool | None = None
    ) -> str:
        """Move, freeze or let run the clock; returns its time."""
        clock = self.sandbox.clock
        if frozen is False:
            clock.unfreeze()
        if to is not None:
            clock.set(read_instant(to))
        if advance_s:
            clock.advance(advance_s)
        if frozen is True:
            clock.freeze()
        return text_of(clock.now_ms())


def _done(outcome: Outcome) -> Contact:
    if outcome.contact is None:
        raise ValueError(outcome.failures[0].description)
    return outcome.contact


def _visibility(text: str) -> Any:  # noqa: ANN401 - one of two literals
    if text not in {"Private", "Public"}:
        raise ValueError(f"there is no visibility {text!r}")
    return text
