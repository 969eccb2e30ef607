"""Token buckets: never more calls than the limit, the more urgent first, and what answers teach."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.dotdigital import (
    Grant,
    MemoryBucketStore,
    NotFound,
    Priority,
    RateLimited,
    RateLimiter,
    TokenBucket,
    WaitForSlot,
)
from app.clients.dotdigital.rate_headers import RateHeaders
from tests.clock import START, FakeClock

IMPORT = "PUT /contacts/v3/import"
REMOVAL = "POST /v2/address-books/{addressBookId}/contacts/delete"
LOOK = "GET /v2/account-info"
KEY = "48213"


class Store(MemoryBucketStore):
    """Buckets in memory, with a list of the tokens asked for."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.asked: list[tuple[str, Priority]] = []

    async def take(
        self, account_key: str, scope: str, priority: Priority, default_limit: int, window_s: float
    ) -> Grant:
        self.asked.append((scope, priority))
        return await super().take(account_key, scope, priority, default_limit, window_s)

    def bucket(self, scope: str) -> TokenBucket:
        return self._buckets[KEY, scope]


@pytest.fixture
def store(clock: FakeClock) -> Store:
    return Store(clock)


@pytest.fixture
def limiter(store: Store, clock: FakeClock) -> RateLimiter:
    return RateLimiter(store, KEY, clock)


async def acquire(
    limiter: RateLimiter,
    call: str = IMPORT,
    priority: Priority = Priority.SCHEDULE,
    patience_s: float = 300,
) -> str:
    return await limiter.acquire(call, priority, patience_s)


@pytest.mark.parametrize(
    "call, scope, calls_a_minute",
    [
        pytest.param(IMPORT, "lowCallRate", 75, id="adding"),
        pytest.param(REMOVAL, "removals", 35, id="removing"),
    ],
)
async def test_a_bucket_starts_from_the_assumed_limit(
    limiter: RateLimiter, clock: FakeClock, call: str, scope: str, calls_a_minute: int
) -> None:
    for _ in range(calls_a_minute):
        assert await acquire(limiter, call) == scope
    assert clock.slept == []
    await acquire(limiter, call)
    assert clock.slept == [60.0]


async def test_scopes_do_not_touch_one_another(limiter: RateLimiter, clock: FakeClock) -> None:
    for _ in range(75):
        await acquire(limiter)
    for _ in range(35):
        await acquire(limiter, REMOVAL)
    await acquire(limiter, LOOK)
    assert clock.slept == []


async def test_an_answer_teaches_limit_rest_and_reset(
    limiter: RateLimiter, store: Store, clock: FakeClock
) -> None:
    taken = await acquire(limiter)
    rate = RateHeaders(35, 1, START + timedelta(seconds=20), "lowCallRate")
    assert await limiter.learn(IMPORT, taken, rate, None) == "lowCallRate"
    await acquire(limiter)
    await acquire(limiter)
    assert clock.slept == [20.0]
    assert store.bucket("lowCallRate").limit == 35


async def test_a_named_scope_is_remembered_and_its_bucket_is_charged(
    limiter: RateLimiter, store: Store, clock: FakeClock
) -> None:
    taken = await acquire(limiter, REMOVAL)
    rate = RateHeaders(35, 34, START + timedelta(seconds=60), "lowCallRate")
    assert await limiter.learn(REMOVAL, taken, rate, None) == "lowCallRate"
    assert store.bucket("lowCallRate").remaining == 34
    assert await acquire(limiter, REMOVAL) == "lowCallRate"
    assert await RateLimiter(store, KEY, clock).acquire(REMOVAL, Priority.MANUAL, 0) == (
        "lowCallRate"
    )
    assert await RateLimiter(store, "7", clock).acquire(REMOVAL, Priority.MANUAL, 0) == "removals"


async def test_a_scope_that_nobody_foresaw_starts_from_the_calls_own_guess(
    limiter: RateLimiter, store: Store
) -> None:
    taken = await acquire(limiter, REMOVAL)
    await limiter.learn(REMOVAL, taken, RateHeaders(scope="bulkRate"), None)
    assert store.bucket("bulkRate").limit == 35
    assert store.bucket("bulkRate").remaining == 34


async def test_an_unlimited_scope_takes_no_token(limiter: RateLimiter, store: Store) -> None:
    taken = await acquire(limiter, LOOK)
    rate = RateHeaders(None, None, START, "unlimitedCallRate")
    assert await limiter.learn(LOOK, taken, rate, None) == "unlimitedCallRate"
    asked = len(store.asked)
    for _ in range(500):
        assert await acquire(limiter, LOOK) == "unlimitedCallRate"
    assert len(store.asked) == asked


async def test_a_rate_limit_blocks_the_scope_until_its_reset(
    limiter: RateLimiter, clock: FakeClock, store: Store
) -> None:
    taken = await acquire(limiter)
    error = RateLimited(None, START + timedelta(seconds=31))
    assert await limiter.learn(IMPORT, taken, RateHeaders(), error) == "lowCallRate"
    assert error.scope == "lowCallRate"
    await RateLimiter(store, KEY, clock).acquire(IMPORT, Priority.SCHEDULE, 300)
    assert clock.slept == [31.0]


async def test_a_rate_limit_in_a_scope_named_only_now_blocks_that_one(
    limiter: RateLimiter, clock: FakeClock
) -> None:
    taken = await acquire(limiter, REMOVAL)
    error = RateLimited("lowCallRate", START + timedelta(seconds=31))
    await limiter.learn(REMOVAL, taken, RateHeaders(scope="lowCallRate"), error)
    await acquire(limiter, IMPORT)
    assert clock.slept == [31.0]


async def test_no_slot_for_a_job_shrinks_no_bucket(limiter: RateLimiter, store: Store) -> None:
    taken = await acquire(limiter)
    for error in (WaitForSlot("contacts:tooManyActiveImports", ""), NotFound(None, "")):
        await limiter.learn(IMPORT, taken, RateHeaders(), error)
    bucket = store.bucket("lowCallRate")
    assert (bucket.remaining, bucket.blocked_until) == (74, None)


async def test_the_flat_scheme_counts_every_call_in_one_hour(
    limiter: RateLimiter, clock: FakeClock, store: Store
) -> None:
    taken = await acquire(limiter)
    error = RateLimited("flat", START + timedelta(seconds=300))
    assert await limiter.learn(IMPORT, taken, RateHeaders(), error) == "flat"
    assert await limiter.learn(IMPORT, taken, RateHeaders(), error) == "flat"
    assert await acquire(limiter, LOOK) == "flat"
    assert clock.slept == [300.0]
    assert await RateLimiter(store, KEY, clock).acquire(REMOVAL, Priority.MANUAL, 0) == "flat"
    assert store.bucket("flat").window_s == 3600


async def test_an_account_that_leaves_the_flat_scheme_is_counted_by_tiers_again(
    limiter: RateLimiter, clock: FakeClock, store: Store
) -> None:
    error = RateLimited("flat", START + timedelta(seconds=300))
    await limiter.learn(IMPORT, "lowCallRate", RateHeaders(), error)
    taken = await acquire(limiter, LOOK)
    await limiter.learn(LOOK, taken, RateHeaders(300, 299, None, "highCallRate"), None)
    assert await acquire(limiter, LOOK) == "highCallRate"
    assert await RateLimiter(store, KEY, clock).acquire(IMPORT, Priority.MANUAL, 0) == (
        "lowCallRate"
    )


async def test_who_would_wait_too_long_does_not_wait_at_all(
    limiter: RateLimiter, clock: FakeClock
) -> None:
    for _ in range(75):
        await acquire(limiter)
    with pytest.raises(RateLimited) as refused:
        await acquire(limiter, patience_s=59)
    assert clock.slept == []
    assert (refused.value.scope, refused.value.until) == (
        "lowCallRate",
        START + timedelta(seconds=60),
    )


async def test_who_is_more_urgent_goes_first_when_the_window_opens() -> None:
    clock = FakeClock(holds=True)
    limiter = RateLimiter(Store(clock), KEY, clock)
    for _ in range(75):
        await acquire(limiter)
    through: list[str] = []

    async def call(name: str, priority: Priority) -> None:
        await acquire(limiter, priority=priority)
        through.append(name)

    waiting = [
        asyncio.create_task(call("schedule", Priority.SCHEDULE)),
        asyncio.create_task(call("manual", Priority.MANUAL)),
        asyncio.create_task(call("opt-out", Priority.OPT_OUT)),
    ]
    for _ in range(70):
        for _ in range(10):
            await asyncio.sleep(0)  # the others' turn
        clock.advance(1)
    await asyncio.gather(*waiting)
    assert through == ["opt-out", "manual", "schedule"]


@given(
    limit=st.integers(1, 8),
    steps=st.lists(st.tuples(st.sampled_from(Priority), st.floats(0, 20)), max_size=80),
)
def test_no_window_gives_out_more_than_its_limit(
    limit: int, steps: list[tuple[Priority, float]]
) -> None:
    now = START
    bucket = TokenBucket(limit, limit, 60, START + timedelta(seconds=60))
    given_out: dict[object, int] = {}
    for priority, passed_s in steps:
        now += timedelta(seconds=passed_s)
        wait_s = bucket.take(priority, now)
        assert wait_s >= 0
        if wait_s == 0:
            given_out[bucket.resets_at] = given_out.get(bucket.resets_at, 0) + 1
    assert all(count <= limit for count in given_out.values())


@pytest.mark.parametrize(
    "taken, taught, expected",
    [
        pytest.param(0, {"limit": 35, "remaining": 34}, (35, 34), id="a lower limit"),
        pytest.param(1, {"limit": 150, "remaining": 149}, (150, 149), id="a higher limit"),
        pytest.param(10, {"limit": 150, "remaining": 149}, (150, 140), id="an answer overtaken"),
        pytest.param(10, {"remaining": 74}, (75, 65), id="tokens taken since are not given back"),
        pytest.param(
            10,
            {"remaining": 74, "resets_at": START + timedelta(seconds=60)},
            (75, 65),
            id="nor by the same window named again",
        ),
        pytest.param(0, {"remaining": 3}, (75, 3), id="others draw on it too"),
        pytest.param(0, {"limit": 80}, (80, 80), id="the limit alone"),
        pytest.param(
            40,
            {"remaining": 60, "resets_at": START + timedelta(seconds=120)},
            (75, 60),
            id="the next window",
        ),
        pytest.param(
            40,
            {"remaining": 60, "resets_at": START + timedelta(seconds=90)},
            (75, 35),
            id="a later end of this window",
        ),
        pytest.param(
            70, {"limit": 35, "remaining": 3}, (35, 0), id="a limit that is used up already"
        ),
        pytest.param(
            0, {"resets_at": START + timedelta(seconds=30)}, (75, 75), id="the reset alone"
        ),
    ],
)
def test_what_a_bucket_learns(
    taken: int, taught: dict[str, object], expected: tuple[int, float]
) -> None:
    bucket = TokenBucket(75, 75, 60, START + timedelta(seconds=60))
    for _ in range(taken):
        bucket.take(Priority.SCHEDULE, START)
    bucket.learn(**{"limit": None, "remaining": None, "resets_at": None, **taught})  # type: ignore[arg-type]
    assert (bucket.limit, bucket.remaining) == expected
    assert bucket.resets_at == taught.get("resets_at", START + timedelta(seconds=60))


def test_an_answer_of_the_window_before_says_nothing_of_this_one() -> None:
    bucket = TokenBucket(75, 40, 60, START + timedelta(seconds=60))
    bucket.learn(limit=80, remaining=0, resets_at=START + timedelta(seconds=1))
    assert (bucket.limit, bucket.remaining) == (80, 45)
    assert bucket.resets_at == START + timedelta(seconds=60)


def test_the_longer_of_two_blocks_holds() -> None:
    bucket = TokenBucket(75, 75, 60, START + timedelta(seconds=60))
    bucket.block_until(START + timedelta(seconds=90))
    bucket.block_until(START + timedelta(seconds=30))
    assert bucket.take(Priority.OPT_OUT, START + timedelta(seconds=60)) == 30
    assert bucket.take(Priority.OPT_OUT, START + timedelta(seconds=90)) == 0


async def test_what_concerns_a_bucket_that_is_not_there_makes_none(
    clock: FakeClock, store: Store
) -> None:
    await store.learn(KEY, "lowCallRate", limit=1, remaining=0, resets_at=None)
    await store.block_until(KEY, "lowCallRate", START + timedelta(hours=1))
    assert await store.take(KEY, "lowCallRate", Priority.SCHEDULE, 75, 60) == Grant(0)
