"""What makes a second reading of an activity the same as the first."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.rules.activities import Activity, Source, Told, key_of

AT = datetime(2026, 3, 2, 12, 0, 0, 120_000, tzinfo=UTC)
FLOOR = datetime(2026, 1, 1, tzinfo=UTC)


def told(**overrides: object) -> Told:
    values: dict[str, object] = {
        "type": "email_click",
        "occurred_at": AT,
        "contact_id": 7,
        "email": "ann@example.com",
        "details": {},
        "mark": "https://a.example/",
    }
    return Told(**{**values, **overrides})  # type: ignore[arg-type]


def source(name: str = "c1") -> Source[Told]:
    return Source(name, 5, FLOOR, lambda row: (row,))


def key(row: Told, name: str = "c1") -> bytes:
    (made,) = source(name).page([row]).activities
    return made.key


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"type": "download"}, id="type"),
        pytest.param({"occurred_at": AT + timedelta(milliseconds=1)}, id="time"),
        pytest.param({"contact_id": 8}, id="contact"),
        pytest.param({"contact_id": None}, id="no contact"),
        pytest.param({"mark": "https://b.example/"}, id="url"),
        pytest.param({"mark": None}, id="no url"),
    ],
)
def test_what_differs_has_another_key(changed: dict[str, object]) -> None:
    assert key(told(**changed)) != key(told())


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"email": "anna@example.com"}, id="the contact's address of today"),
        pytest.param({"details": {"user_agent": "Mail"}}, id="details"),
        pytest.param(
            {"occurred_at": AT.astimezone(timezone(timedelta(hours=9)))}, id="the same time"
        ),
    ],
)
def test_what_is_the_same_has_the_same_key(changed: dict[str, object]) -> None:
    assert key(told(**changed)) == key(told())


def test_campaigns_are_told_apart() -> None:
    assert key(told(), "c1") != key(told(), "c2")


def test_without_a_contact_the_address_counts_in_whatever_case() -> None:
    ann = key(told(contact_id=None, email="Ann@Example.com"))
    assert ann == key(told(contact_id=None))
    assert ann != key(told(contact_id=None, email="ben@example.com"))


def test_what_happens_once_has_one_key_whenever_it_was() -> None:
    assert key(told(is_once=True)) == key(told(is_once=True, occurred_at=AT + timedelta(days=9)))
    page = source().page([told(is_once=True)] * 2)
    assert (len(page.activities), page.equal) == (1, [])


def test_rows_without_a_date_are_told_apart_from_the_others() -> None:
    page = source().page([told(), told(occurred_at=None, undated="2020-01-021T")])
    assert len(page.activities) == 1
    (undated,) = page.undated
    assert (undated.type, undated.contact_id, undated.text) == ("email_click", 7, "2020-01-021T")


def test_what_is_older_than_asked_for_is_left_out() -> None:
    page = source().page([told(occurred_at=FLOOR), told(occurred_at=FLOOR - timedelta(seconds=1))])
    assert [row.occurred_at for row in page.activities] == [FLOOR]


def test_equal_rows_of_one_page_have_keys_of_their_own() -> None:
    page = source().page([told()] * 3)
    assert len(page.activities) == 1
    assert len(page.equal) == 2
    assert len({row.key for row in (*page.activities, *page.equal)}) == 3


def test_a_row_that_stood_on_the_page_already_counts_before_its_equals() -> None:
    first = source().page([told()] * 2)
    behind = source().page([told()], again=[told()])
    assert [row.key for row in behind.equal] == [first.equal[0].key]


def test_a_row_is_stored_under_its_mailshot() -> None:
    (row,) = source().page([told()]).activities
    assert row == Activity(
        "email_click", AT, 5, 7, "ann@example.com", {}, key(told()), is_once=False
    )


def test_a_key_is_sixteen_bytes_of_any_text() -> None:
    assert len(key_of("")) == len(key_of("é\ud800")) == 16


@given(
    rows=st.lists(st.integers(0, 6), max_size=40),
    size=st.integers(2, 8),
    overlap=st.integers(0, 4),
    shift=st.integers(0, 3),
)
def test_pages_that_overlap_or_shift_add_no_key(
    rows: list[int], size: int, overlap: int, shift: int
) -> None:
    """Whatever pages the rows are read in, no more of equal ones are counted than there are."""
    numbered = [told(contact_id=row + 1) for row in rows]

    def keys(begins: Iterable[int], width: int) -> set[bytes]:
        found: set[bytes] = set()
        for begin in begins:
            page = source().page(numbered[begin : begin + width])
            found |= {row.key for row in (*page.activities, *page.equal)}
        return found

    whole = keys([0], len(rows))
    step = max(1, size - min(overlap, size - 1))
    once = keys(range(0, len(rows), step), size)
    shifted = keys(range(0, max(len(rows) - shift, 0), step), size + shift)
    assert once <= whole
    assert shifted <= whole
    assert len(whole) == len(rows)
