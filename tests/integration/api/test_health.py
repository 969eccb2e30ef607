"""`/healthz`, `/readyz`, `/metrics`, and the documents."""

import re

import httpx
import pytest
from fastapi import FastAPI

from app.db import Database, migrate
from tests.factories.accounts import make_account
from tests.factories.api_keys import client_with
from tests.factories.people import make_person


async def test_metrics_tell_what_is_due_until_it_is_not(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    await database.pool.execute("UPDATE jobs SET enabled = true, enabled_at = '2020-01-01'")
    await make_person(database)
    told = (await api.get("/metrics")).text
    assert f'dotsync_due_people{{account="{account.id}"}} 1.0' in told
    assert f'dotsync_overdue_jobs{{account="{account.id}"}} 6.0' in told
    await database.pool.execute("DELETE FROM person_changes")
    told = (await api.get("/metrics")).text
    assert "dotsync_due_people{" not in told
    assert 'dotsync_http_requests_total{method="GET",route="/metrics",status="200"} 1.0' in told


async def test_metrics_need_a_key_that_may_read(
    anonymous: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    assert (await anonymous.get("/metrics")).status_code == 401
    async with client_with(api, ["write"]) as writer:
        assert (await writer.get("/metrics")).status_code == 403
    async with client_with(api, ["read"]) as reader:
        assert (await reader.get("/metrics")).status_code == 200


async def test_service_is_not_ready_while_it_drains_or_the_schema_is_behind(
    anonymous: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    assert (await anonymous.get("/readyz")).status_code == 200
    await migrate(database.engine, "base")
    behind = await anonymous.get("/readyz")
    assert (behind.status_code, "schema" in behind.json()["detail"]) == (503, True)
    await migrate(database.engine)
    assert (await anonymous.get("/readyz")).status_code == 200
    app.state.parts.drain()
    draining = await anonymous.get("/readyz")
    assert (draining.status_code, "draining" in draining.json()["detail"]) == (503, True)
    assert (await anonymous.get("/healthz")).status_code == 200


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_documents_load_nothing_from_another_host(
    anonymous: httpx.AsyncClient, page: str
) -> None:
    told = (await anonymous.get(page)).text
    wanted = re.findall(r"""(?:src|href)=["']([^"']+)""", told)
    assert wanted
    assert all(each.startswith("/") for each in wanted), wanted
    for each in wanted:
        assert (await anonymous.get(each)).status_code == 200


async def test_problem_type_leads_to_what_it_means(anonymous: httpx.AsyncClient) -> None:
    refused = (await anonymous.get("/v1/people")).json()
    told = await anonymous.get(refused["type"])
    assert told.status_code == 200
    assert "401" in told.text
    assert (await anonymous.get("/problems/nonsense")).status_code == 404
