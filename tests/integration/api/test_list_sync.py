"""`POST /v1/lists/{id}/sync`: one list, synchronised by hand."""

from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account, MailingList
from app.services.api_keys import create_key
from tests.factories.accounts import make_account
from tests.factories.lists import make_list


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


@pytest.fixture
async def mailing_list(database: Database, account: Account) -> MailingList:
    return await make_list(database, account)


async def runs(database: Database) -> list[dict[str, Any]]:
    rows = await database.pool.fetch("SELECT * FROM runs ORDER BY id")
    return [dict(row) for row in rows]


@pytest.mark.parametrize("body", [None, {}, {"mode": "dry_run"}])
async def test_a_list_is_synchronised_by_hand(
    api: httpx.AsyncClient,
    database: Database,
    mailing_list: MailingList,
    body: dict[str, Any] | None,
) -> None:
    answer = await api.post(f"/v1/lists/{mailing_list.id}/sync", json=body)
    assert answer.status_code == 202, answer.text
    (run,) = await runs(database)
    assert answer.headers["Location"] == f"/v1/runs/{run['id']}"
    mode = (body or {}).get("mode", "changes")
    assert (run["job"], run["mode"], run["trigger"]) == ("send_lists", mode, "manual")
    assert run["scope"] == {"list_id": mailing_list.id}
    assert (await api.get(answer.headers["Location"])).json()["status"] == "queued"
    places = await database.pool.fetchval("SELECT count(*) FROM pgqueuer")
    assert places == 1
    detail = await database.pool.fetchval("SELECT detail FROM audit_log ORDER BY id DESC LIMIT 1")
    assert detail == {"mode": mode, "list_id": mailing_list.id}


async def test_a_run_of_the_job_can_be_for_one_list(
    api: httpx.AsyncClient, database: Database, account: Account, mailing_list: MailingList
) -> None:
    answer = await api.post(
        "/v1/jobs/send_lists/runs", json={"account_id": account.id, "list_id": mailing_list.id}
    )
    assert answer.status_code == 202, answer.text
    (run,) = await runs(database)
    assert run["scope"] == {"list_id": mailing_list.id}


async def test_a_list_waits_for_the_run_that_is_active(
    api: httpx.AsyncClient, account: Account, mailing_list: MailingList
) -> None:
    first = await api.post("/v1/jobs/send_lists/runs", json={"account_id": account.id})
    second = await api.post(f"/v1/lists/{mailing_list.id}/sync")
    assert second.status_code == 409
    assert second.json()["type"].endswith("/problems/run-active")
    assert second.json()["run_id"] == first.json()["id"]


UNFIT = [
    pytest.param({"record_state": "closed"}, id="closed"),
    pytest.param({"synchronisation_with": None}, id="not synchronised"),
]


@pytest.mark.parametrize("values", UNFIT)
async def test_a_list_that_sends_nothing_can_not_be_synchronised(
    api: httpx.AsyncClient, database: Database, account: Account, values: dict[str, Any]
) -> None:
    unfit = await make_list(database, account, **values)
    answer = await api.post(f"/v1/lists/{unfit.id}/sync")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/problems/conflict")
    by_job = {"account_id": account.id, "list_id": unfit.id}
    assert (await api.post("/v1/jobs/send_lists/runs", json=by_job)).status_code == 409
    assert await runs(database) == []


async def test_what_can_not_be_meant_is_refused(
    api: httpx.AsyncClient, database: Database, account: Account, mailing_list: MailingList
) -> None:
    assert (await api.post("/v1/lists/999/sync")).status_code == 404
    bodies: list[object] = [{"mode": "all"}, {"account_id": 1}, []]
    for body in bodies:
        answer = await api.post(f"/v1/lists/{mailing_list.id}/sync", json=body)
        assert answer.status_code == 422, body
    other = await make_account(database)
    for job, wrong in (
        ("send_people", {"account_id": account.id, "list_id": mailing_list.id}),
        ("send_lists", {"account_id": account.id, "list_id": 999}),
        ("send_lists", {"account_id": other.id, "list_id": mailing_list.id}),
    ):
        answer = await api.post(f"/v1/jobs/{job}/runs", json=wrong)
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["pointer"] == "/body/list_id"
    assert await runs(database) == []


async def test_a_paused_account_takes_no_sync(
    api: httpx.AsyncClient, account: Account, mailing_list: MailingList
) -> None:
    await api.post("/v1/sync/stop", json={"account_id": account.id})
    answer = await api.post(f"/v1/lists/{mailing_list.id}/sync")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/problems/account-paused")


@pytest.mark.parametrize("scope, expected", [("read", 403), ("write", 403), ("sync", 202)])
async def test_synchronising_by_hand_needs_its_scope(
    anonymous: httpx.AsyncClient,
    database: Database,
    mailing_list: MailingList,
    scope: str,
    expected: int,
) -> None:
    async with database.writing() as session:
        _, key = await create_key(session, "one", [scope])
    answer = await anonymous.post(
        f"/v1/lists/{mailing_list.id}/sync", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == expected
