"""What becomes of an import's members by its report."""

from typing import Any

import pytest

from app.clients.dotdigital import ImportedContact, ImportFailure, ImportReport, ImportStatus
from app.sync.members.member_report import Flight, judge_members
from tests.clock import START


def flight(person_id: int, list_id: int = 1) -> Flight:
    return Flight(list_id, person_id, 100 + person_id, START)


def report(
    *failures: ImportFailure,
    updated: tuple[int, ...] = (),
    status: ImportStatus = ImportStatus.FINISHED,
) -> ImportReport:
    contacts = [ImportedContact(contact_id, None, {}) for contact_id in updated]
    return ImportReport("id", status, updated=contacts, failures=list(failures))


def failure(contact_id: int, code: str, *, known: bool = True) -> ImportFailure:
    identifiers: dict[str, Any] = {} if known else {"contactId": str(contact_id)}
    given = contact_id if known else None
    return ImportFailure(given, "contactId", None, identifiers, [(code, "Why.")])


def test_reported_contacts_are_on_all_their_lists() -> None:
    flying = [flight(1), flight(1, list_id=2), flight(2)]
    judged = judge_members(flying, report(updated=(101, 102)))
    assert judged.yes == flying
    assert (judged.failures, judged.gone) == ([], [])


CASES = [
    pytest.param(failure(101, "invalidContactId", known=False), "gone", id="gone"),
    pytest.param(failure(101, "InvalidAddressBookIds"), "failures", id="the list is gone"),
    pytest.param(failure(101, "invalidContactStatus"), "refused", id="not brought back"),
    pytest.param(failure(101, "GloballySuppressed"), "yes", id="suppressed, but on the list"),
]


@pytest.mark.parametrize("failed, part", CASES)
def test_failed_contact_goes_where_it_belongs(failed: ImportFailure, part: str) -> None:
    judged = judge_members([flight(1)], report(failed, updated=(101,)))
    filled = {name for name in ("yes", "refused", "failures", "gone") if getattr(judged, name)}
    assert filled == {part}


def test_contact_that_the_report_leaves_out_fails() -> None:
    judged = judge_members([flight(1), flight(2)], report(updated=(101,)))
    assert [each.code for each in judged.failures] == ["not_in_report"]


@pytest.mark.parametrize(
    "status, code",
    [
        (ImportStatus.FAILED, "import_failed"),
        (ImportStatus.REJECTED_BY_WATCHDOG, "RejectedByWatchdog"),
    ],
)
def test_import_that_fails_whole_fails_everyone(status: ImportStatus, code: str) -> None:
    judged = judge_members([flight(1), flight(2)], report(status=status))
    assert [each.code for each in judged.failures] == [code, code]
    assert judged.error is not None
    assert judged.error["code"] == code
