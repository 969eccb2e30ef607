"""Schedules: an interval or a cron expression, and when a job runs next by it.

Cron is the crontab that everybody knows, in UTC: minute, hour, day of month, month, day of week,
with Sunday as 0 or 7. APScheduler 3 counts week days from Monday
(https://github.com/agronholm/apscheduler/issues/286), so they are handed to it by name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

#: In crontab's order: Sunday is 0.
_WEEK_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: By the library's name of a field: ours, and what it holds.
_RANGES = {
    "minute": ("minute", "0 to 59"),
    "hour": ("hour", "0 to 23"),
    "day": ("day of the month", "1 to 31"),
    "month": ("month", "1 to 12"),
}
#: A tick may come so much before its moment, and is that moment's all the same.
_EARLY = timedelta(seconds=1)
#: Far enough, and with room for sums behind it.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
CRON_EXAMPLE = '"30 2 * * 1-5" is half past two in the night, UTC, from Monday to Friday'


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs by itself; exactly one of the two is set."""

    interval_seconds: float | None = None
    cron: str | None = None


def cron_trigger(expression: str) -> CronTrigger:
    """Return the trigger of a cron expression; raises ValueError with what is wrong in it."""
    fields = expression.split()
    if len(fields) != 5:
        message = f"a cron expression has 5 fields, and this has {len(fields)}"
        raise ValueError(message)
    minute, hour, day, month, week_day = fields
    if day != "*" and week_day != "*":
        message = "give days of the month or days of the week, not both"
        raise ValueError(message)
    for name, given in zip(_RANGES, (minute, hour, day, month), strict=True):
        _check_field(name, given)
    return CronTrigger(
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        day_of_week=_named_week_days(week_day),
        timezone=UTC,
    )


def _check_field(name: str, given: str) -> None:
    """Raise ValueError in our words: the library's own are about its expressions."""
    try:
        CronTrigger(**{name: given}, timezone=UTC)
    except ValueError as error:
        what, numbers = _RANGES[name]
        message = (
            f"{given!r} is no {what}: write {numbers}, * for all, 1-5 for some in a row, 1,3 for "
            "some, or */2 for every second one"
        )
        raise ValueError(message) from error


def check_cron(expression: str, now: datetime) -> None:
    """Raise ValueError for an expression that can't be read, or that never comes round."""
    if cron_trigger(expression).get_next_fire_time(None, now) is None:
        message = "there is no such day, so it would never run"
        raise ValueError(message)


def next_fire(schedule: Schedule, last_at: datetime | None, enabled_at: datetime) -> datetime:
    """Return when the job is due next; in the past where it should have run already.

    ``last_at`` is when its last scheduled run was queued. An interval is due at once when the job
    is enabled; a cron waits for its hour, and `NEVER` is that of one that doesn't come round.
    """
    if schedule.interval_seconds is not None:
        if last_at is None:
            return enabled_at
        return max(enabled_at, last_at + timedelta(seconds=schedule.interval_seconds))
    since = enabled_at
    if last_at is not None and last_at >= enabled_at:
        # What ran before by another schedule stands for no moment of this one.
        since = last_at + _EARLY
    trigger = cron_trigger(schedule.cron or "")
    # The instant itself is over: what was queued at the full minute is not due again in it.
    found: datetime | None = trigger.get_next_fire_time(None, since + timedelta(microseconds=1))
    return NEVER if found is None else found.astimezone(UTC)


def _named_week_days(field: str) -> str:
    if field == "*":
        return field
    days: set[int] = set()
    for part in field.split(","):
        days |= _week_days_of(part)
    return ",".join(_WEEK_DAYS[day] for day in sorted(days))


def _week_days_of(part: str) -> set[int]:
    """Return the week days of one range, as crontab counts them; a range may pass Saturday."""
    span, _, step = part.partition("/")
    if step and (not step.isdecimal() or not 1 <= int(step) <= 7):
        message = f"{part!r} has no step between 1 and 7"
        raise ValueError(message)
    if span == "*":
        first, last = 0, 6
    else:
        begin, _, end = span.partition("-")
        first = _week_day(begin)
        last = _week_day(end) if end or "-" in span else (6 if step else first)
    days = [day % 7 for day in range(first, (last if last >= first else last + 7) + 1)]
    return set(days[:: int(step or 1)])


def _week_day(written: str) -> int:
    if written.lower() in _WEEK_DAYS:
        return _WEEK_DAYS.index(written.lower())
    if written.isdecimal() and len(written) == 1 and int(written) <= 7:
        return int(written)
    message = f"{written!r} is no day of the week: use 0 to 7, where 0 and 7 are Sunday, or names"
    raise ValueError(message)
