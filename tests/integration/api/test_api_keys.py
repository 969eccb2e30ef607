"""`/v1/api-keys`, and Idempotency-Key as every POST honours it."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import structlog

from app.db import Database
from app.services.api_keys import ensure_bootstrap_key
from tests.clock import FakeClock
from tests.conftest import ADMIN_KEY


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def test_key_is_shown_once_and_works_until_it_is_revoked(
    api: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    made = await api.post("/v1/api-keys", json={"name": "Shop", "scopes": ["read"]})
    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/api-keys/{made.json()['id']}"
    bearer = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await anonymous.get("/v1/lists", headers=bearer)).status_code == 200
    refused = await anonymous.post("/v1/lists", json={"name": "x"}, headers=bearer)
    assert refused.status_code == 403
    assert "write" in refused.json()["detail"]

    shown = (await api.get(made.headers["location"])).json()
    assert "key" not in shown
    assert shown["last_used_at"] is not None
    assert (await api.delete(made.headers["location"])).status_code == 204
    assert (await anonymous.get("/v1/lists", headers=bearer)).status_code == 401


async def test_key_expires(
    api: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: FakeClock
) -> None:
    until = (clock.now() + timedelta(hours=1)).isoformat()
    body = {"name": "Short", "scopes": ["read"], "expires_at": until}
    made = (await api.post("/v1/api-keys", json=body)).json()
    bearer = {"Authorization": f"Bearer {made['key']}"}
    assert (await anonymous.get("/v1/lists", headers=bearer)).status_code == 200
    clock.advance(3601)
    assert (await anonymous.get("/v1/lists", headers=bearer)).status_code == 401
    past = await api.post("/v1/api-keys", json=body)
    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (422, "/body/expires_at")


@pytest.mark.parametrize(
    "verb, body",
    [
        pytest.param("DELETE", None, id="deleted"),
        pytest.param("PATCH", {"scopes": ["read"]}, id="not admin any more"),
        pytest.param("PATCH", {"expires_at": "2999-01-01T00:00:00Z"}, id="ends some day"),
    ],
)
async def test_last_admin_key_stays_until_there_is_another_one(
    api: httpx.AsyncClient, verb: str, body: dict[str, object] | None
) -> None:
    (bootstrap,) = (await api.get("/v1/api-keys")).json()["items"]
    path = f"/v1/api-keys/{bootstrap['id']}"
    short = {"name": "Short", "scopes": ["admin"], "expires_at": "2998-01-01T00:00:00Z"}
    await api.post("/v1/api-keys", json={"name": "Shop", "scopes": ["read", "write", "sync"]})
    if body and "expires_at" in body:
        await api.post("/v1/api-keys", json=short)
    refused = await api.request(verb, path, json=body)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "conflict")
    assert "Make another one first" in refused.json()["detail"]
    assert (await api.patch(path, json={"name": "first"})).status_code == 200

    await api.post("/v1/api-keys", json={"name": "Second", "scopes": ["admin"]})
    assert (await api.request(verb, path, json=body)).status_code in {200, 204}


async def test_revoked_bootstrap_key_is_not_made_anew_at_the_next_start(
    api: httpx.AsyncClient, anonymous: httpx.AsyncClient, database: Database
) -> None:
    made = await api.post("/v1/api-keys", json={"name": "Second", "scopes": ["admin"]})
    (bootstrap, _) = (await api.get("/v1/api-keys")).json()["items"]
    assert (await api.delete(f"/v1/api-keys/{bootstrap['id']}")).status_code == 204
    with structlog.testing.capture_logs() as logged:
        await ensure_bootstrap_key(database, ADMIN_KEY)
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [
        ("bootstrap_key_is_revoked", "warning")
    ]
    bearer = {"Authorization": f"Bearer {made.json()['key']}"}
    (second,) = (await anonymous.get("/v1/api-keys", headers=bearer)).json()["items"]
    assert second["name"] == "Second"
    await ensure_bootstrap_key(database, "another-long-value-0123456789")
    found = (await anonymous.get("/v1/api-keys", headers=bearer)).json()["items"]
    assert [each["name"] for each in found] == ["Second", "bootstrap"]


async def test_stale_version_changes_no_key(api: httpx.AsyncClient) -> None:
    made = await api.post("/v1/api-keys", json={"name": "Shop", "scopes": ["read"]})
    path = made.headers["location"]
    changed = await api.patch(path, json={"name": "Store"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await api.patch(path, json={"name": "Stall"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)


async def test_keys_page_by_cursor(api: httpx.AsyncClient) -> None:
    for number in range(3):
        await api.post("/v1/api-keys", json={"name": f"K{number}", "scopes": ["read"]})
    first = (await api.get("/v1/api-keys?limit=2")).json()
    rest = (await api.get(f"/v1/api-keys?limit=2&cursor={first['next_cursor']}")).json()
    names = [each["name"] for each in [*first["items"], *rest["items"]]]
    assert names == ["bootstrap", "K0", "K1", "K2"]


async def test_secret_is_not_kept_under_an_idempotency_key(
    api: httpx.AsyncClient, database: Database
) -> None:
    body = {"name": "Shop", "scopes": ["read"]}
    made = await api.post("/v1/api-keys", json=body, headers=keyed("k1"))
    kept = await database.pool.fetchval("SELECT body FROM idempotency_keys")
    assert kept == b""
    again = await api.post("/v1/api-keys", json=body, headers=keyed("k1"))
    assert again.status_code == 409
    assert made.headers["location"] in again.json()["detail"]
    assert await database.pool.fetchval("SELECT count(*) FROM api_keys WHERE name = 'Shop'") == 1


async def test_post_repeated_under_its_key_is_done_once(
    api: httpx.AsyncClient, database: Database, clock: FakeClock
) -> None:
    body = {"email": "ann@example.com"}
    first = await api.post("/v1/people", json=body, headers=keyed("p1"))
    again = await api.post("/v1/people", json=body, headers=keyed("p1"))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await api.post("/v1/people", json={"email": "b@example.com"}, headers=keyed("p1"))
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (
        422,
        "idempotency-key-reused",
    )
    clock.advance(25 * 3600)
    late = await api.post("/v1/people", json=body, headers=keyed("p1"))
    assert late.json()["id"] != first.json()["id"]


async def test_twins_at_the_same_moment_are_done_once(
    api: httpx.AsyncClient, database: Database
) -> None:
    body = {"email": "ann@example.com"}
    answers = await asyncio.gather(
        *(api.post("/v1/people", json=body, headers=keyed("twins")) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 1


async def test_twin_imports_store_their_rows_once(
    api: httpx.AsyncClient, database: Database
) -> None:
    headers = {**keyed("file"), "Content-Type": "text/csv"}
    answers = await asyncio.gather(
        *(
            api.post("/v1/people/import", content=b"email\na@example.com\n", headers=headers)
            for _ in range(4)
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 1
    again = await api.post("/v1/people/import", content=b"email\na@example.com\n", headers=headers)
    assert again.headers["idempotent-replayed"] == "true"


async def test_failed_request_is_not_kept(api: httpx.AsyncClient) -> None:
    refused = await api.post("/v1/people", json={"email": "nonsense"}, headers=keyed("f"))
    assert refused.status_code == 422
    mended = await api.post("/v1/people", json={"email": "a@example.com"}, headers=keyed("f"))
    assert mended.status_code == 201


async def test_erasure_forgets_answers_that_speak_of_the_person(
    api: httpx.AsyncClient, database: Database
) -> None:
    made = await api.post("/v1/people", json={"email": "ann@example.com"}, headers=keyed("gone"))
    await api.post("/v1/lists", json={"name": "Readers"}, headers=keyed("stays"))
    assert (await api.post(f"{made.headers['location']}/erase")).status_code == 204
    kept = await database.pool.fetch("SELECT key FROM idempotency_keys")
    assert [row["key"] for row in kept] == ["stays"]


@pytest.mark.parametrize(
    "path, pointer",
    [
        pytest.param("/v1/people?emial=a@example.com", "/query/emial", id="misspelt filter"),
        pytest.param(
            "/v1/people?updated_since=9999-12-31T23:59:59-23:59",
            "/query/updated_since",
            id="instant beyond the years there are",
        ),
    ],
)
async def test_query_that_can_not_be_meant_is_refused(
    api: httpx.AsyncClient, path: str, pointer: str
) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_filter_of_null_changes_nobody(api: httpx.AsyncClient) -> None:
    await api.post("/v1/people", json={"email": "ann@example.com"})
    answer = await api.post(
        "/v1/people/bulk-update", json={"filter": {"email": None}, "set": {"city": "York"}}
    )
    assert answer.status_code == 422
    assert (await api.get("/v1/people")).json()["items"][0]["city"] is None


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer nonsense", f"Token {ADMIN_KEY}"])
async def test_what_is_no_key_is_told_so(anonymous: httpx.AsyncClient, header: str) -> None:
    answer = await anonymous.get("/v1/people", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
