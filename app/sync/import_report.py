"""An import's report, sorted by what becomes of each record. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.clients.dotdigital import ImportFailure, ImportReport
from app.sync.failures import PersonFailure

#: Codes that say the address will not be mailed: a state of the person, not a fault to mend.
_SUPPRESSED_CODES = frozenset({"globallysuppressed", "suppressedbydomain"})
_GONE_CODES = frozenset({"invalidcontactid", "contactnotfound"})
NOT_IN_REPORT = "not_in_report"


@dataclass(slots=True)
class Verdicts:
    """What Dotdigital said of the records."""

    #: Contacts it said yes to, and beside each its email as it is compared.
    contact_ids: list[int] = field(default_factory=list)
    email_keys: list[str] = field(default_factory=list)
    #: Each record that failed or was applied in part, with the code and text of its first reason.
    failures: list[tuple[ImportFailure, str, str]] = field(default_factory=list)

    def gone_contacts(self) -> list[int]:
        """Return the contacts that Dotdigital doesn't know any more."""
        found = (
            int(failure.identifiers.get("contactId") or failure.contact_id or 0)
            for failure, code, _ in self.failures
            if code.lower() in _GONE_CODES
        )
        return [contact_id for contact_id in found if contact_id]

    def take_out(self, held: Mapping[int, int]) -> dict[str, int]:
        """Take out contacts that other people hold; return those people by the record's email."""
        pairs = list(zip(self.contact_ids, self.email_keys, strict=True))
        self.contact_ids = [contact_id for contact_id, _ in pairs if contact_id not in held]
        self.email_keys = [key for contact_id, key in pairs if contact_id not in held]
        return {key: held[contact_id] for contact_id, key in pairs if contact_id in held}


@dataclass(slots=True)
class Left:
    """The records that were not acknowledged."""

    failures: list[PersonFailure] = field(default_factory=list)
    #: Person and version of those whose address will not be mailed.
    suppressed: list[tuple[int, int]] = field(default_factory=list)

    @property
    def unnamed(self) -> int:
        """How many the report doesn't name."""
        return sum(failure.code == NOT_IN_REPORT for failure in self.failures)


def sort_report(report: ImportReport) -> Verdicts:
    """Sort the report; a contact that is among the failures too was applied in part: no yes."""
    verdicts = Verdicts()
    partly = {failure.contact_id for failure in report.failures if failure.contact_id}
    for part in (report.created, report.updated):
        for contact in part:
            if contact.contact_id not in partly:
                verdicts.contact_ids.append(contact.contact_id)
                verdicts.email_keys.append((contact.email or "").lower())
    for failure in report.failures:
        code, text = failure.reasons[0] if failure.reasons else ("unknown", "No reason was given.")
        verdicts.failures.append((failure, code, text))
    return verdicts


def judge_left(
    left: Iterable[Mapping[str, Any]], verdicts: Verdicts, taken: Mapping[str, int]
) -> Left:
    """Say of each record that was not acknowledged what became of it.

    ``taken``: emails whose contact another person holds, with that person.
    """
    by_contact = {
        failure.contact_id: (code, text)
        for failure, code, text in verdicts.failures
        if failure.contact_id
    }
    by_email = {
        failure.email.lower(): (code, text)
        for failure, code, text in verdicts.failures
        if failure.email
    }
    judged = Left()
    for record in left:
        key = record["email_key"]
        if key in taken:
            code, text = "email_linked_elsewhere", f"Person {taken[key]} holds this contact."
        else:
            code, text = (
                by_contact.get(record["contact_id"])
                or by_email.get(key)
                or (NOT_IN_REPORT, "Dotdigital took the import but did not report this record.")
            )
        if code.lower() in _SUPPRESSED_CODES:
            judged.suppressed.append((record["person_id"], record["version"]))
        else:
            judged.failures.append(
                PersonFailure(record["person_id"], record["version"], code, text)
            )
    return judged


def all_failed(left: Sequence[Mapping[str, Any]], code: str, text: str) -> list[PersonFailure]:
    """Return a failure for each record of an import that failed as a whole."""
    return [PersonFailure(record["person_id"], record["version"], code, text) for record in left]
