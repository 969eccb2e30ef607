"""When a job is due: once an interval over all replicas, whenever each of them ticks."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.schedule import first_tick, is_due
from tests.clock import START

INTERVALS = st.floats(1, 86_400)


def before(seconds: float) -> datetime:
    return START - timedelta(seconds=seconds)


def row(**values: float | str | datetime | None) -> dict[str, Any]:
    return {
        "interval_seconds": None,
        "cron": None,
        "last_queued_at": None,
        "enabled_at": before(3600),
        **values,
    }


@pytest.mark.parametrize(
    "given_row, last_s, is_due_now",
    [
        pytest.param(row(interval_seconds=300.0), 295, True, id="five seconds may be missing"),
        pytest.param(row(interval_seconds=300.0), 294, False, id="but no more"),
        pytest.param(
            row(interval_seconds=30.0), 27, True, id="half a minute: a tenth may be missing"
        ),
        pytest.param(row(interval_seconds=30.0), 26, False, id="but no more of it"),
        pytest.param(row(cron="0 9 * * *"), 0, False, id="cron: another replica ticked just now"),
        pytest.param(row(cron="0 9 * * *"), 0.9, False, id="cron: its tick came a little early"),
        pytest.param(row(cron="0 9 * * *"), 40, True, id="cron: what ran before it is another's"),
        pytest.param(row(cron="30 9 * * *"), 86_400, False, id="cron: its moment is to come"),
        pytest.param(
            row(cron="0 9 * * *", enabled_at=before(4)),
            10,
            True,
            id="cron: what ran just before by another schedule",
        ),
        pytest.param(
            row(cron="0 9 * * *", enabled_at=before(0.5)),
            0.9,
            True,
            id="cron: even a moment before",
        ),
        pytest.param(
            row(cron="59 8 * * *", enabled_at=before(30)),
            86_400,
            False,
            id="cron: its moment passed before it was set",
        ),
    ],
)
def test_a_tick_finds_a_job_due_by_the_schedule_that_stands(
    given_row: dict[str, Any],
    last_s: float,
    is_due_now: bool,
) -> None:
    assert is_due(given_row, before(last_s), START) is is_due_now


@given(INTERVALS, st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_is_due_stays_due(interval_seconds: float, last_s: float, later_s: float) -> None:
    every = row(interval_seconds=interval_seconds)
    if is_due(every, before(last_s), START):
        assert is_due(every, before(last_s), START + timedelta(seconds=later_s))


@given(INTERVALS, st.floats(0.0, 0.09))
def test_a_tick_that_comes_a_little_early_is_not_lost(
    interval_seconds: float, early: float
) -> None:
    early_s = min(early * interval_seconds, 4.9)
    every = row(interval_seconds=interval_seconds)
    assert is_due(every, before(interval_seconds - early_s), START)


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
