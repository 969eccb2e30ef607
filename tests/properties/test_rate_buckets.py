"""One bucket under whatever callers: never over its limit, never past a block, the urgent first."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from app.clients.dotdigital import Priority, TokenBucket
from tests.clock import START

WINDOW_S = 60.0
#: Who asks, and how many seconds after the one before.
ASKED = st.lists(
    st.tuples(st.sampled_from(Priority), st.sampled_from([0.0, 0.0, 0.5, 1.0, 5.0, 30.0, 61.0])),
    max_size=60,
)


def bucket(limit: int, blocked_until: datetime | None = None) -> TokenBucket:
    return TokenBucket(
        limit=limit,
        remaining=float(limit),
        window_s=WINDOW_S,
        resets_at=START + timedelta(seconds=WINDOW_S),
        blocked_until=blocked_until,
        waits=[None, None],
    )


@given(st.integers(1, 6), ASKED)
def test_no_window_grants_more_than_the_limit(
    limit: int, asked: list[tuple[Priority, float]]
) -> None:
    kept, now = bucket(limit), START
    granted: dict[datetime, int] = {}
    for priority, after_s in asked:
        now += timedelta(seconds=after_s)
        wait_s = kept.take(priority, now)
        if wait_s == 0:
            granted[kept.resets_at] = granted.get(kept.resets_at, 0) + 1
        assert 0 <= wait_s <= WINDOW_S
        assert now < kept.resets_at or wait_s > 0
        assert 0 <= kept.remaining <= limit
    assert all(count <= limit for count in granted.values())
    ends = sorted(granted)
    assert all((after - before).total_seconds() >= WINDOW_S for before, after in pairwise(ends))


@given(ASKED, st.floats(0, 200))
def test_nobody_passes_a_block(asked: list[tuple[Priority, float]], blocked_s: float) -> None:
    until = START + timedelta(seconds=blocked_s)
    kept, now = bucket(5, until), START
    for priority, after_s in asked:
        now += timedelta(seconds=after_s)
        if kept.take(priority, now) == 0:
            assert now >= until


@example(
    2,
    [
        (Priority.SCHEDULE, 0),
        (Priority.SCHEDULE, 0),
        (Priority.OPT_OUT, 57),
        (Priority.MANUAL, 3),
        (Priority.OPT_OUT, 0),
        (Priority.SCHEDULE, 0),
    ],
)
@given(st.integers(1, 6), ASKED)
def test_nobody_overtakes_a_more_urgent_caller_who_waits(
    limit: int, asked: list[tuple[Priority, float]]
) -> None:
    kept, now = bucket(limit), START
    turned_away: dict[Priority, datetime] = {}
    for priority, after_s in asked:
        now += timedelta(seconds=after_s)
        if kept.take(priority, now) > 0:
            turned_away[priority] = now
            continue
        turned_away.pop(priority, None)
        for waiting, since in turned_away.items():
            if waiting < priority:
                assert now - since >= timedelta(seconds=6), "it has not asked again"


@given(st.integers(1, 6), ASKED)
def test_whoever_comes_back_when_told_is_served_in_the_end(
    limit: int, asked: list[tuple[Priority, float]]
) -> None:
    kept, now = bucket(limit), START
    for priority, after_s in asked:
        now += timedelta(seconds=after_s)
        kept.take(priority, now)
    for _ in range(70):
        wait_s = kept.take(Priority.SCHEDULE, now)
        if wait_s == 0:
            return
        now += timedelta(seconds=wait_s)
    raise AssertionError
