"""The documents of the API are the code's: `openapi.md`, the problems that routes declare."""

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
