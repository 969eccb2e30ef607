"""Finding where an account lives: one call, and no credentials to a host that isn't allowed."""

import httpx
import pytest
import respx

from app.clients.dotdigital import (
    BadCredentials,
    CallRecord,
    HostNotAllowed,
    ProtocolError,
    RateLimited,
    ServerFault,
    Transport,
    detect_region,
    region_of,
)
from app.clients.dotdigital.endpoints import account_info_from
from app.clients.dotdigital.inferred import modern_endpoint
from tests.clock import FakeClock
from tests.factories.dotdigital import CREDENTIALS, example

R1 = "https://r1-api.dotdigital.com"


def info(endpoint: object = "https://r2-api.dotdigital.com/") -> dict[str, object]:
    return {"id": 48213, "properties": [{"name": "ApiEndpoint", "value": endpoint}]}


@pytest.fixture
def router() -> respx.MockRouter:
    return respx.mock(assert_all_called=False)


async def test_the_account_and_its_endpoint_are_found_by_one_call(
    shared_dir: object, transport: Transport, clock: FakeClock
) -> None:
    records: list[CallRecord] = []
    with respx.mock(base_url=R1) as router:
        route = router.get("/v2/account-info").respond(json=example("account-info"))
        found = await detect_region(transport, CREDENTIALS, clock=clock, on_call=records.append)
    assert route.calls.last.request.headers["Authorization"] == CREDENTIALS.authorization
    assert (found.id, found.name, found.main_email) == (
        48213,
        "Harbour Trust",
        "owner@harbour.example",
    )
    assert (found.endpoint, found.region) == ("https://r2-api.dotdigital.com", "r2")
    assert (found.calls_in_last_hour, found.calls_remaining) == (37, 1963)
    assert found.properties["CurrencyCode"] == "GBP"
    assert [(record.path, record.scope) for record in records] == [("/v2/account-info", None)]


@pytest.mark.parametrize(
    "named, endpoint, region",
    [
        pytest.param(
            "https://r3-api.dotdigital.com/", "https://r3-api.dotdigital.com", "r3", id="slash"
        ),
        pytest.param(
            "https://r3-api.dotdigital.com/v2/", "https://r3-api.dotdigital.com", "r3", id="version"
        ),
        pytest.param(
            "https://r2.apiconnector.com", "https://r2-api.dotdigital.com", "r2", id="old"
        ),
        pytest.param("", R1, "r1", id="none named: the one that answered"),
        pytest.param(None, R1, "r1", id="null"),
        pytest.param(
            "https://api.eu.dotdigital.com",
            "https://api.eu.dotdigital.com",
            None,
            id="a host that tells no region",
        ),
    ],
)
async def test_the_endpoint_is_made_ready_to_be_stored(
    transport: Transport,
    clock: FakeClock,
    named: object,
    endpoint: str,
    region: str | None,
) -> None:
    with respx.mock(base_url=R1) as router:
        router.get("/v2/account-info").respond(json=info(named))
        found = await detect_region(transport, CREDENTIALS, clock=clock)
    assert (found.endpoint, found.region) == (endpoint, region)


@pytest.mark.parametrize(
    "discovery_url, asked",
    [
        pytest.param("https://r1-api.dotdigital.com/v2/", R1, id="slash and version"),
        pytest.param("https://api.dotmailer.com", R1, id="an old name"),
        pytest.param(
            "https://R2-api.dotmailer.com/", "https://r2-api.dotdigital.com", id="a region"
        ),
        pytest.param("https://apiconnector.com/v2", R1, id="an older name"),
        pytest.param(
            " https://r3-api.dotdigital.com ", "https://r3-api.dotdigital.com", id="blanks"
        ),
    ],
)
async def test_whatever_is_configured_the_right_host_is_asked(
    transport: Transport, clock: FakeClock, discovery_url: str, asked: str
) -> None:
    with respx.mock(base_url=asked) as router:
        router.get("/v2/account-info").respond(json=info())
        await detect_region(transport, CREDENTIALS, discovery_url=discovery_url, clock=clock)


@pytest.mark.parametrize(
    "discovery_url", ["https://evil.example", "http://r1-api.dotdigital.com", "nonsense", ""]
)
async def test_no_credentials_go_to_a_discovery_host_that_is_not_allowed(
    transport: Transport, clock: FakeClock, discovery_url: str
) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.route()
        with pytest.raises(HostNotAllowed):
            await detect_region(transport, CREDENTIALS, discovery_url=discovery_url, clock=clock)
        assert router.calls.call_count == 0


async def test_an_answer_cannot_lead_the_client_to_another_host(
    transport: Transport, clock: FakeClock
) -> None:
    with respx.mock(base_url=R1) as router:
        router.get("/v2/account-info").respond(json=info("https://evil.example/"))
        with pytest.raises(HostNotAllowed) as met:
            await detect_region(transport, CREDENTIALS, clock=clock)
    assert met.value.host == "evil.example"


async def test_bad_credentials_are_told_by_one_call(transport: Transport, clock: FakeClock) -> None:
    with respx.mock(base_url=R1) as router:
        route = router.get("/v2/account-info").respond(401)
        with pytest.raises(BadCredentials):
            await detect_region(transport, CREDENTIALS, clock=clock)
    assert route.call_count == 1


async def test_somebody_waits_so_it_gives_up_within_seconds(
    transport: Transport, clock: FakeClock
) -> None:
    with respx.mock(base_url=R1) as router:
        route = router.get("/v2/account-info").respond(503)
        with pytest.raises(ServerFault):
            await detect_region(transport, CREDENTIALS, clock=clock)
        assert route.call_count == 3
        assert sum(clock.slept) < 2
        route.respond(429)
        with pytest.raises(RateLimited):
            await detect_region(transport, CREDENTIALS, clock=clock)
        assert route.call_count == 4


async def test_a_short_rate_limit_is_waited_out_without_a_bucket(
    transport: Transport, clock: FakeClock
) -> None:
    with respx.mock(base_url=R1) as router:
        router.get("/v2/account-info").side_effect = [
            httpx.Response(429, headers={"Retry-After": "3"}),
            httpx.Response(200, json=info()),
        ]
        await detect_region(transport, CREDENTIALS, clock=clock)
    assert clock.slept == [3.0]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'{"properties": []}', id="no id"),
        pytest.param(b'{"id": "x"}', id="an id that is none"),
        pytest.param(b'{"id": 1, "properties": [7]}', id="a property that is none"),
        pytest.param(b'{"id": 1, "properties": [{"value": "x"}]}', id="a property without a name"),
    ],
)
def test_what_is_no_account_is_no_account(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        account_info_from(body, R1)


def test_names_are_read_in_any_case_and_absence_is_none() -> None:
    read = account_info_from(
        b'{"Id": 7, "Properties": [{"Name": "APICALLSREMAINING", "Value": 12},'
        b' {"name": "name", "value": null}]}',
        R1,
    )
    assert (read.id, read.name, read.main_email, read.endpoint) == (7, "", "", R1)
    assert (read.calls_in_last_hour, read.calls_remaining) == (None, 12)


@pytest.mark.parametrize(
    "endpoint, region",
    [
        ("https://r1-api.dotdigital.com", "r1"),
        ("https://R3.apiconnector.com", "r3"),
        ("http://127.0.0.1:8080", None),
        ("https://[::1", None),
    ],
)
def test_the_region_is_read_off_the_host(endpoint: str, region: str | None) -> None:
    assert region_of(endpoint) == region


def test_what_is_no_url_stays_as_it_is() -> None:
    assert modern_endpoint("https://[::1/") == "https://[::1"
