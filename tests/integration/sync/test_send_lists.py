"""send_lists against the sandbox: lists and their members, and what each run costs."""

from typing import Any

import pytest

from app.models import Account
from app.sync.queue import ensure_run
from app.sync.upkeep import see_to_held_members
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person
from tests.factories.runs import set_job
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
from tests.integration.sync.traces import calls

LISTS = "GET /v2/address-books"
IMPORT, LOOK = "PUT /contacts/v3/import", "GET /contacts/v3/import/{importId}"
REMOVE, LOOK_REMOVED = (
    "POST /v2/address-books/{id}/contacts/delete",
    "GET /v2/contacts/deletion/{deletionRequestId}",
)


async def scheduled(here: Replica, account: Account) -> Any:  # noqa: ANN401 - a row
    """Run send_lists to its end as its schedule does."""
    async with here.database.transaction() as connection:
        run_id = await ensure_run(
            connection, account_id=account.id, job="send_lists", at=here.clock.now()
        )
    assert run_id
    await here.engine.execute(run_id)
    return await here.row(run_id)


async def test_list_is_made_and_its_members_are_put_onto_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, visibility="public")
    run = await here.run(sandboxed, "send_lists")
    assert run["status"] == "succeeded"
    assert {name: count for name, count in run["counts"].items() if count} == {
        "lists": 1,
        "lists_created": 1,
        "added": 3,
    }
    assert (run["progress_done"], run["progress_total"]) == (3, 3)
    assert on_list(sandbox) == ["p1@example.com", "p2@example.com", "p3@example.com"]
    assert twin(sandbox).visibility == "Public"
    assert await states(here, mailing_list) == {person.id: "synced" for person in people}
    assert (await list_row(here, mailing_list))["dotdigital_list_id"] == twin(sandbox).id
    assert await events(here) == ["list_made"]
    assert await here.database.pool.fetchval("SELECT count(*) FROM import_members") == 0


async def test_second_run_looks_which_lists_there_are_and_makes_no_other_call(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_lists")
    assert calls(sandbox) == {LISTS: 1}


async def test_account_without_lists_costs_no_call(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_list(here.database, sandboxed, record_state="closed")
    await make_list(here.database)
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["lists"], calls(sandbox)) == ("succeeded", 0, {})


async def test_ten_thousand_join_by_one_import_and_leave_by_two_removals(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """The fewest there can be: an import takes 10,000 here, a removal 5000; each is looked at."""
    mailing_list = await make_list(here.database, sandboxed)
    await here.database.pool.execute(
        "INSERT INTO people (email) SELECT 'p' || n || '@e.example'"
        " FROM generate_series(1, 10000) AS n"
    )
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute(
        "INSERT INTO list_members (list_id, person_id) SELECT $1, id FROM people", mailing_list.id
    )
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert run["counts"]["added"] == 10_000
    assert calls(sandbox) == {LISTS: 1, "POST /v2/address-books": 1, IMPORT: 1, LOOK: 1}

    await here.database.pool.execute("UPDATE list_members SET sync_state = 'leaving'")
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert run["counts"]["removed"] == 10_000
    assert calls(sandbox) == {LISTS: 1, REMOVE: 2, LOOK_REMOVED: 2}
    assert on_list(sandbox) == []
    assert await states(here, mailing_list) == {}


async def test_members_of_many_lists_go_together_in_one_import(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 4)
    await here.run(sandboxed, "send_people")
    for number in range(3):
        mailing_list = await make_list(here.database, sandboxed, name=f"List {number}")
        await make_members(here.database, mailing_list, people[number:])
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["lists_created"], run["counts"]["added"]) == (3, 9)
    assert calls(sandbox)[IMPORT] == 1
    assert [len(on_list(sandbox, f"List {number}")) for number in range(3)] == [4, 3, 2]


async def test_member_who_is_no_contact_yet_waits_and_then_joins(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list = await make_list(here.database, sandboxed)
    person = await make_person(here.database)
    await make_members(here.database, mailing_list, [person])
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["waiting"]) == ("succeeded", 1)
    assert await states(here, mailing_list) == {person.id: "waiting"}
    assert await failures(here) == []
    await here.run(sandboxed, "send_people")
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["waiting"], run["counts"]["added"]) == (0, 1)
    assert on_list(sandbox) == ["ann@example.com"]


async def test_campaigns_members_are_people_and_leads(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    campaign = await make_list(here.database, sandboxed, kind="campaign", name="Spring")
    people = [
        await make_person(here.database, email="person@example.com"),
        await make_person(here.database, email="lead@example.com", kind="lead"),
    ]
    await here.run(sandboxed, "send_people")
    await make_members(here.database, campaign, people)
    await here.run(sandboxed, "send_lists")
    assert on_list(sandbox, "Spring") == ["lead@example.com", "person@example.com"]


async def test_opted_out_member_is_on_the_list_all_the_same(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, 2, sync_status=True)
    sandbox.control.unsubscribe("p1@example.com")
    await here.run(sandboxed, "send_lists")
    assert await states(here, mailing_list) == {person.id: "synced" for person in people}
    row = await member(here, mailing_list, people[0])
    assert (row["account_status"], row["list_status"]) == ("unsubscribed", "suppressed")
    assert sandbox.control.contact("p1@example.com").email_status == "unsubscribed"


async def test_list_is_renamed_and_shown_there(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, _ = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    first = twin(sandbox).id
    await here.database.pool.execute(
        """UPDATE lists SET name = 'Writers', options = options || '{"visibility": "public"}'"""
    )
    await here.run(sandboxed, "send_lists")
    assert (twin(sandbox, "Writers").id, twin(sandbox, "Writers").visibility) == (first, "Public")
    assert (await list_row(here, mailing_list))["dotdigital_list_id"] == first
    assert await events(here) == ["list_made", "list_renamed"]


BINDINGS = [
    pytest.param({"name": "readers "}, id="by name, in any case"),
    pytest.param({"name": "Subscribers", "by_id": True}, id="by id, then renamed"),
]


@pytest.mark.parametrize("given", BINDINGS)
async def test_list_is_bound_to_one_that_is_there(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, given: dict[str, Any]
) -> None:
    existing = sandbox.control.add_list("Readers", "Public")
    by_id = {"dotdigital_list_id": existing.id} if given.get("by_id") else {}
    mailing_list, _ = await listed(here, sandboxed, name=given["name"], **by_id)
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["lists_created"], run["counts"]["added"]) == (0, 3)
    assert (await list_row(here, mailing_list))["dotdigital_list_id"] == existing.id
    # People see it there, so that it is not hidden by being bound.
    assert (await list_row(here, mailing_list))["options"]["visibility"] == "public"
    assert (existing.visibility, existing.name) == ("Public", given["name"])


async def test_members_leave_by_the_lists_exit_action(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 2)
    await here.run(sandboxed, "send_people")
    for action in ("remove", "unsubscribe", "ignore"):
        one = await make_list(here.database, sandboxed, name=action, exit_action=action)
        await make_members(here.database, one, people)
    await here.run(sandboxed, "send_lists")
    await here.database.pool.execute(
        "UPDATE list_members SET sync_state = 'leaving' WHERE person_id = $1", people[0].id
    )
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["removed"], run["counts"]["exited"]) == (1, 2)
    assert on_list(sandbox, "remove") == ["p2@example.com"]
    assert on_list(sandbox, "ignore") == ["p1@example.com", "p2@example.com"]
    contact = sandbox.control.contact("p1@example.com")
    assert twin(sandbox, "unsubscribe").members[contact.id] == "suppressed"
    assert contact.email_status == "subscribed"
    assert calls(sandbox) == {
        LISTS: 1,
        REMOVE: 1,
        LOOK_REMOVED: 1,
        "POST /v2/address-books/{id}/contacts/unsubscribe": 1,
    }
    assert await here.database.pool.fetchval("SELECT count(*) FROM list_members") == 3


async def test_scheduled_run_holds_a_small_batch_until_its_oldest_has_waited(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await set_state(here, mailing_list, people, "pending")
    assert (await scheduled(here, sandboxed))["counts"]["added"] == 0
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(1200)
    assert (await scheduled(here, sandboxed))["counts"]["added"] == 3
    await set_state(here, mailing_list, people[:1], "leaving")
    assert (await scheduled(here, sandboxed))["counts"]["removed"] == 0
    here.clock.advance(1200)
    assert (await scheduled(here, sandboxed))["counts"]["removed"] == 1
    assert on_list(sandbox) == ["p2@example.com", "p3@example.com"]


async def test_members_that_are_held_back_get_a_run_when_they_have_waited_long_enough(
    here: Replica, sandboxed: Account, clock: FakeClock
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await set_job(here.database, sandboxed, "send_lists", enabled=True)
    await set_state(here, mailing_list, people, "pending")
    await scheduled(here, sandboxed)
    assert await see_to_held_members(here.database, clock.now()) == 0
    clock.advance(1200)
    assert await see_to_held_members(here.database, clock.now()) == 1
    assert await see_to_held_members(here.database, clock.now()) == 0
    run_id = await here.database.pool.fetchval("SELECT max(id) FROM runs")
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["counts"]["added"] == 3
    assert await see_to_held_members(here.database, clock.now()) == 0


async def test_scheduled_run_sends_a_full_batch_at_once(here: Replica, sandboxed: Account) -> None:
    await here.database.pool.execute("""UPDATE accounts SET settings = '{"list_batch_size": 3}'""")
    mailing_list, people = await listed(here, sandboxed)
    await set_state(here, mailing_list, people, "pending")
    assert (await scheduled(here, sandboxed))["counts"]["added"] == 3


async def test_full_batch_does_not_wait_for_the_schedule(
    here: Replica, sandboxed: Account, clock: FakeClock
) -> None:
    await here.database.pool.execute("""UPDATE accounts SET settings = '{"list_batch_size": 3}'""")
    mailing_list, people = await listed(here, sandboxed)
    await set_job(here.database, sandboxed, "send_lists", enabled=True)
    await set_state(here, mailing_list, people[2:], "synced")
    await scheduled(here, sandboxed)
    clock.advance(60)
    assert await see_to_held_members(here.database, clock.now()) == 0, "two of three"

    await set_state(here, mailing_list, people[2:], "pending")
    assert await see_to_held_members(here.database, clock.now()) == 1
    run_id = await here.database.pool.fetchval("SELECT max(id) FROM runs")
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["counts"]["added"] == 3
    clock.advance(60)
    assert await see_to_held_members(here.database, clock.now()) == 0

    await set_state(here, mailing_list, people, "leaving")
    assert await see_to_held_members(here.database, clock.now()) == 1


@pytest.mark.parametrize(
    "stuck",
    [
        pytest.param("UPDATE lists SET record_state = 'closed'", id="closed"),
        pytest.param("UPDATE jobs SET enabled = false", id="not scheduled"),
        pytest.param("UPDATE accounts SET state = 'paused'", id="paused"),
        pytest.param("UPDATE runs SET status = 'failed'", id="the last run failed"),
        pytest.param(
            "UPDATE lists SET sent_once_at = now(), "
            """options = options || '{"sync_mode": "one_time"}'""",
            id="sent once",
        ),
        pytest.param(
            """INSERT INTO failures (account_id, job, subject_type, subject_id, code, message)
               SELECT account_id, 'send_lists', 'list', id, 'list_limit', 'm' FROM lists""",
            id="without a twin",
        ),
        pytest.param(
            "INSERT INTO imports (account_id, kind, status) "
            "SELECT id, 'members', 'open' FROM accounts",
            id="in flight",
        ),
    ],
)
async def test_full_batch_that_can_not_go_makes_no_run(
    here: Replica, sandboxed: Account, clock: FakeClock, stuck: str
) -> None:
    await here.database.pool.execute("""UPDATE accounts SET settings = '{"list_batch_size": 3}'""")
    mailing_list, people = await listed(here, sandboxed)
    await set_job(here.database, sandboxed, "send_lists", enabled=True)
    await scheduled(here, sandboxed)
    clock.advance(60)
    await set_state(here, mailing_list, people, "pending")
    await here.database.pool.execute(stuck)
    assert await see_to_held_members(here.database, clock.now()) == 0


async def test_join_actions_are_triggered_one_by_one_and_only_for_who_is_new(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, trigger_join_actions=True)
    await set_state(here, mailing_list, people, "pending")
    sandbox.sandbox.calls.clear()
    run = await scheduled(here, sandboxed)
    assert run["counts"]["added"] == 3, "no batch is waited for"
    assert calls(sandbox)["POST /v2/address-books/{id}/contacts"] == 3
    assert IMPORT not in calls(sandbox)
    assert len(on_list(sandbox)) == 3
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_lists", "full")
    assert calls(sandbox) == {LISTS: 1, IMPORT: 1, LOOK: 1}, "no program starts anew"


async def test_member_who_is_suppressed_joins_by_import_where_join_actions_are_triggered(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, trigger_join_actions=True)
    sandbox.control.unsubscribe("p2@example.com")
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["added"], run["counts"].get("failed", 0)) == (3, 0)
    assert len(on_list(sandbox)) == 3
    assert (await member(here, mailing_list, people[1]))["sync_state"] == "synced"


async def test_closed_list_sends_nothing_and_an_opened_one_everything(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await listed(here, sandboxed, record_state="closed")
    await here.run(sandboxed, "send_lists")
    assert not [each for each in sandbox.account.lists if each.name == "Readers"]
    await here.database.pool.execute("UPDATE lists SET record_state = 'open'")
    await here.run(sandboxed, "send_lists")
    assert len(on_list(sandbox)) == 3


async def test_one_time_list_is_sent_once_and_left_alone_after_that(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, sync_mode="one_time")
    await here.run(sandboxed, "send_lists")
    assert len(on_list(sandbox)) == 3
    await set_state(here, mailing_list, people[:1], "leaving")
    late = await make_person(here.database, email="late@example.com")
    await here.run(sandboxed, "send_people")
    await make_members(here.database, mailing_list, [late])
    await here.database.pool.execute("UPDATE lists SET name = 'Elsewhere'")
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["added"], run["counts"]["removed"]) == (0, 0)
    assert run["progress_total"] == 1, "who joined later waits for nothing"
    assert len(on_list(sandbox)) == 3
    assert await states(here, mailing_list) == {
        people[1].id: "synced",
        people[2].id: "synced",
        late.id: "pending",
    }


async def test_full_run_puts_everyone_on_the_list_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    twin(sandbox).members.clear()
    run = await here.run(sandboxed, "send_lists", "full")
    assert run["counts"]["added"] == 3
    assert set((await states(here, mailing_list)).values()) == {"synced"}
    assert len(people) == len(twin(sandbox).members)


async def test_dry_run_says_what_would_be_done_and_writes_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, 5)
    await set_state(here, mailing_list, people[:2], "leaving")
    await here.database.pool.execute(
        "UPDATE contact_links SET contact_id = NULL WHERE person_id = $1", people[2].id
    )
    before = await here.database.pool.fetch("SELECT * FROM list_members ORDER BY person_id")
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists", "dry_run")
    wanted = {"lists": 1, "lists_created": 1, "added": 2, "removed": 2, "waiting": 1}
    assert {name: count for name, count in run["counts"].items() if count} == wanted
    assert calls(sandbox) == {LISTS: 1}
    after = await here.database.pool.fetch("SELECT * FROM list_members ORDER BY person_id")
    assert [dict(row) for row in after] == [dict(row) for row in before]


async def test_dry_run_says_which_list_would_fail_and_why(
    here: Replica, sandboxed: Account
) -> None:
    mailing_list = await make_list(here.database, sandboxed, dotdigital_list_id=404)
    run = await here.run(sandboxed, "send_lists", "dry_run")
    assert (run["status"], run["counts"]["failed"]) == ("partial", 1)
    told = await here.database.pool.fetchval(
        "SELECT detail FROM run_events WHERE event = 'list_would_fail'"
    )
    assert (told["list_id"], told["reason"]) == (mailing_list.id, "no_such_list")
    assert told["detail"].startswith("Dotdigital has no list 404. Set dotdigital_list_id to")


async def test_statuses_are_written_back_onto_members(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, sync_status=True)
    await here.run(sandboxed, "send_lists")
    sandbox.control.unsubscribe("p1@example.com")
    contact = sandbox.control.contact("p2@example.com")
    the_list = twin(sandbox)
    sandbox.account.subscriptions.unsubscribe_from_list(
        contact, the_list, sandbox.account.clock.stamp()
    )
    sandbox.account.lists.leave(sandbox.control.contact("p3@example.com"), the_list)
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_lists")
    assert calls(sandbox) == {LISTS: 1, "GET /contacts/v3": 1}
    rows = [await member(here, mailing_list, person) for person in people]
    assert [(row["account_status"], row["list_status"]) for row in rows] == [
        ("unsubscribed", "suppressed"),
        ("subscribed", "suppressed"),
        (None, "absent"),
    ]
    assert {row["sync_state"] for row in rows} == {"synced"}


async def test_whole_list_is_replaced_by_a_difference(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list = await make_list(here.database, sandboxed)
    people = await make_people(here.database, 6)
    await here.run(sandboxed, "send_people")
    await make_members(here.database, mailing_list, people[:4])
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people[:2], "leaving")
    await make_members(here.database, mailing_list, people[4:])
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert (run["counts"]["added"], run["counts"]["removed"]) == (2, 2)
    assert on_list(sandbox) == [f"p{number}@example.com" for number in (3, 4, 5, 6)]


async def test_run_for_one_list_leaves_the_others_be(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await listed(here, sandboxed)
    other = await make_list(here.database, sandboxed, name="Writers")
    run_id = await here.trigger(sandboxed, "send_lists", scope={"list_id": other.id})
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["counts"]["lists"] == 1
    assert {each.name for each in sandbox.account.lists} >= {"Writers"}
    assert "Readers" not in {each.name for each in sandbox.account.lists}
