"""send_lists when things go wrong: in Dotdigital, on the way, and between any two steps."""

from typing import Any

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people
from tests.integration.sync.list_traces import (
    events,
    failures,
    list_row,
    listed,
    member,
    on_list,
    set_state,
    states,
    twin,
)
from tests.integration.sync.traces import calls, due

CREATE = {"method": "POST", "path": "/v2/address-books"}
IMPORT = {"method": "PUT", "path": "/contacts/v3/import"}
REMOVAL = {"method": "POST", "path": "/v2/address-books/*/contacts/delete"}


def remove_list(sandbox: RunningSandbox, name: str = "Readers") -> int:
    """Delete Dotdigital's list by hand; return its id."""
    the_list = twin(sandbox, name)
    sandbox.account.lists.remove_list(the_list)
    return the_list.id


async def run_queued_monitor(here: Replica) -> None:
    """Execute the monitor that a run has queued for what it left open."""
    run_id = await here.database.pool.fetchval(
        "SELECT id FROM runs WHERE job = 'monitor_imports' AND status = 'queued'"
    )
    await here.engine.execute(run_id)


async def flying(here: Replica) -> int:
    count: int = await here.database.pool.fetchval("SELECT count(*) FROM import_members")
    return count


async def test_list_that_is_deleted_by_hand_is_made_anew_with_everyone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    gone = remove_list(sandbox)
    await set_state(here, mailing_list, people[:1], "leaving")
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["lists_created"], run["counts"]["added"]) == (1, 2)
    assert on_list(sandbox) == ["p2@example.com", "p3@example.com"]
    assert twin(sandbox).id != gone
    assert (await list_row(here, mailing_list))["dotdigital_list_id"] == twin(sandbox).id
    assert await events(here) == ["list_made", "list_gone", "list_made"]


async def test_list_that_is_deleted_under_a_run_costs_nobody_their_place(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """After it was looked up, and before the import came to it."""
    mailing_list, people = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people, "pending")
    sandbox.control.set_settings({"import_duration_s": 30.0})
    sandbox.sandbox.world.clock.freeze()
    await here.database.pool.execute(
        """UPDATE accounts SET settings = '{"import_wait_seconds": 0}'"""
    )
    await here.run(sandboxed, "send_lists")
    remove_list(sandbox)
    sandbox.sandbox.world.clock.advance(60)
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(60)
    await run_queued_monitor(here)
    assert {each["code"].lower() for each in await failures(here)} == {"invalidaddressbookids"}
    sandbox.sandbox.world.clock.unfreeze()
    sandbox.control.set_settings({"import_duration_s": 0.0})
    await here.database.pool.execute("UPDATE accounts SET settings = '{}'")
    await here.run(sandboxed, "send_lists")
    assert len(on_list(sandbox)) == 3
    assert await failures(here) == []


async def test_contact_that_is_deleted_by_hand_is_made_again_and_joins_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    sandbox.control.delete("p1@example.com")
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["added"], run["counts"]["waiting"]) == ("succeeded", 2, 1)
    assert (await member(here, mailing_list, people[0]))["sync_state"] == "waiting"
    assert await due(here) == [people[0].id]
    await here.run(sandboxed, "send_people")
    await here.run(sandboxed, "send_lists")
    assert len(on_list(sandbox)) == 3
    assert set((await states(here, mailing_list)).values()) == {"synced"}


async def test_contact_that_is_deleted_by_hand_can_leave(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    sandbox.control.delete("p1@example.com")
    await set_state(here, mailing_list, people[:2], "leaving")
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["removed"]) == ("succeeded", 2)
    assert on_list(sandbox) == ["p3@example.com"]


async def test_second_list_of_one_name_is_a_failure_until_it_is_renamed(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await listed(here, sandboxed)
    other = await make_list(here.database, sandboxed, name="READERS")
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["failed"], run["counts"]["added"]) == ("partial", 1, 3)
    (failure,) = await failures(here, "list")
    assert (failure["code"], failure["list_id"]) == ("list_name_taken", other.id)
    await here.database.pool.execute("UPDATE lists SET name = 'Writers' WHERE id = $1", other.id)
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["lists_created"]) == ("succeeded", 1)
    assert await failures(here, "list") == []


async def test_name_that_a_segment_has_is_a_failure(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_segment("Readers")
    await listed(here, sandboxed)
    run = await here.run(sandboxed, "send_lists")
    assert run["status"] == "partial"
    (failure,) = await failures(here, "list")
    assert failure["code"] == "list_name_taken"
    assert "segment" in failure["message"]


LIMITS = [
    pytest.param("ours", id="by the account's settings, with no call"),
    pytest.param("theirs", id="by Dotdigital's answer"),
]


@pytest.mark.parametrize("whose", LIMITS)
async def test_list_over_the_limit_is_a_failure_and_the_others_go_on(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, whose: str
) -> None:
    sandbox.control.add_list("Readers")
    have = len(list(sandbox.account.lists))
    if whose == "ours":
        limit = {"lists_limit": have}
        await here.database.pool.execute("UPDATE accounts SET settings = $1", limit)
    else:
        sandbox.control.set_settings({"list_limit": have})
    await listed(here, sandboxed)
    over = await make_list(here.database, sandboxed, name="Writers")
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["failed"], run["counts"]["added"]) == ("partial", 1, 3)
    (failure,) = await failures(here, "list")
    assert (failure["code"], failure["subject_id"]) == ("list_limit", over.id)
    used = await here.database.pool.fetchval("SELECT usage -> 'lists_used' FROM accounts")
    assert used == have
    sandbox.control.set_settings({"list_limit": 1000})
    await here.database.pool.execute("UPDATE accounts SET settings = '{}'")
    assert (await here.run(sandboxed, "send_lists"))["counts"]["lists_created"] == 1


async def test_scheduled_runs_leave_a_list_be_that_failed_until_its_next_try(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    segment = sandbox.control.add_segment("Readers")
    await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    await here.database.pool.execute("UPDATE lists SET updated_at = '2025-01-01'")
    sandbox.sandbox.calls.clear()
    await _scheduled(here, sandboxed)
    assert calls(sandbox) == {"GET /v2/address-books": 1}
    del sandbox.account.lists.segments[segment.id]
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(600)
    await _scheduled(here, sandboxed)
    assert await failures(here, "list") == []


async def _scheduled(here: Replica, account: Account) -> Any:  # noqa: ANN401 - a row
    run_id = await here.trigger(account, "send_lists")
    await here.database.pool.execute("UPDATE runs SET trigger = 'schedule' WHERE id = $1", run_id)
    await here.engine.execute(run_id)
    return await here.row(run_id)


async def test_person_who_is_deleted_leaves_every_list(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    await here.database.pool.execute("DELETE FROM people WHERE id = $1", people[0].id)
    assert (await states(here, mailing_list))[people[0].id] == "leaving"
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_lists")
    assert calls(sandbox) == {"GET /v2/address-books": 1}, "the contact is gone, and so from it"
    assert people[0].id not in await states(here, mailing_list)
    assert on_list(sandbox) == ["p2@example.com", "p3@example.com"]


BETWEEN = [
    pytest.param("DELETE FROM people WHERE id = 1", ["p2@example.com"], id="deleted"),
    pytest.param(
        "PERFORM set_config('dotsync.erasing', 'on', true); DELETE FROM people WHERE id = 1",
        ["p2@example.com"],
        id="erased",
    ),
    pytest.param(
        "UPDATE list_members SET sync_state = 'leaving', changed_at = clock_timestamp()"
        " WHERE person_id = 1",
        ["p2@example.com"],
        id="left",
    ),
    pytest.param(
        "UPDATE people SET no_email = true WHERE id = 1",
        ["p1@example.com", "p2@example.com"],
        id="opted out",
    ),
]


@pytest.mark.parametrize("statement, expected", BETWEEN)
@pytest.mark.parametrize("moment", ["before the call", "while in the import"])
async def test_member_who_moves_on_while_in_a_batch_ends_where_it_should(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    statement: str,
    expected: list[str],
    moment: str,
) -> None:
    mailing_list, _ = await listed(here, sandboxed, 2)
    event = "INSERT" if moment == "before the call" else "UPDATE"
    await here.database.pool.execute(
        f"""
        CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.kind = 'members' AND (TG_OP = 'INSERT' OR NEW.status = 'open'
                                         AND OLD.status = 'submitting')
            THEN {statement}; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER meddle AFTER {event} ON imports FOR EACH ROW EXECUTE FUNCTION meddle();
        """
    )
    run = await here.run(sandboxed, "send_lists")
    assert run["status"] == "succeeded"
    if moment == "before the call":
        assert on_list(sandbox) == expected, "who has moved on by then is not in the import"
    await here.database.pool.execute("DROP TRIGGER meddle ON imports")
    await here.run(sandboxed, "send_people")
    run = await here.run(sandboxed, "send_lists")
    assert run["status"] == "succeeded"
    assert [each for each in on_list(sandbox) if each in {"p1@example.com", "p2@example.com"}] == (
        expected
    ) or statement.startswith("PERFORM")
    standing = await states(here, mailing_list)
    assert (1 in standing) == ("p1@example.com" in expected)
    assert await failures(here) == []
    assert await flying(here) == 0


IMPORT_FAULTS = [
    pytest.param({"kind": "job_ends", "job_status": "Failed"}, "import_failed", id="fails whole"),
    pytest.param(
        {"kind": "job_ends", "job_status": "RejectedByWatchdog"},
        "RejectedByWatchdog",
        id="stopped by the watchdog",
    ),
    pytest.param({"kind": "report_loses", "share": 1.0}, "not_in_report", id="report is empty"),
]


@pytest.mark.parametrize("fault, code", IMPORT_FAULTS)
async def test_import_that_goes_wrong_fails_its_members_until_they_are_tried_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, fault: dict[str, Any], code: str
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    sandbox.control.add_fault(path="/contacts/v3/import", **fault)
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["failed"]) == ("partial", 3)
    assert set((await states(here, mailing_list)).values()) == {"failed"}
    found = await failures(here)
    assert {each["code"] for each in found} == {code}
    assert {(each["subject_id"], each["list_id"]) for each in found} == {
        (person.id, mailing_list.id) for person in people
    }
    assert await flying(here) == 0
    assert (await here.run(sandboxed, "send_lists"))["counts"]["added"] == 0, "not at once"

    await here.database.pool.execute("UPDATE failures SET next_retry_at = $1", here.clock.now())
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["added"], await failures(here)) == (3, [])
    assert len(on_list(sandbox)) == 3


async def test_import_that_loses_some_records_fails_those_alone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, _ = await listed(here, sandboxed, 4)
    sandbox.control.add_fault("report_loses", path="/contacts/v3/import", share=0.5)
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["added"], run["counts"]["failed"]) == ("partial", 2, 2)
    assert sorted((await states(here, mailing_list)).values()) == [*["failed"] * 2, *["synced"] * 2]


async def test_import_that_hangs_is_left_to_the_monitor_and_counted_when_it_ends(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    sandbox.control.add_fault("job_hangs", path="/contacts/v3/import")
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["added"]) == ("succeeded", 0)
    assert "left_to_monitor" in await events(here)
    # Whoever is on the way is not sent again, and leaves only once it has arrived.
    await set_state(here, mailing_list, people[:1], "leaving")
    sandbox.sandbox.calls.clear()
    assert (await here.run(sandboxed, "send_lists"))["counts"]["removed"] == 0
    assert calls(sandbox) == {"GET /v2/address-books": 1}

    sandbox.account.jobs.release()
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(60)
    await run_queued_monitor(here)
    assert (await here.row(run["id"]))["counts"]["added"] == 3
    assert len(on_list(sandbox)) == 3
    await here.run(sandboxed, "send_lists")
    assert on_list(sandbox) == ["p2@example.com", "p3@example.com"]


async def test_removal_that_fails_is_tried_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people[:2], "leaving")
    sandbox.control.add_fault("job_ends", job_status="Failed", **REMOVAL)
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["failed"]) == ("partial", 2)
    assert {each["code"] for each in await failures(here)} == {"removal_failed"}
    assert (await here.run(sandboxed, "send_lists"))["counts"]["removed"] == 0
    await here.database.pool.execute("UPDATE failures SET next_retry_at = $1", here.clock.now())
    assert (await here.run(sandboxed, "send_lists"))["counts"]["removed"] == 2
    assert await failures(here) == []
    assert on_list(sandbox) == ["p3@example.com"]


async def test_member_who_joins_again_while_a_removal_is_under_way_is_on_the_list_in_the_end(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people[:1], "leaving")
    sandbox.control.add_fault("job_hangs", **REMOVAL)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people[:1], "pending")
    assert (await here.run(sandboxed, "send_lists"))["counts"]["added"] == 0, "not before it ends"
    sandbox.account.jobs.release()
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(60)
    await run_queued_monitor(here)
    assert (await here.run(sandboxed, "send_lists"))["counts"]["added"] == 1
    assert len(on_list(sandbox)) == 3


LOST = [
    pytest.param("lost_answer", CREATE, id="of making the list"),
    pytest.param("truncated", CREATE, id="of making the list, by half"),
    pytest.param("lost_answer", IMPORT, id="of the import"),
]


@pytest.mark.parametrize("kind, call", LOST)
async def test_answer_that_is_lost_makes_nothing_twice(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, kind: str, call: dict[str, str]
) -> None:
    mailing_list, _ = await listed(here, sandboxed)
    sandbox.control.add_fault(kind, **call)
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["added"]) == ("succeeded", 3)
    assert len([each for each in sandbox.account.lists if each.name == "Readers"]) == 1
    assert (await list_row(here, mailing_list))["dotdigital_list_id"] == twin(sandbox).id


async def test_outage_ends_the_run_and_loses_nobody(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    fault = sandbox.control.add_fault("status", status=503, times=None, **IMPORT)
    run = await here.run(sandboxed, "send_lists")
    assert run["status"] == "failed"
    assert set((await states(here, mailing_list)).values()) == {"pending"}
    assert await flying(here) == 0
    sandbox.sandbox.faults.remove(fault.id)
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(600)
    assert (await here.run(sandboxed, "send_lists"))["counts"]["added"] == len(people)


async def test_contact_that_spoils_a_whole_import_is_found_by_halving(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await listed(here, sandboxed, 4)
    body = {"errorCode": "contacts:badRequest", "description": "a contact can't be read"}
    for _ in range(3):
        sandbox.control.add_fault("status", status=400, body=body, **IMPORT)
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["added"], run["counts"]["failed"]) == (3, 1)
    (failure,) = await failures(here)
    assert failure["code"] == "contacts:badRequest"


async def test_replica_that_dies_anywhere_leaves_what_the_next_one_finishes(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Each statement of a run fails once, as if the replica had died just before it."""
    mailing_list = await make_list(here.database, sandboxed)
    people = await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    await make_members(here.database, mailing_list, people)
    run_id = await here.trigger(sandboxed, "send_lists")
    for table, event in (
        ("lists", "UPDATE"),
        ("imports", "INSERT"),
        ("imports", "UPDATE"),
        ("import_members", "DELETE"),
        ("list_members", "UPDATE"),
    ):
        await here.database.pool.execute(
            f"""
            CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'the replica died'; END $$;
            CREATE TRIGGER die AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION die();
            """
        )
        await here.engine.execute(run_id)
        await here.database.pool.execute(f"DROP TRIGGER die ON {table}")
        # As it stands when nobody wrote the end: another replica takes the run over.
        await here.database.pool.execute(
            "UPDATE runs SET status = 'running', error = NULL, finished_at = NULL WHERE id = $1",
            run_id,
        )
    await here.engine.execute(run_id)
    run = await here.row(run_id)
    assert run["status"] == "succeeded"
    assert len(on_list(sandbox)) == 3
    assert await states(here, mailing_list) == {person.id: "synced" for person in people}
    assert len([each for each in sandbox.account.lists if each.name == "Readers"]) == 1
    open_imports = await here.database.pool.fetchval(
        "SELECT count(*) FROM imports WHERE status = 'submitting'"
    )
    assert (open_imports, await flying(here)) == (0, 0)


async def test_failure_of_a_member_that_is_gone_is_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    sandbox.control.add_fault("job_ends", path="/contacts/v3/import", job_status="Failed")
    await here.run(sandboxed, "send_lists")
    assert len(await failures(here)) == 3
    await here.database.pool.execute("DELETE FROM list_members WHERE person_id = $1", people[0].id)
    await here.run(sandboxed, "send_lists")
    assert [each["subject_id"] for each in await failures(here)] == [people[1].id, people[2].id]
    await here.database.pool.execute("DELETE FROM lists WHERE id = $1", mailing_list.id)
    await here.run(sandboxed, "send_lists")
    assert await failures(here) == []


async def test_failing_member_of_two_lists_has_a_failure_of_each(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    first, people = await listed(here, sandboxed, 1)
    second = await make_list(here.database, sandboxed, name="Writers")
    await make_members(here.database, second, people)
    sandbox.control.add_fault("job_ends", path="/contacts/v3/import", job_status="Failed")
    run = await here.run(sandboxed, "send_lists")
    assert run["counts"]["failed"] == 2
    assert [each["list_id"] for each in await failures(here)] == [first.id, second.id]
