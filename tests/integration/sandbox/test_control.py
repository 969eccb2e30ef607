"""The sandbox's control calls, over HTTP, without credentials."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.app import create_app
from sandbox.sandbox import PASSWORD, USERNAME, Sandbox
from tests.integration.sandbox.v3_calls import Json

DEFAULT = "/_sandbox/accounts/default"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    sandbox = Sandbox()
    sandbox.add_default_account()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(sandbox)),
        base_url="https://r1-api.sandbox.example",
    ) as http:
        yield http
    await sandbox.world.close()


async def _done(http: httpx.AsyncClient, method: str, path: str, body: Json = None) -> Json:
    answer = await http.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_overview_names_hosts_and_credentials(http: httpx.AsyncClient) -> None:
    overview = await _done(http, "GET", "/_sandbox")
    assert set(overview["hosts"]) == {"r1", "r2", "r3"}
    [account] = overview["accounts"]
    assert account["users"] == [{"username": USERNAME, "password": PASSWORD}]


async def test_contacts_are_added_changed_and_read(http: httpx.AsyncClient) -> None:
    made = await _done(
        http,
        "POST",
        f"{DEFAULT}/contacts",
        {"contacts": [{"identifiers": {"email": "ann@b.example"}}]},
    )
    [contact_id] = made["ids"]
    for action, status in (
        ("unsubscribe", "unsubscribed"),
        ("resubscribe", "subscribed"),
        ("hard-bounce", "hardBounced"),
    ):
        answered = await _done(http, "POST", f"{DEFAULT}/contacts/ann@b.example/{action}")
        assert answered["channelProperties"]["email"]["status"] == status
    contact = await _done(http, "GET", f"{DEFAULT}/contacts/{contact_id}")
    assert contact["channelProperties"]["email"]["status"] == "hardBounced"
    listed = await _done(http, "GET", f"{DEFAULT}/contacts")
    assert listed == {"count": 1, "contacts": [contact]}
    await _done(http, "POST", f"{DEFAULT}/contacts/{contact_id}/delete")
    assert (await _done(http, "GET", f"{DEFAULT}/contacts"))["count"] == 0


async def test_many_contacts_are_generated(http: httpx.AsyncClient) -> None:
    news = await _done(http, "POST", f"{DEFAULT}/lists", {"name": "News"})
    made = await _done(
        http,
        "POST",
        f"{DEFAULT}/contacts",
        {"count": 1000, "data_fields": {"LASTNAME": "No {n}"}, "list_ids": [news["id"]]},
    )
    last = made["first_id"] + made["count"] - 1
    contact = await _done(http, "GET", f"{DEFAULT}/contacts/{last}")
    assert contact["identifiers"] == {"email": "person1000@mail.example"}
    assert contact["dataFields"]["LASTNAME"] == "No 1000"
    assert [each["name"] for each in contact["lists"]] == ["News"]


async def test_world_is_furnished(http: httpx.AsyncClient) -> None:
    await _done(http, "POST", f"{DEFAULT}/data-fields", {"name": "SEATS", "type": "Numeric"})
    preference = await _done(http, "POST", f"{DEFAULT}/preferences", {"path": "Topics > Events"})
    body = {"contacts": [{"identifiers": {"email": "ann@b.example"}, "dataFields": {"SEATS": 3}}]}
    [ann] = (await _done(http, "POST", f"{DEFAULT}/contacts", body))["ids"]
    await _done(http, "POST", f"{DEFAULT}/segments", {"name": "Friends", "contact_ids": [ann]})
    contact = await _done(
        http,
        "POST",
        f"{DEFAULT}/contacts/{ann}/preferences",
        {"preference_id": preference["id"], "opted_in": True},
    )
    assert contact["dataFields"]["SEATS"] == 3
    assert [each["publicName"] for each in contact["preferences"]] == ["Events"]


async def test_settings_are_changed_by_name(http: httpx.AsyncClient) -> None:
    changed = await _done(
        http,
        "PATCH",
        f"{DEFAULT}/settings",
        {"rate_limits": {"lowCallRate": 35}, "missing_features": ["preferences"]},
    )
    assert changed["rate_limits"] == {"lowCallRate": 35}
    assert changed["missing_features"] == ["preferences"]
    assert await _done(http, "GET", f"{DEFAULT}/settings") == changed


async def test_accounts_and_users_are_added(http: httpx.AsyncClient) -> None:
    made = await _done(
        http,
        "POST",
        "/_sandbox/accounts",
        {"username": "other", "password": "secret-7", "region": "r3"},
    )
    path = f"/_sandbox/accounts/{made['id']}"
    await _done(http, "POST", f"{path}/users", {"username": "more", "password": "secret-8"})
    await _done(http, "POST", f"{path}/move", {"region": "r1"})
    answer = await http.get("/contacts/v3", auth=("more", "secret-8"))
    assert answer.status_code == 200


async def test_calls_are_counted_and_remembered(http: httpx.AsyncClient) -> None:
    http.auth = httpx.BasicAuth(USERNAME, PASSWORD)
    await http.get("/contacts/v3/email/ann@b.example")
    await http.patch("/contacts/v3/email/ann@b.example?merge-option=overwrite", json={"lists": []})
    counted = await _done(http, "GET", "/_sandbox/calls")
    assert counted == {
        "total": 2,
        "by_template": {
            "GET /contacts/v3/{identifier}/{value}": 1,
            "PATCH /contacts/v3/{identifier}/{value}": 1,
        },
        "by_scope": {"highCallRate": 1, "mediumCallRate": 1},
        "by_status": {"404": 1, "400": 1},
    }
    latest = (await _done(http, "GET", "/_sandbox/requests?limit=1"))[0]
    assert (latest["method"], latest["query"]) == ("PATCH", "merge-option=overwrite")
    assert latest["body"] == '{"lists":[]}'
    assert (await _done(http, "DELETE", "/_sandbox/calls"))["total"] == 0


async def test_clock_is_moved(http: httpx.AsyncClient) -> None:
    await _done(http, "POST", "/_sandbox/clock", {"to": "2027-03-02T08:00:00Z", "frozen": True})
    moved = await _done(http, "POST", "/_sandbox/clock", {"advance_s": 90})
    assert moved == {"now": "2027-03-02T08:01:30.000Z"}


async def test_time_does_not_run_back_before_what_happened(http: httpx.AsyncClient) -> None:
    await _done(http, "POST", f"{DEFAULT}/contacts", {"count": 1})
    answer = await http.post("/_sandbox/clock", json={"to": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 400


async def test_faults_are_held_ready_and_taken_back(http: httpx.AsyncClient) -> None:
    made = await _done(http, "POST", "/_sandbox/faults", {"kind": "status", "times": None})
    assert [each["id"] for each in await _done(http, "GET", "/_sandbox/faults")] == [made["id"]]
    assert (await http.get("/v2/account-info")).status_code == 503
    assert await _done(http, "DELETE", f"/_sandbox/faults/{made['id']}") == []


async def test_reset_begins_again(http: httpx.AsyncClient) -> None:
    await _done(http, "POST", f"{DEFAULT}/contacts", {"count": 3})
    await _done(http, "POST", "/_sandbox/faults", {"kind": "status"})
    overview = await _done(http, "POST", "/_sandbox/reset")
    assert overview["accounts"][0]["contacts"] == 0
    assert (await http.get("/v2/account-info", auth=(USERNAME, PASSWORD))).status_code == 200


@pytest.mark.parametrize(
    "method,path,body,status",
    [
        pytest.param("GET", "/_sandbox/accounts/7/settings", None, 404, id="no such account"),
        pytest.param("GET", f"{DEFAULT}/contacts/7", None, 404, id="no such contact"),
        pytest.param("POST", f"{DEFAULT}/contacts", {"contacts": [{}]}, 400, id="no contact"),
        pytest.param("PATCH", f"{DEFAULT}/settings", {"speed": 9}, 400, id="no such setting"),
        pytest.param("POST", "/_sandbox/faults", {"kind": "flood"}, 400, id="no such fault"),
        pytest.param("POST", "/_sandbox/accounts", {"username": "x"}, 400, id="half an account"),
    ],
)
async def test_control_call_that_is_not_right_is_refused(
    http: httpx.AsyncClient, method: str, path: str, body: Json, status: int
) -> None:
    answer = await http.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]
