"""What an account shows of its limits and calls."""

from datetime import datetime, timedelta

import pytest

from app.models import RateBucket
from app.schemas.accounts import Limit
from app.services.account_usage import calls_of_the_hour, shown_limit
from tests.clock import START

MINUTE = timedelta(minutes=1)


def bucket(
    *, remaining: float = 12.9, resets_in: timedelta = MINUTE, blocked_for: timedelta | None = None
) -> RateBucket:
    return RateBucket(
        account_key="1001",
        scope="lowCallRate",
        limit=75,
        remaining=remaining,
        window_s=60,
        resets_at=START + resets_in,
        blocked_until=None if blocked_for is None else START + blocked_for,
    )


@pytest.mark.parametrize(
    "given, remaining, resets_at",
    [
        pytest.param(bucket(), 12, START + MINUTE, id="whole calls"),
        pytest.param(bucket(remaining=-0.5), 0, START + MINUTE, id="never less than none"),
        pytest.param(bucket(resets_in=-MINUTE), 75, START, id="the window is over"),
        pytest.param(bucket(blocked_for=2 * MINUTE), 0, START + 2 * MINUTE, id="blocked by a 429"),
        pytest.param(bucket(blocked_for=-MINUTE), 12, START + MINUTE, id="was blocked once"),
    ],
)
def test_a_bucket_is_shown_as_it_stands_now(
    given: RateBucket, remaining: int, resets_at: datetime
) -> None:
    assert shown_limit(given, START) == Limit(
        scope="lowCallRate", limit=75, remaining=remaining, resets_at=resets_at
    )


@pytest.mark.parametrize(
    "usage, read_ago, ours, expected",
    [
        pytest.param({}, None, 0, (0, None), id="never read"),
        pytest.param({}, None, 7, (7, None), id="never read, but we called"),
        pytest.param(
            {"calls_last_hour": 37, "calls_left": 1963}, MINUTE, 0, (37, 1963), id="as read"
        ),
        pytest.param(
            {"calls_last_hour": 37, "calls_left": 1963}, MINUTE, 3, (40, 1960), id="and ours since"
        ),
        pytest.param(
            {"calls_last_hour": 37, "calls_left": 1963},
            timedelta(hours=2),
            3,
            (3, 1997),
            id="theirs are long past",
        ),
        pytest.param(
            {"calls_last_hour": 1990, "calls_left": 10}, MINUTE, 50, (2040, 0), id="none is left"
        ),
        pytest.param(
            {"calls_last_hour": None, "calls_left": None}, MINUTE, 2, (2, None), id="none"
        ),
    ],
)
def test_calls_of_the_hour(
    usage: dict[str, int | None],
    read_ago: timedelta | None,
    ours: int,
    expected: tuple[int, int | None],
) -> None:
    read_at = None if read_ago is None else START - read_ago
    assert calls_of_the_hour(usage, read_at, ours, START) == expected
