"""The busiest endpoints' short way: nobody can tell it from FastAPI's."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.db import Database
from app.routers.lean_routes import LeanRoute
from tests.conftest import ADMIN_KEY
from tests.factories.api_keys import client_with
from tests.factories.people import make_people, make_person

ANNA = {"email": "anna@example.com", "first_name": "Anna", "custom": {"tier": "gold"}}


def told(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    return answer.status_code, answer.json(), dict(answer.headers)


@pytest.mark.parametrize(
    "method, path, headers, lean",
    [
        pytest.param("GET", "/v1/people/1", {}, True, id="one"),
        pytest.param("GET", "/v1/people/01", {}, False, id="one in other words"),
        pytest.param("GET", "/v1/people", {}, True, id="page"),
        pytest.param("GET", "/v1/people?limit=100", {}, True, id="page of so many"),
        pytest.param("GET", "/v1/people?kind=lead", {}, False, id="page of some"),
        pytest.param("POST", "/v1/people", {}, True, id="new one"),
        pytest.param(
            "POST", "/v1/people", {"Idempotency-Key": "once"}, False, id="new one, made once"
        ),
    ],
)
async def test_what_is_plain_goes_the_short_way(
    app: FastAPI, database: Database, method: str, path: str, headers: dict[str, str], *, lean: bool
) -> None:
    await make_person(database)
    scopes = []

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(noting),
        base_url="http://dotsync",
        headers={"Authorization": f"Bearer {ADMIN_KEY}", **headers},
    ) as client:
        answer = await client.request(method, path, json=ANNA if method == "POST" else None)
    assert answer.is_success, answer.text
    assert isinstance(scopes[0]["route"], LeanRoute) == lean


async def test_one_person_is_read_the_same_either_way(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await make_person(database, custom={"points": 3})
    plain = await api.get(f"/v1/people/{person.id}")
    # FastAPI reads leading zeros, too.
    assert told(plain) == told(await api.get(f"/v1/people/00{person.id}"))
    assert (plain.status_code, plain.headers["ETag"]) == (200, '"1"')


async def test_pages_are_the_same_either_way(api: httpx.AsyncClient, database: Database) -> None:
    people = await make_people(database, 5)
    seen, cursor = [], ""
    while cursor is not None:
        query = f"limit=2{cursor}"
        plain = await api.get(f"/v1/people?{query}")
        assert told(plain) == told(await api.get(f"/v1/people?{query}&deleted=false"))
        page = plain.json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert seen == [person.id for person in people]
    assert told(await api.get("/v1/people")) == told(await api.get("/v1/people?limit=100"))


async def test_person_is_made_the_same_either_way(
    api: httpx.AsyncClient, database: Database
) -> None:
    plain = await api.post("/v1/people", json=ANNA)
    kept = await api.post("/v1/people", json=ANNA, headers={"Idempotency-Key": "once"})
    differing = {"id", "created_at", "updated_at"}
    assert [answer.status_code for answer in (plain, kept)] == [201, 201]
    first, second = plain.json(), kept.json()
    assert {**first, **{name: second[name] for name in differing}} == second
    assert plain.headers["Location"] == f"/v1/people/{first['id']}"
    assert plain.headers["ETag"] == kept.headers["ETag"] == '"1"'
    notes = await database.pool.fetch(
        "SELECT actor, action, subject_type, subject_id FROM audit_log ORDER BY id DESC LIMIT 2"
    )
    assert [dict(note) for note in reversed(notes)] == [
        {
            "actor": "key 1 (bootstrap)",
            "action": "person_created",
            "subject_type": "person",
            "subject_id": each["id"],
        }
        for each in (first, second)
    ]


async def test_repeated_key_makes_one_person_on_the_way_around(
    api: httpx.AsyncClient, database: Database
) -> None:
    answers = [
        await api.post("/v1/people", json=ANNA, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 1


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/vnd.person+json",
        "APPLICATION/JSON",
    ],
)
async def test_person_is_made_from_json_however_it_is_called(
    api: httpx.AsyncClient, content_type: str
) -> None:
    answer = await api.post(
        "/v1/people", content=b'{"first_name": "Anna"}', headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json()["first_name"]) == (201, "Anna")


@pytest.mark.parametrize(
    "body, status, pointer, words",
    [
        pytest.param(b'{"email": ', 422, "/body", "well-formed", id="half of it"),
        pytest.param(b"", 422, "/body", "needed", id="nothing"),
        pytest.param(b"[]", 422, "/body", "takes one person", id="an array"),
        pytest.param(b"[" * 100_000, 422, "/body", "can't be read", id="nested too deep"),
        pytest.param(b'{"first_name": "\xff"}', 422, "/body", "UTF-8", id="not UTF-8"),
        pytest.param(b'{"colour": 1}', 422, "/body/colour", "no such field", id="unknown field"),
        pytest.param(b'{"custom": {"a": NaN}}', 422, "/body/custom", "NaN", id="no number"),
        pytest.param(
            b'{"email": "a@b.example", "email": null}', 422, "/body", "'email'", id="key twice"
        ),
        pytest.param(
            b'{"custom": {"a": [{"b": 1, "c": 2, "b": 3}]}}', 422, "/body", "'b'", id="twice below"
        ),
    ],
)
async def test_what_is_wrong_with_a_body_is_told_as_everywhere(
    api: httpx.AsyncClient, body: bytes, status: int, pointer: str, words: str
) -> None:
    headers = {"Content-Type": "application/json"}
    lean = await api.post("/v1/people", content=body, headers=headers)
    around = await api.post(
        "/v1/people", content=body, headers={**headers, "Idempotency-Key": "around"}
    )
    assert told(lean) == told(around)
    assert lean.status_code == status, lean.text
    assert lean.headers["Content-Type"] == "application/problem+json"
    assert lean.json()["errors"][0]["pointer"] == pointer
    assert words in lean.json()["detail"], lean.text


@pytest.mark.parametrize(
    "method, path, status, pointer",
    [
        pytest.param("GET", "/v1/people/0", 422, "/path/person_id", id="id of nobody"),
        pytest.param("GET", "/v1/people/anna", 422, "/path/person_id", id="no id"),
        pytest.param("GET", f"/v1/people/{10**19}", 422, "/path/person_id", id="id too long"),
        pytest.param("GET", "/v1/people/1?fields=x", 422, "/query/fields", id="unknown parameter"),
        pytest.param("GET", "/v1/people?limit=0", 422, "/query/limit", id="page of none"),
        pytest.param("GET", "/v1/people?limit=1001", 422, "/query/limit", id="page too long"),
        pytest.param("GET", "/v1/people?limt=5", 422, "/query/limt", id="misspelt"),
        pytest.param("GET", "/v1/people?cursor=AAAA", 422, "/query/cursor", id="no cursor"),
        pytest.param("GET", "/v1/people?cursor=%ff", 422, "/query/cursor", id="no text"),
        pytest.param("POST", "/v1/people?x=1", 422, "/query/x", id="parameter of a POST"),
        pytest.param("GET", "/v1/people/4711", 404, None, id="nobody"),
        pytest.param("HEAD", "/v1/people", 405, None, id="verb there is none of"),
        pytest.param("PUT", "/v1/people", 405, None, id="verb of another path"),
    ],
)
async def test_what_is_not_plain_is_refused_as_everywhere(
    api: httpx.AsyncClient, method: str, path: str, status: int, pointer: str | None
) -> None:
    answer = await api.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    if method != "HEAD":
        faults = answer.json().get("errors", [])
        assert [fault["pointer"] for fault in faults] == ([pointer] if pointer else [])


async def test_key_and_scope_are_asked_for(
    api: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    for method, path in (("GET", "/v1/people/1"), ("GET", "/v1/people"), ("POST", "/v1/people")):
        refused = await anonymous.request(method, path)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    async with client_with(api, ["read"]) as reader:
        assert (await reader.get("/v1/people")).status_code == 200
        assert (await reader.post("/v1/people", json={})).status_code == 403
    async with client_with(api, ["write"]) as writer:
        assert (await writer.get("/v1/people")).status_code == 403
        assert (await writer.post("/v1/people", json={})).status_code == 201


async def test_body_over_the_limit_is_refused_before_it_is_read(
    api: httpx.AsyncClient, app: FastAPI
) -> None:
    too_long = b" " * (app.state.parts.settings.max_body_bytes + 1)
    answer = await api.post(
        "/v1/people", content=too_long, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["type"] == "http://dotsync/problems/too-large"


async def test_requests_are_counted_by_their_route(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await make_person(database)
    for path in (f"/v1/people/{person.id}", f"/v1/people/0{person.id}", "/v1/people"):
        assert (await api.get(path)).status_code == 200
    shown = (await api.get("/metrics")).text
    for route, times in (("/v1/people/{person_id}", 2), ("/v1/people", 1)):
        labels = f'method="GET",route="{route}",status="200"'
        assert f"dotsync_http_requests_total{{{labels}}} {times}.0" in shown
