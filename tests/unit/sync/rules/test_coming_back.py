"""Who may be resubscribed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.rules.coming_back import Consent, rejoins, stays_out, was_ours
from tests.clock import START

DAY = timedelta(days=1)

CONSENTS = [
    pytest.param(Consent(), False, id="never opted out"),
    pytest.param(Consent(no_email=True), True, id="opted out"),
    pytest.param(Consent(shared_opt_out=True), True, id="somebody with the same email opted out"),
    pytest.param(Consent(opted_out_at=START), True, id="opted out once, and never in"),
    pytest.param(Consent(opted_out_at=START, opted_in_at=START + DAY), False, id="in again later"),
    pytest.param(Consent(opted_out_at=START, opted_in_at=START), True, id="both at the same time"),
    pytest.param(Consent(opted_out_at=START, opted_in_at=START - DAY), True, id="out again later"),
    pytest.param(
        Consent(no_email=True, opted_out_at=START, opted_in_at=START + DAY),
        True,
        id="opted out, whatever the times say",
    ),
]


@pytest.mark.parametrize("consent, expected", CONSENTS)
def test_latest_wish_counts_and_opting_out_wins(consent: Consent, *, expected: bool) -> None:
    assert stays_out(consent) is expected


JOINS = [
    pytest.param(START, START - DAY, True, id="joined after opting out of the list"),
    pytest.param(START, START, False, id="at the same time"),
    pytest.param(START, START + DAY, False, id="opted out after joining"),
    pytest.param(START, None, False, id="at an unknown time"),
]


@pytest.mark.parametrize("joined_at, left_at, expected", JOINS)
def test_joining_brings_back_who_opted_out_of_the_list_before(
    joined_at: datetime, left_at: datetime | None, *, expected: bool
) -> None:
    assert rejoins(Consent(), joined_at, left_at) is expected
    assert not rejoins(Consent(no_email=True), joined_at, left_at)


AUDIENCES = [
    pytest.param(START, START + timedelta(seconds=3), True, id="by our call"),
    pytest.param(START, START - DAY, False, id="by its own wish before"),
    pytest.param(None, START, False, id="never by us"),
    pytest.param(START, None, False, id="at an unknown time"),
]


@pytest.mark.parametrize("unsubscribed_at, left_at, expected", AUDIENCES)
def test_only_who_the_audience_unsubscribed_is_brought_back(
    unsubscribed_at: datetime | None, left_at: datetime | None, *, expected: bool
) -> None:
    assert was_ours(unsubscribed_at, left_at) is expected


instants = st.none() | st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis wants it so
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001
)


@given(out=instants, into=instants, no_email=st.booleans(), shared=st.booleans())
def test_nobody_comes_back_whose_opt_out_is_newer(
    out: datetime | None, into: datetime | None, *, no_email: bool, shared: bool
) -> None:
    consent = Consent(no_email, shared, out, into)
    if not stays_out(consent):
        assert not no_email
        assert not shared
        assert out is None or (into is not None and into > out)
