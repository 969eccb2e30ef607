"""Token buckets on Postgres: shared by every replica, never over the limit, the urgent first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from app.clients.dotdigital import Priority, RateLimiter
from app.db import Database
from app.sync.rate_buckets import PostgresBucketStore
from tests.clock import START, FakeClock

KEY = "48213"
SCOPE = "lowCallRate"
IMPORT = "PUT /contacts/v3/import"


@pytest.fixture
def store(database: Database, clock: FakeClock) -> PostgresBucketStore:
    return PostgresBucketStore(database, clock)


@pytest.fixture
async def elsewhere(database_url: str, clock: FakeClock) -> AsyncIterator[PostgresBucketStore]:
    """Give the store of another replica, with a pool of its own."""
    database = Database(database_url, pool_size=5)
    await database.open()
    yield PostgresBucketStore(database, clock)
    await database.close()


async def take(
    store: PostgresBucketStore,
    priority: Priority = Priority.SCHEDULE,
    *,
    limit: int = 75,
    window_s: float = 60,
    key: str = KEY,
    scope: str = SCOPE,
) -> float:
    grant = await store.take(key, scope, priority, limit, window_s)
    return grant.wait_s


async def use_up(store: PostgresBucketStore, *, limit: int = 3) -> None:
    for _ in range(limit):
        assert await take(store, limit=limit) == 0


async def bucket(database: Database) -> tuple[int, float, float]:
    """Return limit, rest, and the seconds from the start to the reset."""
    row = await database.pool.fetchrow(
        "SELECT * FROM rate_buckets WHERE account_key = $1 AND scope = $2", KEY, SCOPE
    )
    return row["limit"], row["remaining"], (row["resets_at"] - START).total_seconds()


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def test_replicas_that_call_at_once_never_exceed_the_limit_together(
    store: PostgresBucketStore, elsewhere: PostgresBucketStore, database: Database
) -> None:
    waits = await asyncio.gather(
        *(take(each, limit=35) for _ in range(30) for each in (store, elsewhere))
    )
    assert sorted(waits) == [0.0] * 35 + [60.0] * 25
    assert await bucket(database) == (35, 0, 60)


async def test_replicas_that_make_a_bucket_at_once_make_one(
    store: PostgresBucketStore, elsewhere: PostgresBucketStore, database: Database
) -> None:
    waits = await asyncio.gather(*(take(each, limit=1) for each in (store, elsewhere)))
    assert sorted(waits) == [0.0, 60.0]
    assert await database.pool.fetchval("SELECT count(*) FROM rate_buckets") == 1


async def test_bucket_is_full_again_after_its_window(
    store: PostgresBucketStore, clock: FakeClock, database: Database
) -> None:
    await use_up(store)
    clock.advance(59.5)
    assert await take(store) == 0.5
    clock.advance(0.5)
    assert await take(store) == 0
    assert await bucket(database) == (3, 2, 120)


async def test_window_begins_with_the_first_call_after_the_last_one(
    store: PostgresBucketStore, clock: FakeClock, database: Database
) -> None:
    await use_up(store)
    clock.advance(1000)
    assert await take(store) == 0
    assert await bucket(database) == (3, 2, 1060)


async def test_accounts_and_scopes_do_not_touch_one_another(store: PostgresBucketStore) -> None:
    await use_up(store)
    assert await take(store, limit=1, scope="highCallRate") == 0
    assert await take(store, limit=1, key="7") == 0
    assert await take(store, limit=1, key="7") == 60


@pytest.mark.parametrize(
    "limit, remaining, resets_in_s, expected",
    [
        pytest.param(35, 20, 30, (35, 20, 30), id="limit, rest and reset of an answer"),
        pytest.param(None, None, None, (75, 65, 60), id="nothing at all"),
        pytest.param(None, 20, None, (75, 20, 60), id="others draw on the limit too"),
        pytest.param(None, 70, None, (75, 65, 60), id="an answer from before the last ten calls"),
        pytest.param(35, None, None, (35, 25, 60), id="a lower limit counts from the ten calls"),
        pytest.param(5, None, None, (5, 0, 60), id="a limit that is used up already"),
        pytest.param(100, None, None, (100, 90, 60), id="a higher one likewise"),
        pytest.param(100, 99, None, (100, 90, 60), id="the calls since the answer stay counted"),
        pytest.param(100, 50, None, (100, 50, 60), id="a higher limit, of which others use much"),
        pytest.param(None, None, 40, (75, 65, 40), id="a window that ends earlier"),
        pytest.param(None, 74, 65, (75, 65, 65), id="the same window, seen to end a bit later"),
        pytest.param(None, 74, 95, (75, 74, 95), id="another window"),
        pytest.param(None, 12, 3000, (75, 12, 3000), id="a window longer than we thought"),
        pytest.param(None, None, 95, (75, 65, 95), id="another window without its rest"),
        pytest.param(35, 2, 0, (35, 25, 60), id="the window before: only the limit is news"),
        pytest.param(None, 2, -5, (75, 65, 60), id="a window that ended long since"),
        pytest.param(None, 0, 1.5, (75, 0, 1.5), id="a window that is just about to end"),
    ],
)
async def test_answer_teaches(
    store: PostgresBucketStore,
    database: Database,
    limit: int | None,
    remaining: int | None,
    resets_in_s: float | None,
    expected: tuple[int, float, float],
) -> None:
    for _ in range(10):
        await take(store)
    await store.learn(
        KEY,
        SCOPE,
        limit=limit,
        remaining=remaining,
        resets_at=None if resets_in_s is None else later(resets_in_s),
    )
    assert await bucket(database) == expected


async def test_answers_that_overtake_one_another_give_nothing_back(
    store: PostgresBucketStore, database: Database
) -> None:
    await use_up(store, limit=5)
    for remaining in (0, 4, 2, 3, 1):
        await store.learn(KEY, SCOPE, limit=5, remaining=remaining, resets_at=later(60))
        assert await bucket(database) == (5, 0, 60)


async def test_answer_of_the_window_before_does_not_fill_this_one(
    store: PostgresBucketStore, clock: FakeClock
) -> None:
    await use_up(store)
    clock.advance(60)
    await use_up(store)
    clock.advance(2)
    await store.learn(KEY, SCOPE, limit=3, remaining=1, resets_at=later(60))
    assert await take(store) == 58, "three calls were made in this window"


async def test_first_answer_does_not_give_back_what_the_others_on_their_way_took(
    store: PostgresBucketStore, clock: FakeClock
) -> None:
    for _ in range(10):
        await take(store, limit=35)
    clock.advance(5)
    await store.learn(KEY, SCOPE, limit=35, remaining=34, resets_at=later(65))
    granted = sum([await take(store) == 0 for _ in range(40)])
    assert granted == 25


async def test_what_a_bucket_that_nobody_drew_on_is_said_to_be_is_not_kept(
    store: PostgresBucketStore, database: Database
) -> None:
    await store.learn(KEY, SCOPE, limit=1, remaining=0, resets_at=later(60))
    await store.block_until(KEY, SCOPE, later(60))
    assert await take(store) == 0
    assert await bucket(database) == (75, 74, 60)


async def test_block_holds_for_every_replica_and_every_priority(
    store: PostgresBucketStore, elsewhere: PostgresBucketStore, clock: FakeClock
) -> None:
    await take(store)
    await store.block_until(KEY, SCOPE, later(100))
    await elsewhere.block_until(KEY, SCOPE, later(30))
    waits = [
        await take(each, priority) for each in (store, elsewhere) for priority in reversed(Priority)
    ]
    assert waits == [100.0] * 6
    clock.advance(100)
    assert await take(elsewhere, Priority.OPT_OUT) == 0


async def test_block_that_ends_within_the_window_leaves_nothing_of_it(
    store: PostgresBucketStore, clock: FakeClock
) -> None:
    await take(store)
    await store.block_until(KEY, SCOPE, later(30))
    clock.advance(31)
    assert await take(store) == 29


async def test_opt_out_that_waits_keeps_the_others_off(
    store: PostgresBucketStore, elsewhere: PostgresBucketStore, clock: FakeClock
) -> None:
    await use_up(store)
    clock.advance(57)
    assert await take(store, Priority.OPT_OUT) == 3
    clock.advance(3)
    assert await take(elsewhere, Priority.SCHEDULE) == 1
    assert await take(elsewhere, Priority.MANUAL) == 1
    assert await take(store, Priority.OPT_OUT) == 0


async def test_manual_run_goes_after_the_opt_out_and_before_the_schedule(
    store: PostgresBucketStore, elsewhere: PostgresBucketStore, clock: FakeClock
) -> None:
    await use_up(store)
    clock.advance(57)
    assert await take(store, Priority.OPT_OUT) == 3
    clock.advance(3)
    assert await take(elsewhere, Priority.MANUAL) == 1, "an opt-out waits"
    assert await take(store, Priority.OPT_OUT) == 0
    assert await take(elsewhere, Priority.SCHEDULE) == 1, "a manual run waits"
    assert await take(elsewhere, Priority.MANUAL) == 0
    assert await take(elsewhere, Priority.SCHEDULE) == 0


async def test_caller_that_never_comes_back_keeps_the_others_off_for_six_seconds(
    store: PostgresBucketStore, clock: FakeClock
) -> None:
    await use_up(store)
    clock.advance(58)
    assert await take(store, Priority.OPT_OUT) == 2
    clock.advance(5.5)
    assert await take(store) == 1
    clock.advance(0.5)
    assert await take(store) == 0


async def test_urgent_callers_never_wait_for_the_schedule(
    store: PostgresBucketStore, clock: FakeClock
) -> None:
    await use_up(store)
    clock.advance(57)
    assert await take(store, Priority.SCHEDULE) == 3
    clock.advance(3)
    assert await take(store, Priority.MANUAL) == 0
    assert await take(store, Priority.OPT_OUT) == 0


async def test_limiters_of_two_replicas_share_the_account(
    store: PostgresBucketStore, elsewhere: PostgresBucketStore, clock: FakeClock
) -> None:
    limiters = [RateLimiter(each, KEY, clock) for each in (store, elsewhere)]
    for limiter in limiters * 37:
        await limiter.acquire(IMPORT, Priority.SCHEDULE, 0)
    await limiters[0].acquire(IMPORT, Priority.SCHEDULE, 0)
    assert clock.slept == []
    await limiters[1].acquire(IMPORT, Priority.SCHEDULE, 300)
    assert clock.slept == [60.0]


async def test_scope_that_an_answer_named_is_known_to_every_replica(
    store: PostgresBucketStore, elsewhere: PostgresBucketStore
) -> None:
    assert await elsewhere.scope_of(KEY, IMPORT) is None
    await store.remember_scope(KEY, IMPORT, "bulkRate")
    await store.remember_scope(KEY, IMPORT, "bulkRate")
    assert await store.scope_of(KEY, IMPORT) == "bulkRate"
    assert await elsewhere.scope_of(KEY, IMPORT) == "bulkRate"
    assert await elsewhere.scope_of("7", IMPORT) is None
    await elsewhere.remember_scope(KEY, IMPORT, "lowCallRate")
    assert await elsewhere.scope_of(KEY, IMPORT) == "lowCallRate"
