"""send_people and what changes, hangs or goes missing between the call and the acknowledgement."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from sandbox.state import ApiUser
from tests.clock import START, FakeClock
from tests.factories.engines import Replica, make_usable_account
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person
from tests.integration.sync.one_clock import OneClock
from tests.integration.sync.traces import calls, due, link

ANN = "ann@example.com"
IMPORT = "/contacts/v3/import"
LOOK = "GET /contacts/v3/import/{importId}"


@pytest.fixture
def clock(sandbox: RunningSandbox) -> FakeClock:
    """Give a clock that Dotdigital goes by as well."""
    return OneClock(sandbox.sandbox.clock)


async def wait(here: Replica, **time: float) -> None:
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(timedelta(**time).total_seconds())


async def monitor(here: Replica, account: Account) -> Mapping[str, Any]:
    """Run the monitor: the one that a run has queued, or the next by the schedule."""
    run_id = await here.database.pool.fetchval(
        "SELECT id FROM runs WHERE job = 'monitor_imports' AND status = 'queued'"
    )
    if run_id is None:
        return await here.run(account, "monitor_imports")
    await here.engine.execute(run_id)
    return await here.row(run_id)


async def test_import_that_hangs_for_hours_is_watched_with_few_looks_and_brought_home(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 3)
    sandbox.control.add_fault("job_hangs", path=IMPORT)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["pending"]) == ("succeeded", 3)
    sandbox.sandbox.calls.clear()
    for _ in range(20):
        await monitor(here, sandboxed)
        await wait(here, seconds=30)
    assert calls(sandbox)[LOOK] <= 10, "one look a minute, at the most"
    await wait(here, hours=6)
    await monitor(here, sandboxed)
    assert await due(here) == [person.id for person in people]

    await here.run(sandboxed, "send_people")
    assert f"PUT {IMPORT}" not in calls(sandbox), "who is in flight is not sent again"
    sandbox.control.release_jobs()
    await wait(here, minutes=1)
    assert (await monitor(here, sandboxed))["counts"]["acknowledged"] == 3
    assert await due(here) == []
    sent = await here.row(run["id"])
    assert (sent["counts"]["pending"], sent["counts"]["created"]) == (0, 3)


async def test_import_that_dotdigital_forgets_is_sent_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Results are kept for a while only."""
    await make_person(here.database)
    sandbox.control.add_fault("job_hangs", path=IMPORT)
    await here.run(sandboxed, "send_people")
    sandbox.control.add_fault("status", method="GET", path=f"{IMPORT}/*", status=404)
    await wait(here, minutes=1)
    await monitor(here, sandboxed)
    assert await here.database.pool.fetchval("SELECT status FROM imports") == "lost"
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 1)
    assert await due(here) == []


async def test_records_that_the_report_leaves_out_are_sent_again_and_nobody_else(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 4)
    sandbox.control.add_fault("report_loses", path=IMPORT, share=0.5)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"], run["counts"]["failed"]) == ("partial", 2, 2)
    assert await due(here) == [person.id for person in people[2:]]

    await wait(here, hours=1)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["updated"]) == ("succeeded", 2)
    assert await due(here) == []
    assert len(list(sandbox.account.contacts)) == 4
    assert await open_failures(here) == 0


async def open_failures(here: Replica) -> int:
    count: int = await here.database.pool.fetchval(
        "SELECT count(*) FROM failures WHERE resolved_at IS NULL"
    )
    return count


async def test_answer_that_is_lost_for_good_ends_the_run_and_the_next_one_makes_nobody_twice(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 2)
    sandbox.control.add_fault("lost_answer", path=IMPORT, times=9)
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "failed"
    assert await due(here) == [person.id for person in people]
    sandbox.sandbox.faults.remove()
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["updated"]) == ("succeeded", 2)
    assert len(list(sandbox.account.contacts)) == 2
    assert await due(here) == []


async def test_contact_that_was_deleted_by_hand_is_made_again_in_the_same_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    sandbox.control.delete(ANN)
    sandbox.account.empty_recycle_bin()
    await here.database.pool.execute("UPDATE people SET first_name = 'Anna'")
    await here.run(sandboxed, "send_people")
    await wait(here, hours=1)
    await here.run(sandboxed, "send_people")

    assert sandbox.control.read_contact(ANN)["dataFields"]["FIRSTNAME"] == "Anna"
    stands = await link(here, person.id)
    assert stands is not None
    assert (stands["contact_id"], stands["state"]) == (sandbox.control.contact(ANN).id, "synced")
    assert await due(here) == []
    assert await open_failures(here) == 0


MEANWHILE = [
    pytest.param("no_email = true", ["suppressed"], id="opts out"),
    pytest.param("deleted_at = now()", [], id="is deleted"),
    pytest.param("email = 'anna@example.com'", ["subscribed"], id="gets another email"),
    pytest.param("sync_with_mailer = false", ["subscribed"], id="is unticked"),
]


@pytest.mark.parametrize("change, statuses", MEANWHILE)
async def test_who_changes_in_flight_ends_as_it_stands(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, change: str, statuses: list[str]
) -> None:
    await make_person(here.database)
    sandbox.control.add_fault("job_hangs", path=IMPORT)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute(f"UPDATE people SET {change}")
    await here.run(sandboxed, "send_people")
    sandbox.control.release_jobs()
    await wait(here, minutes=2)
    await monitor(here, sandboxed)
    await here.run(sandboxed, "send_people")

    contacts = list(sandbox.account.contacts)
    assert [each.email_status for each in contacts] == statuses
    assert await due(here) == []
    if change.startswith("email"):
        assert [each.email for each in contacts] == ["anna@example.com"]


async def another_account(here: Replica, sandbox: RunningSandbox) -> Account:
    """Give an account of ours on a Dotdigital account of its own."""
    there = sandbox.control.add_account(username="second@apiconnector.com", password="word")
    made = await make_usable_account(
        here.database,
        here.settings,
        name="Second",
        username="second@apiconnector.com",
        password="word",
        endpoint=sandbox.url,
        dotdigital_account_id=there.id,
    )
    await make_mapping(here.database, made)
    return made


async def test_outage_of_one_account_stops_nobody_else(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    second = await another_account(here, sandbox)
    people = await make_people(here.database, 2)
    sandbox.control.add_fault("status", status=503, times=None, account_id=sandbox.account.id)
    # Again and again, until its circuit is open.
    for _ in range(4):
        assert (await here.run(sandboxed, "send_people"))["status"] == "failed"
    run = await here.run(second, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 2)
    waiting = await here.database.pool.fetch("SELECT account_id, person_id FROM person_changes")
    assert {tuple(row) for row in waiting} == {(sandboxed.id, each.id) for each in people}


async def test_two_of_ours_on_one_dotdigital_account_share_its_limit(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Each of them alone would stay under it, and both together would not."""
    sandbox.control.set_settings({"rate_limits": {"lowCallRate": 4}})
    sandbox.control.add_user(ApiUser("second@apiconnector.com", "word", sandbox.account.id))
    second = await make_usable_account(
        here.database,
        here.settings,
        name="Second",
        username="second@apiconnector.com",
        password="word",
        endpoint=sandbox.url,
        dotdigital_account_id=sandbox.account.id,
    )
    await make_mapping(here.database, second)
    await here.database.pool.execute("""UPDATE accounts SET settings = '{"batch_size": 1}'""")
    await make_people(here.database, 3)
    for account in (sandboxed, second):
        assert (await here.run(account, "send_people"))["status"] == "succeeded"

    assert sandbox.sandbox.calls.by_status[429] == 0
    assert here.clock.now() - START > timedelta(seconds=50), "the second one waits for its minute"
    keys = await here.database.pool.fetch("SELECT DISTINCT account_key FROM rate_buckets")
    assert [row["account_key"] for row in keys] == [str(sandbox.account.id)]


async def test_change_that_is_committed_after_a_later_one_is_sent_all_the_same(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    early = await make_person(here.database, email="early@example.com")
    await here.run(sandboxed, "send_people")
    async with here.database.transaction() as slow:
        await slow.execute("UPDATE people SET first_name = 'Late' WHERE id = $1", early.id)
        await slow.execute("INSERT INTO people (email) VALUES ('new@example.com')")
        await make_person(here.database, email="later@example.com")
        await here.run(sandboxed, "send_people")
        assert len(list(sandbox.account.contacts)) == 2
    await here.run(sandboxed, "send_people")
    assert len(list(sandbox.account.contacts)) == 3
    contact = sandbox.control.read_contact("early@example.com")
    assert contact["dataFields"]["FIRSTNAME"] == "Late"
    assert await due(here) == []
