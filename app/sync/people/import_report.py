"""An import's report held against what was sent: what becomes of each record. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.clients.dotdigital import ImportFailure, ImportReport
from app.sync.people.person_failures import PersonFailure
from app.sync.rules.email_match import matched_by

#: The contact stands, but for its consents.
_UNCONSENTED_CODE = "consentrecordsnotapplied"
#: Codes that say the address will not be mailed: a state of the person, not a fault to mend.
_SUPPRESSED_CODES = frozenset({"globallysuppressed", "suppressedbydomain"})
GONE_CODES = frozenset({"invalidcontactid", "contactnotfound"})
#: Codes by which Dotdigital says that another contact has the email or the number.
TAKEN_CODES = frozenset({"duplicate", "duplicateidentifier", "contacts:idalreadyexists"})
NOT_IN_REPORT = "not_in_report"

Record = Mapping[str, Any]
_Reason = tuple[str, str]


@dataclass(slots=True)
class Judgement:
    """What became of an import's records; each is in one of the three lists, but for consents."""

    #: Whom Dotdigital said yes to, and beside each the contact.
    person_ids: list[int] = field(default_factory=list)
    contact_ids: list[int] = field(default_factory=list)
    failures: list[PersonFailure] = field(default_factory=list)
    #: Person, version and instant of the change of those whose address will not be mailed.
    suppressed: list[tuple[int, int, datetime]] = field(default_factory=list)
    #: Those of the accepted whose consents were not taken; that is a failure of theirs as well.
    unconsented: set[int] = field(default_factory=set)
    #: How many of the accepted are new contacts.
    created: int = 0
    #: Contacts that Dotdigital doesn't know any more.
    gone: list[int] = field(default_factory=list)

    @property
    def unnamed(self) -> int:
        """How many the report doesn't name."""
        return sum(failure.code == NOT_IN_REPORT for failure in self.failures)


class _Report:
    """The report, to be asked by contact id and by email."""

    def __init__(self, report: ImportReport) -> None:
        # A contact that is among the failures too was applied in part: that is no yes.
        failed = [failure for failure in report.failures if failure.contact_id]
        partly = {each.contact_id for each in failed if not _lacks_consents_only(each)}
        self.unconsented = {each.contact_id for each in failed} - partly
        self.created = {contact.contact_id for contact in report.created} - partly
        self.contacts = {contact.contact_id for contact in report.updated} - partly | self.created
        self._by_email = {
            matched_by(contact.email): contact.contact_id
            for contact in (*report.updated, *report.created)
            if contact.email and contact.contact_id not in partly
        }
        self._reasons_by_contact: dict[int, _Reason] = {}
        self._reasons_by_email: dict[str, _Reason] = {}
        self.gone: list[int] = []
        for failure in report.failures:
            self._take(failure)

    def contact_of(self, record: Record) -> int | None:
        """Return the contact that stands for this record; by its id where it was matched on it."""
        contact_id: int | None = record["contact_id"]
        if contact_id is not None:
            return contact_id if contact_id in self.contacts else None
        return self._by_email.get(matched_by(record["email_key"]))

    def reason_of(self, record: Record) -> _Reason:
        """Return why Dotdigital did not take this record: code and text."""
        return (
            self._reasons_by_contact.get(record["contact_id"])
            or self._reasons_by_email.get(matched_by(record["email_key"]))
            or (NOT_IN_REPORT, "Dotdigital took the import but did not report this record.")
        )

    def _take(self, failure: ImportFailure) -> None:
        code, text = failure.reasons[0] if failure.reasons else ("", "")
        reason = (code or "unknown", text or "No reason was given.")
        named = failure.contact_id or failure.identifiers.get("contactId")
        contact_id = int(str(named)) if str(named or "").isdecimal() else None
        if contact_id is not None:
            self._reasons_by_contact[contact_id] = reason
            if reason[0].lower() in GONE_CODES:
                self.gone.append(contact_id)
        if failure.email:
            self._reasons_by_email[matched_by(failure.email)] = reason


def _lacks_consents_only(failure: ImportFailure) -> bool:
    codes = {code.lower() for code, _ in failure.reasons}
    return codes == {_UNCONSENTED_CODE}


def reported_contacts(report: ImportReport) -> list[int]:
    """Return every contact that the report says was created or updated."""
    return [contact.contact_id for contact in (*report.created, *report.updated)]


def judge(records: Iterable[Record], report: ImportReport, holders: Mapping[int, int]) -> Judgement:
    """Say what became of each record.

    ``holders``: reported contacts that somebody is linked to, with that person. An email that was
    changed in Dotdigital can lead one person's record to another's contact.
    """
    told = _Report(report)
    judged = Judgement(gone=told.gone)
    holders = dict(holders)
    for record in records:
        person_id, version = record["person_id"], record["version"]
        changed_at = record["changed_at"]
        contact_id = told.contact_of(record)
        if contact_id is None:
            code, text = told.reason_of(record)
        elif (holder := holders.setdefault(contact_id, person_id)) != person_id:
            code, text = "email_linked_elsewhere", f"Person {holder} holds this contact."
        else:
            judged.person_ids.append(person_id)
            judged.contact_ids.append(contact_id)
            judged.created += contact_id in told.created
            if contact_id in told.unconsented:
                judged.unconsented.add(person_id)
                code, text = told.reason_of(record)
                judged.failures.append(PersonFailure(person_id, version, changed_at, code, text))
            continue
        if code.lower() in _SUPPRESSED_CODES:
            judged.suppressed.append((person_id, version, changed_at))
        else:
            judged.failures.append(PersonFailure(person_id, version, changed_at, code, text))
    return judged


def all_failed(records: Sequence[Record], code: str, text: str) -> list[PersonFailure]:
    """Return a failure for each record of an import that failed as a whole."""
    return [
        PersonFailure(each["person_id"], each["version"], each["changed_at"], code, text)
        for each in records
    ]
