"""Spellings of one address: those that compare equal, and those that don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.rules.email_match import matched_by


@pytest.mark.parametrize(
    "email, other",
    [
        pytest.param("ann@example.com", "ANN@Example.COM", id="case"),
        pytest.param(" ann@example.com\t", "ann@example.com", id="blanks around"),
        pytest.param("\u00a0ann@example.com", "ann@example.com", id="a blank that doesn't break"),
        pytest.param("jürgen@example.com", "JÜRGEN@example.com", id="case beyond ASCII"),
        pytest.param("ju\u0308rgen@example.com", "jürgen@example.com", id="a composed letter"),
        pytest.param("straße@example.com", "STRASSE@example.com", id="a letter that grows"),
        pytest.param("straẞe@example.com", "straße@example.com", id="its rare capital"),
        pytest.param("İrem@example.com", "irem@example.com", id="Postgres lowers İ to i"),
        pytest.param("İrem@example.com", "i\u0307rem@example.com", id="Python to two characters"),
        pytest.param(
            "\u0131nfo@example.com",
            "INFO@example.com",
            id="a Turkish database lowers I to one without a dot",
        ),
        pytest.param("ΣΊΣΥΦΟΣ@example.com", "σίσυφος@example.com", id="the sigma at a word's end"),
    ],
)
def test_spellings_of_one_address(email: str, other: str) -> None:
    assert matched_by(email) == matched_by(other)


@pytest.mark.parametrize(
    "email, other",
    [
        pytest.param("ann@example.com", "anne@example.com", id="another name"),
        pytest.param("jurgen@example.com", "jürgen@example.com", id="a letter with a mark"),
        pytest.param("a.nn@example.com", "ann@example.com", id="a dot counts"),
        pytest.param("ann+x@example.com", "ann@example.com", id="a tag counts"),
        pytest.param("ann@example.com", "ann@example.org", id="another domain"),
    ],
)
def test_other_addresses(email: str, other: str) -> None:
    assert matched_by(email) != matched_by(other)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_lowers_an_address_first_changes_nothing(email: str) -> None:
    expected = matched_by(email)
    assert matched_by(expected) == expected
    assert matched_by(email.lower()) == expected
    assert matched_by(email.casefold()) == expected
    assert matched_by(f" {email} ") == expected
