"""Cron as everybody writes it, and when a job is due next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.schedules import NEVER, Schedule, check_cron, cron_trigger, next_fire

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "cron, expected",
    [
        pytest.param("*/15 * * * *", "2026-01-05 09:15", id="every quarter of an hour"),
        pytest.param("30 2 * * *", "2026-01-06 02:30", id="every night"),
        pytest.param("0 3 * * 0", "2026-01-11 03:00", id="0 is Sunday"),
        pytest.param("0 3 * * 7", "2026-01-11 03:00", id="7 is Sunday too"),
        pytest.param("0 3 * * 1", "2026-01-12 03:00", id="1 is Monday"),
        pytest.param("0 3 * * SUN", "2026-01-11 03:00", id="days by name"),
        pytest.param("0 3 * * fri-sun", "2026-01-09 03:00", id="a range past Saturday"),
        pytest.param("0 3 * * 5-7", "2026-01-09 03:00", id="a range up to 7"),
        pytest.param("0 3 * * */3", "2026-01-07 03:00", id="a step: Sunday, Wednesday, Saturday"),
        pytest.param("0 3 * * 2/2", "2026-01-06 03:00", id="a step from a day on"),
        pytest.param("0 12 * * 1-5", "2026-01-05 12:00", id="working days"),
        pytest.param("0 0 1 * *", "2026-02-01 00:00", id="first of the month"),
        pytest.param("0 0 29 feb *", "2028-02-29 00:00", id="a day of leap years"),
    ],
)
def test_cron_is_read_as_crontab_reads_it(cron: str, expected: str) -> None:
    assert next_fire(Schedule(cron=cron), None, MONDAY) == at(expected)


@pytest.mark.parametrize(
    "cron, reason",
    [
        pytest.param("hourly", "5 fields", id="a word"),
        pytest.param("", "5 fields", id="nothing"),
        pytest.param("* * * * * *", "5 fields", id="a field of seconds"),
        pytest.param("61 * * * *", "61", id="a minute there isn't"),
        pytest.param("0 0 * * 8", "'8'", id="a day of the week there isn't"),
        pytest.param("0 0 * * 1-", "''", id="half a range"),
        pytest.param("0 0 * * 1/0", "step", id="a step of 0"),
        pytest.param("0 0 * * 1/x", "step", id="a step of a letter"),
        pytest.param("0 0 1 * 1", "not both", id="both kinds of days"),
        pytest.param("0 0 30 2 *", "never", id="30 February"),
        pytest.param("0 0 * * \N{SUPERSCRIPT TWO}", "no day", id="a superscript"),
    ],
)
def test_an_impossible_cron_is_refused_with_its_reason(cron: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_cron(cron, MONDAY)


@pytest.mark.parametrize(
    "last_at, enabled_at, expected",
    [
        pytest.param(None, MONDAY, MONDAY, id="never ran: at once"),
        pytest.param(
            MONDAY, MONDAY - timedelta(days=1), MONDAY + timedelta(seconds=300), id="ran: after it"
        ),
        pytest.param(
            MONDAY - timedelta(days=7), MONDAY, MONDAY, id="stood still for a week: at once"
        ),
        pytest.param(
            MONDAY,
            MONDAY + timedelta(seconds=10),
            MONDAY + timedelta(seconds=300),
            id="stopped and started: the interval still holds",
        ),
    ],
)
def test_an_interval_counts_from_the_last_scheduled_run(
    last_at: datetime | None, enabled_at: datetime, expected: datetime
) -> None:
    assert next_fire(Schedule(interval_seconds=300), last_at, enabled_at) == expected


def test_a_cron_that_ran_at_its_minute_waits_for_the_next_one() -> None:
    cron = Schedule(cron="0 9 * * *")
    assert next_fire(cron, MONDAY, MONDAY - timedelta(days=1)) == MONDAY + timedelta(days=1)


def test_a_run_by_another_schedule_stands_for_no_moment_of_the_cron() -> None:
    cron, set_at = Schedule(cron="0 9 * * *"), MONDAY - timedelta(milliseconds=200)
    assert next_fire(cron, MONDAY - timedelta(milliseconds=500), set_at) == MONDAY


def test_a_cron_whose_tick_came_a_little_early_waits_for_the_next_moment() -> None:
    cron = Schedule(cron="0 9 * * *")
    early = MONDAY - timedelta(milliseconds=500)
    assert next_fire(cron, early, MONDAY - timedelta(days=1)) == MONDAY + timedelta(days=1)


def test_a_cron_that_never_comes_round_is_never_due() -> None:
    assert next_fire(Schedule(cron="0 0 30 2 *"), None, MONDAY) == NEVER


@given(
    first=st.integers(0, 7),
    last=st.integers(0, 7),
    start=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
)
def test_a_cron_fires_on_its_week_days_alone(first: int, last: int, start: datetime) -> None:
    fires = cron_trigger(f"0 0 * * {first}-{last}").get_next_fire_time(None, start)
    crontab_day = fires.isoweekday() % 7
    wanted, day = {first % 7}, first
    while day % 7 != last % 7:
        day += 1
        wanted.add(day % 7)
    if last == 7 and first == 0:
        wanted = set(range(7))
    assert crontab_day in wanted
    assert fires >= start
