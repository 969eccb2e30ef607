"""`/v1/jobs` and `/v1/sync` as a caller meets them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.db import Database
from app.job_kinds import JOB_KINDS
from app.models import Account
from app.sync.jobs import JOB_FUNCTIONS
from tests.clock import START, FakeClock
from tests.factories.accounts import make_account
from tests.factories.people import make_people
from tests.factories.runs import make_run, set_job

AVAILABLE = sorted(JOB_FUNCTIONS)


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


async def job_of(api: httpx.AsyncClient, account: Account, job: str) -> dict[str, Any]:
    answer = await api.get("/v1/jobs", params={"account_id": account.id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = next(item for item in answer.json()["items"] if item["job"] == job)
    return found


async def trigger(
    api: httpx.AsyncClient,
    account_id: int,
    job: str = "send_people",
    **body: Any,  # noqa: ANN401 - any field
) -> httpx.Response:
    return await api.post(f"/v1/jobs/{job}/runs", json={"account_id": account_id, **body})


@pytest.fixture
def without_send_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(JOB_FUNCTIONS, "send_people")


async def test_every_job_of_every_account_is_listed(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    other = await make_account(database)
    pages, cursor = [], None
    while True:
        query: dict[str, Any] = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/v1/jobs", params=query)).json()
        pages.append([(item["account_id"], item["job"]) for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    seen = [place for page in pages for place in page]
    assert seen == [(each, job) for each in (account.id, other.id) for job in sorted(JOB_KINDS)]
    assert [len(page) for page in pages] == [5, 5, 2]


async def test_a_job_shows_its_schedule_and_its_last_run(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    await set_job(database, account, "send_people", enabled=True, enabled_at=START)
    await make_run(database, account, queued_at=START - timedelta(hours=1))
    run = await make_run(database, account, finished_at=START, trigger="manual")
    shown = await job_of(api, account, "send_people")
    assert shown["schedule"] == {"interval_seconds": 300}
    assert (shown["enabled"], shown["available"]) == (True, True)
    assert (shown["state"], shown["why"]) == ("idle", None)
    assert shown["next_run_at"] == "2026-01-05T09:00:00Z"
    assert (shown["last_run"]["id"], shown["last_run"]["status"]) == (run.id, "succeeded")


async def test_the_last_run_is_the_active_one_else_the_newest_of_either_trigger(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    async def last_run() -> int:
        found: int = (await job_of(api, account, "send_people"))["last_run"]["id"]
        return found

    assert (await job_of(api, account, "send_people"))["last_run"] is None
    for trigger_word in ("schedule", "manual", "schedule"):
        run = await make_run(database, account, trigger=trigger_word)
        assert await last_run() == run.id
    # A replica whose clock is behind queued this one.
    behind = START - timedelta(seconds=5)
    active = await make_run(database, account, trigger="manual", status="running", queued_at=behind)
    await make_run(database, account, job="send_lists")
    assert await last_run() == active.id


async def test_a_schedule_changes_and_counts_from_now(
    api: httpx.AsyncClient, account: Account, clock: FakeClock
) -> None:
    path = "/v1/jobs/send_people"
    changed = await api.patch(
        path, json={"account_id": account.id, "schedule": {"cron": "30 2 * * 1-5"}, "enabled": True}
    )
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    body = changed.json()
    assert (body["schedule"], body["enabled"]) == ({"cron": "30 2 * * 1-5"}, True)
    assert body["next_run_at"] == "2026-01-06T02:30:00Z"
    clock.advance(60)
    changed = await api.patch(
        path, json={"account_id": account.id, "schedule": {"interval_seconds": 10.5}}
    )
    assert changed.json()["schedule"] == {"interval_seconds": 10.5}
    assert changed.json()["next_run_at"] == "2026-01-05T09:01:00Z"
    off = await api.patch(path, json={"account_id": account.id, "enabled": False})
    assert (off.json()["state"], off.json()["next_run_at"]) == ("paused", None)
    assert await job_of(api, account, "send_people") == off.json()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"enabled": False}, id="off, as it is"),
        pytest.param({"schedule": {"interval_seconds": 300}}, id="the schedule it has"),
    ],
)
async def test_what_stands_already_is_no_change(
    api: httpx.AsyncClient, database: Database, account: Account, change: dict[str, Any]
) -> None:
    body = {"account_id": account.id, **change}
    answer = await api.patch("/v1/jobs/send_people", json=body)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert await database.pool.fetchval("SELECT count(*) FROM audit_log") == 0


async def test_job_that_calls_dotdigital_runs_no_more_often_than_its_rations_allow(
    api: httpx.AsyncClient, account: Account
) -> None:
    body = {"account_id": account.id, "schedule": {"interval_seconds": 1}}
    refused = await api.patch("/v1/jobs/send_people", json=body)
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        [
            {
                "pointer": "/body/schedule/interval_seconds",
                "detail": "send_people runs every 10 seconds at the most: each run calls "
                "Dotdigital, which rations calls by the minute. POST /v1/jobs/send_people/runs "
                "runs it at once.",
            }
        ],
    )
    assert (await api.patch("/v1/jobs/match_activities", json=body)).status_code == 200


#: By what is wrong: a change, and where the fault is.
BAD_CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "no account": ({"enabled": True}, "/body/account_id"),
    "enabled of null": ({"account_id": 1, "enabled": None}, "/body"),
    "a schedule of null": ({"account_id": 1, "schedule": None}, "/body"),
    "a schedule of nothing": ({"account_id": 1, "schedule": {}}, "/body/schedule"),
    "two schedules": (
        {"account_id": 1, "schedule": {"cron": "* * * * *", "interval_seconds": 5}},
        "/body/schedule",
    ),
    "an interval of 0": (
        {"account_id": 1, "schedule": {"interval_seconds": 0}},
        "/body/schedule/interval_seconds",
    ),
    "an interval of a year": (
        {"account_id": 1, "schedule": {"interval_seconds": 31_536_000}},
        "/body/schedule/interval_seconds",
    ),
    "a bad cron": ({"account_id": 1, "schedule": {"cron": "every day"}}, "/body/schedule/cron"),
    "a cron that never comes": (
        {"account_id": 1, "schedule": {"cron": "0 0 31 2 *"}},
        "/body/schedule/cron",
    ),
    "an unknown field": ({"account_id": 1, "paused": True}, "/body/paused"),
}


async def test_a_bad_change_is_refused_where_it_is_bad(
    api: httpx.AsyncClient, account: Account
) -> None:
    for wrong, (body, where) in BAD_CHANGES.items():
        answer = await api.patch("/v1/jobs/send_people", json=body)
        assert answer.status_code == 422, wrong
        assert [error["pointer"] for error in answer.json()["errors"]] == [where], wrong
    assert (await job_of(api, account, "send_people"))["version"] == 1
    bad_cron = await api.patch("/v1/jobs/send_people", json=BAD_CHANGES["a bad cron"][0])
    assert "30 2 * * 1-5" in bad_cron.json()["detail"]


async def test_what_is_not_there_can_not_be_changed(
    api: httpx.AsyncClient, account: Account
) -> None:
    unknown_account = await api.patch(
        "/v1/jobs/send_people", json={"account_id": 999, "enabled": True}
    )
    assert unknown_account.status_code == 404
    unknown_job = await api.patch(
        "/v1/jobs/send_faxes", json={"account_id": account.id, "enabled": True}
    )
    assert unknown_job.status_code == 422
    stale = await api.patch(
        "/v1/jobs/send_people",
        json={"account_id": account.id, "enabled": True},
        headers={"If-Match": '"7"'},
    )
    assert (stale.status_code, stale.json()["current_version"]) == (412, 1)


async def test_a_run_is_triggered_by_hand(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    answer = await trigger(api, account.id, mode="dry_run")
    assert answer.status_code == 202, answer.text
    run = answer.json()
    assert answer.headers["Location"] == f"/v1/runs/{run['id']}"
    assert (run["status"], run["trigger"], run["mode"]) == ("queued", "manual", "dry_run")
    assert (run["progress"], run["counts"]["considered"]) == ({"done": 0, "total": None}, 0)
    assert (await api.get(answer.headers["Location"])).json()["id"] == run["id"]
    places = await database.pool.fetch("SELECT dedupe_key, priority FROM pgqueuer")
    assert [tuple(place) for place in places] == [(f"run:{run['id']}", 10)]
    assert (await job_of(api, account, "send_people"))["state"] == "queued"


async def test_one_run_of_a_job_is_active_at_a_time(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    first = (await trigger(api, account.id)).json()
    second = await trigger(api, account.id)
    assert second.status_code == 409
    assert second.json()["type"].endswith("/problems/run-active")
    assert second.json()["run_id"] == first["id"]
    other = await make_account(database)
    third = await trigger(api, other.id)
    assert third.status_code == 202
    assert third.json()["id"] == first["id"] + 1, "what was refused used up no id"
    assert (await trigger(api, account.id, "monitor_imports")).status_code == 202
    assert await database.pool.fetchval("SELECT count(*) FROM pgqueuer") == 3


async def test_a_run_whose_replica_is_silent_says_since_when_and_when_it_is_taken_over(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    run = (await trigger(api, account.id)).json()
    await database.pool.execute("UPDATE runs SET status = 'running'")
    await database.pool.execute("UPDATE pgqueuer SET status = 'picked', heartbeat = now()")
    shown = await job_of(api, account, "send_people")
    assert (shown["state"], shown["why"]) == ("running", None)
    assert "sign of life" not in (await trigger(api, account.id)).json()["detail"]

    await database.pool.execute("UPDATE pgqueuer SET heartbeat = now() - interval '25 seconds'")
    shown = await job_of(api, account, "send_people")
    assert shown["heartbeat_at"].startswith("2026-01-05T08:59:3")
    assert shown["takeover_at"].startswith("2026-01-05T09:00:0")
    refused = (await trigger(api, account.id)).json()
    assert refused["run_id"] == run["id"]
    for told in (shown["why"], refused["detail"]):
        assert "last sign of life at 2026-01-05T08:59:3" in told
        assert "taken over from 2026-01-05T09:00:0" in told


async def test_a_trigger_repeated_under_its_key_queues_one_run(
    api: httpx.AsyncClient, account: Account
) -> None:
    body = {"account_id": account.id}
    headers = {"Idempotency-Key": "run-now"}
    first = await api.post("/v1/jobs/send_people/runs", json=body, headers=headers)
    again = await api.post("/v1/jobs/send_people/runs", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]


@pytest.mark.parametrize("state", ["paused", "bad_credentials"])
async def test_an_account_that_stands_still_takes_no_trigger(
    api: httpx.AsyncClient, database: Database, state: str
) -> None:
    account = await make_account(database, state=state)
    answer = await trigger(api, account.id)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/problems/account-paused")
    assert await database.pool.fetchval("SELECT count(*) FROM runs") == 0


async def test_bad_triggers_queue_nothing(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    answers = [
        await trigger(api, 999),
        await trigger(api, account.id, mode="everything"),
        await trigger(api, account.id, "send_faxes"),
        await trigger(api, account.id, mode=None),
        await api.post("/v1/jobs/send_people/runs", json={}),
    ]
    assert [answer.status_code for answer in answers] == [404, 422, 422, 422, 422]
    assert await database.pool.fetchval("SELECT count(*) FROM runs") == 0


async def test_a_job_that_this_version_lacks_says_so(
    api: httpx.AsyncClient, account: Account, without_send_people: None
) -> None:
    shown = await job_of(api, account, "send_people")
    assert (shown["available"], shown["state"]) == (False, "paused")
    assert "doesn't run this job" in shown["why"]
    enabled = await api.patch(
        "/v1/jobs/send_people", json={"account_id": account.id, "enabled": True}
    )
    for answer in (await trigger(api, account.id), enabled):
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("/problems/job-not-available")
    started = (await api.post("/v1/sync/start", json={"account_id": account.id})).json()
    assert [job["job"] for job in started["jobs"] if job["enabled"]] == [
        job for job in AVAILABLE if job != "send_people"
    ]


async def test_sync_starts_and_stops(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    body = {"account_id": account.id}
    started = await api.post("/v1/sync/start", json=body)
    assert started.status_code == 200, started.text
    shown = started.json()
    assert (shown["account_state"], shown["why"], shown["active_runs"]) == ("ok", None, [])
    assert [job["job"] for job in shown["jobs"] if job["enabled"]] == AVAILABLE
    versions = [job["version"] for job in shown["jobs"]]
    again = (await api.post("/v1/sync/start", json=body)).json()
    assert [job["version"] for job in again["jobs"]] == versions
    run = (await trigger(api, account.id)).json()

    stopped = (await api.post("/v1/sync/stop", json=body)).json()
    assert (stopped["account_state"], stopped["active_runs"]) == ("paused", [run["id"]])
    assert not any(job["enabled"] for job in stopped["jobs"])
    assert "/v1/sync/start" in stopped["why"]
    assert (await trigger(api, account.id, "monitor_imports")).status_code == 409
    detail = await database.pool.fetchval("SELECT state_detail FROM accounts")
    assert detail.startswith("Sync was stopped by key ")

    assert (await api.post("/v1/sync/start", json=body)).json()["account_state"] == "ok"
    assert (await trigger(api, account.id, "monitor_imports")).status_code == 202
    assert await database.pool.fetchval("SELECT state_detail FROM accounts") is None


async def test_starting_with_bad_credentials_says_so(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database, state="bad_credentials")
    body = {"account_id": account.id}
    started = (await api.post("/v1/sync/start", json=body)).json()
    assert started["account_state"] == "bad_credentials"
    assert f"PATCH /v1/accounts/{account.id}" in started["why"]
    assert {job["state"] for job in started["jobs"]} == {"paused"}
    stopped = (await api.post("/v1/sync/stop", json=body)).json()
    assert stopped["account_state"] == "bad_credentials"


async def test_an_account_that_is_not_there_starts_nothing(api: httpx.AsyncClient) -> None:
    for verb in ("start", "stop"):
        answer = await api.post(f"/v1/sync/{verb}", json={"account_id": 999})
        assert answer.status_code == 404


async def test_changes_are_audited(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    await api.post("/v1/sync/start", json={"account_id": account.id})
    await api.patch("/v1/jobs/send_lists", json={"account_id": account.id, "enabled": False})
    await trigger(api, account.id)
    rows = await database.pool.fetch("SELECT action, detail FROM audit_log ORDER BY id")
    assert [row["action"] for row in rows] == ["sync_started", "job_changed", "run_triggered"]
    assert rows[1]["detail"] == {"account_id": account.id, "job": "send_lists", "enabled": False}


async def test_job_shows_how_many_people_wait_for_it(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    await make_people(database, 3)
    shown = (await api.get("/v1/jobs", params={"account_id": account.id})).json()["items"]
    assert {each["job"]: each["waiting"] for each in shown if each["waiting"] is not None} == {
        "send_people": 3
    }
