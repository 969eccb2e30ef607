"""A page of whatever people: everybody in one place, no address twice, no opt-out overridden."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sync.people.people_page import Claims, sort_page
from app.sync.people.person_records import Entry
from app.sync.rules.eligibility import Policy
from tests.factories.due_people import due_person, plan_of

PLAN = plan_of(
    {"person_field": "first_name", "dotdigital_field": "FIRSTNAME"},
    {"person_field": "custom.tier", "dotdigital_field": "TIER", "when_blank": "keep"},
    {"person_field": "custom.score", "dotdigital_field": "SCORE", "data_field_type": "Numeric"},
    {
        "person_field": "custom.source",
        "dotdigital_field": "SOURCE",
        "when_blank": "only_if_blank_there",
    },
    {
        "kind": "preference",
        "person_field": "custom.news",
        "dotdigital_field": "News",
        "preference_id": 12,
    },
)

EMAILS = st.sampled_from(
    [None, "", " ", "a@x.example", "A@X.example", " a@x.example", "b@x.example", "İ@x.example"]
)
NUMBERS = st.sampled_from([None, None, "", "+447911123456", "+447911123457"])
RARELY = st.sampled_from([False, False, False, True])
CUSTOM = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.sampled_from([None, "gold", "", ["gold"]]),
        "score": st.sampled_from([None, 1, 1.0, True, "1", "one", 10**18]),
        "source": st.sampled_from([None, "shop", "fair"]),
        "news": st.sampled_from([None, True, False, "yes", "perhaps"]),
    },
)


@st.composite
def pages(draw: st.DrawFn) -> list[dict[str, Any]]:
    rows = []
    for person_id in range(1, draw(st.integers(0, 5)) + 1):
        linked = draw(st.booleans())
        rows.append(
            due_person(
                person_id,
                change_reason=draw(st.sampled_from(["changed", "full"])),
                version=draw(st.integers(1, 5)),
                kind=draw(st.sampled_from(["person", "lead"])),
                email=draw(EMAILS),
                mobile_number=draw(NUMBERS),
                first_name=draw(st.sampled_from([None, "Ann", "x" * 1001])),
                custom=draw(CUSTOM),
                sync_with_mailer=not draw(RARELY),
                no_email=draw(RARELY),
                opted_out_by=900 if draw(RARELY) else None,
                deleted=draw(RARELY),
                merged_into_id=900 if draw(RARELY) else None,
                on_a_list=draw(st.booleans()),
                contact_id=100 + person_id if linked else None,
                account_status=draw(st.sampled_from([None, "Subscribed", "HardBounced"])),
                filled=draw(st.sampled_from([None, {"SOURCE": "shop"}])),
                email_holder=draw(st.sampled_from([None, None, None, 900])),
                mobile_holder=draw(st.sampled_from([None, None, None, 901])),
            )
        )
    return rows


#: A page takes some milliseconds to make up.
FEWER = settings(max_examples=50)
POLICIES = st.builds(Policy, st.booleans(), st.booleans(), st.booleans(), st.booleans())


@FEWER
@given(pages(), POLICIES, st.booleans())
def test_every_row_of_a_page_ends_in_exactly_one_place(
    rows: list[dict[str, Any]], policy: Policy, resend: bool
) -> None:
    page = sort_page(rows, PLAN, policy, Claims(), resend=resend)
    placed = [
        *(entry.person_id for entry in (*page.records, *page.fills)),
        *(each.person_id for each in page.held),
        *(each.person_id for each in page.unchanged),
        *(failure.person_id for failure in page.failures),
        *page.opting_out,
        *(each.person_id for each in page.departing),
        *(each.person_id for each in page.leaving),
        *(each.person_id for each in page.returning),
    ]
    assert sorted(placed) == [row["person_id"] for row in rows]


@FEWER
@given(pages(), pages(), POLICIES)
def test_no_email_and_no_number_is_claimed_for_two_people(
    rows: list[dict[str, Any]], more: list[dict[str, Any]], policy: Policy
) -> None:
    claims = Claims()
    entries: list[Entry] = []
    for page_of, offset in ((rows, 0), (more, 50)):
        shifted = [row | {"person_id": row["person_id"] + offset} for row in page_of]
        page = sort_page(shifted, PLAN, policy, claims, resend=True)
        entries += page.records + page.fills
    emails = [entry.email_key.strip().casefold() for entry in entries]
    numbers = [entry.mobile_number for entry in entries if entry.mobile_number is not None]
    assert len(set(emails)) == len(emails)
    assert len(set(numbers)) == len(numbers)


@FEWER
@given(pages(), POLICIES)
def test_who_opted_out_and_is_no_contact_is_never_sent(
    rows: list[dict[str, Any]], policy: Policy
) -> None:
    page = sort_page(rows, PLAN, policy, Claims(), resend=True)
    sent = {entry.person_id for entry in (*page.records, *page.fills)}
    for row in rows:
        opted_out = row["no_email"] or row["opted_out_by"] is not None
        mailable = row["contact_id"] is None or row["account_status"] != "HardBounced"
        if opted_out and mailable:
            assert row["person_id"] not in sent


@FEWER
@given(pages(), POLICIES)
def test_a_record_says_who_is_meant_and_settles_no_more_than_was_read(
    rows: list[dict[str, Any]], policy: Policy
) -> None:
    page = sort_page(rows, PLAN, policy, Claims(), resend=True)
    by_id = {row["person_id"]: row for row in rows}
    to_follow = 0
    for entry in (*page.records, *page.fills):
        row = by_id[entry.person_id]
        wire = orjson.loads(entry.encoded)
        if row["contact_id"] is None:
            assert wire["matchIdentifier"] == "email"
        else:
            assert wire["matchIdentifier"] == "contactId"
            assert wire["identifiers"]["contactId"] == row["contact_id"]
        assert "status" not in str(wire.get("channelProperties"))
        assert entry.version in {row["version"], row["version"] - 1}
        to_follow += entry.version < row["version"]
    assert to_follow == page.to_follow


@FEWER
@given(pages(), POLICIES)
def test_what_was_acknowledged_is_not_sent_again(
    rows: list[dict[str, Any]], policy: Policy
) -> None:
    page = sort_page(rows, PLAN, policy, Claims(), resend=False)
    acknowledged = {entry.person_id: entry for entry in page.records}
    again = [
        row
        | {
            "contact_id": row["contact_id"] or 500 + row["person_id"],
            "sent_fingerprint": acknowledged[row["person_id"]].fingerprint,
        }
        for row in rows
        if row["person_id"] in acknowledged
    ]
    assert sort_page(again, PLAN, policy, Claims(), resend=False).records == []


def sent_alone(row: dict[str, Any]) -> Entry | None:
    page = sort_page([row], PLAN, Policy(), Claims(), resend=False)
    return page.records[0] if page.records else None


PEOPLE = st.builds(
    due_person,
    person_id=st.integers(1, 3),
    version=st.integers(1, 9),
    email=st.sampled_from(["a@x.example", "A@x.example", " a@x.example"]),
    mobile_number=NUMBERS,
    first_name=st.sampled_from([None, "", "Ann", " Ann"]),
    last_name=st.sampled_from([None, "Lee"]),
    custom=CUSTOM,
)


@given(PEOPLE, PEOPLE)
def test_fingerprints_are_equal_where_the_records_are(
    row: dict[str, Any], other: dict[str, Any]
) -> None:
    one, two = sent_alone(row), sent_alone(other)
    if one is not None and two is not None:
        assert (one.fingerprint == two.fingerprint) is (one.encoded == two.encoded)
