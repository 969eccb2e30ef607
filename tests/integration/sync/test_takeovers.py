"""send_people where another replica takes the run over: nobody is lost, and nobody counts twice."""

import pytest

from app.db import Database
from app.models import Account
from app.settings import Settings
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica, replica
from tests.factories.people import make_people
from tests.integration.sync.traces import calls, due

PEOPLE = 25


@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_run_that_is_handed_over_counts_each_person_once(
    here: Replica,
    sandboxed: Account,
    database: Database,
    clock: FakeClock,
    settings: Settings,
    mode: str,
) -> None:
    await make_people(here.database, PEOPLE)
    run_id = await here.trigger(sandboxed, "send_people", mode)
    for _ in range(3):
        async with replica(database, clock, settings) as stopping:
            stopping.engine.stop()
            await stopping.engine.execute(run_id)
    handed_over = await here.row(run_id)
    assert handed_over["status"] == "queued"
    await here.engine.execute(run_id)

    run = await here.row(run_id)
    assert (run["status"], run["attempt"]) == ("succeeded", 4)
    assert (run["counts"]["considered"], run["counts"]["created"]) == (PEOPLE, PEOPLE)
    assert (run["progress_done"], run["progress_total"]) == (PEOPLE, PEOPLE)


async def test_imports_of_a_dead_replica_are_watched_by_the_one_that_takes_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """The first attempt finds itself superseded right after Dotdigital took its import."""
    await make_people(here.database, PEOPLE)
    await here.database.pool.execute(
        """
        CREATE FUNCTION supersede() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE runs SET attempt = attempt + 1;
            RETURN NULL;
        END $$;
        CREATE TRIGGER supersede AFTER INSERT ON imports
        FOR EACH ROW EXECUTE FUNCTION supersede();
        """
    )
    run_id = await here.trigger(sandboxed, "send_people")
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["status"] == "running"
    await here.database.pool.execute("DROP TRIGGER supersede ON imports")
    await here.engine.execute(run_id)

    run = await here.row(run_id)
    assert (run["status"], run["attempt"]) == ("succeeded", 3)
    expected = {"considered": PEOPLE, "created": PEOPLE, "pending": 0}
    assert {name: run["counts"].get(name, 0) for name in expected} == expected
    assert run["progress_done"] == PEOPLE
    assert calls(sandbox)["PUT /contacts/v3/import"] == 1
    assert await due(here) == []
    assert (
        await here.database.pool.fetchval("SELECT count(*) FROM imports WHERE status = 'open'") == 0
    )
