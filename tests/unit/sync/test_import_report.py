"""An import's report held against its records: each ends in one place, whatever the report says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.dotdigital import ImportedContact, ImportFailure, ImportReport, ImportStatus
from app.sync.people.import_report import Judgement, all_failed, judge, reported_contacts
from app.sync.people.person_failures import PersonFailure
from tests.clock import START

UNNAMED = "Dotdigital took the import but did not report this record."


def record(person_id: int, email_key: str, contact_id: int | None = None) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "version": 4,
        "changed_at": START,
        "email_key": email_key,
        "contact_id": contact_id,
    }


def contact(contact_id: int, email: str | None = None) -> ImportedContact:
    return ImportedContact(contact_id, email, {} if email is None else {"email": email})


def failure(
    code: str = "invalidEmail",
    *,
    contact_id: int | None = None,
    email: str | None = None,
    identifiers: dict[str, Any] | None = None,
    reasons: list[tuple[str, str]] | None = None,
) -> ImportFailure:
    return ImportFailure(
        contact_id=contact_id,
        match_identifier="email",
        email=email,
        identifiers=identifiers or {},
        reasons=[(code, "Not a valid email")] if reasons is None else reasons,
    )


def report(
    created: tuple[ImportedContact, ...] = (),
    updated: tuple[ImportedContact, ...] = (),
    failures: tuple[ImportFailure, ...] = (),
) -> ImportReport:
    return ImportReport(
        "1f2d",
        ImportStatus.FINISHED,
        created=list(created),
        updated=list(updated),
        failures=list(failures),
    )


def accepted(judged: Judgement) -> list[tuple[int, int]]:
    return list(zip(judged.person_ids, judged.contact_ids, strict=True))


def codes(judged: Judgement) -> dict[int, str]:
    return {each.person_id: each.code for each in judged.failures}


@pytest.mark.parametrize(
    "told, expected, created",
    [
        pytest.param(report(created=(contact(7, "ann@x.example"),)), [(1, 7)], 1, id="created"),
        pytest.param(report(updated=(contact(7, "ann@x.example"),)), [(1, 7)], 0, id="updated"),
        pytest.param(
            report(created=(contact(7, "ANN@X.example"),)), [(1, 7)], 1, id="in another case"
        ),
        pytest.param(
            report(created=(contact(7, " ann@x.example"),)), [(1, 7)], 1, id="with blanks"
        ),
        pytest.param(report(created=(contact(7, "bea@x.example"),)), [], 0, id="somebody else's"),
        pytest.param(report(created=(contact(7),)), [], 0, id="a contact without an email"),
        pytest.param(
            report(created=(contact(7, "ann@x.example"), contact(7, "ann@x.example"))),
            [(1, 7)],
            1,
            id="named twice",
        ),
        pytest.param(
            report(created=(contact(7, "ann@x.example"),), updated=(contact(7, "ann@x.example"),)),
            [(1, 7)],
            1,
            id="both created and updated",
        ),
        pytest.param(
            report(
                created=(contact(7, "ann@x.example"),),
                failures=(failure("invalidPhoneNumber", contact_id=7),),
            ),
            [],
            0,
            id="applied in part is no yes",
        ),
        pytest.param(
            report(
                created=(contact(7, "ann@x.example"),),
                failures=(failure("consentRecordsNotApplied", contact_id=7),),
            ),
            [(1, 7)],
            1,
            id="but for its consents, it is a yes",
        ),
    ],
)
def test_a_record_that_was_matched_by_email_is_accepted(
    told: ImportReport, expected: list[tuple[int, int]], created: int
) -> None:
    judged = judge([record(1, "ann@x.example")], told, {})
    assert accepted(judged) == expected
    assert judged.created == created


@pytest.mark.parametrize(
    "email_key, reported",
    [
        pytest.param("irem@x.example", "İrem@x.example", id="İ, which Postgres lowers to i"),
        pytest.param("i\u0307rem@x.example", "İrem@x.example", id="İ, lowered to two characters"),
        pytest.param(
            "\u0131nfo@x.example", "INFO@x.example", id="I, lowered by a Turkish database"
        ),
        pytest.param(
            "JÜrgen@x.example", "jürgen@x.example", id="a database that lowers ASCII alone"
        ),
        pytest.param("ju\u0308rgen@x.example", "jürgen@x.example", id="a letter composed there"),
        pytest.param("straße@x.example", "STRASSE@x.example", id="a letter that grows"),
        pytest.param(" ann@x.example\t", "ann@x.example", id="blanks in our table"),
    ],
)
def test_an_email_that_is_spelt_otherwise_is_recognised(email_key: str, reported: str) -> None:
    assert accepted(judge([record(1, email_key)], report((contact(7, reported),)), {})) == [(1, 7)]
    judged = judge([record(1, email_key)], report(failures=(failure(email=reported),)), {})
    assert codes(judged) == {1: "invalidEmail"}


@pytest.mark.parametrize(
    "told, expected",
    [
        pytest.param(report(updated=(contact(7, "old@x.example"),)), [(1, 7)], id="by its contact"),
        pytest.param(report(updated=(contact(7),)), [(1, 7)], id="without an email"),
        pytest.param(
            report(created=(contact(8, "ann@x.example"),)),
            [],
            id="another contact with its email is not its own",
        ),
        pytest.param(
            report(
                updated=(contact(7, "ann@x.example"),),
                failures=(failure("invalidPhoneNumber", contact_id=7),),
            ),
            [],
            id="applied in part is no yes",
        ),
    ],
)
def test_a_record_that_was_matched_by_contact_is_accepted(
    told: ImportReport, expected: list[tuple[int, int]]
) -> None:
    assert accepted(judge([record(1, "ann@x.example", 7)], told, {})) == expected


@pytest.mark.parametrize(
    "holders, records, expected, named",
    [
        pytest.param(
            {7: 9}, [record(1, "ann@x.example")], [], {1: "9"}, id="a contact of somebody else's"
        ),
        pytest.param({7: 1}, [record(1, "ann@x.example")], [(1, 7)], {}, id="one's own contact"),
        pytest.param(
            {7: 2},
            [record(1, "ann@x.example"), record(2, "old@x.example", 7)],
            [(2, 7)],
            {1: "2"},
            id="the contact of somebody who comes later in the import",
        ),
        pytest.param(
            {},
            [record(1, "ann@x.example"), record(2, "ANN@x.example")],
            [(1, 7)],
            {2: "1"},
            id="two spellings of one email",
        ),
    ],
)
def test_a_contact_is_linked_to_one_person(
    holders: dict[int, int],
    records: list[dict[str, Any]],
    expected: list[tuple[int, int]],
    named: dict[int, str],
) -> None:
    judged = judge(records, report(updated=(contact(7, "ann@x.example"),)), holders)
    assert accepted(judged) == expected
    assert {each.person_id: each.text for each in judged.failures} == {
        person_id: f"Person {other} holds this contact." for person_id, other in named.items()
    }
    assert set(codes(judged).values()) <= {"email_linked_elsewhere"}


@pytest.mark.parametrize(
    "failed, code, text",
    [
        pytest.param(
            failure(email="ann@x.example"), "invalidEmail", "Not a valid email", id="by its email"
        ),
        pytest.param(
            failure("duplicateIdentifier", identifiers={"contactId": "7"}),
            "duplicateIdentifier",
            "Not a valid email",
            id="by the contact that was sent, as text",
        ),
        pytest.param(
            failure("duplicateIdentifier", identifiers={"contactId": 7}),
            "duplicateIdentifier",
            "Not a valid email",
            id="by the contact that was sent, as a number",
        ),
        pytest.param(
            failure("consentRecordsNotApplied", contact_id=7),
            "consentRecordsNotApplied",
            "Not a valid email",
            id="by the contact that was applied in part",
        ),
        pytest.param(
            failure(email="ann@x.example", reasons=[("a", "first"), ("b", "second")]),
            "a",
            "first",
            id="of several reasons the first",
        ),
        pytest.param(
            failure(email="ann@x.example", reasons=[]),
            "unknown",
            "No reason was given.",
            id="without a reason",
        ),
        pytest.param(
            failure(email="ann@x.example", reasons=[("", "")]),
            "unknown",
            "No reason was given.",
            id="with an empty reason",
        ),
        pytest.param(
            failure(identifiers={"contactId": "none", "mobileNumber": "447700900123"}),
            "not_in_report",
            UNNAMED,
            id="a failure that names nobody we know",
        ),
    ],
)
def test_a_record_that_failed_has_dotdigitals_reason(
    failed: ImportFailure, code: str, text: str
) -> None:
    judged = judge([record(1, "ann@x.example", 7)], report(failures=(failed,)), {})
    assert judged.failures == [PersonFailure(1, 4, START, code, text)]
    assert accepted(judged) == []
    assert judged.unnamed == (code == "not_in_report")


@pytest.mark.parametrize("code", ["GloballySuppressed", "globallySuppressed", "SuppressedByDomain"])
def test_an_address_that_will_not_be_mailed_is_no_failure(code: str) -> None:
    told = report(failures=(failure(code, email="ann@x.example"),))
    judged = judge([record(1, "ann@x.example")], told, {})
    assert judged.suppressed == [(1, 4, START)]
    assert judged.failures == []


@pytest.mark.parametrize(
    "failed, gone",
    [
        pytest.param(failure("InvalidContactId", identifiers={"contactId": "7"}), [7], id="guide"),
        pytest.param(failure("invalidContactId", identifiers={"contactId": 7}), [7], id="spec"),
        pytest.param(failure("contactNotFound", contact_id=7), [7], id="by its own contact"),
        pytest.param(failure("invalidEmail", contact_id=7), [], id="another reason"),
        pytest.param(failure("InvalidContactId", email="a@x.example"), [], id="no contact named"),
        pytest.param(
            failure("InvalidContactId", identifiers={"contactId": "seven"}), [], id="no number"
        ),
    ],
)
def test_contacts_that_dotdigital_does_not_know_are_gone(
    failed: ImportFailure, gone: list[int]
) -> None:
    assert judge([], report(failures=(failed,)), {}).gone == gone


def test_every_reported_contact_is_looked_up() -> None:
    told = report((contact(7),), (contact(8), contact(7)))
    assert reported_contacts(told) == [7, 8, 7]


def test_all_records_of_an_import_that_failed_are_failures() -> None:
    records = [record(1, "a@x.example"), record(2, "b@x.example", 7)]
    assert all_failed(records, "import_failed", "It failed.") == [
        PersonFailure(1, 4, START, "import_failed", "It failed."),
        PersonFailure(2, 4, START, "import_failed", "It failed."),
    ]


EMAILS = st.sampled_from(
    ["a@x.example", "A@x.example", "İ@x.example", "i@x.example", "b@x.example"]
)
IDS = st.integers(1, 5)


@st.composite
def imports(draw: st.DrawFn) -> tuple[list[dict[str, Any]], ImportReport, dict[int, int]]:
    records = [record(person_id, draw(EMAILS), draw(st.none() | IDS)) for person_id in range(1, 6)]
    contacts = st.lists(st.builds(contact, IDS, st.none() | EMAILS), max_size=4).map(tuple)
    failures = st.lists(
        st.builds(
            failure,
            st.sampled_from(["", "invalidEmail", "GloballySuppressed", "InvalidContactId"]),
            contact_id=st.none() | IDS,
            email=st.none() | EMAILS,
            identifiers=st.fixed_dictionaries({}, optional={"contactId": IDS | IDS.map(str)}),
        ),
        max_size=4,
    ).map(tuple)
    holders = draw(st.dictionaries(IDS, st.integers(1, 9), max_size=2))
    return records, report(draw(contacts), draw(contacts), draw(failures)), holders


@given(imports())
def test_every_record_ends_in_one_place_and_every_contact_with_one_person(
    case: tuple[list[dict[str, Any]], ImportReport, dict[int, int]],
) -> None:
    records, told, holders = case
    judged = judge(records, told, holders)
    placed = [
        *judged.person_ids,
        *(each.person_id for each in judged.failures),
        *(person_id for person_id, _, _ in judged.suppressed),
    ]
    assert sorted(placed) == [1, 2, 3, 4, 5]
    assert len(set(judged.contact_ids)) == len(judged.contact_ids)
    assert set(judged.contact_ids) <= set(reported_contacts(told))
    for person_id, contact_id in accepted(judged):
        assert holders.get(contact_id, person_id) == person_id
    assert all(each.code and each.text for each in judged.failures)
    assert judged.created <= len(judged.person_ids)
