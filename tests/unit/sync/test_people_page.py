"""A page of due people, sorted: each into one place, none of them in another's way."""

from typing import Any

import orjson
import pytest

from app.sync.people.payloads import PayloadPlan
from app.sync.people.people_page import Claims, Held, SortedPage, sort_page, standing_of
from app.sync.people.person_failures import PersonFailure
from app.sync.people.person_records import Unchanged
from app.sync.rules.eligibility import Policy
from app.sync.rules.reasons import Reason
from tests.clock import START
from tests.factories.due_people import due_person, plan_of

NUMBER = "+447911123456"
#: Only fills a blank there, so that it goes by an import of its own.
FILL = {
    "person_field": "custom.source",
    "dotdigital_field": "SOURCE",
    "when_blank": "only_if_blank_there",
}
SCORE = {"person_field": "custom.score", "dotdigital_field": "SCORE", "data_field_type": "Numeric"}


def sorted_page(
    *rows: dict[str, Any],
    plan: PayloadPlan | None = None,
    policy: Policy | None = None,
    claims: Claims | None = None,
    resend: bool = False,
) -> SortedPage:
    return sort_page(rows, plan or plan_of(), policy or Policy(), claims or Claims(), resend=resend)


def ids(page: SortedPage) -> dict[str, list[int]]:
    """Return who is where, by the name of the place; places that are empty are left out."""
    places = {
        "records": [entry.person_id for entry in page.records],
        "fills": [entry.person_id for entry in page.fills],
        "held": [each.person_id for each in page.held],
        "unchanged": [each.person_id for each in page.unchanged],
        "failures": [failure.person_id for failure in page.failures],
        "opting_out": page.opting_out,
        "departing": [each.person_id for each in page.departing],
        "leaving": [each.person_id for each in page.leaving],
        "returning": [each.person_id for each in page.returning],
    }
    return {name: people for name, people in places.items() if people}


def sent_before(row: dict[str, Any], plan: PayloadPlan | None = None) -> dict[str, Any]:
    """Return the row as it is once Dotdigital said yes to what it is now."""
    (entry,) = sorted_page({**row, "contact_id": None}, plan=plan).records
    return {
        **row,
        "contact_id": 70 + row["person_id"],
        "email_sent": row["email_key"],
        "sent_fingerprint": entry.fingerprint,
    }


def test_a_new_person_is_matched_by_email() -> None:
    page = sorted_page(due_person(email=" Ann@Example.com ", mobile_number=NUMBER))
    (entry,) = page.records
    assert orjson.loads(entry.encoded) == {
        "matchIdentifier": "email",
        "identifiers": {"email": "Ann@Example.com", "mobileNumber": NUMBER},
        "dataFields": {"FIRSTNAME": "Ann"},
    }
    assert (entry.version, entry.email_key, entry.contact_id) == (3, " ann@example.com ", None)
    assert (entry.mobile_number, entry.note, entry.suppressed) == (NUMBER, None, False)
    assert entry.acknowledged == {"fields": {"FIRSTNAME": "Ann"}}


def test_a_linked_person_is_matched_by_the_contact_so_that_the_email_may_change() -> None:
    row = sent_before(due_person(1))
    page = sorted_page({**row, "email": "new@example.com", "email_key": "new@example.com"})
    (entry,) = page.records
    assert orjson.loads(entry.encoded) == {
        "matchIdentifier": "contactId",
        "identifiers": {"email": "new@example.com", "contactId": 71},
        "dataFields": {"FIRSTNAME": "Ann"},
    }
    assert entry.contact_id == 71


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"version": 9, "last_name": "Lee"}, id="a field that is not mapped"),
        pytest.param({"email": " p1@example.com "}, id="blanks around the email"),
        pytest.param({"first_name": "Ann "}, id="blanks around a value"),
        pytest.param({"account_status": "subscribed"}, id="the status there"),
    ],
)
def test_a_person_whose_payload_stands_costs_no_call(changes: dict[str, Any]) -> None:
    row = sent_before(due_person(1)) | changes
    assert sorted_page(row).unchanged == [Unchanged(1, row["version"], START, suppressed=False)]


def test_an_unchanged_person_whose_contact_is_suppressed_is_said_to_be() -> None:
    row = sent_before(due_person(1)) | {"account_status": "HardBounced"}
    assert sorted_page(row).unchanged == [Unchanged(1, 3, START, suppressed=True)]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"first_name": "Anna"}, id="a mapped value"),
        pytest.param({"mobile_number": NUMBER}, id="a number"),
        pytest.param({"email": "P1@example.com"}, id="the case of the email"),
        pytest.param({"sent_fingerprint": None}, id="a link that a caller set"),
    ],
)
def test_a_change_of_what_is_sent_is_sent(changes: dict[str, Any]) -> None:
    assert ids(sorted_page(sent_before(due_person(1)) | changes)) == {"records": [1]}


@pytest.mark.parametrize(
    "reason, resend, place",
    [
        pytest.param("full", True, "records", id="a full run sends who is due because of it"),
        pytest.param("full", False, "unchanged", id="but not twice"),
        pytest.param("changed", True, "unchanged", id="and not who is due because of a change"),
    ],
)
def test_a_full_run_sends_again(reason: str, resend: bool, place: str) -> None:
    row = sent_before(due_person(1)) | {"change_reason": reason}
    assert ids(sorted_page(row, resend=resend)) == {place: [1]}


@pytest.mark.parametrize(
    "row, expected",
    [
        pytest.param(
            due_person(sync_with_mailer=False),
            {"held": [1]},
            id="who is not ticked is held",
        ),
        pytest.param(due_person(email="\t", email_key="\t"), {"held": [1]}, id="a blank email"),
        pytest.param(due_person(email=None), {"held": [1]}, id="no email"),
        pytest.param(due_person(no_email=True), {"held": [1]}, id="opted out and never sent"),
        pytest.param(
            due_person(no_email=True, contact_id=71), {"opting_out": [1]}, id="an opt-out to tell"
        ),
        pytest.param(
            due_person(opted_out_by=9, contact_id=71),
            {"opting_out": [1]},
            id="an opt-out by who shares the email",
        ),
        pytest.param(
            due_person(no_email=True, contact_id=71, account_status="Suppressed"),
            {"records": [1]},
            id="an opt-out that was told: the fields follow",
        ),
        pytest.param(due_person(deleted=True), {"held": [1]}, id="deleted and never sent"),
        pytest.param(due_person(deleted=True, contact_id=71), {"departing": [1]}, id="deleted"),
        pytest.param(due_person(merged_into_id=9, contact_id=71), {"departing": [1]}, id="merged"),
        pytest.param(due_person(email_holder=2), {"held": [1]}, id="an email that is linked"),
        pytest.param(due_person(email_in_flight=2), {"held": [1]}, id="an email in flight"),
        pytest.param(
            due_person(email_holder=2, contact_id=71), {"failures": [1]}, id="a new email is linked"
        ),
        pytest.param(
            due_person(mobile_number=NUMBER, mobile_holder=2),
            {"failures": [1]},
            id="a number that another has",
        ),
        pytest.param(
            due_person(mobile_number=" ", mobile_holder=2),
            {"records": [1]},
            id="a blank number is none, whoever has one too",
        ),
    ],
)
def test_a_person_goes_to(row: dict[str, Any], expected: dict[str, list[int]]) -> None:
    assert ids(sorted_page(row)) == expected


def test_a_new_email_that_is_linked_is_left_for_where_the_account_relinks() -> None:
    row = due_person(email_holder=2, contact_id=71)
    assert ids(sorted_page(row, policy=Policy(relink_taken_email=True))) == {"leaving": [1]}


def test_who_is_held_is_told_why_and_by_whom() -> None:
    page = sorted_page(due_person(1, email_holder=9), due_person(2, sync_with_mailer=False))
    assert page.held == [
        Held(1, 3, START, Reason.LINKED_ELSEWHERE, "Person 9", 9),
        Held(2, 3, START, Reason.NOT_TICKED, None),
    ]


def test_a_refused_person_is_a_failure_that_names_the_other() -> None:
    page = sorted_page(due_person(mobile_number=NUMBER, mobile_holder=9))
    assert page.failures == [
        PersonFailure(
            1,
            3,
            START,
            "mobile_number_taken",
            "Another person's contact has this mobile number, and Dotdigital takes a number only "
            "once. It is person 9.",
        )
    ]


@pytest.mark.parametrize(
    "policy, number, note",
    [
        pytest.param(
            Policy(send_without_taken_mobile=True),
            None,
            "Person 9 has the number, so it was left out.",
            id="the account sends such people without it, and says so",
        ),
        pytest.param(Policy(send_mobile_number=False), None, None, id="the account sends none"),
    ],
)
def test_a_taken_number_is_left_out(policy: Policy, number: str | None, note: str | None) -> None:
    page = sorted_page(due_person(mobile_number=NUMBER, mobile_holder=9), policy=policy)
    (entry,) = page.records
    assert (entry.mobile_number, entry.note) == (number, note)
    assert "mobileNumber" not in orjson.loads(entry.encoded)["identifiers"]


def test_a_value_that_does_not_fit_is_that_persons_failure_alone() -> None:
    page = sorted_page(
        due_person(1, custom={"score": 10**18}),
        due_person(2, custom={"score": 7}),
        plan=plan_of(SCORE),
    )
    assert ids(page) == {"records": [2], "failures": [1]}
    assert page.failures[0].code == "value_mismatch"
    assert page.failures[0].fields
    assert page.failures[0].text.startswith("custom.score for SCORE (Numeric): ")


def test_a_record_that_can_not_be_written_is_that_persons_failure_alone() -> None:
    page = sorted_page(
        due_person(1, email="a\ud800@example.com", custom={"source": "shop"}),
        due_person(2),
        due_person(3, email="A\ud800@example.com"),
        plan=plan_of(FILL),
    )
    assert ids(page) == {"records": [2], "failures": [1, 3]}
    assert {failure.code for failure in page.failures} == {"unsendable"}
    assert page.failures[0].text.startswith("The record can't be sent: ")
    assert page.to_follow == 0, "nothing follows a record that doesn't go"


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("ann@example.com", id="the same"),
        pytest.param("ANN@example.com", id="in capitals"),
        pytest.param(" ann@example.com\n", id="with blanks around"),
    ],
)
def test_of_two_people_with_one_email_the_first_is_sent(email: str) -> None:
    page = sorted_page(due_person(1, email="ann@example.com"), due_person(2, email=email))
    assert ids(page) == {"records": [1], "held": [2]}
    assert page.held[0].detail == "Person 1"


def test_an_email_that_the_database_lowers_otherwise_is_sent_once() -> None:
    first = due_person(1, email="İrem@örnek.example", email_key="irem@örnek.example")
    other = due_person(2, email="irem@ÖRNEK.example", email_key="irem@ÖRNEK.example")
    assert ids(sorted_page(first, other)) == {"records": [1], "held": [2]}


def test_of_two_people_with_one_number_the_first_is_sent() -> None:
    page = sorted_page(due_person(1, mobile_number=NUMBER), due_person(2, mobile_number=NUMBER))
    assert ids(page) == {"records": [1], "failures": [2]}


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"sync_with_mailer": False}, id="is held"),
        pytest.param({"custom": {"score": "none"}}, id="fails"),
        pytest.param({"deleted": True, "contact_id": 71}, id="departs"),
    ],
)
def test_who_is_not_sent_leaves_the_email_to_the_next(first: dict[str, Any]) -> None:
    page = sorted_page(
        due_person(1, email="a@example.com", **first),
        due_person(2, email="a@example.com"),
        plan=plan_of(SCORE),
    )
    assert [entry.person_id for entry in page.records] == [2]


def test_claims_hold_over_pages_and_keep_nobody_off_its_own() -> None:
    claims = Claims()
    row = due_person(1, mobile_number=NUMBER)
    assert ids(sorted_page(row, claims=claims)) == {"records": [1]}
    assert ids(sorted_page(row, claims=claims)) == {"records": [1]}
    other = due_person(2, email="P1@EXAMPLE.COM")
    assert ids(sorted_page(other, claims=claims)) == {"held": [2]}
    third = due_person(3, mobile_number=NUMBER)
    assert ids(sorted_page(third, claims=claims)) == {"failures": [3]}


def test_a_fill_follows_the_record_and_leaves_the_version_due() -> None:
    plan = plan_of({"person_field": "first_name", "dotdigital_field": "FIRSTNAME"}, FILL)
    row = due_person(1, custom={"source": "shop"})
    page = sorted_page(row, plan=plan)
    (entry,) = page.records
    assert (entry.version, page.to_follow) == (2, 1)
    assert "SOURCE" not in orjson.loads(entry.encoded)["dataFields"]
    assert entry.acknowledged == {"fields": {"FIRSTNAME": "Ann"}}

    page = sorted_page(sent_before(row, plan), plan=plan)
    (fill,) = page.fills
    assert (fill.version, page.to_follow) == (3, 0)
    assert orjson.loads(fill.encoded) == {
        "matchIdentifier": "contactId",
        "identifiers": {"contactId": 71},
        "dataFields": {"SOURCE": "shop"},
    }
    assert fill.acknowledged == {"fields": {"FIRSTNAME": "Ann"}, "filled": {"SOURCE": "shop"}}

    done = sent_before(row, plan) | {"filled": {"SOURCE": "shop"}}
    assert ids(sorted_page(done, plan=plan)) == {"unchanged": [1]}


def test_what_was_filled_is_kept_when_a_record_follows() -> None:
    plan = plan_of({"person_field": "first_name", "dotdigital_field": "FIRSTNAME"}, FILL)
    row = sent_before(due_person(1, custom={"source": "shop"}), plan)
    page = sorted_page({**row, "first_name": "Bea", "filled": {"SOURCE": "shop"}}, plan=plan)
    (entry,) = page.records
    assert entry.version == 3
    assert entry.acknowledged == {"fields": {"FIRSTNAME": "Bea"}, "filled": {"SOURCE": "shop"}}


def test_a_record_tells_whether_its_contact_is_suppressed() -> None:
    (entry,) = sorted_page(due_person(contact_id=71, account_status="unsubscribed")).records
    assert entry.suppressed


def test_people_are_sorted_in_the_order_they_come() -> None:
    page = sorted_page(*(due_person(number) for number in (5, 3, 9)))
    assert [entry.person_id for entry in page.records] == [5, 3, 9]


@pytest.mark.parametrize(
    "row, email_holder, mobile_holder",
    [
        pytest.param(due_person(email_holder=4, email_in_flight=5), 4, None, id="the link first"),
        pytest.param(due_person(email_in_flight=5), 5, None, id="then who is in flight"),
        pytest.param(due_person(mobile_number=NUMBER, mobile_holder=6), None, 6, id="a number"),
        pytest.param(due_person(mobile_holder=6), None, None, id="no number, no holder of it"),
    ],
)
def test_holders_are_known_from_the_row(
    row: dict[str, Any], email_holder: int | None, mobile_holder: int | None
) -> None:
    standing = standing_of(row, Claims())
    assert (standing.email_holder, standing.mobile_holder) == (email_holder, mobile_holder)
