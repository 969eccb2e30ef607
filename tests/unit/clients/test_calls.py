"""One call from end to end: what is tried again, counted, refused, and said of it."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import respx
import structlog
from structlog.testing import capture_logs

from app.clients.dotdigital import (
    BadCredentials,
    CallRecord,
    Circuit,
    CircuitOpen,
    DotdigitalClient,
    Grant,
    HostNotAllowed,
    MemoryBucketStore,
    NotFound,
    NotPermitted,
    Priority,
    ProtocolError,
    RateLimited,
    RateLimiter,
    Rejected,
    RetryPolicy,
    ServerFault,
    Transport,
    Unreachable,
    WaitForSlot,
    WrongRegion,
)
from tests.clock import START, FakeClock
from tests.factories.dotdigital import ACCOUNT_KEY, ENDPOINT, make_client, rate_headers


class CountingStore(MemoryBucketStore):
    """Buckets in memory, with a list of the tokens asked for."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.asked: list[str] = []

    async def take(
        self, account_key: str, scope: str, priority: Priority, default_limit: int, window_s: float
    ) -> Grant:
        self.asked.append(scope)
        return await super().take(account_key, scope, priority, default_limit, window_s)


FIELDS = [{"name": "FIRSTNAME", "type": "String"}]
ACCOUNT_INFO = {"id": 48213, "properties": [{"name": "ApiEndpoint", "value": f"{ENDPOINT}/"}]}


@pytest.fixture
def records() -> list[CallRecord]:
    return []


@pytest.fixture
def watched(transport: Transport, clock: FakeClock, records: list[CallRecord]) -> DotdigitalClient:
    return make_client(transport, clock, on_call=records.append)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(httpx.ConnectError("no"), id="connection refused"),
        pytest.param(httpx.ReadTimeout("no"), id="timeout"),
        pytest.param(httpx.RemoteProtocolError("no"), id="connection reset"),
        pytest.param(httpx.Response(500), id="500"),
        pytest.param(httpx.Response(502, html="<p>bad gateway</p>"), id="502"),
        pytest.param(httpx.Response(503), id="503"),
        pytest.param(httpx.Response(504), id="504"),
        pytest.param(httpx.Response(429), id="429"),
        pytest.param(
            httpx.Response(
                400, json={"message": "down ERROR_SYSTEM_SERVICETEMPORARILYUNAVAILABLE"}
            ),
            id="maintenance",
        ),
        pytest.param(httpx.Response(200, content=b'[{"name": "FIRST'), id="a body cut off"),
    ],
)
async def test_a_read_is_tried_again_after_a_passing_failure(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    clock: FakeClock,
    failure: httpx.Response | Exception,
) -> None:
    route = dotdigital.get("/v2/data-fields")
    route.side_effect = [failure, failure, httpx.Response(200, json=FIELDS)]
    assert [field.name for field in await client.data_fields.all()] == ["FIRSTNAME"]
    assert route.call_count == 3
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    "failure, expected",
    [
        pytest.param(httpx.ReadTimeout("no"), Unreachable, id="timeout"),
        pytest.param(httpx.Response(503), ServerFault, id="503"),
    ],
)
async def test_what_does_harm_twice_is_tried_once_when_in_doubt(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    failure: httpx.Response | Exception,
    expected: type[Exception],
) -> None:
    route = dotdigital.post("/v2/contacts/resubscribe")
    route.side_effect = [failure]
    with pytest.raises(expected):
        await client.suppressions.resubscribe("ann@mail.example")
    assert route.call_count == 1


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.Response(429)], ids=["connection refused", "429"]
)
async def test_what_surely_was_not_carried_out_is_tried_again_whatever_it_is(
    client: DotdigitalClient, dotdigital: respx.MockRouter, failure: httpx.Response | Exception
) -> None:
    route = dotdigital.post("/v2/contacts/resubscribe")
    route.side_effect = [failure, httpx.Response(200, json={"status": "ContactAdded"})]
    await client.suppressions.resubscribe("ann@mail.example")
    assert route.call_count == 2


async def test_waits_grow_and_the_last_failure_is_raised(
    client: DotdigitalClient, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    route = dotdigital.get("/v2/data-fields").respond(503)
    with pytest.raises(ServerFault) as met:
        await client.data_fields.all()
    assert route.call_count == 5
    assert met.value.call == "GET /v2/data-fields"
    for wait_s, longest in zip(clock.slept, (0.5, 1, 2, 4), strict=True):
        assert longest / 2 <= wait_s <= longest


async def test_a_servers_own_wait_is_kept_to_the_second(
    client: DotdigitalClient, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    dotdigital.get("/v2/data-fields").side_effect = [
        httpx.Response(503, headers={"Retry-After": "42"}),
        httpx.Response(200, json=FIELDS),
    ]
    await client.data_fields.all()
    assert clock.slept == [42.0]


async def test_a_rate_limit_is_waited_out_until_the_reset_that_the_answer_names(
    client: DotdigitalClient, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    dotdigital.get("/v2/data-fields").side_effect = [
        httpx.Response(429, headers=rate_headers(clock, remaining=0, resets_in_s=17)),
        httpx.Response(200, json=FIELDS),
    ]
    await client.data_fields.all()
    assert clock.slept == [18.0]


async def test_an_opt_out_that_is_limited_keeps_its_place_while_it_waits(
    client: DotdigitalClient, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    dotdigital.put("/v2/contacts/suppress-contacts").side_effect = [
        httpx.Response(429, headers=rate_headers(clock, remaining=0, resets_in_s=17)),
        httpx.Response(200, json={}),
    ]
    urgent = client.with_priority(Priority.OPT_OUT)
    await urgent.suppressions.suppress_contacts(contact_ids=[7])
    assert clock.slept == [5.0, 5.0, 5.0, 3.0], "it asks again before its place is given away"


async def test_a_rate_limit_that_lasts_too_long_is_raised_at_once(
    client: DotdigitalClient, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    headers = rate_headers(clock, remaining=0, resets_in_s=3000)
    route = dotdigital.get("/v2/data-fields").respond(429, headers=headers)
    with pytest.raises(RateLimited) as met:
        await client.data_fields.all()
    assert (met.value.scope, met.value.until) == ("lowCallRate", START + timedelta(seconds=3001))
    assert (route.call_count, clock.slept) == (1, [])


async def test_a_scope_blocked_for_one_is_blocked_for_all_on_that_account(
    transport: Transport, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    store = MemoryBucketStore(clock)
    clients = [
        make_client(transport, clock, limiter=RateLimiter(store, ACCOUNT_KEY, clock))
        for _ in range(2)
    ]
    headers = rate_headers(clock, remaining=0, resets_in_s=3000)
    route = dotdigital.get("/v2/data-fields").respond(429, headers=headers)
    for client in clients:
        with pytest.raises(RateLimited):
            await client.data_fields.all()
    assert route.call_count == 1


async def test_each_attempt_takes_a_token(
    transport: Transport, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    store = MemoryBucketStore(clock)
    client = make_client(transport, clock, limiter=RateLimiter(store, ACCOUNT_KEY, clock))
    dotdigital.get("/v2/data-fields").side_effect = [
        httpx.Response(503),
        httpx.ReadTimeout("no"),
        httpx.Response(200, json=FIELDS),
    ]
    await client.data_fields.all()
    assert store._buckets[ACCOUNT_KEY, "highCallRate"].remaining == 297


@pytest.mark.parametrize(
    "status, body, expected",
    [
        pytest.param(400, {"message": "ERROR_PARAMETER_INVALID"}, Rejected, id="refused"),
        pytest.param(404, {"message": "ERROR_CONTACT_NOT_FOUND"}, NotFound, id="not found"),
        pytest.param(403, {"message": "ERROR_FEATURENOTACTIVE"}, NotPermitted, id="no feature"),
        pytest.param(409, {"errorCode": "contacts:idAlreadyExists"}, Rejected, id="taken"),
        pytest.param(
            429, {"errorCode": "contacts:tooManyActiveImports"}, WaitForSlot, id="no slot"
        ),
        pytest.param(200, "not an array", ProtocolError, id="of another shape"),
        pytest.param(200, [{"type": "String"}], ProtocolError, id="without what is needed"),
        pytest.param(302, None, ProtocolError, id="a redirect"),
    ],
)
async def test_a_plain_no_is_final(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    clock: FakeClock,
    status: int,
    body: object,
    expected: type[Exception],
) -> None:
    route = dotdigital.get("/v2/data-fields").respond(status, json=body)
    with pytest.raises(expected):
        await client.data_fields.all()
    assert (route.call_count, clock.slept) == (1, [])


async def test_after_bad_credentials_no_further_call_is_made(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.route().respond(401, json={"message": "Authorization has been denied"})
    urgent = client.with_priority(Priority.OPT_OUT)
    for each in (client, client, urgent):
        with pytest.raises(BadCredentials):
            await each.data_fields.all()
    assert route.call_count == 1


async def test_a_failing_dotdigital_is_left_alone_for_a_while(
    transport: Transport, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    circuit, store = Circuit(clock), CountingStore(clock)
    limiter = RateLimiter(store, ACCOUNT_KEY, clock)
    client = make_client(transport, clock, circuit=circuit, limiter=limiter)
    route = dotdigital.get("/v2/data-fields").respond(503)
    for _ in range(2):
        with pytest.raises(ServerFault):
            await client.data_fields.all()
    assert route.call_count == 8, "once the circuit is open, nothing is tried again"
    assert circuit.is_open
    asked = len(store.asked)
    with pytest.raises(CircuitOpen):
        await client.data_fields.all()
    assert (route.call_count, len(store.asked)) == (8, asked), "nor does it cost a token"
    clock.advance(30)
    route.respond(200, json=FIELDS)
    await client.data_fields.all()
    assert not circuit.is_open


async def test_a_circuit_that_opens_while_a_call_waits_for_its_token_stops_it(
    transport: Transport, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    circuit = Circuit(clock, failures_to_open=1)

    class Limiter(RateLimiter):
        async def acquire(self, call: str, priority: Priority, patience_s: float) -> str:
            with pytest.raises(Unreachable), circuit.watching():
                raise Unreachable("another call, meanwhile")
            return "lowCallRate"

    client = make_client(
        transport,
        clock,
        circuit=circuit,
        limiter=Limiter(MemoryBucketStore(clock), ACCOUNT_KEY, clock),
    )
    with pytest.raises(CircuitOpen):
        await client.data_fields.all()
    assert dotdigital.calls.call_count == 0


@pytest.mark.parametrize(
    "there, expected, endpoint",
    [
        pytest.param(
            "https://r3-api.dotdigital.com/",
            WrongRegion,
            "https://r3-api.dotdigital.com",
            id="the account lives elsewhere",
        ),
        pytest.param(f"{ENDPOINT}/", NotPermitted, None, id="it lives here: a permission"),
        pytest.param(
            "https://R2-API.dotdigital.com/v2", NotPermitted, None, id="here, spelt otherwise"
        ),
    ],
)
async def test_a_bare_403_is_told_apart_by_account_info(
    watched: DotdigitalClient,
    dotdigital: respx.MockRouter,
    records: list[CallRecord],
    there: str,
    expected: type[WrongRegion | NotPermitted],
    endpoint: str | None,
) -> None:
    dotdigital.get("/v2/data-fields").respond(403, json={"message": "Forbidden: Access is denied"})
    dotdigital.get("/v2/account-info").respond(
        json={"id": 1, "properties": [{"name": "ApiEndpoint", "value": there}]}
    )
    with pytest.raises(expected) as met:
        await watched.data_fields.all()
    assert getattr(met.value, "endpoint", None) == endpoint
    assert met.value.call == "GET /v2/data-fields"
    assert [(record.path, record.error) for record in records] == [
        ("/v2/data-fields", "WrongRegion"),
        ("/v2/account-info", None),
    ]


@pytest.mark.parametrize("status", [403, 500])
async def test_where_account_info_fails_too_it_is_taken_for_the_region(
    client: DotdigitalClient, dotdigital: respx.MockRouter, status: int
) -> None:
    dotdigital.get("/v2/data-fields").respond(403)
    look = dotdigital.get("/v2/account-info").respond(status)
    with pytest.raises(WrongRegion) as met:
        await client.data_fields.all()
    assert met.value.endpoint is None
    assert look.call_count == 1


async def test_every_attempt_is_recorded(
    watched: DotdigitalClient,
    dotdigital: respx.MockRouter,
    records: list[CallRecord],
    clock: FakeClock,
) -> None:
    def fail_to_connect(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    def slowly(_: httpx.Request) -> httpx.Response:
        clock.advance(2.5)
        return httpx.Response(200, headers=rate_headers(clock, scope="midRate"), json=CONTACT)

    answers = iter([lambda _: httpx.Response(503), fail_to_connect, slowly])

    def answer(request: httpx.Request) -> httpx.Response:
        return next(answers)(request)

    dotdigital.get("/contacts/v3/email/ann%40mail.example").side_effect = answer
    await watched.contacts.get("email", "ann@mail.example")
    path = "/contacts/v3/{identifier}/{value}"
    assert records == [
        CallRecord("GET", path, "highCallRate", 503, 0.0, 1, "ServerFault"),
        CallRecord("GET", path, "highCallRate", None, 0.0, 2, "Unreachable"),
        CallRecord("GET", path, "midRate", 200, 2.5, 3, None),
    ]


CONTACT = {"contactId": 7, "identifiers": {"email": "ann@mail.example"}}


async def test_a_cancelled_call_is_recorded_too(
    watched: DotdigitalClient, dotdigital: respx.MockRouter, records: list[CallRecord]
) -> None:
    under_way = asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        under_way.set()
        await asyncio.Event().wait()
        raise AssertionError

    dotdigital.get("/v2/data-fields").side_effect = hang
    call = asyncio.create_task(watched.data_fields.all())
    await under_way.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [record.error for record in records] == ["Cancelled"]


async def test_logs_tell_neither_credentials_nor_addresses(
    watched: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    details = [{"item": "ann@mail.example", "description": "ann@mail.example is no one"}]
    dotdigital.route().side_effect = [
        httpx.Response(503),
        httpx.Response(404, json={"errorCode": "contacts:contactNotFound", "details": details}),
    ]
    # A service that ran in this process before may have set the log to leave debug events out.
    structlog.reset_defaults()
    with capture_logs() as logs, pytest.raises(NotFound):
        await watched.contacts.get("email", "ann@mail.example")
    assert [log["event"] for log in logs] == [
        "dotdigital_call",
        "dotdigital_call_is_tried_again",
        "dotdigital_call",
    ]
    assert {log["log_level"] for log in logs} == {"debug", "warning"}
    said = repr(logs)
    assert "/contacts/v3/{identifier}/{value}" in said
    for secret in ("ann", "s3cret-word", "apiuser", "Basic"):
        assert secret not in said


async def test_credentials_go_to_no_host_that_is_not_allowed(
    transport: Transport, clock: FakeClock
) -> None:
    records: list[CallRecord] = []
    client = make_client(transport, clock, endpoint="https://evil.example", on_call=records.append)
    with respx.mock(assert_all_called=False) as router:
        router.route()
        with pytest.raises(HostNotAllowed):
            await client.data_fields.all()
    assert router.calls.call_count == 0
    assert records == [], "no call was made"


async def test_an_impatient_client_gives_up_soon(
    transport: Transport, dotdigital: respx.MockRouter, clock: FakeClock
) -> None:
    policy = RetryPolicy(max_attempts=2, first_wait_s=0.1, patience_s=5)
    client = make_client(transport, clock, policy=policy)
    route = dotdigital.get("/v2/data-fields").respond(503)
    with pytest.raises(ServerFault):
        await client.data_fields.all()
    assert route.call_count == 2
    assert sum(clock.slept) <= 0.1


@pytest.mark.parametrize("value", ["", ".", ".."])
async def test_what_would_change_the_path_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, value: str
) -> None:
    with pytest.raises(ValueError, match="can't stand in a path"):
        await client.contacts.get("email", value)
    assert dotdigital.calls.call_count == 0


async def test_a_client_at_another_priority_shares_all_else(client: DotdigitalClient) -> None:
    urgent = client.with_priority(Priority.OPT_OUT)
    assert urgent._caller.priority is Priority.OPT_OUT
    assert client._caller.priority is Priority.SCHEDULE
    assert urgent._caller._limiter is client._caller._limiter
    assert urgent._caller._refusals is client._caller._refusals
