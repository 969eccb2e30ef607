"""The queue: a run and its place go together, and no run is left without one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.db import Database, raw_connection
from app.errors import RunActive
from app.models import Account
from app.sync.queue import QueueWorker, requeue_lost, trigger_run
from tests.clock import FakeClock
from tests.factories.accounts import make_account


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


async def trigger(database: Database, account: Account, clock: FakeClock) -> int:
    async with database.transaction() as connection:
        return await trigger_run(
            connection,
            account_id=account.id,
            job="send_people",
            mode="changes",
            trigger="manual",
            at=clock.now(),
        )


async def places(database: Database) -> list[str]:
    rows = await database.pool.fetch("SELECT dedupe_key FROM pgqueuer ORDER BY id")
    return [row["dedupe_key"] for row in rows]


@contextlib.asynccontextmanager
async def working(database: Database, done: asyncio.Queue[int]) -> AsyncIterator[None]:
    async def execute(run_id: int) -> None:
        await database.pool.execute("UPDATE runs SET status = 'succeeded' WHERE id = $1", run_id)
        done.put_nowait(run_id)

    worker = QueueWorker(database, execute, heartbeat_timeout_s=5, reconnect_s=0.05)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await asyncio.wait_for(task, 10)


async def test_run_and_place_are_gone_when_the_request_is_rolled_back(
    database: Database, account: Account, clock: FakeClock
) -> None:
    async def fail() -> None:
        async with database.writing() as session:
            await trigger_run(
                await raw_connection(session),
                account_id=account.id,
                job="send_people",
                mode="changes",
                trigger="manual",
                at=clock.now(),
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await places(database) == []
    assert await database.pool.fetchval("SELECT count(*) FROM runs") == 0


async def test_second_run_of_a_job_names_the_active_one(
    database: Database, account: Account, clock: FakeClock
) -> None:
    run_id = await trigger(database, account, clock)
    with pytest.raises(RunActive, match=f"Run {run_id}") as raised:
        await trigger(database, account, clock)
    assert raised.value.extensions == {"run_id": run_id}
    assert await places(database) == [f"run:{run_id}"]


async def test_worker_takes_what_is_queued(
    database: Database, account: Account, clock: FakeClock
) -> None:
    done: asyncio.Queue[int] = asyncio.Queue()
    async with working(database, done):
        first = await trigger(database, account, clock)
        assert await asyncio.wait_for(done.get(), 10) == first
        second = await trigger(database, account, clock)
        assert await asyncio.wait_for(done.get(), 10) == second


async def test_worker_survives_the_loss_of_its_connection(
    database: Database, account: Account, clock: FakeClock
) -> None:
    done: asyncio.Queue[int] = asyncio.Queue()
    async with working(database, done):
        first = await trigger(database, account, clock)
        assert await asyncio.wait_for(done.get(), 10) == first
        await database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'dotsync queue' AND datname = current_database()"
        )
        run_id = await trigger(database, account, clock)
        assert await asyncio.wait_for(done.get(), 15) == run_id


async def test_active_run_without_a_place_gets_one_again(
    database: Database, account: Account, clock: FakeClock
) -> None:
    run_id = await trigger(database, account, clock)
    await database.pool.execute("DELETE FROM pgqueuer")
    assert await requeue_lost(database, clock.now()) == 0, "it may still be on its way"
    later = clock.now() + timedelta(seconds=1)
    assert await requeue_lost(database, later) == 1
    assert await requeue_lost(database, later) == 0
    assert await places(database) == [f"run:{run_id}"]
