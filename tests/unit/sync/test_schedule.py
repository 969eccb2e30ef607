"""When a job is due: once an interval over all replicas, whenever each of them ticks."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.schedule import due_after, first_tick
from tests.clock import START

INTERVALS = st.floats(1, 86_400)


def before(seconds: float) -> datetime:
    return START - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "interval_seconds, expected",
    [
        pytest.param(300, before(295), id="five minutes: five seconds may be missing"),
        pytest.param(86_400, before(86_395), id="a day: no more than five seconds"),
        pytest.param(30, before(27), id="half a minute: a tenth may be missing"),
        pytest.param(1, before(0.9), id="a second"),
        pytest.param(None, before(30), id="cron: two replicas tick for one moment"),
    ],
)
def test_a_run_so_young_makes_another_unneeded(
    interval_seconds: float | None, expected: datetime
) -> None:
    assert due_after(START, interval_seconds) == expected


@given(INTERVALS, st.floats(0, 1e6))
def test_what_is_due_stays_due_and_a_longer_interval_is_due_later(
    interval_seconds: float, later_s: float
) -> None:
    later = START + timedelta(seconds=later_s)
    assert due_after(START, interval_seconds) <= due_after(later, interval_seconds)
    assert due_after(START, interval_seconds + later_s) <= due_after(START, interval_seconds)
    assert before(interval_seconds) <= due_after(START, interval_seconds) < START


@given(INTERVALS, st.floats(0.0, 0.09))
def test_a_tick_that_comes_a_little_early_is_not_lost(
    interval_seconds: float, early: float
) -> None:
    early_s = min(early * interval_seconds, 4.9)
    queued_at = before(interval_seconds - early_s)
    assert queued_at <= due_after(START, interval_seconds)


def row(**values: float | str | datetime | None) -> dict[str, Any]:
    return {
        "interval_seconds": None,
        "cron": None,
        "last_queued_at": None,
        "enabled_at": before(3600),
        **values,
    }


@pytest.mark.parametrize(
    "given_row, expected",
    [
        pytest.param(row(interval_seconds=300.0), START, id="never run: at once"),
        pytest.param(
            row(interval_seconds=300.0, last_queued_at=before(1000)), START, id="overdue: at once"
        ),
        pytest.param(
            row(interval_seconds=300.0, last_queued_at=before(100)),
            START + timedelta(seconds=200),
            id="run lately: when its interval is over",
        ),
        pytest.param(
            row(interval_seconds=300.0, enabled_at=None), START, id="enabled by plain SQL: at once"
        ),
        pytest.param(
            row(cron="30 9 * * *"), START + timedelta(minutes=30), id="cron waits for its hour"
        ),
        pytest.param(
            row(cron="30 8 * * *", last_queued_at=before(86_400)),
            START,
            id="a cron whose hour passed while nobody ran",
        ),
        pytest.param(
            row(cron="30 8 * * *", enabled_at=before(60), last_queued_at=before(86_400)),
            START + timedelta(hours=23, minutes=30),
            id="a cron whose hour passed before it was enabled",
        ),
    ],
)
def test_the_first_tick(given_row: dict[str, Any], expected: datetime) -> None:
    assert first_tick(given_row, START) == expected


def test_a_day_that_never_comes_never_ticks() -> None:
    assert first_tick(row(cron="0 0 30 2 *"), START).year == 9999
