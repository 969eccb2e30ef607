"""send_people against the sandbox: what is sent, what isn't and why, and what each run costs."""

from typing import Any

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.lists import make_list, make_members
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person
from tests.integration.sync.traces import calls, due, link


async def test_new_person_becomes_a_contact_and_is_linked(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(
        here.database, email="Ann@Example.com", mobile_number="+447700900123"
    )
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "succeeded"
    assert run["counts"] == {
        "considered": 1,
        "created": 1,
        "failed": 0,
        "imports": 1,
        "pending": 0,
        "skipped": 0,
        "unchanged": 0,
        "updated": 0,
    }
    contact = sandbox.control.read_contact("ann@example.com")
    assert contact["dataFields"]["FIRSTNAME"] == "Ann"
    standing = await link(here, person.id)
    assert standing is not None
    assert standing["contact_id"] == contact["contactId"]
    assert (standing["state"], standing["reason"]) == ("synced", None)
    assert (standing["email_key"], standing["mobile_sent"]) == ("ann@example.com", "+447700900123")
    assert await due(here) == []


async def test_ten_thousand_new_people_cost_one_import_and_one_look(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await here.database.pool.execute(
        "INSERT INTO people (email, first_name)"
        " SELECT 'p' || n || '@example.com', 'P' || n FROM generate_series(1, 10000) AS n"
    )
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["created"] == 10_000
    assert calls(sandbox) == {
        "PUT /contacts/v3/import": 1,
        "GET /contacts/v3/import/{importId}": 1,
    }
    assert sum(run["calls"].values()) == 2


async def test_second_run_makes_no_call(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {}
    assert run["counts"].get("considered", 0) == 0


async def test_change_of_what_is_not_mapped_costs_no_call(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    await here.database.pool.execute("UPDATE people SET organisation = 'Elsewhere'")
    assert await due(here) == [person.id]
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["unchanged"], calls(sandbox)) == (1, {})
    assert await due(here) == []


async def test_changed_email_changes_the_contact_that_stands(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database, email="old@example.com")
    await here.run(sandboxed, "send_people")
    contact_id = sandbox.control.contact("old@example.com").id
    await here.database.pool.execute("UPDATE people SET email = 'new@example.com'")
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["updated"]) == (0, 1)
    assert sandbox.control.contact("new@example.com").id == contact_id
    assert len(list(sandbox.account.contacts)) == 1


async def test_person_changed_while_in_an_import_is_sent_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    sandbox.control.add_fault("job_hangs", path="/contacts/v3/import")
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["pending"] == 1
    await here.database.pool.execute("UPDATE people SET first_name = 'Anna'")
    sandbox.control.release_jobs()
    await _finish_imports(here, sandboxed)
    assert await due(here) == [person.id]
    assert (await here.row(run["id"]))["counts"]["created"] == 1

    await here.run(sandboxed, "send_people")
    assert sandbox.control.read_contact("ann@example.com")["dataFields"]["FIRSTNAME"] == "Anna"
    assert await due(here) == []


async def _finish_imports(here: Replica, account: Account) -> None:
    """Run the monitor that the sender has queued, to its end."""
    await here.database.pool.execute("UPDATE imports SET next_poll_at = NULL")
    run_id = await here.database.pool.fetchval(
        "SELECT id FROM runs WHERE job = 'monitor_imports' AND status = 'queued'"
    )
    assert run_id is not None, "whoever leaves an import open queues its monitor"
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["status"] == "succeeded"
    assert account.id


INELIGIBLE = [
    pytest.param({"email": None}, "not_eligible", "blank_email", id="blank email"),
    pytest.param({"email": "  "}, "not_eligible", "blank_email", id="email of blanks"),
    pytest.param(
        {"sync_with_mailer": False}, "not_eligible", "sync_with_mailer_off", id="not ticked"
    ),
]


@pytest.mark.parametrize("values, state, reason", INELIGIBLE)
async def test_person_who_is_not_eligible_costs_no_call_and_shows_why(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    values: dict[str, Any],
    state: str,
    reason: str,
) -> None:
    person = await make_person(here.database, **values)
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["skipped"] == 1
    assert calls(sandbox) == {}
    standing = await link(here, person.id)
    assert standing is not None
    assert (standing["state"], standing["reason"]) == (state, reason)
    assert await due(here) == []


async def test_shared_email_is_held_by_one_and_an_opt_out_of_any_holds_for_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    first = await make_person(here.database, email="family@example.com")
    second = await make_person(here.database, email="FAMILY@example.com", first_name="Bob")
    await here.run(sandboxed, "send_people")
    held = await link(here, second.id)
    assert held is not None
    assert (held["state"], held["reason"], held["reason_detail"]) == (
        "not_eligible",
        "email_linked_elsewhere",
        f"Person {first.id}",
    )
    assert len(list(sandbox.account.contacts)) == 1

    await here.database.pool.execute("UPDATE people SET no_email = true WHERE id = $1", second.id)
    await here.database.pool.execute("UPDATE people SET last_name = 'A' WHERE id = $1", first.id)
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["suppressed"] == 1
    contact = sandbox.control.read_contact("family@example.com")
    assert contact["channelProperties"]["email"]["status"] == "suppressed"


async def test_opt_out_goes_before_everything_else(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    await here.database.pool.execute(
        "UPDATE people SET no_email = true, first_name = 'Out' WHERE id = $1", people[1].id
    )
    await here.run(sandboxed, "send_people")
    made = [f"{call.method} {call.template}" for call in sandbox.sandbox.calls.recent]
    assert made[:2] == ["PUT /v2/contacts/suppress-contacts", "PUT /contacts/v3/import"]
    standing = await link(here, people[1].id)
    assert standing is not None
    assert standing["state"] == "suppressed"


async def test_shared_mobile_number_fails_the_second_or_goes_without_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database, email="a@example.com", mobile_number="+447700900123")
    second = await make_person(here.database, email="b@example.com", mobile_number="+447700900123")
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["failed"]) == ("partial", 1)
    failure = await here.database.pool.fetchrow("SELECT * FROM failures")
    assert (failure["subject_id"], failure["code"]) == (second.id, "mobile_number_taken")
    assert "mobile_conflict" in failure["message"]

    await here.database.pool.execute(
        """UPDATE accounts SET settings = '{"mobile_conflict": "send_without"}'"""
    )
    await here.database.pool.execute("UPDATE people SET last_name = 'B' WHERE id = $1", second.id)
    await here.run(sandboxed, "send_people")
    standing = await link(here, second.id)
    assert standing is not None
    assert standing["state"] == "synced"
    assert "left out" in standing["reason_detail"]
    assert (
        await here.database.pool.fetchval("SELECT count(*) FROM failures WHERE resolved_at IS NULL")
        == 0
    )


async def test_one_bad_record_becomes_a_failure_and_heals(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    bad = await make_person(here.database, email="not an email")
    good = await make_person(here.database, email="good@example.com")
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["failed"]) == (1, 1)
    failure = await here.database.pool.fetchrow("SELECT * FROM failures")
    assert failure["subject_id"] == bad.id
    assert failure["code"].lower() == "invalidemail"
    assert "Correct the person's email address." in failure["message"]
    assert await due(here) == [bad.id], "a failed record stays due"
    good_link = await link(here, good.id)
    assert good_link is not None
    assert good_link["state"] == "synced"

    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {}, "another try can't heal a bad email"

    await here.database.pool.execute(
        "UPDATE people SET email = 'mended@example.com' WHERE id = $1", bad.id
    )
    await here.run(sandboxed, "send_people")
    healed = await here.database.pool.fetchrow("SELECT * FROM failures")
    assert healed["resolved_at"] is not None
    assert await due(here) == []


async def test_value_that_does_not_fit_fails_that_record_alone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_data_field("POINTS", "Numeric")
    await make_mapping(
        here.database,
        sandboxed,
        person_field="custom.points",
        dotdigital_field="POINTS",
        data_field_type="Numeric",
    )
    bad = await make_person(here.database, custom={"points": "many"})
    await make_person(here.database, email="b@example.com", custom={"points": "7"})
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["failed"]) == (1, 1)
    assert sandbox.control.read_contact("b@example.com")["dataFields"]["POINTS"] == 7
    failure = await here.database.pool.fetchrow("SELECT * FROM failures")
    assert (failure["subject_id"], failure["code"]) == (bad.id, "value_mismatch")


async def test_value_that_only_fills_a_blank_leaves_theirs_alone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_data_field("CITY")
    await make_mapping(
        here.database,
        sandboxed,
        person_field="city",
        dotdigital_field="CITY",
        when_blank="only_if_blank_there",
    )
    sandbox.control.add_contacts(
        [{"identifiers": {"email": "a@example.com"}, "dataFields": {"CITY": "Leeds"}}]
    )
    await make_person(here.database, email="a@example.com", city="York")
    await make_person(here.database, email="b@example.com", city="York")
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "succeeded"
    assert sandbox.control.read_contact("a@example.com")["dataFields"]["CITY"] == "Leeds"
    assert sandbox.control.read_contact("b@example.com")["dataFields"]["CITY"] == "York"
    assert await due(here) == []
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {}


async def test_preference_and_data_fields_go_along_typed(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    preference = sandbox.control.add_preference("News > Weekly")
    sandbox.control.add_data_field("BIRTHDAY", "Date")
    sandbox.control.add_data_field("VIP", "Boolean")
    await make_mapping(
        here.database,
        sandboxed,
        kind="preference",
        person_field="custom.weekly",
        dotdigital_field="News > Weekly",
        data_field_type=None,
        preference_id=preference.id,
    )
    for person_field, name, kind in (
        ("custom.birthday", "BIRTHDAY", "Date"),
        ("custom.vip", "VIP", "Boolean"),
    ):
        await make_mapping(
            here.database,
            sandboxed,
            person_field=person_field,
            dotdigital_field=name,
            data_field_type=kind,
        )
    await make_person(
        here.database, custom={"weekly": True, "birthday": "1990-05-01", "vip": "yes"}
    )
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "succeeded"
    contact = sandbox.control.read_contact("ann@example.com")
    assert contact["dataFields"]["VIP"] is True
    assert contact["dataFields"]["BIRTHDAY"].startswith("1990-05-01")
    opted = [each["id"] for each in contact["preferences"] if each["isOptedIn"]]
    assert opted == [preference.id]


async def test_account_for_list_members_takes_nobody_else(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await here.database.pool.execute(
        """UPDATE accounts SET settings = '{"people": "list_members"}'"""
    )
    member, stranger = await make_people(here.database, 2)
    await make_members(here.database, await make_list(here.database, sandboxed), [member])
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["skipped"]) == (1, 1)
    standing = await link(here, stranger.id)
    assert standing is not None
    assert standing["reason"] == "not_on_a_list"


async def test_dry_run_says_what_a_run_would_do_and_does_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 3)
    await make_person(here.database, email=None)
    run = await here.run(sandboxed, "send_people", "dry_run")
    assert run["status"] == "succeeded"
    assert (run["counts"]["created"], run["counts"]["skipped"]) == (3, 1)
    assert calls(sandbox) == {}
    assert await here.database.pool.fetchval("SELECT count(*) FROM contact_links") == 0
    assert len(await due(here)) == 4


async def test_full_run_sends_everyone_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_people", "full")
    assert (run["counts"]["updated"], run["counts"]["created"]) == (3, 0)
    assert calls(sandbox)["PUT /contacts/v3/import"] == 1
    assert await due(here) == []


async def test_opt_out_of_somebody_who_shares_the_email_suppresses_the_linked_contact(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database, email="family@example.com")
    second = await make_person(here.database, email="family@example.com")
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute("UPDATE people SET no_email = true WHERE id = $1", second.id)
    await here.run(sandboxed, "send_people")
    contact = sandbox.control.read_contact("family@example.com")
    assert contact["channelProperties"]["email"]["status"] == "suppressed"


async def test_new_person_who_opted_out_suppresses_the_contact_of_that_address(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database, email="family@example.com")
    await here.run(sandboxed, "send_people")
    await make_person(here.database, email=" FAMILY@example.com", no_email=True)
    await here.run(sandboxed, "send_people")
    contact = sandbox.control.read_contact("family@example.com")
    assert contact["channelProperties"]["email"]["status"] == "suppressed"


async def test_address_that_is_given_up_is_taken_by_who_waited_for_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    first = await make_person(here.database, email="desk@example.com")
    second = await make_person(here.database, email="desk@example.com")
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute(
        "UPDATE people SET email = 'own@example.com' WHERE id = $1", first.id
    )
    assert await due(here) == [first.id, second.id]
    await here.run(sandboxed, "send_people")
    await here.run(sandboxed, "send_people")
    standing = await link(here, second.id)
    assert standing is not None
    assert standing["state"] == "synced"
    assert sandbox.control.contact("desk@example.com").id == standing["contact_id"]


@pytest.mark.parametrize("mode", ["full", "dry_run"])
async def test_run_says_what_it_takes_before_it_begins(
    here: Replica, sandboxed: Account, mode: str
) -> None:
    await make_people(here.database, 3)
    run = await here.run(sandboxed, "send_people", mode)
    said = await here.database.pool.fetchval(
        "SELECT detail FROM run_events WHERE run_id = $1 AND event = 'expected'", run["id"]
    )
    assert said == {"people": 3, "calls": 3, "minutes": 1}


async def test_what_moved_there_is_not_written_over_before_it_is_read(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_data_field("CITY")
    await make_mapping(
        here.database,
        sandboxed,
        person_field="city",
        dotdigital_field="CITY",
        direction="two_way",
    )
    await make_person(here.database, city="York")
    await here.run(sandboxed, "send_people")
    sandbox.control.edit("ann@example.com", data_fields={"CITY": "Leeds"})
    await here.database.pool.execute("UPDATE people SET first_name = 'Anna'")
    await here.run(sandboxed, "send_people")
    fields = sandbox.control.read_contact("ann@example.com")["dataFields"]
    assert (fields["FIRSTNAME"], fields["CITY"]) == ("Anna", "Leeds")
