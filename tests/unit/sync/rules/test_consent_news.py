"""Opt-outs and opt-ins there: which are news here, and which of two came last."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.rules.consent_news import (
    Consent,
    Mailability,
    OptOutNews,
    SuppressionThere,
    movement,
    news_of,
    opted_in_since,
    opted_out_by,
)
from tests.clock import START

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    "reason, person, expected",
    [
        pytest.param("Unsubscribed", Consent(), "opted_out", id="a wish"),
        pytest.param("IspComplained", Consent(), "opted_out", id="a complaint"),
        pytest.param("Unsubscribed", Consent(no_email=True), "none", id="known"),
        pytest.param("HardBounced", Consent(), "undeliverable", id="a bounce"),
        pytest.param("HardBounced", Consent(no_email=True), "undeliverable", id="a bounce as well"),
        pytest.param("HardBounced", Consent(email_undeliverable=True), "none", id="a known bounce"),
        pytest.param("SoftBounced", Consent(), "none", id="mailed again tomorrow"),
        pytest.param("Unsubscribed", Consent(opted_in_at=START + HOUR), "older", id="older"),
        pytest.param(
            "Unsubscribed", Consent(opted_in_at=START), "opted_out", id="at the same time"
        ),
        pytest.param("Unsubscribed", Consent(opted_in_at=START - HOUR), "opted_out", id="later"),
    ],
)
def test_suppression_means(reason: str, person: Consent, expected: str) -> None:
    assert news_of(SuppressionThere(reason, START), person) is OptOutNews(expected)


@pytest.mark.parametrize(
    "there, expected",
    [
        pytest.param(SuppressionThere("Suppressed", START, START), "none", id="ours"),
        pytest.param(SuppressionThere("Unsubscribed", START, START), "opted_out", id="a wish"),
        pytest.param(
            SuppressionThere("Suppressed", START + HOUR, START), "opted_out", id="somebody else's"
        ),
        pytest.param(
            SuppressionThere("Unsubscribed", START, START, is_contact=False),
            "none",
            id="told by us",
        ),
        pytest.param(SuppressionThere("Unsubscribed", None), "opted_out", id="at an unknown time"),
    ],
)
def test_our_own_suppression_is_no_news(there: SuppressionThere, expected: str) -> None:
    assert news_of(there, Consent(opted_in_at=None)) is OptOutNews(expected)


def test_suppression_at_an_unknown_time_wins_over_an_opt_in() -> None:
    there = SuppressionThere("Unsubscribed", None)
    assert news_of(there, Consent(opted_in_at=START)) is OptOutNews.OPTED_OUT


@pytest.mark.parametrize(
    "status_at, person, expected",
    [
        pytest.param(START, Consent(), True, id="never opted in"),
        pytest.param(START, Consent(no_email=True), False, id="known"),
        pytest.param(START, Consent(opted_in_at=START + HOUR), False, id="opted in since"),
        pytest.param(START, Consent(opted_in_at=START), True, id="at the same time"),
        pytest.param(None, Consent(opted_in_at=START), True, id="at an unknown time"),
    ],
)
def test_contact_found_off_is_news(
    status_at: datetime | None, person: Consent, expected: bool
) -> None:
    assert opted_out_by(status_at, person) is expected


def out(at: datetime | None = START) -> Consent:
    return Consent(no_email=True, opted_out_at=at)


@pytest.mark.parametrize(
    "people, opted_in_at, off_at, expected",
    [
        pytest.param([out()], START + HOUR, START, True, id="later"),
        pytest.param([out()], START, START, False, id="at the same time"),
        pytest.param([out()], START - HOUR, START, False, id="earlier"),
        pytest.param([out()], None, START, False, id="at an unknown time"),
        pytest.param([out(None)], START, START, False, id="opted out at an unknown time"),
        pytest.param([out()], START + HOUR, None, False, id="never known to be off there"),
        pytest.param(
            [out()], START + HOUR, START - HOUR, False, id="opted out after it was known to be off"
        ),
        pytest.param([out(), Consent()], START + HOUR, START, True, id="the other one never left"),
        pytest.param(
            [out(), out(START + 2 * HOUR)], START + HOUR, START + HOUR, False, id="one left later"
        ),
        pytest.param([], START, None, True, id="nobody is out"),
    ],
)
def test_opt_in_there_is_held_against_the_strictest_opt_out(
    people: list[Consent], opted_in_at: datetime | None, off_at: datetime | None, expected: bool
) -> None:
    assert opted_in_since(people, opted_in_at, off_at) is expected


@pytest.mark.parametrize(
    "known, now, expected",
    [
        (None, "subscribed", "same"),
        (None, "unsubscribed", "went_off"),
        ("subscribed", "suppressed", "went_off"),
        ("Unsubscribed", "suppressed", "same"),
        ("suppressed", "subscribed", "came_back"),
        ("HardBounced", "subscribed", "came_back"),
        ("pendingOptIn", "suppressed", "same"),
        ("pendingOptIn", "pendingOptIn", "same"),
        ("pendingOptIn", "subscribed", "confirmed"),
        ("suppressed", "pendingOptIn", "same"),
        ("suppressed", "softBounced", "same"),
        ("suppressed", None, "same"),
        (None, "softBounced", "same"),
    ],
)
def test_status_moves(known: str | None, now: str | None, expected: str) -> None:
    assert movement(known, now, in_doubt=False) is Mailability(expected)


def test_contact_that_was_asked_back_without_an_answer_is_no_news_while_it_is_off() -> None:
    assert movement("resubscribing", "suppressed", in_doubt=True) is Mailability.SAME
    assert movement("resubscribing", "subscribed", in_doubt=True) is Mailability.CONFIRMED


INSTANTS = st.one_of(st.none(), st.integers(0, 5).map(lambda hours: START + hours * HOUR))
PEOPLE = st.builds(Consent, no_email=st.booleans(), opted_out_at=INSTANTS, opted_in_at=INSTANTS)


@given(people=st.lists(PEOPLE, max_size=3), opted_in_at=INSTANTS, off_at=INSTANTS)
def test_nobody_is_opted_in_whose_latest_opt_out_is_not_older(
    people: list[Consent], opted_in_at: datetime | None, off_at: datetime | None
) -> None:
    if opted_in_since(people, opted_in_at, off_at):
        for person in people:
            if person.no_email:
                assert person.opted_out_at is not None
                assert opted_in_at is not None
                assert opted_in_at > person.opted_out_at


@given(person=PEOPLE, removed_at=INSTANTS, suppressed_at=INSTANTS)
def test_opt_out_that_is_not_older_than_the_opt_in_is_never_passed_over(
    person: Consent, removed_at: datetime | None, suppressed_at: datetime | None
) -> None:
    there = SuppressionThere("Unsubscribed", removed_at, suppressed_at)
    known = person.no_email
    newer = removed_at is None or person.opted_in_at is None or removed_at >= person.opted_in_at
    news = news_of(there, person)
    assert (news is OptOutNews.OPTED_OUT) == (newer and not known)
