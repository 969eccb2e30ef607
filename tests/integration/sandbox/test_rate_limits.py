"""The sandbox's limits of calls: tiers by the minute, and the old flat hour."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.sandbox import PASSWORD, USERNAME
from sandbox.state import ApiUser
from tests.integration.sandbox.v3_calls import V3, calling_v3, entry

LIST = "/v2/address-books"
FLAT = {
    "message": "Your account has generated excess API activity and is being temporarily capped. "
    "Please contact support. ERROR_APIUSAGE_EXCEEDED"
}


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        # A fixed second, twelve before the end of a minute.
        v3.control.move_clock(to="2026-12-01T09:00:48Z")
        yield v3


def _told(answer: httpx.Response) -> tuple[str, str, str, str]:
    names = ("Limit", "Remaining", "Reset", "Scope")
    limit, remaining, reset, scope = (answer.headers[f"x-ratelimit-{name}"] for name in names)
    return limit, remaining, reset, scope


async def test_every_answer_says_what_is_left(v3: V3) -> None:
    v3.control.set_settings({"rate_limits": {"highCallRate": 3}})
    ends = "1796115660"
    assert _told(await v3.http.get(LIST)) == ("3", "2", ends, "highCallRate")
    assert _told(await v3.http.get(f"{LIST}/7")) == ("3", "1", ends, "highCallRate")
    assert _told(await v3.http.get("/contacts/v3/email/x")) == ("3", "0", ends, "highCallRate")


async def test_call_beyond_the_limit_is_refused_until_the_minute_ends(v3: V3) -> None:
    v3.control.set_settings({"rate_limits": {"highCallRate": 1}})
    await v3.http.get(LIST)
    refused = await v3.http.get(LIST)
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Requests"})
    assert _told(refused) == ("1", "0", "1796115660", "highCallRate")
    v3.sandbox.clock.advance(11.999)
    assert (await v3.http.get(LIST)).status_code == 429
    v3.sandbox.clock.advance(0.001)
    allowed = await v3.http.get(LIST)
    assert allowed.status_code == 200
    assert _told(allowed) == ("1", "0", "1796115720", "highCallRate")


async def test_refused_call_has_no_effect(v3: V3) -> None:
    v3.control.set_settings({"rate_limits": {"lowCallRate": 0}})
    refused = await v3.http.put("/contacts/v3/import", json={"contacts": [entry()]})
    assert refused.status_code == 429
    assert v3.account.jobs.active("import") == 0


async def test_tiers_are_counted_by_themselves(v3: V3) -> None:
    v3.control.set_settings({"rate_limits": {"lowCallRate": 0, "highCallRate": 1}})
    assert (await v3.http.get("/contacts/v3")).status_code == 429
    assert (await v3.http.get(LIST)).status_code == 200
    assert (await v3.http.post(LIST, json={"name": "News"})).status_code == 201


async def test_limit_is_the_accounts_over_all_its_users(v3: V3) -> None:
    v3.control.set_settings({"rate_limits": {"highCallRate": 1}})
    v3.control.add_user(ApiUser("second", "secret-2", v3.account.id))
    v3.control.add_account(username="other", password="secret-7")
    assert (await v3.http.get(LIST)).status_code == 200
    assert (await v3.http.get(LIST, auth=("second", "secret-2"))).status_code == 429
    assert (await v3.http.get(LIST, auth=("other", "secret-7"))).status_code == 200


async def test_wrong_credentials_cost_nothing(v3: V3) -> None:
    v3.control.set_settings({"rate_limits": {"highCallRate": 1}})
    refused = await v3.http.get(LIST, auth=(USERNAME, "wrong"))
    assert "x-ratelimit-limit" not in refused.headers
    assert (await v3.http.get(LIST)).status_code == 200


async def test_limits_are_out_of_reach_unless_set(v3: V3) -> None:
    assert _told(await v3.http.get(LIST))[:2] == ("1000000", "999999")


@pytest.mark.parametrize(
    "method,path,scope",
    [
        pytest.param("GET", "/v2/account-info", "highCallRate", id="account-info"),
        pytest.param("GET", "/v2/contacts/7", "highCallRate", id="one contact"),
        pytest.param("GET", "/v2/contacts", "lowCallRate", id="contacts"),
        pytest.param("GET", "/contacts/v3", "lowCallRate", id="contacts, v3"),
        pytest.param("PUT", "/contacts/v3/import", "lowCallRate", id="import"),
        pytest.param("POST", "/contacts/v3/delete", "lowCallRate", id="bulk delete"),
        pytest.param("PUT", "/v2/contacts/suppress-contacts", "lowCallRate", id="suppressing many"),
        pytest.param("PATCH", "/contacts/v3/email/a@b.example", "mediumCallRate", id="one change"),
        pytest.param(
            "GET", "/v2/contacts/suppressed-since/2026-01-01", "mediumCallRate", id="suppressions"
        ),
        pytest.param("GET", "/v2/campaigns/7/activities", "mediumCallRate", id="activity"),
        pytest.param("GET", "/v2/campaigns/metrics", "mediumCallRate", id="metrics"),
        pytest.param("GET", "/v2/surveys", "mediumCallRate", id="forms"),
        pytest.param("GET", "/v2/document-folders", "mediumCallRate", id="documents"),
        pytest.param("GET", "/v2/address-books/7/campaigns", "mediumCallRate", id="by list"),
        pytest.param("GET", "/insightData/v3/contacts/webInsight", "lowCallRate", id="visits"),
    ],
)
async def test_tier_of_a_call(v3: V3, method: str, path: str, scope: str) -> None:
    answer = await v3.http.request(method, path)
    assert answer.headers["x-ratelimit-scope"] == scope


async def test_flat_scheme_counts_the_hour_and_says_nothing(v3: V3) -> None:
    v3.control.set_settings({"rate_scheme": "flat", "flat_rate_limit": 2})
    first = await v3.http.get(LIST)
    assert "x-ratelimit-limit" not in first.headers
    v3.sandbox.clock.advance(1800)
    assert (await v3.http.get(LIST)).status_code == 200
    refused = await v3.http.get(LIST)
    assert (refused.status_code, refused.json()) == (400, FLAT)
    v3.sandbox.clock.advance(1801)
    assert (await v3.http.get(LIST)).status_code == 200


async def test_scheme_is_the_users_own(v3: V3) -> None:
    v3.control.set_settings({"flat_rate_limit": 0})
    v3.control.add_user(ApiUser("old", "secret-2", v3.account.id, rate_scheme="flat"))
    assert (await v3.http.get(LIST, auth=("old", "secret-2"))).status_code == 400
    assert (await v3.http.get(LIST, auth=(USERNAME, PASSWORD))).status_code == 200


async def test_account_info_counts_the_hours_calls(v3: V3) -> None:
    v3.control.set_settings({"rate_scheme": "flat"})
    for _ in range(4):
        await v3.http.get(LIST)
    info = (await v3.http.get("/v2/account-info")).json()
    values = {each["name"]: each["value"] for each in info["properties"]}
    assert (values["ApiCallsInLastHour"], values["ApiCallsRemaining"]) == ("5", "1995")
