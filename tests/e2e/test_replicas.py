"""Replicas that die, stop and start together: real processes on one Postgres and one sandbox."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account
from app.settings import Settings
from sandbox.server import RunningSandbox
from tests.conftest import ADMIN_KEY
from tests.e2e.processes import ReplicaProcess, serving
from tests.factories.engines import make_usable_account
from tests.factories.people import make_people
from tests.shared import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(settings: Settings, sandbox: RunningSandbox) -> dict[str, str]:
    return {
        "DATABASE_URL": settings.database_url or "",
        "BOOTSTRAP_API_KEY": ADMIN_KEY,
        "DISCOVERY_URL": sandbox.url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "HEARTBEAT_TIMEOUT_SECONDS": "1",
    }


@pytest.fixture
async def account(database: Database, settings: Settings, sandbox: RunningSandbox) -> Account:
    return await make_usable_account(
        database,
        settings,
        username=sandbox.username,
        password=sandbox.password,
        endpoint=sandbox.url,
        dotdigital_account_id=sandbox.account.id,
    )


async def trigger(replica: ReplicaProcess, account: Account) -> int:
    async with httpx.AsyncClient(
        base_url=replica.url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}
    ) as client:
        answer = await client.post("/v1/jobs/send_people/runs", json={"account_id": account.id})
        assert answer.status_code == 202, answer.text
        run_id: int = answer.json()["id"]
        return run_id


async def asked(replica: ReplicaProcess, path: str) -> httpx.Response:
    """Ask over a connection of its own."""
    async with httpx.AsyncClient(
        base_url=replica.url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}
    ) as client:
        return await client.get(path)


async def until(database: Database, query: str, *arguments: Any) -> Any:  # noqa: ANN401 - a value
    """Wait until the query gives something true."""
    async with asyncio.timeout(30):
        while not (value := await database.pool.fetchval(query, *arguments)):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.02)
    return value


async def test_run_of_a_killed_replica_is_taken_over_and_nobody_is_lost(
    database: Database,
    account: Account,
    environment: dict[str, str],
    sandbox: RunningSandbox,
    settings: Settings,
) -> None:
    people = await make_people(database, 20)
    slow = sandbox.control.add_fault(
        "latency", method="PUT", path="/contacts/v3/import", seconds=3600
    )
    async with serving(settings.data_dir, environment) as doomed:
        await doomed.ready()
        run_id = await trigger(doomed, account)
        await until(database, "SELECT 1 FROM imports WHERE status = 'submitting'")
        async with asyncio.timeout(30):
            while not slow.struck:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.02)
        await doomed.kill()
    assert (
        await database.pool.fetchval("SELECT status FROM runs WHERE id = $1", run_id) == "running"
    )

    async with serving(settings.data_dir, environment) as successor:
        await successor.ready()
        await until(database, "SELECT 1 FROM runs WHERE id = $1 AND status = 'succeeded'", run_id)
        assert await successor.terminate() == 0
    run = await database.pool.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
    assert run["attempt"] == 2
    assert await database.pool.fetchval("SELECT count(*) FROM person_changes") == 0
    assert len(list(sandbox.account.contacts)) == len(people)


async def test_replica_that_is_asked_to_stop_finishes_its_batch_first(
    database: Database,
    account: Account,
    environment: dict[str, str],
    sandbox: RunningSandbox,
    settings: Settings,
) -> None:
    await make_people(database, 20)
    sandbox.control.add_fault("latency", method="PUT", path="/contacts/v3/import", seconds=1)
    async with serving(settings.data_dir, environment) as replica:
        await replica.ready()
        run_id = await trigger(replica, account)
        await until(database, "SELECT 1 FROM imports WHERE status = 'submitting'")
        assert await replica.terminate() == 0
    imports = await database.pool.fetch("SELECT status FROM imports")
    assert [row["status"] for row in imports] in (["open"], ["finished"])
    assert await database.pool.fetchval("SELECT status FROM runs WHERE id = $1", run_id) in {
        "queued",
        "succeeded",
    }


async def test_replica_that_drains_says_so_to_new_connections_and_takes_no_run(
    database: Database, account: Account, environment: dict[str, str], settings: Settings
) -> None:
    async with serving(settings.data_dir, {**environment, "DRAIN_SECONDS": "20"}) as replica:
        await replica.ready()
        replica.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while (await asked(replica, "/readyz")).status_code != 503:
                assert replica.process.returncode is None
        assert (await asked(replica, "/v1/people")).status_code == 200
        run_id = await trigger(replica, account)
        # Who asks again waits for nobody.
        assert await replica.terminate() == 0
    run = await database.pool.fetchrow("SELECT status, attempt FROM runs WHERE id = $1", run_id)
    assert dict(run) == {"status": "queued", "attempt": 0}


async def test_replicas_that_start_together_migrate_once(unmigrated_url: str) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("DOTSYNC_")}
    starting = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            "migrate",
            cwd=ROOT,
            env={**own, "DOTSYNC_DATABASE_URL": unmigrated_url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    ended = await asyncio.gather(*(process.communicate() for process in starting))
    assert [process.returncode for process in starting] == [0, 0], ended


async def test_replica_comes_up_without_a_database_and_is_ready_once_there_is_one(
    tmp_path: Path, database_url: str
) -> None:
    nowhere = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
        "BOOTSTRAP_API_KEY": ADMIN_KEY,
    }
    async with serving(tmp_path, nowhere) as replica:
        async with httpx.AsyncClient(base_url=replica.url) as client, asyncio.timeout(30):
            answer = None
            while answer is None:
                try:
                    answer = await client.get("/readyz")
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
            assert answer.status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            refused = await client.get(
                "/v1/people", headers={"Authorization": f"Bearer {ADMIN_KEY}"}
            )
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"]
        assert await replica.terminate() == 0
    async with serving(tmp_path, {**nowhere, "DATABASE_URL": database_url}) as replica:
        await replica.ready()
