"""Waits before the next try only grow, and never past a day."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.sync.rules.backoff import next_attempt
from app.sync.rules.poll_intervals import wait_before_poll
from tests.clock import START

CODES = st.sampled_from(["import_failed", "duplicateIdentifier", "", "anything"])


@given(CODES, st.integers(1, 10**6), st.integers(0, 10**6))
def test_the_more_a_record_was_tried_the_longer_it_waits(
    code: str, attempts: int, more: int
) -> None:
    sooner = next_attempt(code, attempts, 10**7, START)
    later = next_attempt(code, attempts + more, 10**7, START)
    assert sooner is not None
    assert later is not None
    assert START + timedelta(minutes=5) <= sooner <= later <= START + timedelta(days=1)


@given(st.text(max_size=30), st.integers(1, 100), st.integers(0, 100))
def test_no_record_is_tried_more_often_than_the_limit(code: str, limit: int, beyond: int) -> None:
    assert next_attempt(code, limit + beyond, limit, START) is None


@given(st.integers(0, 10**6))
def test_looks_at_an_import_grow_apart_up_to_a_minute(polls: int) -> None:
    assert 1 <= wait_before_poll(polls) <= wait_before_poll(polls + 1) <= 60
