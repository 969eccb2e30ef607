"""What an import of v2 does with each row, and the report it leaves.

v2 leaves suppressed contacts alone, and counts them by what they are suppressed for.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox import inferred
from sandbox.answers import Refusal
from sandbox.state import Account, Contact, ContactChange, Failure, MergeOption
from sandbox.statuses import EMAIL_TYPES, OPT_IN_TYPES, PENDING_OPT_IN, V2_STATUS
from sandbox.v2.contact_bodies import read_consent

#: The counters of the report, in its order [spec].
COUNTERS = (
    "newContacts",
    "updatedContacts",
    "globallySuppressed",
    "invalidEntries",
    "duplicateEmails",
    "blocked",
    "unsubscribed",
    "hardBounced",
    "softBounced",
    "ispComplaints",
    "mailBlocked",
    "domainSuppressed",
    "pendingDoubleOptin",
    "failures",
    "suppressedContacts",
)
#: For each counter of rows that were not taken, what the list of faults calls it [doc]; the last
#: one is from a client [sdk:magento2].
_REASONS = {
    "globallySuppressed": "Globally Suppressed",
    "invalidEntries": "Invalid Email",
    "duplicateEmails": "Duplicate",
    "blocked": "Blocker",
    "unsubscribed": "Unsubscribed",
    "hardBounced": "Hard bounced",
    "softBounced": "Soft bounced",
    "ispComplaints": "Complained to ISP",
    "mailBlocked": "Mail blocked",
    "domainSuppressed": "Suppressed by Domain",
    "pendingDoubleOptin": "Pending optin",
    "failures": "Failures",
    "suppressedContacts": "Suppressed by you",
}
_COUNTER_OF_STATUS = {
    "Unsubscribed": "unsubscribed",
    "HardBounced": "hardBounced",
    "SoftBounced": "softBounced",
    "IspComplained": "ispComplaints",
    "DirectComplaint": "ispComplaints",
    "MailBlocked": "mailBlocked",
    "NotAllowed": "blocked",
    "SharedSuppression": "globallySuppressed",
    "DomainSuppression": "domainSuppressed",
    "PendingOptIn": "pendingDoubleOptin",
}
_COUNTER_OF_FAILURE = {
    "globallySuppressed": "globallySuppressed",
    "blocker": "blocked",
    "suppressedByDomain": "domainSuppressed",
    "invalidEmail": "invalidEntries",
}
_CONSENT_COLUMNS = frozenset(
    {"consenttext", "consenturl", "consentdatetime", "consentip", "consentuseragent"}
)
_PREFERENCE = "preference:"


@dataclass(slots=True)
class Row:
    """One contact as it was sent: values by column, the columns in lower case."""

    values: Mapping[str, Any]
    mobile: str | None = None


@dataclass(slots=True)
class ImportRun:
    """One import, and its report."""

    account: Account
    columns: Sequence[str]
    rows: Sequence[Row]
    option: MergeOption
    list_ids: list[int]
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    #: What was not taken: the reason, and the row.
    faults: list[tuple[str, Row]] = field(default_factory=list)
    is_over_allowance: bool = False
    finished_ms: int = 0
    _seen: set[str] = field(default_factory=set)

    def apply(self, start: int, stop: int) -> None:
        """Take some of the rows."""
        for row in self.rows[start:stop]:
            counter = self._take(row)
            self.counts[counter] += 1
            if counter in _REASONS:
                self.faults.append((_REASONS[counter], row))

    def finish(self) -> str:
        """Return the status that the import ends with."""
        self.finished_ms = self.account.clock.now_ms()
        return "ExceedsAllowedContactLimit" if self.is_over_allowance else "Finished"

    def faults_csv(self) -> bytes:
        """Return the rows that were not taken: UTF-8 with its mark, the reason first [doc]."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["Reason", *self.columns])
        for reason, row in self.faults:
            writer.writerow([reason, *(_cell(row.values.get(name)) for name in self.columns)])
        return text.getvalue().encode("utf-8-sig")

    def _take(self, row: Row) -> str:
        """Create or update one contact; returns what it counts as."""
        email = str(row.values.get("email") or "").strip()
        if not inferred.is_email(email):
            return "invalidEntries"
        if email.lower() in self._seen:
            return "duplicateEmails"
        self._seen.add(email.lower())
        known = self.account.contacts.by_email(email)
        if known is not None and (counter := _left_alone(known)) is not None:
            return counter
        try:
            change = self._read(row, email)
        except (Refusal, ValueError):
            return "failures"
        outcome = self.account.apply(change, self.option, reads_text=True)
        if outcome.contact is None:
            return self._counter_of(outcome.failures[0])
        return "newContacts" if outcome.is_created else "updatedContacts"

    def _counter_of(self, failure: Failure) -> str:
        if failure.code == "exceedsAllowedContactLimit":
            self.is_over_allowance = True
        return _COUNTER_OF_FAILURE.get(failure.code, "failures")

    def _read(self, row: Row, email: str) -> ContactChange:
        """Read a row; raises ValueError where a value of a fixed column is none of its values."""
        data: dict[str, Any] = {}
        preferences: dict[int, bool] = {}
        for name, value in row.values.items():
            if name.startswith(_PREFERENCE):
                preferences |= self._read_preference(name.removeprefix(_PREFERENCE), value)
            elif self.account.data_fields.find(name) is not None:
                data[name] = value
        consent = read_consent({k: v for k, v in row.values.items() if k in _CONSENT_COLUMNS})
        mobile = inferred.mobile_digits(row.mobile) if row.mobile else None
        if row.mobile and mobile is None:
            raise ValueError(row.mobile)
        return ContactChange(
            "email",
            email=email,
            mobile=mobile,
            email_type=_choice(row, "emailtype", EMAIL_TYPES),
            opt_in_type=_choice(row, "optintype", OPT_IN_TYPES),
            data=data or None,
            list_ids=self.list_ids or None,
            preferences=preferences or None,
            consents=[consent] if consent else None,
        )

    def _read_preference(self, path: str, value: object) -> dict[int, bool]:
        """Return the preference of ``Category>Preference``, of either name; none if unknown."""
        flag = {"true": True, "false": False}.get(str(value).strip().lower())
        if flag is None:
            return {}
        wanted = [part.strip().lower() for part in path.split(">")]
        for node in self.account.preferences:
            category = self.account.preferences.find(node.category_id)
            for names in (("public_name",), ("private_name",)):
                parts = [getattr(each, names[0]) for each in (category, node) if each is not None]
                if node.is_preference and [part.lower() for part in parts] == wanted:
                    return {node.id: flag}
        return {}


def _left_alone(contact: Contact) -> str | None:
    """Return what a contact counts as that an import does not touch; None for all others."""
    if contact.is_suppressed:
        status = V2_STATUS[contact.email_status]
        return _COUNTER_OF_STATUS.get(status, "suppressedContacts")
    if contact.email_status == PENDING_OPT_IN and not contact.is_binned:
        return "pendingDoubleOptin"
    return None


def _choice(row: Row, column: str, choices: dict[str, str]) -> str | None:
    value = row.values.get(column)
    if value is None or value == "":
        return None
    found = choices.get(str(value).strip().lower())
    if found is None:
        raise ValueError(value)
    return found


def _cell(value: object) -> object:
    return "" if value is None else value
