"""One more job is an entry in the table of jobs, and a module of its name: nothing else."""

import sys
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI

from app.db import Database
from app.job_kinds import JOB_KINDS, JobKind
from app.main import create_app
from app.services.jobs import add_missing_jobs
from app.settings import Settings
from app.sync.engine import JobContext
from app.sync.jobs import JOB_FUNCTIONS, job_functions
from app.sync.schedule import Scheduler
from tests.clock import FakeClock
from tests.conftest import ADMIN_KEY
from tests.factories.engines import make_usable_account
from tests.running import running

NAME = "count_people"


@pytest.fixture
def one_more_job(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(context: JobContext) -> None:
        context.run.counts["counted"] += 3

    module = ModuleType(f"app.sync.{NAME}")
    vars(module)["run"] = run
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kind = JobKind(interval_s=60.0, counts=("counted", "missed"))
    monkeypatch.setitem(JOB_KINDS, NAME, kind)
    monkeypatch.setitem(JOB_FUNCTIONS, NAME, job_functions([NAME])[NAME])


async def test_a_job_is_added_in_one_room(
    database: Database, settings: Settings, clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    account = await make_usable_account(database, settings)
    request.getfixturevalue("one_more_job")
    async with running(create_app(settings, clock=clock)) as app, calling(app) as api:
        listed = (await api.get("/v1/jobs")).json()["items"]
        job = next(each for each in listed if each["job"] == NAME)
        assert (job["schedule"]["interval_seconds"], job["enabled"]) == (60.0, False)
        assert NAME in (await api.get("/openapi.json")).text

        started = await api.post("/v1/sync/start", json={"account_id": account.id})
        assert started.status_code == 200, started.text
        scheduler = Scheduler(database, clock, settings)
        run_id = await scheduler.tick(account.id, NAME)
        assert run_id is not None
        await app.state.parts.engine.execute(run_id)
        run = (await api.get("/v1/runs", params={"job": NAME})).json()["items"][0]
        assert (run["status"], run["counts"]) == ("succeeded", {"counted": 3, "missed": 0})


async def test_a_new_job_is_given_once_to_the_accounts_there_are(
    database: Database, settings: Settings, request: pytest.FixtureRequest
) -> None:
    for _ in range(2):
        await make_usable_account(database, settings)
    await database.pool.execute("UPDATE jobs SET interval_seconds = 7, enabled = true")
    request.getfixturevalue("one_more_job")
    for _ in range(2):
        await add_missing_jobs(database)
    rows = await database.pool.fetch("SELECT job, interval_seconds, enabled FROM jobs")
    assert sorted((row["interval_seconds"], row["enabled"]) for row in rows) == sorted(
        [(7.0, True)] * 12 + [(60.0, False)] * 2
    )


def calling(app: FastAPI) -> httpx.AsyncClient:
    """Give a client of this service that carries an admin key."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://dotsync",
        headers={"Authorization": f"Bearer {ADMIN_KEY}"},
    )
