"""The sandbox's three hosts: who may come in, and where an account lives."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.server import RunningSandbox, running_sandbox
from sandbox.state import ApiUser
from tests.contract.vendor_documents import VendorDocuments
from tests.integration.sandbox.v3_calls import NO_TLS

DENIED = {"message": "Authorization has been denied for this request."}
WRONG_REGION = {"message": "Forbidden: Access is denied"}


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    """Give a sandbox whose account lives in r2."""
    async with running_sandbox(region="r2") as running:
        yield running


@pytest.fixture
async def http(running: RunningSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(auth=(running.username, running.password), verify=NO_TLS) as http:
        yield http


def _endpoint(answer: httpx.Response) -> str:
    [value] = [
        each["value"] for each in answer.json()["properties"] if each["name"] == "ApiEndpoint"
    ]
    return str(value)


@pytest.mark.parametrize("asked", ["r1", "r2", "r3"])
async def test_account_info_answers_anywhere_and_names_the_host(
    running: RunningSandbox, http: httpx.AsyncClient, asked: str
) -> None:
    answer = await http.get(f"{running.urls[asked]}/v2/account-info")
    assert answer.status_code == 200
    assert _endpoint(answer) == f"{running.urls['r2']}/"
    assert answer.json()["id"] == running.account.id


async def test_account_info_fits_the_vendors_document(
    running: RunningSandbox, http: httpx.AsyncClient, shared_dir: Path
) -> None:
    answer = await http.get(f"{running.url}/v2/account-info")
    judge = VendorDocuments(shared_dir)
    assert judge.answer_faults("GET", "/v2/account-info", 200, answer.json()) == []
    assert all(isinstance(each["value"], str) for each in answer.json()["properties"])


@pytest.mark.parametrize(
    "method,path",
    [
        pytest.param("GET", "/v2/server-time", id="v2"),
        pytest.param("GET", "/contacts/v3", id="v3"),
        pytest.param("PUT", "/contacts/v3/import", id="an import"),
    ],
)
@pytest.mark.parametrize("region", ["r1", "r3"])
async def test_other_calls_are_forbidden_in_the_wrong_region(
    running: RunningSandbox, http: httpx.AsyncClient, region: str, method: str, path: str
) -> None:
    body = {"contacts": [{"matchIdentifier": "email", "identifiers": {"email": "a@b.example"}}]}
    answer = await http.request(method, f"{running.urls[region]}{path}", json=body)
    assert (answer.status_code, answer.json()) == (403, WRONG_REGION)
    assert "x-ratelimit-limit" not in answer.headers


async def test_account_that_moves_is_found_where_it_went(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    running.control.move_account("r3")
    assert (await http.get(f"{running.urls['r2']}/contacts/v3")).status_code == 403
    endpoint = _endpoint(await http.get(f"{running.url}/v2/account-info"))
    assert endpoint == f"{running.urls['r3']}/"
    assert (await http.get(f"{endpoint}contacts/v3")).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="nothing"),
        pytest.param("Bearer abc", id="another scheme"),
        pytest.param("Basic", id="no credentials"),
        pytest.param("Basic %%%", id="no base64"),
        pytest.param("Basic " + base64.b64encode(b"\xff\xfe").decode(), id="no text"),
        pytest.param("Basic " + base64.b64encode(b"nobody").decode(), id="no password"),
        pytest.param("Basic " + base64.b64encode(b"nobody:x").decode(), id="nobody"),
    ],
)
async def test_nobody_comes_in_without_credentials(
    running: RunningSandbox, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with httpx.AsyncClient(headers=headers, verify=NO_TLS) as http:
        v2 = await http.get(f"{running.url}/v2/account-info")
        v3 = await http.get(f"{running.url}/contacts/v3")
    assert (v2.status_code, v2.json()) == (401, DENIED)
    assert v2.headers["www-authenticate"].startswith("Basic")
    assert (v3.status_code, v3.content) == (401, b"")


async def test_credentials_are_right_or_wrong(running: RunningSandbox) -> None:
    running.control.add_user(ApiUser("Colon@apiconnector.com", "a:b:ü", running.account.id))
    url = f"{running.url}/v2/account-info"
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        assert (await http.get(url, auth=("colon@apiconnector.com", "a:b:ü"))).status_code == 200
        assert (await http.get(url, auth=("colon@apiconnector.com", "A:b:ü"))).status_code == 401


async def test_disabled_user_is_refused(running: RunningSandbox, http: httpx.AsyncClient) -> None:
    user = ApiUser(running.username, running.password, running.account.id, is_enabled=False)
    running.control.add_user(user)
    assert (await http.get(f"{running.url}/v2/account-info")).status_code == 401


@pytest.mark.parametrize(
    "method,path,status",
    [
        pytest.param("GET", "/v2/nothing", 404, id="no such path, v2"),
        pytest.param("GET", "/contacts/v3/a/b/c", 404, id="no such path, v3"),
        pytest.param("GET", "/", 404, id="the root"),
        pytest.param("PATCH", "/v2/address-books", 405, id="no such method, v2"),
        pytest.param("POST", "/contacts/v3/import", 405, id="no such method, v3"),
    ],
)
async def test_what_there_is_not(
    running: RunningSandbox, http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, f"{running.urls['r2']}{path}")
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/V2/Account-Info", "/v2/account-info/"])
async def test_paths_are_read_in_any_case_and_with_a_slash_behind(
    running: RunningSandbox, http: httpx.AsyncClient, path: str
) -> None:
    assert (await http.get(f"{running.url}{path}")).status_code == 200


async def test_server_time_is_the_clocks(running: RunningSandbox, http: httpx.AsyncClient) -> None:
    running.control.move_clock(to="2027-03-02T08:15:31.556Z", frozen=True)
    url = f"{running.urls['r2']}/v2/server-time"
    as_json = await http.get(url)
    assert as_json.json() == "2027-03-02T08:15:31.556Z"
    assert as_json.headers["date"] == "Tue, 02 Mar 2027 08:15:31 GMT"
    as_text = await http.get(url, headers={"Accept": "text/plain"})
    assert as_text.text == "2027-03-02 08:15:31.556000+00:00"
