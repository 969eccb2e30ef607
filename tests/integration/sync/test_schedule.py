"""The schedule: which ticks queue a run, over all replicas."""

import pytest

from app.db import Database
from app.models import Account
from app.settings import Settings
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.schedule import Scheduler
from tests.clock import FakeClock
from tests.factories.accounts import make_account


@pytest.fixture
async def account(database: Database, clock: FakeClock) -> Account:
    account = await make_account(database)
    await database.pool.execute(
        "UPDATE jobs SET enabled = true, enabled_at = $1, interval_seconds = 300", clock.now()
    )
    return account


@pytest.fixture
def schedulers(
    database: Database, clock: FakeClock, settings: Settings
) -> tuple[Scheduler, Scheduler]:
    return Scheduler(database, clock, settings), Scheduler(database, clock, settings)


async def end_runs(database: Database) -> None:
    await database.pool.execute("UPDATE runs SET status = 'succeeded'")
    await database.pool.execute("DELETE FROM pgqueuer")


async def test_two_replicas_that_tick_together_queue_one_run(
    database: Database, account: Account, schedulers: tuple[Scheduler, Scheduler]
) -> None:
    one, other = schedulers
    assert await one.tick(account.id, "send_people") is not None
    assert await other.tick(account.id, "send_people") is None
    await end_runs(database)
    assert await other.tick(account.id, "send_people") is None, "the interval is not over"


async def test_replica_out_of_step_does_not_halve_the_interval(
    database: Database,
    account: Account,
    clock: FakeClock,
    schedulers: tuple[Scheduler, Scheduler],
) -> None:
    one, other = schedulers
    queued = []
    for moment in range(0, 1200, 150):
        scheduler = one if moment % 300 == 0 else other
        queued.append(await scheduler.tick(account.id, "send_people") is not None)
        await end_runs(database)
        clock.advance(150)
    assert queued == [True, False] * 4


@pytest.mark.parametrize("state", ["paused", "bad_credentials"])
async def test_account_that_may_not_call_is_left_alone(
    database: Database, account: Account, schedulers: tuple[Scheduler, Scheduler], state: str
) -> None:
    await database.pool.execute("UPDATE accounts SET state = $1", state)
    assert await schedulers[0].tick(account.id, "send_people") is None


async def test_account_out_of_reach_is_tried_again(
    database: Database, account: Account, schedulers: tuple[Scheduler, Scheduler]
) -> None:
    await database.pool.execute("UPDATE accounts SET state = 'unreachable'")
    assert await schedulers[0].tick(account.id, "send_people") is not None


async def test_disabled_job_does_not_tick(
    database: Database, account: Account, schedulers: tuple[Scheduler, Scheduler]
) -> None:
    await database.pool.execute("UPDATE jobs SET enabled = false")
    assert await schedulers[0].tick(account.id, "send_people") is None


async def test_imports_are_monitored_only_while_one_is_in_flight(
    database: Database, account: Account, schedulers: tuple[Scheduler, Scheduler]
) -> None:
    assert await schedulers[0].tick(account.id, "monitor_imports") is None
    await database.pool.execute(
        "INSERT INTO imports (account_id, status) VALUES ($1, 'open')", account.id
    )
    assert await schedulers[0].tick(account.id, "monitor_imports") is not None


async def test_cron_set_moments_after_a_run_fires_at_its_first_moment(
    database: Database,
    account: Account,
    clock: FakeClock,
    schedulers: tuple[Scheduler, Scheduler],
) -> None:
    one, other = schedulers
    clock.advance(45)
    assert await one.tick(account.id, "send_people") is not None
    await end_runs(database)
    clock.advance(6)
    await database.pool.execute(
        "UPDATE jobs SET cron = '* * * * *', interval_seconds = NULL, enabled_at = $1", clock.now()
    )
    assert await other.tick(account.id, "send_people") is None, "an old tick: it is not time yet"
    clock.advance(9)
    assert await one.tick(account.id, "send_people") is not None
    await end_runs(database)
    assert await other.tick(account.id, "send_people") is None, "the other replica's, same moment"
    clock.advance(60)
    assert await other.tick(account.id, "send_people") is not None


async def test_started_scheduler_queues_what_is_overdue_and_takes_up_changes(
    database: Database, account: Account, clock: FakeClock, settings: Settings
) -> None:
    quick = settings.model_copy(update={"schedule_poll_seconds": 0.05})
    scheduler = Scheduler(database, clock, quick)
    await scheduler.start()
    try:
        await scheduler.refresh()
        everything = {f"{job}:{account.id}" for job in JOB_FUNCTIONS}
        assert set(scheduler.planned) == everything
        await database.pool.execute("UPDATE jobs SET enabled = false WHERE job = 'send_people'")
        await scheduler.refresh()
        assert set(scheduler.planned) == everything - {f"send_people:{account.id}"}
    finally:
        await scheduler.stop()


async def test_schedule_that_nobody_understands_stops_no_other(
    database: Database, account: Account, clock: FakeClock, settings: Settings
) -> None:
    await database.pool.execute(
        "UPDATE jobs SET cron = 'now and then', interval_seconds = NULL WHERE job = 'send_people'"
    )
    scheduler = Scheduler(database, clock, settings)
    await scheduler.refresh()
    others = {f"{job}:{account.id}" for job in JOB_FUNCTIONS if job != "send_people"}
    assert set(scheduler.planned) == others
