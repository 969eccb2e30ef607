"""`/v1/imports` as a caller meets it."""

from datetime import timedelta
from typing import Any

import httpx

from app.db import Database
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.runs import make_import, make_run


async def test_imports_are_shown_filtered_and_paged(
    api: httpx.AsyncClient, database: Database
) -> None:
    account, other = await make_account(database), await make_account(database)
    run = await make_run(database, account)
    first = await make_import(
        database,
        account,
        run_id=run.id,
        status="finished",
        created=1,
        failed=1,
        finished_at=START + timedelta(seconds=3),
    )
    second = await make_import(database, account, kind="removal")
    third = await make_import(database, other, status="lost", dotdigital_import_id=None)

    async def found(**query: Any) -> list[int]:  # noqa: ANN401 - any filter
        answer = await api.get("/v1/imports", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == [third.id, second.id, first.id]
    assert await found(account_id=account.id) == [second.id, first.id]
    assert await found(run_id=run.id) == [first.id]
    assert await found(status="lost") == [third.id]
    assert await found(kind="removal") == [second.id]
    page = (await api.get("/v1/imports", params={"limit": 2})).json()
    assert await found(limit=2, cursor=page["next_cursor"]) == [first.id]
    (shown,) = (await api.get("/v1/imports", params={"run_id": run.id})).json()["items"]
    assert shown == {
        "id": first.id,
        "account_id": account.id,
        "run_id": run.id,
        "import_id": "6c3b1f0e-0000-4000-8000-000000000001",
        "kind": "people",
        "status": "finished",
        "records": 2,
        "created": 1,
        "updated": 0,
        "failed": 1,
        "polls": 0,
        "next_poll_at": None,
        "error": None,
        "created_at": "2026-01-05T09:00:00Z",
        "submitted_at": "2026-01-05T09:00:00Z",
        "finished_at": "2026-01-05T09:00:03Z",
    }
    for query in ("limit=-1", "cursor=x", "status=done", "kind=x", "run_id=0"):
        assert (await api.get(f"/v1/imports?{query}")).status_code == 422, query
