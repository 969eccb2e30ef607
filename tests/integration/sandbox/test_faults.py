"""What can be made to go wrong in the sandbox, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.server import RunningSandbox, running_sandbox
from tests.integration.sandbox.v3_calls import NO_TLS

ENTRY = {"matchIdentifier": "email", "identifiers": {"email": "ann@b.example"}}


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as running:
        yield running


@pytest.fixture
async def http(running: RunningSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=running.url, auth=(running.username, running.password), verify=NO_TLS
    ) as http:
        yield http


async def test_status_is_answered_instead_of_the_call(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    running.control.add_fault(
        "status",
        method="PUT",
        path="/contacts/v3/*",
        status=502,
        body="<html>Bad gateway</html>",
        headers={"Retry-After": "7"},
        times=2,
    )
    for _ in range(2):
        answer = await http.put("/contacts/v3/import", json={"contacts": [ENTRY]})
        assert (answer.status_code, answer.text) == (502, "<html>Bad gateway</html>")
        assert answer.headers["retry-after"] == "7"
    assert running.account.contacts.live_count == 0
    assert (await http.put("/contacts/v3/import", json={"contacts": [ENTRY]})).status_code == 202


async def test_maintenance_answers_the_vendors_message(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    running.control.add_fault("status")
    answer = await http.get("/v2/address-books")
    assert (answer.status_code, answer.json()) == (
        503,
        {"message": "Error: ERROR_SYSTEM_SERVICETEMPORARILYUNAVAILABLE"},
    )


async def test_fault_waits_for_its_call(running: RunningSandbox, http: httpx.AsyncClient) -> None:
    running.control.add_fault("status", path="/contacts/v3/{identifier}/{value}", after=1)
    assert (await http.get("/contacts/v3")).status_code == 200
    one = "/contacts/v3/contactId/7"
    assert [(await http.get(one)).status_code for _ in range(3)] == [404, 503, 404]


async def test_fault_may_be_one_accounts(running: RunningSandbox, http: httpx.AsyncClient) -> None:
    other = running.control.add_account(username="other", password="secret-7")
    running.control.add_fault("status", account_id=other.id, times=None)
    assert (await http.get("/contacts/v3")).status_code == 200
    assert (await http.get("/contacts/v3", auth=("other", "secret-7"))).status_code == 503


async def test_faults_strike_until_they_are_taken_back(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    fault = running.control.add_fault("status", times=None)
    for _ in range(3):
        assert (await http.get("/contacts/v3")).status_code == 503
    running.sandbox.faults.remove(fault.id)
    assert fault.struck == 3
    assert (await http.get("/contacts/v3")).status_code == 200


async def test_reset_connection_does_nothing(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    running.control.add_fault("reset")
    with pytest.raises(httpx.ReadError):
        await http.patch("/contacts/v3/email/ann@b.example", json={})
    assert running.account.contacts.live_count == 0
    made = await http.patch("/contacts/v3/email/ann@b.example", json={})
    assert made.status_code == 201


async def test_lost_answer_belongs_to_a_call_that_took_effect(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    running.control.add_fault("lost_answer")
    with pytest.raises(httpx.ReadError):
        await http.patch("/contacts/v3/email/ann@b.example", json={})
    assert running.account.contacts.live_count == 1
    again = await http.patch("/contacts/v3/email/ann@b.example", json={})
    assert again.status_code == 200


async def test_truncated_answer_breaks_off(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    running.control.add_fault("truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        await http.patch("/contacts/v3/email/ann@b.example", json={})
    assert running.account.contacts.live_count == 1


async def test_duplicates_give_every_item_twice(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    first, second = running.control.generate_contacts(2)
    running.control.add_fault("duplicates")
    page = (await http.get("/contacts/v3")).json()
    assert [each["contactId"] for each in page["_items"]] == [first, first, second, second]


async def test_late_answer_waits_by_the_sandboxs_clock(
    running: RunningSandbox, http: httpx.AsyncClient
) -> None:
    running.control.move_clock(frozen=True)
    running.control.add_fault("latency", path="/v2/*", seconds=3600)
    late = asyncio.create_task(http.get("/v2/server-time"))
    assert (await http.get("/contacts/v3")).status_code == 200
    assert not late.done()
    running.control.move_clock(advance_s=3600)
    assert (await late).status_code == 200


async def test_faults_come_together(running: RunningSandbox, http: httpx.AsyncClient) -> None:
    running.control.add_fault("job_hangs")
    running.control.add_fault("lost_answer")
    with pytest.raises(httpx.ReadError):
        await http.put("/contacts/v3/import", json={"contacts": [ENTRY]})
    assert running.account.jobs.active("import") == 1


async def test_faulty_calls_are_counted(running: RunningSandbox, http: httpx.AsyncClient) -> None:
    running.control.add_fault("status")
    running.control.add_fault("reset", after=1)
    await http.get("/contacts/v3")
    with pytest.raises(httpx.ReadError):
        await http.get("/contacts/v3")
    await http.get("/contacts/v3")
    assert running.sandbox.calls.by_status == {503: 1, 0: 1, 200: 1}
    assert running.sandbox.calls.by_template == {"GET /contacts/v3": 3}
