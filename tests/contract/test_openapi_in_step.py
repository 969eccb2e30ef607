"""The documents of the API are the code's: `openapi.md`, the problems that routes declare."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.main import create_app
from app.openapi_page import as_markdown
from app.settings import Settings
from tests.shared import ROOT

_VERBS = {"get", "post", "put", "patch", "delete"}
#: Paths that everybody may ask for.
_OPEN = {"/healthz", "/readyz"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings(_env_file=None)).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb in _VERBS & item.keys():
            yield f"{verb.upper()} {path}", item[verb]


def test_page_is_what_the_code_says(document: dict[str, Any]) -> None:
    written = (ROOT / "openapi.md").read_text()
    assert written == as_markdown(document), "python -m app openapi > openapi.md puts it in step"


def test_every_operation_has_a_sentence_and_a_tag(document: dict[str, Any]) -> None:
    bare = [
        name
        for name, operation in operations(document)
        if not operation.get("description") or not operation.get("tags")
    ]
    assert bare == []


def test_every_operation_asks_for_a_key_and_says_what_happens_without(
    document: dict[str, Any],
) -> None:
    lacking = [
        name
        for name, operation in operations(document)
        if name.partition(" ")[2] not in {*_OPEN, "/metrics"}
        and not ({"401", "403", "503"} <= operation["responses"].keys() and operation["security"])
    ]
    assert lacking == []


def test_every_operation_says_which_scope_it_needs(document: dict[str, Any]) -> None:
    needed = {
        name: [scope for each in operation["security"] for scope in each["API key"]]
        for name, operation in operations(document)
        if name.partition(" ")[2] not in {*_OPEN, "/metrics"}
    }
    assert {len(scopes) for scopes in needed.values()} == {1}
    assert needed["GET /v1/people"] == ["read"]
    assert needed["POST /v1/people/import"] == ["write"]
    assert needed["POST /v1/jobs/{job}/runs"] == ["sync"]
    assert needed["GET /v1/runs/{run_id}/events"] == ["read"]
    assert needed["POST /v1/accounts"] == ["admin"]
    for name, operation in operations(document):
        if scopes := needed.get(name):
            assert f"Needs a key with the scope `{scopes[0]}`." in operation["description"], name


def test_every_post_shows_its_idempotency_key_once(document: dict[str, Any]) -> None:
    shown = {
        name: [each["name"] for each in operation.get("parameters", ())].count("Idempotency-Key")
        for name, operation in operations(document)
    }
    posts = {name for name in shown if name.startswith("POST /v1/")}
    assert posts
    assert {name for name, times in shown.items() if times == 1} == posts
    assert set(shown.values()) == {0, 1}


def test_document_is_the_same_when_it_is_asked_for_again() -> None:
    app = create_app(Settings(_env_file=None))
    first = json.dumps(app.openapi())
    assert json.dumps(app.openapi()) == first


def test_page_tells_defaults_and_limits() -> None:
    written = (ROOT / "openapi.md").read_text()
    for told in (
        "| `limit` | query | integer | Items in a page, at most. 1 to 1000. Default: `100`. |",
        "| `mode` | `changes`, `full`, `dry_run` |",
        "Default: `changes`. |",
        "| `no_email` | boolean | Default: `false`. |",
        "Contacts in one import, at most. 10 to 50000. Default: `10000`. |",
    ):
        assert told in written, told


def test_problems_are_declared_as_problem_json(document: dict[str, Any]) -> None:
    wrong = [
        f"{name} {status}"
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status >= "400"
        and name.partition(" ")[2] not in _OPEN
        and "application/json" in answer.get("content", {})
    ]
    assert wrong == []


def test_paths_of_the_contract_are_there(document: dict[str, Any]) -> None:
    wanted = {
        "/v1/people": {"get", "post"},
        "/v1/people/{person_id}": {"get", "put", "patch", "delete"},
        "/v1/people/bulk": {"post"},
        "/v1/people/import": {"post"},
        "/v1/people/bulk-update": {"post"},
        "/v1/people/{person_id}/links/{account_id}": {"put", "delete"},
        "/v1/people/{person_id}/merge": {"post"},
        "/v1/people/{person_id}/erase": {"post"},
        "/v1/people/{person_id}/activities": {"get"},
        "/v1/people/{person_id}/sync": {"get"},
        "/v1/lists": {"get", "post"},
        "/v1/lists/{list_id}": {"get", "put", "patch", "delete"},
        "/v1/lists/{list_id}/members": {"get", "post", "put"},
        "/v1/lists/{list_id}/members/remove": {"post"},
        "/v1/lists/{list_id}/members/{person_id}": {"get", "put", "delete"},
        "/v1/mappings": {"get", "post"},
        "/v1/mappings/{mapping_id}": {"get", "put", "patch", "delete"},
        "/v1/mappings/suggestions": {"get"},
        "/v1/person-fields": {"get"},
        "/v1/accounts": {"get", "post"},
        "/v1/accounts/{account_id}": {"get", "patch", "delete"},
        "/v1/accounts/{account_id}/verify": {"post"},
        "/v1/accounts/{account_id}/data-fields": {"get"},
        "/v1/accounts/{account_id}/preferences": {"get"},
        "/v1/accounts/{account_id}/lists": {"get"},
        "/v1/accounts/{account_id}/activity-settings": {"get", "put"},
        "/v1/activities": {"get"},
        "/v1/mailshots": {"get"},
        "/v1/mailshots/{mailshot_id}": {"get"},
        "/v1/jobs": {"get"},
        "/v1/jobs/{job}": {"patch"},
        "/v1/jobs/{job}/runs": {"post"},
        "/v1/sync/start": {"post"},
        "/v1/sync/stop": {"post"},
        "/v1/runs": {"get"},
        "/v1/runs/{run_id}": {"get"},
        "/v1/runs/{run_id}/events": {"get"},
        "/v1/runs/{run_id}/cancel": {"post"},
        "/v1/failures": {"get"},
        "/v1/failures/{failure_id}/retry": {"post"},
        "/v1/failures/retry": {"post"},
        "/v1/conflicts": {"get"},
        "/v1/imports": {"get"},
        "/v1/api-keys": {"get", "post"},
        "/v1/api-keys/{key_id}": {"get", "patch", "delete"},
        "/healthz": {"get"},
        "/readyz": {"get"},
        "/metrics": {"get"},
    }
    missing = {
        path: verbs - document["paths"].get(path, {}).keys() for path, verbs in wanted.items()
    }
    assert {path: verbs for path, verbs in missing.items() if verbs} == {}
