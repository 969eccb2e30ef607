"""Bodies that can't be taken: what is said of each fault, and what to do about it."""

from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account
from tests.factories.accounts import make_account
from tests.factories.failures import make_failure


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


@pytest.mark.parametrize(
    "method, path, body, pointer, detail",
    [
        pytest.param("POST", "/v1/people", {"firstname": "A"}, "/body/firstname",
                     "There is no such field. Did you mean first_name?", id="another spelling"),
        pytest.param("POST", "/v1/people", {"emails": "a@b.cd"}, "/body/emails",
                     "There is no such field. Did you mean email?", id="a letter too many"),
        pytest.param("POST", "/v1/people", {"surname": "B"}, "/body/surname",
                     "There is no such field. Did you mean last_name?", id="another name"),
        pytest.param("POST", "/v1/people", {"subscribed": True}, "/body/subscribed",
                     "There is no such field. It seems to mean the reverse of no_email, which is "
                     "true for who is not mailed.", id="the reverse"),
        pytest.param("POST", "/v1/people", {"shoe": 1}, "/body/shoe",
                     "There is no such field; check its spelling in /docs.", id="like nothing"),
        pytest.param("PATCH", "/v1/jobs/send_people",
                     {"account_id": 1, "schedule": {"interval": 300}}, "/body/schedule/interval",
                     "There is no such field. Did you mean interval_seconds?", id="further inside"),
        pytest.param("POST", "/v1/people/bulk-update",
                     {"filter": {"listid": 1}, "set": {"city": "X"}}, "/body/filter/listid",
                     "There is no such field. Did you mean list_id?", id="in a filter"),
        *(
            pytest.param("POST", "/v1/people", {name: 1}, f"/body/{name}",
                         f"{name} is read-only: dotsync sets it. Leave it out.", id=name)
            for name in ("id", "version", "created_at", "opted_out_at")
        ),
        pytest.param("PATCH", "/v1/lists/1", {"updated_at": None}, "/body/updated_at",
                     "updated_at is read-only: dotsync sets it. Leave it out.", id="of a list"),
        pytest.param("POST", "/v1/accounts",
                     {"name": "x", "username": "u", "password": "p", "settings": {}},
                     "/body/settings",
                     "settings is not set here: set it by PATCH /v1/accounts/{account_id}.",
                     id="by another verb"),
        pytest.param("POST", "/v1/people", [{"email": "a@b.cd"}], "/body",
                     "This takes one person, an object. POST /v1/people/bulk takes many: "
                     '{"people": [...]}; and POST /v1/people/import a file.', id="a list"),
        pytest.param("POST", "/v1/people", {"no_email": "true"}, "/body/no_email",
                     "Write true or false, without quotes.", id="a quoted flag"),
        pytest.param("POST", "/v1/people/bulk-update",
                     {"filter": {"updated_since": "2026-11-25"}, "set": {"city": "X"}},
                     "/body/filter/updated_since",
                     "Write an instant with its zone, such as 2026-11-25T00:00:00Z (in a query, a "
                     "+ before the zone is %2B).", id="a day for an instant"),
        pytest.param("POST", "/v1/lists", {"name": "x", "slug": "a b"}, "/body/slug",
                     "Write letters, digits, dots, hyphens and underscores, beginning with a "
                     "letter or a digit.", id="a slug"),
        pytest.param("PATCH", "/v1/jobs/send_people",
                     {"account_id": 1, "schedule": {"cron": "61 * * * *"}}, "/body/schedule/cron",
                     "'61 * * * *' can't be used: '61' is no minute: write 0 to 59, * for all, 1-5 "
                     "for some in a row, 1,3 for some, or */2 for every second one. An example: "
                     '"30 2 * * 1-5" is half past two in the night, UTC, from Monday to Friday.',
                     id="a cron"),
    ],
)  # fmt: skip
async def test_fault_says_what_to_write(
    api: httpx.AsyncClient, account: Account, method: str, path: str, body: Any,  # noqa: ANN401
    pointer: str, detail: str,
) -> None:  # fmt: skip
    assert account.id == 1
    answer = await api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"pointer": pointer, "detail": detail}],
    )


async def test_query_is_told_how_an_instant_is_written(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/people?updated_since=2026-11-25")
    assert "such as 2026-11-25T00:00:00Z" in answer.json()["detail"]


async def test_all_faults_of_a_body_are_named_at_once(api: httpx.AsyncClient) -> None:
    body = {"email": "x", "mobile_number": "call me", "kind": "cat", "id": 7}
    answer = (await api.post("/v1/people", json=body)).json()
    pointers = {error["pointer"] for error in answer["errors"]}
    assert pointers == {"/body/email", "/body/mobile_number", "/body/kind", "/body/id"}
    assert answer["detail"].endswith(
        "(and 3 more, see errors: /body/email, /body/mobile_number, /body/id)"
    )


async def test_all_faults_of_a_row_are_named_at_once(api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "text/csv"}
    content = "email,kind,custom,mobile_number\nx,cat,{,no\n"
    answer = await api.post("/v1/people/import", content=content, headers=headers)
    (error,) = answer.json()["errors"]
    for part in ("custom: ", "email: ", "kind: ", "mobile_number: "):
        assert part in error["detail"]
    headers = {"Content-Type": "application/x-ndjson"}
    content = '{"emial": "x", "kind": "cat", "shoe": 1}\n'
    answer = await api.post("/v1/people/import", content=content, headers=headers)
    (error,) = answer.json()["errors"]
    for part in ("Did you mean email?", "'shoe'", "kind: "):
        assert part in error["detail"]


async def test_row_of_a_bulk_call_has_the_same_hints(api: httpx.AsyncClient) -> None:
    row = {"firstname": "A", "version": 2}
    answer = (await api.post("/v1/people/bulk", json={"people": [row]})).json()
    assert answer["results"][0]["error"] == (
        "firstname: There is no such field. Did you mean first_name?; "
        "version: version is read-only: dotsync sets it. Leave it out."
    )


async def test_retry_of_a_misspelt_code_says_which_there_are(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    await make_failure(database, account, code="mobile_number_taken")
    body = {"filter": {"code": "mobile_numbr_taken"}}
    refused = await api.post("/v1/failures/retry", json=body)
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        [
            {
                "pointer": "/body/filter/code",
                "detail": "No failure has the code 'mobile_numbr_taken'. Did you mean "
                "mobile_number_taken?",
            }
        ],
    )
    other = await api.post("/v1/failures/retry", json={"filter": {"code": "invalidEmail"}})
    assert (other.status_code, other.json()["retried"]) == (200, 0)


async def test_first_line_that_names_the_delimiter_for_excel_is_no_header(
    api: httpx.AsyncClient,
) -> None:
    headers = {"Content-Type": "text/csv"}
    for content in (
        "sep=;\r\nemail;city\r\na@example.com;York, UK\r\n",
        "sep=,\nemail,city\n,Bath\n",
    ):
        answer = await api.post("/v1/people/import", content=content, headers=headers)
        assert (answer.json()["created"], answer.json()["ignored_columns"]) == (1, [])


async def test_members_are_removed_by_a_body_and_refused_without_one(
    api: httpx.AsyncClient,
) -> None:
    made = await api.post("/v1/lists", json={"name": "Readers"})
    path = f"{made.headers['location']}/members"
    refused = await api.delete(path)
    assert (refused.status_code, "application/json" in refused.json()["detail"]) == (415, True)
    document = (await api.get("/openapi.json")).json()
    told = document["paths"]["/v1/lists/{list_id}/members"]["delete"]["description"]
    assert "Without a body it is refused (415)" in told
