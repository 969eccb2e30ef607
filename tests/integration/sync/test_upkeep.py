"""What workers see to: runs without a place, imports without a watcher, answers kept too long."""

from datetime import timedelta

import pytest

from app.db import Database
from app.models import Account
from app.sync.upkeep import Upkeep, see_to_imports
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica
from tests.factories.people import make_people


async def monitors(database: Database) -> list[int]:
    rows = await database.pool.fetch(
        "SELECT id FROM runs WHERE job = 'monitor_imports' AND status = 'queued'"
    )
    return [row["id"] for row in rows]


async def test_import_that_takes_long_is_watched_to_its_end_without_a_schedule(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await make_people(here.database, 2)
    sandbox.control.add_fault("job_hangs", path="/contacts/v3/import")
    await here.run(sandboxed, "send_people")
    (first,) = await monitors(here.database)
    await here.engine.execute(first)
    assert await see_to_imports(here.database, clock.now()) == 0, "its next look is not due yet"

    clock.advance(120)
    sandbox.control.release_jobs()
    assert await see_to_imports(here.database, clock.now()) == 1
    assert await see_to_imports(here.database, clock.now()) == 0
    (second,) = await monitors(here.database)
    await here.engine.execute(second)
    assert (await here.row(second))["counts"]["acknowledged"] == 2
    assert await here.database.pool.fetchval("SELECT count(*) FROM person_changes") == 0
    clock.advance(120)
    assert await see_to_imports(here.database, clock.now()) == 0


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_import_that_a_stopped_run_left_behind_is_watched(
    here: Replica, sandboxed: Account, clock: FakeClock, status: str
) -> None:
    run_id = await here.trigger(sandboxed, "send_people")
    await here.database.pool.execute(
        "INSERT INTO imports (account_id, run_id, status) VALUES ($1, $2, 'open')",
        sandboxed.id,
        run_id,
    )
    assert await see_to_imports(here.database, clock.now()) == 0, "its own run watches it"
    await here.database.pool.execute("UPDATE runs SET status = $1", status)
    assert await see_to_imports(here.database, clock.now()) == 1


async def test_paused_account_is_not_looked_at(
    here: Replica, sandboxed: Account, clock: FakeClock
) -> None:
    await here.database.pool.execute(
        "INSERT INTO imports (account_id, status) VALUES ($1, 'open')", sandboxed.id
    )
    await here.database.pool.execute("UPDATE accounts SET state = 'paused'")
    assert await see_to_imports(here.database, clock.now()) == 0


async def test_run_that_was_handed_back_gets_a_place_again(
    here: Replica, sandboxed: Account, clock: FakeClock
) -> None:
    run_id = await here.trigger(sandboxed, "send_people")
    await here.database.pool.execute("DELETE FROM pgqueuer")
    clock.advance(10)
    await Upkeep(here.database, clock).tend()
    keys = await here.database.pool.fetch("SELECT dedupe_key FROM pgqueuer")
    assert [row["dedupe_key"] for row in keys] == [f"run:{run_id}"]


async def test_answers_are_forgotten_after_a_day(database: Database, clock: FakeClock) -> None:
    await database.pool.execute(
        "INSERT INTO api_keys (id, name, prefix, key_hash, scopes) VALUES (1, 'k', 'k', 'k', '{}')"
    )
    for key, age in (("old", timedelta(hours=25)), ("young", timedelta(hours=1))):
        await database.pool.execute(
            """
            INSERT INTO idempotency_keys (api_key_id, key, request_hash, status, headers, body,
                                          created_at)
            VALUES (1, $1, 'h', 200, '{}', '', $2)
            """,
            key,
            clock.now() - age,
        )
    await Upkeep(database, clock).tend()
    kept = await database.pool.fetch("SELECT key FROM idempotency_keys")
    assert [row["key"] for row in kept] == ["young"]
