"""An import's report held against the members in it: what becomes of each. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.clients.dotdigital import ImportReport, ImportStatus
from app.sync.members.member_failures import MemberFailure
from app.sync.rules.failure_advice import advice

#: The address will not be mailed: the contact is on the list all the same, and suppressed there.
_SUPPRESSED_CODES = frozenset({"globallysuppressed", "suppressedbydomain"})
_GONE_CODES = frozenset({"invalidcontactid", "contactnotfound"})
#: Dotdigital doesn't bring it back: it complained, or is blocked.
_REFUSED_CODES = frozenset({"invalidcontactstatus"})
_NOT_IN_REPORT = ("not_in_report", "Dotdigital took the import but did not report this contact.")


@dataclass(frozen=True, slots=True)
class Flight:
    """One member on the way, as it stood when it was read."""

    list_id: int
    person_id: int
    contact_id: int
    changed_at: datetime

    @property
    def key(self) -> tuple[int, int]:
        """Return what tells the member apart: list and person."""
        return self.list_id, self.person_id

    def failure(self, code: str, text: str) -> MemberFailure:
        """Return the failure of this member."""
        return MemberFailure(self.list_id, self.person_id, self.changed_at, code, text)


@dataclass(slots=True)
class Judgement:
    """What became of the members; each is in exactly one of the first four, or gone."""

    yes: list[Flight] = field(default_factory=list)
    #: Not brought back by a resubscription, beside the failures that they are otherwise.
    refused: list[Flight] = field(default_factory=list)
    refusals: list[MemberFailure] = field(default_factory=list)
    failures: list[MemberFailure] = field(default_factory=list)
    #: Contacts that Dotdigital doesn't know any more.
    gone: list[int] = field(default_factory=list)
    #: Contacts that are on the list and will not be mailed.
    suppressed: frozenset[int] = frozenset()
    #: Why the import failed as a whole.
    error: dict[str, Any] | None = None


def judge_members(flying: Sequence[Flight], report: ImportReport) -> Judgement:
    """Say what became of each member."""
    if report.status is not ImportStatus.FINISHED:
        return _all_failed(flying, report.status)
    reasons = _reasons(report)
    taken = {contact.contact_id for contact in (*report.updated, *report.created)}
    judged = Judgement(
        suppressed=frozenset(
            contact_id
            for contact_id, (code, _) in reasons.items()
            if code.lower() in _SUPPRESSED_CODES
        )
    )
    gone = set()
    for each in flying:
        code, text = reasons.get(each.contact_id, _NOT_IN_REPORT)
        is_taken = each.contact_id in taken and each.contact_id not in reasons
        if is_taken or each.contact_id in judged.suppressed:
            judged.yes.append(each)
        elif code.lower() in _GONE_CODES:
            gone.add(each.contact_id)
        elif code.lower() in _REFUSED_CODES:
            judged.refused.append(each)
            judged.refusals.append(each.failure(code, text))
        else:
            judged.failures.append(each.failure(code, text))
    judged.gone = sorted(gone)
    return judged


def _reasons(report: ImportReport) -> dict[int, tuple[str, str]]:
    reasons = {}
    for failure in report.failures:
        named = str(failure.contact_id or failure.identifiers.get("contactId") or "")
        if named.isdecimal():
            code, text = failure.reasons[0] if failure.reasons else ("", "")
            reasons[int(named)] = (code or "unknown", text or "No reason was given.")
    return reasons


def _all_failed(flying: Sequence[Flight], status: ImportStatus) -> Judgement:
    code = "import_failed" if status is ImportStatus.FAILED else status.value
    text = f"Dotdigital ended the whole import as {status.value}."
    return Judgement(
        failures=[each.failure(code, text) for each in flying],
        error={"code": code, "detail": f"{text} {advice(code)}"},
    )
