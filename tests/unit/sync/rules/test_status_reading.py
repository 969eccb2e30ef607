"""When all statuses of a list are read."""

from datetime import datetime, timedelta

import pytest

from app.sync.rules.status_reading import is_whole
from tests.clock import START

HOUR = timedelta(hours=1)

CASES = [
    pytest.param(False, False, None, None, True, id="never read"),
    pytest.param(False, False, START, START - 23 * HOUR, False, id="read whole today"),
    pytest.param(False, False, START, START - 24 * HOUR, True, id="read whole yesterday"),
    pytest.param(True, False, START, START, True, id="a full run"),
    pytest.param(False, True, START, START, True, id="a list of one page"),
]


@pytest.mark.parametrize("is_full, is_small, read_at, swept_at, expected", CASES)
def test_large_list_is_read_whole_once_a_day(
    read_at: datetime | None,
    swept_at: datetime | None,
    *,
    is_full: bool,
    is_small: bool,
    expected: bool,
) -> None:
    found = is_whole(
        is_full=is_full, is_small=is_small, read_at=read_at, swept_at=swept_at, now=START
    )
    assert found is expected
