"""send_people where a person leaves its contact: deleted, merged, with another's email."""

from typing import Any

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from sandbox.state.records import Contact
from tests.clock import FakeClock
from tests.factories.engines import Replica, replica_on
from tests.factories.people import make_people, make_person
from tests.integration.sync.changing_transport import ChangingTransport
from tests.integration.sync.consent_traces import set_clock
from tests.integration.sync.crashes import Died
from tests.integration.sync.traces import calls, due, link


async def change(here: Replica, person_id: int, **values: object) -> None:
    names = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=2))
    await here.database.pool.execute(
        f"UPDATE people SET {names} WHERE id = $1", person_id, *values.values()
    )


async def delete(here: Replica, person_id: int) -> None:
    await here.database.pool.execute("DELETE FROM people WHERE id = $1", person_id)


async def set_account(here: Replica, account: Account, **settings: object) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $2 WHERE id = $1", account.id, settings
    )


def contacts(sandbox: RunningSandbox) -> dict[str, Contact]:
    return {each.email or "": each for each in sandbox.account.contacts}


def mailable(sandbox: RunningSandbox) -> list[str | None]:
    return [each.email for each in sandbox.account.contacts if each.email_status == "subscribed"]


async def wait(here: Replica, sandbox: RunningSandbox, seconds: float) -> None:
    """Let time pass on both sides."""
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(seconds)
    set_clock(sandbox, here.clock.now())


async def test_deleted_person_takes_its_contact_along(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    await delete(here, person.id)
    run = await here.run(sandboxed, "send_people")

    assert (run["status"], run["counts"]["deleted"]) == ("succeeded", 1)
    assert contacts(sandbox) == {}
    stands = await link(here, person.id)
    assert stands is not None
    assert (stands["contact_id"], stands["reason"]) == (None, "deleted")
    assert await due(here) == []


async def test_a_thousand_deleted_people_cost_one_bulk_delete_and_one_look_before_and_after(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 1000)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    await here.database.pool.execute("UPDATE people SET deleted_at = now()")
    run = await here.run(sandboxed, "send_people")

    assert run["counts"]["deleted"] == 1000
    assert contacts(sandbox) == {}
    assert calls(sandbox) == {
        "GET /v2/contacts/suppressed-since/{date}": 1,
        "POST /contacts/v3/delete": 1,
        "GET /contacts/v3/delete/{deleteId}": 1,
    }
    assert await due(here) == []


async def test_contact_that_was_deleted_by_hand_is_gone_all_the_same(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 4)
    await here.run(sandboxed, "send_people")
    for person in people[:3]:
        sandbox.control.delete(person.email or "")
    await here.database.pool.execute("UPDATE people SET deleted_at = now()")
    run = await here.run(sandboxed, "send_people")

    assert (run["status"], run["counts"]["deleted"]) == ("succeeded", 4)
    assert await due(here) == []


async def test_contact_goes_over_to_who_has_the_email_and_gets_its_values(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    first = await make_person(here.database, email="family@example.com")
    second = await make_person(here.database, email="Family@example.com", first_name="Bob")
    await here.run(sandboxed, "send_people")
    (contact,) = sandbox.account.contacts
    await delete(here, first.id)
    run = await here.run(sandboxed, "send_people")

    assert run["counts"].get("deleted", 0) == 0
    stands = await link(here, second.id)
    assert stands is not None
    assert (stands["contact_id"], stands["state"]) == (contact.id, "synced")
    assert sandbox.control.read_contact(contact.id)["dataFields"]["FIRSTNAME"] == "Bob"
    left = await link(here, first.id)
    assert left is not None
    assert left["contact_id"] is None
    assert await due(here) == []


@pytest.mark.parametrize(
    "values", [{"sync_with_mailer": False}, {"email": "other@example.com"}], ids=str
)
async def test_contact_does_not_go_over_to_who_may_not_have_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, values: dict[str, Any]
) -> None:
    first = await make_person(here.database, email="family@example.com")
    await make_person(here.database, **{"email": "family@example.com", **values})
    await here.run(sandboxed, "send_people")
    await delete(here, first.id)
    run = await here.run(sandboxed, "send_people")

    assert run["counts"]["deleted"] == 1
    assert "family@example.com" not in contacts(sandbox)


async def test_who_waited_for_the_email_of_a_deleted_person_gets_a_contact(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    first = await make_person(here.database, email="old@example.com")
    second = await make_person(here.database, email="own@example.com", first_name="Bob")
    await here.run(sandboxed, "send_people")
    await change(here, second.id, email="old@example.com")
    await here.run(sandboxed, "send_people")
    await delete(here, first.id)
    await here.run(sandboxed, "send_people")
    await here.run(sandboxed, "send_people")

    assert list(contacts(sandbox)) == ["old@example.com"]
    stands = await link(here, second.id)
    assert stands is not None
    assert stands["state"] == "synced"


async def test_merged_person_goes_and_the_survivor_is_updated(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    loser = await make_person(here.database, email="ann@old.example")
    survivor = await make_person(here.database, email="ann@example.com")
    await here.run(sandboxed, "send_people")
    await change(here, loser.id, merged_into_id=survivor.id)
    await delete(here, loser.id)
    run = await here.run(sandboxed, "send_people")

    assert run["counts"]["deleted"] == 1
    assert list(contacts(sandbox)) == ["ann@example.com"]
    left = await link(here, loser.id)
    assert left is not None
    assert left["reason"] == "merged"


async def test_deleting_somebody_who_opted_out_keeps_the_address_opted_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    await change(here, person.id, no_email=True)
    await delete(here, person.id)
    await here.run(sandboxed, "send_people")
    await here.run(sandboxed, "send_people")
    kept = await here.database.pool.fetchrow("SELECT * FROM address_opt_outs")
    assert (kept["email_key"], kept["source"]) == ("ann@example.com", "deleted")
    assert kept["confirmed_at"] is not None

    again = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    stands = await link(here, again.id)
    assert stands is not None
    assert (stands["state"], stands["reason"]) == ("suppressed", "address_opted_out")
    assert mailable(sandbox) == []


UNREAD = [
    pytest.param(1, False, id="alone"),
    pytest.param(3, False, id="with some others"),
    pytest.param(3, True, id="with others, linked before suppressions were read"),
    pytest.param(101, False, id="with many others"),
]


@pytest.mark.parametrize("number, is_read", UNREAD)
@pytest.mark.parametrize("there", ["unsubscribed", "hardBounced"])
async def test_who_opted_out_there_unread_before_its_person_was_deleted_stays_out(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    there: str,
    number: int,
    *,
    is_read: bool,
) -> None:
    """Emptied, the recycle bin keeps nothing of it."""
    set_clock(sandbox, here.clock.now())
    await make_people(here.database, number)
    await here.run(sandboxed, "send_people")
    if is_read:
        await wait(here, sandbox, 3600)
        await here.run(sandboxed, "retrieve_people")
        await wait(here, sandbox, 3600)
    sandbox.control.suppress("p1@example.com", there)
    await here.database.pool.execute("UPDATE people SET deleted_at = now()")
    await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == []
    sandbox.account.empty_recycle_bin()

    await make_people(here.database, number, external_ref=None)
    for _ in range(2):
        await wait(here, sandbox, 3600)
        await here.run(sandboxed, "send_people")
    assert "p1@example.com" not in mailable(sandbox)
    assert len(mailable(sandbox)) == number - 1


async def test_opt_out_that_is_found_before_a_deletion_outlasts_a_run_that_dies_in_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    sandbox.control.unsubscribe("p1@example.com")
    await here.database.pool.execute("UPDATE people SET deleted_at = now()")

    async def die() -> None:
        raise Died

    run_id = await here.trigger(sandboxed, "send_people")
    async with ChangingTransport("/contacts/v3/delete/", die) as transport:
        there = replica_on(here.database, transport, here.clock, here.settings)
        with pytest.raises(Died):
            await there.engine.execute(run_id)
    assert contacts(sandbox) == {}
    sandbox.account.empty_recycle_bin()

    await make_people(here.database, 1, external_ref=None)
    await here.engine.execute(run_id)
    for _ in range(3):
        await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == []
    assert await due(here) == []


@pytest.mark.parametrize("number", [pytest.param(1, id="alone"), pytest.param(3, id="in bulk")])
async def test_person_who_lives_again_before_its_contact_goes_keeps_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, number: int
) -> None:
    """Somebody else is sent between the decision and the call."""
    await make_people(here.database, number)
    await here.run(sandboxed, "send_people")
    before = contacts(sandbox)
    await here.database.pool.execute("UPDATE people SET deleted_at = now()")
    await make_person(here.database, email="late@example.com")

    async def restore() -> None:
        await here.database.pool.execute(
            "UPDATE people SET deleted_at = NULL WHERE email = 'p1@example.com'"
        )

    async with ChangingTransport("/contacts/v3/import", restore) as transport:
        there = replica_on(here.database, transport, here.clock, here.settings)
        await there.run(sandboxed, "send_people")
    assert set(contacts(sandbox)) == {"p1@example.com", "late@example.com"}
    await here.run(sandboxed, "send_people")
    assert contacts(sandbox)["p1@example.com"].id == before["p1@example.com"].id
    assert await due(here) == []


async def test_person_who_lives_again_is_made_a_contact_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    await delete(here, person.id)
    await here.run(sandboxed, "send_people")
    await change(here, person.id, deleted_at=None)
    await here.run(sandboxed, "send_people")

    assert list(contacts(sandbox)) == ["ann@example.com"]
    stands = await link(here, person.id)
    assert stands is not None
    assert stands["state"] == "synced"


async def test_deletion_that_fails_is_a_failure_and_is_tried_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 5)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute("UPDATE people SET deleted_at = now()")
    sandbox.control.add_fault("job_ends", path="/contacts/v3/delete", job_status="Failed", times=1)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["failed"]) == ("partial", 5)
    assert len(await due(here)) == 5

    await here.database.pool.execute("UPDATE person_changes SET next_attempt_at = '-infinity'")
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["deleted"] == 5
    assert await due(here) == []
    assert (
        await here.database.pool.fetchval("SELECT count(*) FROM failures WHERE resolved_at IS NULL")
        == 0
    )


async def test_email_that_another_contact_has_is_a_failure_that_says_so(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    sandbox.control.add_contacts([{"identifiers": {"email": "taken@example.com"}}])
    await change(here, person.id, email="taken@example.com")
    await here.run(sandboxed, "send_people")
    failure = await here.database.pool.fetchrow("SELECT * FROM failures")
    assert failure["code"].lower() in {"duplicate", "duplicateidentifier"}
    assert set(contacts(sandbox)) == {"ann@example.com", "taken@example.com"}


async def test_relinking_leaves_the_contact_for_the_one_with_the_new_email(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    sandbox.control.add_contacts([{"identifiers": {"email": "taken@example.com"}}])
    await change(here, person.id, email="taken@example.com")
    await here.run(sandboxed, "send_people")
    await set_account(here, sandboxed, email_conflict="relink")
    await here.database.pool.execute("UPDATE person_changes SET next_attempt_at = '-infinity'")
    await here.run(sandboxed, "send_people")

    stands = await link(here, person.id)
    assert stands is not None
    assert stands["contact_id"] == sandbox.control.contact("taken@example.com").id
    assert stands["state"] == "synced"
    assert set(contacts(sandbox)) == {"ann@example.com", "taken@example.com"}
    assert await due(here) == []


async def test_number_that_another_contact_has_makes_nobody_leave_its_contact(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await set_account(here, sandboxed, email_conflict="relink")
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    number = "+447911123456"
    sandbox.control.add_contacts(
        [{"identifiers": {"email": "x@example.com", "mobileNumber": number}}]
    )
    await change(here, person.id, email="ann@new.example", mobile_number=number)
    for _ in range(2):
        await here.run(sandboxed, "send_people")
        await here.database.pool.execute("UPDATE person_changes SET next_attempt_at = '-infinity'")

    stands = await link(here, person.id)
    assert stands is not None
    assert stands["contact_id"] == sandbox.control.contact("ann@example.com").id
    assert stands["state"] == "failed"


async def test_dry_run_says_who_would_go_and_makes_no_call(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute("UPDATE people SET deleted_at = now()")
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_people", "dry_run")
    assert run["counts"]["deleted"] == 3
    assert calls(sandbox) == {}
    assert len(contacts(sandbox)) == 3
