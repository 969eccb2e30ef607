"""What holds for every path of the API alike."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.db import Database
from tests.factories.accounts import make_account
from tests.factories.people import make_person
from tests.factories.runs import make_run

#: A verb that no path has, and that httpx sends.
NO_VERB = "OPTIONS"


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield every verb and path under /v1, with 1 for each parameter of the path."""
    for route in iter_route_contexts(app.routes):
        if route.path is not None and route.path.startswith("/v1"):
            path = re.sub(r"\{job\}", "send_people", route.path)
            for verb in route.methods or ():
                yield verb, re.sub(r"\{\w+\}", "1", path)


async def test_query_parameter_that_there_is_none_of_is_refused(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    let_through = []
    for verb, path in operations(app):
        answer = await api.request(verb, f"{path}?limt=5")
        faults = answer.json().get("errors", [])
        if answer.status_code != 422 or [each["pointer"] for each in faults] != ["/query/limt"]:
            let_through.append(f"{verb} {path}: {answer.status_code} {answer.text}")
    assert let_through == []


async def test_key_that_stands_twice_is_refused_and_named(
    app: FastAPI, api: httpx.AsyncClient, database: Database
) -> None:
    await make_person(database)
    let_through = []
    for verb, path in operations(app):
        if verb not in {"POST", "PUT", "PATCH"} or not _takes_json(app, verb, path):
            continue
        answer = await api.request(
            verb,
            path,
            content=b'{"colour": 1, "shape": {"a": 1}, "colour": 2}',
            headers={"Content-Type": "application/json"},
        )
        if answer.status_code != 422 or "'colour'" not in answer.json()["detail"]:
            let_through.append(f"{verb} {path}: {answer.status_code} {answer.text}")
    assert let_through == []


def _takes_json(app: FastAPI, verb: str, path: str) -> bool:
    for template, item in app.openapi()["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and (operation := item.get(verb.lower())) is not None:
            return "application/json" in operation.get("requestBody", {}).get("content", {})
    return False


async def test_long_bulk_call_is_looked_through_as_well(
    api: httpx.AsyncClient, database: Database
) -> None:
    rows = b",".join(b'{"external_ref": "r%d"}' % number for number in range(5000))
    twice = b'{"external_ref": "a", "external_ref": "b"}'
    answer = await api.post(
        "/v1/people/bulk",
        content=b'{"people": [' + rows + b"," + twice + b"]}",
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, "'external_ref'" in answer.json()["detail"]) == (422, True)
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 0


@pytest.mark.parametrize(
    "path, verbs",
    [
        pytest.param("/v1/people", "GET, POST", id="a collection"),
        pytest.param("/v1/people/5", "DELETE, GET, PATCH, PUT", id="one of it"),
        pytest.param("/v1/people/bulk", "POST", id="what looks like one of it"),
        pytest.param("/v1/lists/1/members/2", "DELETE, GET, PUT", id="one below another"),
        pytest.param("/v1/mappings/suggestions", "GET", id="what stands before one of it"),
        pytest.param("/healthz", "GET, HEAD", id="a path that is open"),
        pytest.param("/docs/assets/favicon.png", "GET, HEAD", id="a file"),
    ],
)
async def test_wrong_verb_is_told_all_the_right_ones(
    api: httpx.AsyncClient, path: str, verbs: str
) -> None:
    answer = await api.request(NO_VERB, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, verbs)
    assert verbs in answer.json()["detail"]


async def test_every_path_names_verbs_that_it_has(app: FastAPI, api: httpx.AsyncClient) -> None:
    for verb, path in operations(app):
        answer = await api.request(NO_VERB, path)
        assert (answer.status_code, verb in answer.headers["Allow"].split(", ")) == (405, True), (
            f"{verb} {path}: {answer.headers}"
        )


async def test_problems_have_types_of_one_form(
    api: httpx.AsyncClient, anonymous: httpx.AsyncClient, app: FastAPI
) -> None:
    too_long = b" " * (app.state.parts.settings.max_body_bytes + 1)
    answers = {
        "unauthenticated": await anonymous.get("/v1/people"),
        "not-found": await api.get("/v1/people/4711"),
        "method-not-allowed": await api.delete("/v1/people"),
        "invalid": await api.get("/v1/people?limit=0"),
        "unsupported-media-type": await api.post("/v1/lists", content=b"name=x"),
        "too-large": await api.put(
            "/v1/people/1", content=too_long, headers={"Content-Type": "application/json"}
        ),
    }
    for slug, answer in answers.items():
        problem = answer.json()
        assert problem["type"] == f"http://dotsync/problems/{slug}", answer.text
        assert problem["status"] == answer.status_code
        assert problem["instance"] == answer.url.path
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert answers["too-large"].headers["Connection"] == "close"


async def test_problem_of_a_run_has_that_form_wherever_it_is_shown(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    run = await make_run(
        database,
        account,
        status="failed",
        error={"type": "/problems/internal", "title": "X", "status": 500, "detail": "It broke."},
    )
    started = await api.post("/v1/sync/start", json={"account_id": account.id})
    shown = [
        (await api.get(f"/v1/runs/{run.id}")).json(),
        *(await api.get("/v1/runs")).json()["items"],
        *(each["last_run"] for each in (await api.get("/v1/jobs")).json()["items"]),
        *(each["last_run"] for each in started.json()["jobs"]),
    ]
    types = [each["error"]["type"] for each in shown if each is not None]
    assert types == ["http://dotsync/problems/internal"] * 4
