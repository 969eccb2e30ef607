"""Failures that are mended elsewhere than on the record: in a mapping, a setting, another one."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.models import Account
from app.services.account_settings import AccountSettings
from app.services.mappings import change_mapping, delete_mapping, hold_mapping
from app.services.settings_effects import make_affected_due
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person
from tests.integration.sync.retrieving import ANN, value
from tests.integration.sync.traces import calls, due, link

NUMBER = "+447911123456"


async def delete(here: Replica, mapping_id: int) -> None:
    async with here.database.writing() as session:
        await delete_mapping(session, await hold_mapping(session, mapping_id), START)


async def map_another_field(here: Replica, mapping_id: int) -> None:
    async with here.database.writing() as session:
        found = await hold_mapping(session, mapping_id)
        await change_mapping(session, found, {"person_field": "custom.score"}, None, START)


async def set_account(here: Replica, account: Account, **settings: object) -> None:
    async with here.database.writing() as session:
        found = await session.get_one(Account, account.id)
        before = AccountSettings.from_stored(found.settings)
        found.settings = {**found.settings, **settings}
        await session.flush()
        after = AccountSettings.from_stored(found.settings)
        await make_affected_due(session, account.id, before, after)


async def open_failures(here: Replica) -> int:
    count: int = await here.database.pool.fetchval(
        "SELECT count(*) FROM failures WHERE resolved_at IS NULL"
    )
    return count


@pytest.mark.parametrize("mend", [delete, map_another_field])
async def test_new_person_whom_a_mapping_failed_is_sent_once_the_mapping_is_mended(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    mend: Callable[[Replica, int], Awaitable[None]],
) -> None:
    sandbox.control.add_data_field("POINTS", "Numeric")
    mapping = await make_mapping(
        here.database,
        sandboxed,
        person_field="custom.points",
        dotdigital_field="POINTS",
        data_field_type="Numeric",
    )
    await make_person(here.database, custom={"points": "many", "score": 7})
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["failed"] == 1

    await mend(here, mapping.id)
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["created"] == 1
    assert await open_failures(here) == 0
    assert await due(here) == []


async def test_who_was_refused_as_anothers_is_tried_once_the_account_relinks(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    sandbox.control.add_contacts([{"identifiers": {"email": "taken@example.com"}}])
    await here.database.pool.execute("UPDATE people SET email = 'taken@example.com'")
    await here.run(sandboxed, "send_people")
    assert await open_failures(here) == 1

    await set_account(here, sandboxed, email_conflict="relink")
    await here.run(sandboxed, "send_people")
    stands = await link(here, person.id)
    assert stands is not None
    assert stands["contact_id"] == sandbox.control.contact("taken@example.com").id
    assert await open_failures(here) == 0


@pytest.mark.parametrize("conflict", ["fail", "send_without"])
@pytest.mark.parametrize(
    "let_go",
    [
        pytest.param("mobile_number = '+447911123457'", id="changed"),
        pytest.param("deleted_at = now()", id="deleted"),
    ],
)
async def test_number_goes_to_who_waits_for_it_once_its_holder_lets_go(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, conflict: str, let_go: str
) -> None:
    await set_account(here, sandboxed, mobile_conflict=conflict)
    holder = await make_person(here.database, email="a@example.com", mobile_number=NUMBER)
    await make_person(here.database, email="b@example.com", mobile_number=NUMBER)
    await here.run(sandboxed, "send_people")

    await here.database.pool.execute(f"UPDATE people SET {let_go} WHERE id = $1", holder.id)
    await here.run(sandboxed, "send_people")
    await here.run(sandboxed, "send_people")
    contact = sandbox.control.read_contact("b@example.com")
    assert contact["identifiers"]["mobileNumber"] == NUMBER.removeprefix("+")
    assert await open_failures(here) == 0
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {}


@pytest.mark.parametrize("is_linked", [True, False])
async def test_number_of_a_contact_that_is_nobodys_here_is_left_out_where_the_account_says_so(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, *, is_linked: bool
) -> None:
    sandbox.control.add_contacts(
        [{"identifiers": {"email": "form@example.com", "mobileNumber": NUMBER}}]
    )
    person = await make_person(here.database)
    if is_linked:
        await here.run(sandboxed, "send_people")
    await here.database.pool.execute("UPDATE people SET mobile_number = $1", NUMBER)
    await here.run(sandboxed, "send_people")
    assert await open_failures(here) == 1

    await set_account(here, sandboxed, mobile_conflict="send_without")
    await here.run(sandboxed, "send_people")
    stands = await link(here, person.id)
    assert stands is not None
    assert (stands["state"], stands["reason"]) == ("synced", "mobile_number_taken")
    assert stands["reason_detail"].startswith("Another contact in Dotdigital")
    assert await open_failures(here) == 0
    assert await due(here) == []

    await here.database.pool.execute("UPDATE people SET city = 'York'")
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {}
    await here.database.pool.execute("UPDATE people SET first_name = 'Bea'")
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["updated"]) == ("succeeded", 1)
    assert value(sandbox, "FIRSTNAME") == "Bea"

    await here.database.pool.execute("UPDATE people SET mobile_number = '+447911123457'")
    await here.run(sandboxed, "send_people")
    contact = sandbox.control.read_contact(ANN)
    assert contact["identifiers"]["mobileNumber"] == "447911123457"


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param("full", id="by a full run"),
        pytest.param("changes", id="once a contact of ours gives it up"),
    ],
)
async def test_refused_number_is_tried_again(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    api: httpx.AsyncClient,
    clock: FakeClock,
    mode: str,
) -> None:
    await set_account(here, sandboxed, mobile_conflict="send_without")
    sandbox.control.add_contacts(
        [{"identifiers": {"email": "form@example.com", "mobileNumber": NUMBER}}]
    )
    await make_person(here.database, mobile_number=NUMBER)
    for _ in range(2):
        await here.run(sandboxed, "send_people")
        clock.advance(3600)
    if mode == "full":
        sandbox.control.delete("form@example.com")
    else:
        other = await make_person(here.database, email="form@example.com")
        found = sandbox.control.contact("form@example.com")
        path = f"/v1/people/{other.id}/links/{sandboxed.id}"
        answer = await api.put(path, json={"contact_id": found.id})
        assert answer.status_code == 200
        await here.database.pool.execute("DELETE FROM people WHERE email <> $1", ANN)
        await here.run(sandboxed, "send_people")
    run = await here.run(sandboxed, "send_people", mode)
    assert run["status"] == "succeeded"
    contact = sandbox.control.read_contact(ANN)
    assert contact["identifiers"]["mobileNumber"] == NUMBER.removeprefix("+")


async def erase(here: Replica, account: Account, api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/people/1/erase")
    assert answer.status_code == 204


async def unlink(here: Replica, account: Account, api: httpx.AsyncClient) -> None:
    answer = await api.delete(f"/v1/people/1/links/{account.id}")
    assert answer.status_code == 204
    await here.database.pool.execute("UPDATE people SET sync_with_mailer = false WHERE id = 1")


async def find_it_gone(here: Replica, account: Account, api: httpx.AsyncClient) -> None:
    await here.run(account, "retrieve_people", "full")


async def opt_out(here: Replica, account: Account, api: httpx.AsyncClient) -> None:
    await here.database.pool.execute(
        "UPDATE people SET no_email = true, email = 'c@example.com' WHERE id = 1"
    )


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("email = 'a@example.com'", id="email"),
        pytest.param(f"mobile_number = '{NUMBER}'", id="number"),
    ],
)
@pytest.mark.parametrize("lets_go", [erase, unlink, find_it_gone, opt_out])
async def test_who_gave_up_waiting_is_tried_once_the_holder_has_no_contact(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    api: httpx.AsyncClient,
    lets_go: Callable[[Replica, Account, httpx.AsyncClient], Awaitable[None]],
    wanted: str,
) -> None:
    await make_person(here.database, email="a@example.com", mobile_number=NUMBER)
    waiting = await make_person(here.database, email="b@example.com")
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute(f"UPDATE people SET {wanted} WHERE id = $1", waiting.id)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute(
        "UPDATE person_changes SET attempts = 8, next_attempt_at = 'infinity'"
    )
    assert await open_failures(here) == 1

    if lets_go is not erase:
        sandbox.control.delete("a@example.com")
    await lets_go(here, sandboxed, api)
    for _ in range(2):
        await here.run(sandboxed, "send_people")
    stands = await link(here, waiting.id)
    assert stands is not None
    assert stands["state"] == "synced"
    assert await open_failures(here) == 0
