"""Opting out of lists and coming back: what lists bring back, and whom nothing brings back."""

import pytest

from app.models import Account, MailingList, Person
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica, replica_on
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_person
from tests.integration.sync.changing_transport import ChangingTransport
from tests.integration.sync.consent_traces import opt_out, set_clock
from tests.integration.sync.list_traces import (
    failures,
    left_by_own_wish,
    listed,
    member,
    on_list,
    set_state,
    states,
    twin,
)
from tests.integration.sync.traces import calls

RESUBSCRIBE = "POST /v2/address-books/{id}/contacts/resubscribe"
NO_CHALLENGE = "POST /v2/address-books/{id}/contacts/resubscribe-with-no-challenge"


def status_there(sandbox: RunningSandbox, email: str = "p1@example.com") -> tuple[str, str]:
    """Return how a contact stands in the account, and in Readers."""
    contact = sandbox.control.contact(email)
    return contact.email_status, twin(sandbox).members[contact.id]


MODES = [
    pytest.param("never", {}, "suppressed", id="never"),
    pytest.param("no_challenge", {NO_CHALLENGE: 1}, "subscribed", id="at once"),
    pytest.param("challenge", {RESUBSCRIBE: 1}, "pending", id="once it confirms"),
]


@pytest.mark.parametrize("mode, expected, status", MODES)
@pytest.mark.parametrize("one_by_one", [False, True])
async def test_who_opted_out_of_a_list_and_joins_anew_comes_back_as_the_list_says(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    mode: str,
    expected: dict[str, int],
    status: str,
    *,
    one_by_one: bool,
) -> None:
    mailing_list, person = await left_by_own_wish(
        here, sandboxed, sandbox, resubscribe_mode=mode, trigger_join_actions=one_by_one
    )
    await make_members(here.database, mailing_list, [person])
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["added"]) == ("succeeded", 1)
    made = {path: count for path, count in calls(sandbox).items() if "resubscribe" in path}
    assert made == expected
    assert status_there(sandbox) == ("subscribed", status)
    # A challenge is mailed once, and whoever is asked is not asked again by a full run.
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_lists", "full")
    assert not [path for path in calls(sandbox) if "resubscribe" in path]
    assert status_there(sandbox) == ("subscribed", status)
    assert (await member(here, mailing_list, person))["sync_state"] == "synced"


STANDING_OUT = [
    pytest.param("UPDATE people SET no_email = true", id="opted out here"),
    pytest.param(
        "INSERT INTO people (email, no_email) VALUES ('P1@example.com', true)",
        id="opted out by who has the same email",
    ),
    pytest.param(
        "UPDATE people SET opted_out_at = '2026-02-01', opted_in_at = '2026-01-01'",
        id="opted out after opting in",
    ),
    pytest.param(
        """INSERT INTO address_opt_outs (account_id, email_key, source, opted_out_at)
           SELECT id, 'p1@example.com', 'old_address', now() FROM accounts""",
        id="with an address that opted out",
    ),
]


@pytest.mark.parametrize("mode", ["challenge", "no_challenge"])
async def test_nobody_comes_back_to_a_list_who_opts_out_while_the_run_is_about_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, mode: str
) -> None:
    mailing_list, person = await left_by_own_wish(here, sandboxed, sandbox, resubscribe_mode=mode)
    await make_members(here.database, mailing_list, [person])
    sandbox.sandbox.calls.clear()

    async def opt_out() -> None:
        await here.database.pool.execute("UPDATE people SET no_email = true")

    async with ChangingTransport("/unsubscribed-since/", opt_out) as transport:
        there = replica_on(here.database, transport, here.clock, here.settings)
        await there.run(sandboxed, "send_lists")
    assert not [path for path in calls(sandbox) if "resubscribe" in path]
    assert await here.database.pool.fetchval("SELECT opt_in_doubt_at FROM contact_links") is None


async def test_who_opts_out_while_a_list_brings_them_back_is_told_off_after_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    """The opt-out is told while the call to the list waits for its turn."""
    mailing_list, person = await left_by_own_wish(
        here, sandboxed, sandbox, resubscribe_mode="no_challenge"
    )
    await make_members(here.database, mailing_list, [person])

    async def tell_of_opt_out() -> None:
        await here.database.pool.execute(
            "UPDATE people SET no_email = true, opted_out_at = $1", clock.now()
        )
        await here.run(sandboxed, "send_people")
        assert status_there(sandbox)[0] == "suppressed"
        clock.advance(1)

    async with ChangingTransport("/resubscribe-with-no-challenge", tell_of_opt_out) as transport:
        there = replica_on(here.database, transport, here.clock, here.settings)
        await there.run(sandboxed, "send_lists")
    clock.advance(60)
    await here.run(sandboxed, "send_people")
    assert status_there(sandbox)[0] == "suppressed"


@pytest.mark.parametrize("statement", STANDING_OUT)
async def test_nobody_comes_back_to_a_list_who_opted_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, statement: str
) -> None:
    mailing_list, person = await left_by_own_wish(
        here, sandboxed, sandbox, resubscribe_mode="no_challenge"
    )
    await here.database.pool.execute(statement)
    await make_members(here.database, mailing_list, [person])
    await here.run(sandboxed, "send_lists")
    assert NO_CHALLENGE not in calls(sandbox)
    assert status_there(sandbox)[1] == "suppressed"


async def test_who_left_the_account_there_is_not_brought_back_by_a_list(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Coming back to a list would bring it back to the account."""
    mailing_list, person = await left_by_own_wish(
        here, sandboxed, sandbox, resubscribe_mode="no_challenge"
    )
    sandbox.control.unsubscribe("p1@example.com")
    await make_members(here.database, mailing_list, [person])
    await here.run(sandboxed, "send_lists")
    assert NO_CHALLENGE not in calls(sandbox)
    assert status_there(sandbox) == ("unsubscribed", "suppressed")


async def test_who_opts_out_of_a_list_after_joining_stays_out_whatever_is_sent_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await listed(here, sandboxed, 1, resubscribe_mode="no_challenge")
    await here.run(sandboxed, "send_lists")
    contact = sandbox.control.contact("p1@example.com")
    sandbox.account.subscriptions.unsubscribe_from_list(
        contact, twin(sandbox), sandbox.account.clock.stamp()
    )
    await here.run(sandboxed, "send_lists", "full")
    assert status_there(sandbox) == ("subscribed", "suppressed")


async def audience(
    here: Replica, account: Account, number: int = 3, mode: str = "no_challenge"
) -> tuple[MailingList, list[Person]]:
    return await listed(
        here, account, number, entry_action="unsubscribe", kind="audience", resubscribe_mode=mode
    )


async def test_whoever_joins_an_audience_is_suppressed_and_it_needs_no_list_there(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await audience(here, sandboxed)
    sandbox.sandbox.calls.clear()
    rehearsal = await here.run(sandboxed, "send_lists", "dry_run")
    assert (rehearsal["counts"]["suppressed"], rehearsal["counts"]["added"]) == (3, 0)
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["suppressed"]) == ("succeeded", 3)
    assert run["counts"]["added"] == 0
    statuses = {contact.email_status for contact in sandbox.account.contacts}
    assert statuses == {"suppressed"}
    assert calls(sandbox) == {"GET /v2/server-time": 1, "PUT /v2/contacts/suppress-contacts": 1}
    assert "Readers" not in {each.name for each in sandbox.account.lists}
    row = await member(here, mailing_list, people[0])
    assert (row["sync_state"], row["account_status"]) == ("synced", "suppressed")


async def test_many_who_join_audiences_are_suppressed_part_by_part_from_one_time_on(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is on two audiences may be in two parts, and is none who was out before the second."""
    mailing_list, people = await audience(here, sandboxed, 5)
    other = await make_list(here.database, sandboxed, name="Other", entry_action="unsubscribe")
    await make_members(here.database, other, people)
    monkeypatch.setattr("app.sync.members.audiences.MAX_SUPPRESSED", 3)
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["suppressed"]) == ("succeeded", 10)
    assert calls(sandbox) == {"GET /v2/server-time": 1, "PUT /v2/contacts/suppress-contacts": 4}
    times = await here.database.pool.fetch("SELECT DISTINCT unsubscribed_at FROM list_members")
    assert len(times) == 1
    assert set((await states(here, mailing_list)).values()) == {"synced"}


LEAVERS = [
    pytest.param("never", "suppressed", id="never"),
    pytest.param("no_challenge", "subscribed", id="at once"),
    pytest.param("challenge", "suppressed", id="once it confirms"),
]


@pytest.mark.parametrize("mode, status", LEAVERS)
async def test_whoever_leaves_an_audience_is_brought_back_as_it_says(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, mode: str, status: str
) -> None:
    mailing_list, people = await audience(here, sandboxed, mode=mode)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people[:2], "leaving")
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["exited"]) == ("succeeded", 2)
    assert sandbox.control.contact("p1@example.com").email_status == status
    challenged = sandbox.control.contact("p1@example.com").challenged_ms is not None
    assert challenged == (mode == "challenge")
    assert sandbox.control.contact("p3@example.com").email_status == "suppressed"
    assert list(await states(here, mailing_list)) == [people[2].id]
    doubts = "SELECT count(*) FROM contact_links WHERE opt_in_doubt_at IS NOT NULL"
    assert await here.database.pool.fetchval(doubts) == 0
    assert calls(sandbox).get("PUT /contacts/v3/import", 0) == (mode != "never")


@pytest.mark.parametrize("end", ["comes", "is forgotten"])
async def test_who_opts_out_while_an_import_brings_them_back_stays_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock, end: str
) -> None:
    mailing_list, people = await audience(here, sandboxed, 1)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people, "leaving")
    sandbox.control.add_fault("job_hangs", path="/contacts/v3/import", times=1)
    await here.run(sandboxed, "send_lists")
    await here.database.pool.execute(
        "UPDATE people SET no_email = true, opted_out_at = $1", clock.now()
    )
    await here.run(sandboxed, "send_people")
    if end == "is forgotten":
        # As after a month: it brought them back, and nobody can say so any more.
        path = "/contacts/v3/import/*"
        sandbox.control.add_fault("status", path=path, times=1, status=404)
    sandbox.control.release_jobs()
    for job in list(sandbox.account.jobs._jobs.values()):
        await sandbox.account.jobs.look(job)
    assert sandbox.control.contact("p1@example.com").email_status == "subscribed"
    clock.advance(3600)
    monitor = "SELECT id FROM runs WHERE job = 'monitor_imports' AND status = 'queued'"
    await here.engine.execute(await here.database.pool.fetchval(monitor))
    clock.advance(60)
    await here.run(sandboxed, "send_people")
    assert sandbox.control.contact("p1@example.com").email_status == "suppressed"


@pytest.mark.parametrize(
    "hours", [pytest.param(0, id="at once"), pytest.param(30, id="after more than a day")]
)
async def test_return_by_an_import_whose_end_is_not_known_is_nobodys_wish(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock, hours: int
) -> None:
    """Contacts are read between the import and the look at its end."""
    set_clock(sandbox, clock.now())
    mailing_list, people = await audience(here, sandboxed, 1)
    await here.run(sandboxed, "send_lists")
    clock.advance(3600)
    set_clock(sandbox, clock.now())
    await here.run(sandboxed, "retrieve_people")
    await set_state(here, mailing_list, people, "leaving")
    sandbox.control.add_fault("job_hangs", path="/contacts/v3/import", times=1)
    await here.run(sandboxed, "send_lists")
    clock.advance(hours * 3600)
    set_clock(sandbox, clock.now())
    await here.run(sandboxed, "send_people")
    await opt_out(here, people[0].id, clock.now())
    await here.run(sandboxed, "send_people")
    clock.advance(300)
    set_clock(sandbox, clock.now())
    sandbox.control.release_jobs()
    for job in list(sandbox.account.jobs._jobs.values()):
        await sandbox.account.jobs.look(job)
    assert sandbox.control.contact("p1@example.com").email_status == "subscribed"

    clock.advance(60)
    await here.run(sandboxed, "retrieve_people")
    await here.run(sandboxed, "send_people")
    assert await here.database.pool.fetchval("SELECT no_email FROM people")
    assert sandbox.control.contact("p1@example.com").email_status == "suppressed"


async def test_nobody_is_brought_back_who_opts_out_while_the_import_waits_for_a_slot(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await audience(here, sandboxed, 2)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people, "leaving")
    body = {"errorCode": "contacts:tooManyActiveImports", "description": "wait"}
    sandbox.control.add_fault(
        "status", path="/contacts/v3/import", status=429, body=body, method="PUT", times=1
    )

    async def opt_out_one() -> None:
        await here.database.pool.execute("UPDATE people SET no_email = true WHERE email LIKE 'p1%'")

    async with ChangingTransport("/contacts/v3/import", opt_out_one) as transport:
        there = replica_on(here.database, transport, here.clock, here.settings)
        await there.run(sandboxed, "send_lists")
    statuses = [sandbox.control.contact(f"p{each}@example.com").email_status for each in (1, 2)]
    assert statuses == ["suppressed", "subscribed"]
    assert (
        await here.database.pool.fetchval("SELECT count(opt_in_doubt_at) FROM contact_links") == 0
    )


async def test_who_had_opted_out_before_the_audience_came_stays_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await audience(here, sandboxed)
    sandbox.control.unsubscribe("p1@example.com")
    sandbox.sandbox.world.clock.advance(3600)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people, "leaving")
    run = await here.run(sandboxed, "send_lists")
    assert run["counts"]["exited"] == 3
    assert [
        sandbox.control.contact(f"p{number}@example.com").email_status for number in (1, 2, 3)
    ] == ["unsubscribed", "subscribed", "subscribed"]


@pytest.mark.parametrize("statement", STANDING_OUT)
async def test_nobody_leaves_an_audience_into_the_mail_who_opted_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, statement: str
) -> None:
    mailing_list, people = await audience(here, sandboxed, 1)
    await here.run(sandboxed, "send_lists")
    await here.database.pool.execute(statement)
    await set_state(here, mailing_list, people, "leaving")
    await here.run(sandboxed, "send_lists")
    assert sandbox.control.contact("p1@example.com").email_status == "suppressed"
    assert await states(here, mailing_list) == {}


async def test_who_is_on_another_audience_too_stays_suppressed(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await audience(here, sandboxed, 1)
    other = await make_list(here.database, sandboxed, name="Other", entry_action="unsubscribe")
    await make_members(here.database, other, people)
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people, "leaving")
    await here.run(sandboxed, "send_lists")
    assert sandbox.control.contact("p1@example.com").email_status == "suppressed"


async def test_suppression_by_an_audience_is_no_news_when_it_is_read_back(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await audience(here, sandboxed)
    await here.run(sandboxed, "send_lists")
    # The two clocks are one, as they are outside of tests.
    await here.database.pool.execute("UPDATE contact_links SET suppressed_at = clock_timestamp()")
    await here.run(sandboxed, "retrieve_people")
    assert await here.database.pool.fetchval("SELECT count(*) FROM people WHERE no_email") == 0
    await set_state(here, mailing_list, people[:1], "leaving")
    await here.run(sandboxed, "send_lists")
    assert sandbox.control.contact("p1@example.com").email_status == "subscribed"


async def test_challenge_whose_answer_was_lost_is_not_mailed_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, person = await left_by_own_wish(
        here, sandboxed, sandbox, resubscribe_mode="challenge"
    )
    await make_members(here.database, mailing_list, [person])
    sandbox.control.add_fault("lost_answer", path="/v2/address-books/*/contacts/resubscribe")
    assert (await here.run(sandboxed, "send_lists"))["status"] == "failed"
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert (run["status"], run["counts"]["added"]) == ("succeeded", 1)
    assert RESUBSCRIBE not in calls(sandbox)
    assert await failures(here) == []


async def test_person_who_is_linked_to_another_contact_is_on_the_list_by_that_one(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list, people = await listed(here, sandboxed, 2)
    await here.run(sandboxed, "send_lists")
    (other_id,) = sandbox.control.add_contacts([{"identifiers": {"email": "other@example.com"}}])
    await here.database.pool.execute(
        "UPDATE contact_links SET contact_id = $1 WHERE person_id = $2", other_id, people[0].id
    )
    assert (await member(here, mailing_list, people[0]))["sync_state"] == "pending"
    await here.run(sandboxed, "send_lists")
    assert on_list(sandbox) == ["other@example.com", "p2@example.com"]


async def test_two_people_with_one_contact_keep_it_on_the_list_while_one_of_them_is_a_member(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """The contact goes over from one to the other, who is a member as well."""
    mailing_list, people = await listed(here, sandboxed, 1)
    await here.run(sandboxed, "send_lists")
    heir = await make_person(here.database, email="p1@example.com")
    await make_members(here.database, mailing_list, [heir])
    contact_id = sandbox.control.contact("p1@example.com").id
    await here.database.pool.execute(
        "UPDATE contact_links SET contact_id = NULL WHERE person_id = $1", people[0].id
    )
    await here.database.pool.execute(
        """
        INSERT INTO contact_links (account_id, person_id, contact_id, state, email_key)
        VALUES ($1, $2, $3, 'synced', 'p1@example.com')
        ON CONFLICT (account_id, person_id) DO UPDATE SET contact_id = excluded.contact_id
        """,
        sandboxed.id,
        heir.id,
        contact_id,
    )
    await here.database.pool.execute(
        "UPDATE list_members SET sync_state = 'leaving', contact_id = $1 WHERE person_id = $2",
        contact_id,
        people[0].id,
    )
    run = await here.run(sandboxed, "send_lists")
    assert run["counts"]["removed"] == 0
    assert contact_id in twin(sandbox).members
    assert await states(here, mailing_list) == {heir.id: "synced"}
