"""From when a stream is read, and up to when it then has been."""

from datetime import datetime, timedelta

import pytest

from app.sync.rules.read_window import (
    OVERLAP,
    WHOLE_EVERY,
    Read,
    is_whole_due,
    since,
    until,
    went_back,
)
from tests.clock import START

HOUR = timedelta(hours=1)


def test_reading_begins_a_little_before_the_last_one_did() -> None:
    assert since(Read(START)) == START - OVERLAP
    assert since(Read()) is None


@pytest.mark.parametrize(
    "read, now, expected",
    [
        pytest.param(Read(), START, True, id="never read"),
        pytest.param(Read(START), START, True, id="never read whole"),
        pytest.param(Read(START, START), START + HOUR, False, id="read whole of late"),
        pytest.param(Read(START, START), START + WHOLE_EVERY, True, id="a week ago"),
    ],
)
def test_everything_is_read(read: Read, now: datetime, expected: bool) -> None:
    assert is_whole_due(read, now) is expected


@pytest.mark.parametrize(
    "now, expected",
    [
        pytest.param(START + HOUR, False, id="on"),
        pytest.param(START - OVERLAP, False, id="servers that differ"),
        pytest.param(START - HOUR, True, id="back"),
        pytest.param(None, False, id="unknown"),
    ],
)
def test_clock_went_back(now: datetime | None, expected: bool) -> None:
    assert went_back(Read(START, START), now) is expected
    assert not went_back(Read(), now)


@pytest.mark.parametrize(
    "began_at, held_at, before, expected",
    [
        pytest.param(START, None, None, START, id="to its beginning"),
        pytest.param(START, START - HOUR, None, START - HOUR, id="to what was left"),
        pytest.param(START - HOUR, START, None, START - HOUR, id="left, but newer"),
        pytest.param(None, None, START, START, id="no time was given"),
        pytest.param(None, None, None, None, id="nor ever"),
        pytest.param(START - HOUR, None, START, START - HOUR, id="back with the clock there"),
    ],
)
def test_stream_has_been_read_until(
    began_at: datetime | None,
    held_at: datetime | None,
    before: datetime | None,
    expected: datetime | None,
) -> None:
    assert until(began_at, held_at, before) == expected
