"""`/v1/runs` as a caller meets it; its stream is in `test_run_events`."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.runs import make_run, make_run_event


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


async def test_a_run_is_shown_whole(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    run = await make_run(
        database,
        account,
        job="match_activities",
        mode="full",
        trigger="manual",
        status="failed",
        attempt=2,
        started_at=START + timedelta(seconds=1),
        finished_at=START + timedelta(seconds=9),
        progress_done=3,
        progress_total=5,
        counts={"considered": 3, "failed": 1},
        calls={"lowCallRate": 4},
        error={"type": "/problems/x", "title": "X", "status": 502, "detail": "It broke."},
    )
    first = await make_run_event(database, run, "started", attempt=1)
    second = await make_run_event(database, run, "failed", detail="It broke.")
    got = await api.get(f"/v1/runs/{run.id}")
    assert got.status_code == 200, got.text
    assert got.json() == {
        "id": run.id,
        "job": "match_activities",
        "account_id": account.id,
        "mode": "full",
        "trigger": "manual",
        "status": "failed",
        "queued_at": "2026-01-05T09:00:00Z",
        "started_at": "2026-01-05T09:00:01Z",
        "finished_at": "2026-01-05T09:00:09Z",
        "cancel_requested_at": None,
        "progress": {"done": 3, "total": 5},
        "counts": {"considered": 3, "matched": 0, "failed": 1},
        "calls": {"lowCallRate": 4},
        "error": {
            "type": "http://dotsync/problems/x",
            "title": "X",
            "status": 502,
            "detail": "It broke.",
        },
        "attempt": 2,
        "events": [
            {
                "id": first.id,
                "at": "2026-01-05T09:00:00Z",
                "event": "started",
                "detail": {"attempt": 1},
            },
            {
                "id": second.id,
                "at": "2026-01-05T09:00:00Z",
                "event": "failed",
                "detail": {"detail": "It broke."},
            },
        ],
    }


COUNTS = {
    "send_people": "considered created updated deleted suppressed resubscribed unchanged skipped "
    "failed pending imports",
    "retrieve_people": "seen created updated opted_out opted_in undeliverable conflicts unlinked "
    "unchanged",
    "retrieve_activities": "mailshots stored duplicates matched email_send email_open email_click "
    "email_bounce email_unsubscribe form_submission page_view download",
    "match_activities": "considered matched",
    "send_lists": "lists lists_created added suppressed removed exited waiting failed",
    "monitor_imports": "open finished acknowledged failed",
}


async def test_every_count_of_a_job_is_there_from_the_start(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    for job in COUNTS:
        await make_run(database, account, job=job, status="queued")
    shown = (await api.get("/v1/runs")).json()["items"]
    assert {run["job"]: run["counts"] for run in shown} == {
        job: dict.fromkeys(keys.split(), 0) for job, keys in COUNTS.items()
    }


async def test_runs_are_filtered_and_paged_the_newest_first(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    other = await make_account(database)
    first = await make_run(database, account)
    second = await make_run(database, account, job="send_lists", status="failed")
    third = await make_run(database, other, trigger="manual")

    async def found(**query: Any) -> list[int]:  # noqa: ANN401 - any filter
        answer = await api.get("/v1/runs", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == [third.id, second.id, first.id]
    assert await found(job="send_lists") == [second.id]
    assert await found(account_id=account.id) == [second.id, first.id]
    assert await found(status="failed") == [second.id]
    assert await found(trigger="manual") == [third.id]
    page = (await api.get("/v1/runs", params={"limit": 2})).json()
    await make_run(database, account, job="retrieve_people")
    assert await found(limit=2, cursor=page["next_cursor"]) == [first.id]
    for query in ("job=send_faxes", "status=done", "limit=0", "cursor=x", "account_id=0"):
        assert (await api.get(f"/v1/runs?{query}")).status_code == 422, query


async def test_a_queued_run_is_cancelled_at_once(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    made = await api.post("/v1/jobs/send_people/runs", json={"account_id": account.id})
    path = made.headers["Location"]
    cancelled = await api.post(f"{path}/cancel")
    assert cancelled.status_code == 200, cancelled.text
    body = cancelled.json()
    assert (body["status"], body["finished_at"]) == ("cancelled", "2026-01-05T09:00:00Z")
    assert await database.pool.fetchval("SELECT count(*) FROM pgqueuer") == 0
    (line,) = (await api.get(path)).json()["events"]
    assert line["event"] == "cancelled"
    assert line["detail"]["by"].startswith("key ")
    again = await api.post("/v1/jobs/send_people/runs", json={"account_id": account.id})
    assert again.status_code == 202


async def test_a_running_run_is_asked_to_stop(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    run = await make_run(database, account, status="running")
    for _ in range(2):
        asked = await api.post(f"/v1/runs/{run.id}/cancel")
        assert asked.status_code == 202
        assert asked.json()["status"] == "running"
        assert asked.json()["cancel_requested_at"] == "2026-01-05T09:00:00Z"
    events = (await api.get(f"/v1/runs/{run.id}")).json()["events"]
    assert [line["event"] for line in events] == ["cancel_requested"]


async def test_a_run_handed_back_after_it_was_asked_to_stop_ends_at_once(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    run = await make_run(database, account, status="queued", cancel_requested_at=START)
    cancelled = await api.post(f"/v1/runs/{run.id}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


async def test_what_has_ended_can_not_be_cancelled(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    for status in ("succeeded", "partial", "failed", "cancelled"):
        run = await make_run(database, account, status=status)
        answer = await api.post(f"/v1/runs/{run.id}/cancel")
        assert (answer.status_code, answer.json()["run_status"]) == (409, status)


async def test_a_run_that_is_not_there_is_a_problem(api: httpx.AsyncClient) -> None:
    for run_id, status in {"999": 404, "9223372036854775808": 422, "last": 422}.items():
        path = f"/v1/runs/{run_id}"
        for answer in (
            await api.get(path),
            await api.get(f"{path}/events"),
            await api.post(f"{path}/cancel"),
        ):
            assert answer.status_code == status, run_id
            assert answer.headers["content-type"] == "application/problem+json"
