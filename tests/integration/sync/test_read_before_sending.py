"""send_people writes over no two-way value that nobody has read: the rules decide before."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest

from app.clients.dotdigital import Transport
from app.models import Account
from app.settings import Settings
from app.sync.contacts import page_batches
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person
from tests.integration.sync.crashes import Died, doomed_replica
from tests.integration.sync.retrieving import (
    ANN,
    HOUR,
    agreed,
    assert_quiet,
    change_here,
    conflicts,
    noted,
    person,
    retrieve,
    send,
    set_clock,
    two_way,
    value,
)
from tests.integration.sync.traces import calls, due

CONTACTS = "GET /contacts/v3"
IMPORT = {"PUT /contacts/v3/import": 1, "GET /contacts/v3/import/{importId}": 1}


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


@pytest.mark.parametrize(
    "rule, theirs_at, stands, winner",
    [
        pytest.param("prefer_dotsync", timedelta(), "Ours", "dotsync", id="ours"),
        pytest.param("prefer_dotdigital", timedelta(), "Theirs", "dotdigital", id="theirs"),
        pytest.param("latest", timedelta(days=-1), "Ours", "dotsync", id="ours is later"),
        pytest.param("latest", timedelta(days=1), "Theirs", "dotdigital", id="theirs is later"),
    ],
)
async def test_conflict_is_decided_by_its_rule_where_a_send_comes_first(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    rule: str,
    theirs_at: timedelta,
    stands: str,
    winner: str,
) -> None:
    await agreed(here, sandboxed, conflict_rule=rule)
    await change_here(here, last_name="Ours")
    # A person's own time is Postgres', whatever our clock says.
    ours_at = (await person(here))["updated_at"]
    set_clock(sandbox, max(ours_at + theirs_at, START + HOUR))
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})
    await send(here, sandboxed)
    assert (await person(here))["last_name"] == stands
    assert value(sandbox, "LASTNAME") == stands
    (found,) = await conflicts(here)
    assert (found["base"], found["ours"], found["theirs"]) == ("Smith", "Ours", "Theirs")
    assert (found["conflict_rule"], found["winner"]) == (rule, winner)
    await assert_quiet(here, sandboxed, sandbox)
    assert len(await conflicts(here)) == 1


async def test_reading_costs_one_call_where_a_value_moved_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed)
    await change_here(here, last_name="Ours")
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox) == {CONTACTS: 1, **IMPORT}
    assert value(sandbox, "LASTNAME") == "Ours"
    assert (await noted(here, "read_before_sending")) == [{"seen": 1, "unchanged": 1}]


@pytest.mark.parametrize(
    "change, look",
    [
        pytest.param({"first_name": "Anna"}, {}, id="a value that is only sent moved"),
        pytest.param(
            {"email": "anna@example.com"},
            # Whether the address opted out there that the contact gives up; none of its values.
            {"GET /contacts/v3/{identifier}/{value}": 1},
            id="an email moved",
        ),
    ],
)
async def test_nothing_is_read_where_no_two_way_value_moved_here(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    change: dict[str, str],
    look: dict[str, int],
) -> None:
    await agreed(here, sandboxed)
    await change_here(here, **change)
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox) == IMPORT | look


async def test_nothing_is_read_for_new_people_or_in_a_quiet_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed)
    await make_people(here.database, 3)
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox) == IMPORT
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox) == {}


@pytest.mark.parametrize(
    "rule, theirs_at, stands",
    [
        pytest.param("prefer_dotsync", timedelta(), "Smith", id="ours"),
        pytest.param("prefer_dotdigital", timedelta(), "Theirs", id="theirs"),
        pytest.param("latest", timedelta(days=1), "Theirs", id="theirs is later"),
        pytest.param("latest", timedelta(days=-1), "Smith", id="ours is later"),
    ],
)
@pytest.mark.parametrize("was_read", [True, False])
async def test_contact_that_was_there_before_its_person_is_left_to_the_rule(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    rule: str,
    theirs_at: timedelta,
    stands: str,
    *,
    was_read: bool,
) -> None:
    """``was_read``: the account's other contacts."""
    await two_way(here, sandboxed, conflict_rule=rule)
    if was_read:
        await retrieve(here, sandboxed)
    ann = await make_person(here.database, last_name="Smith")
    set_clock(sandbox, max(ann.updated_at + theirs_at, START + HOUR))
    sandbox.control.add_contacts(
        [{"identifiers": {"email": ANN}, "dataFields": {"LASTNAME": "Theirs"}}]
    )
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox).get(CONTACTS, 0) == (rule != "prefer_dotsync")
    assert value(sandbox, "LASTNAME") == stands
    assert (await person(here))["last_name"] == stands
    await assert_quiet(here, sandboxed, sandbox)


async def test_new_people_cost_one_reading_where_theirs_may_stand(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed, conflict_rule="prefer_dotdigital")
    for number in range(3):
        await make_person(here.database, email=f"b{number}@example.com", last_name="Jones")
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox) == {CONTACTS: 1, **IMPORT}


async def test_what_a_send_read_is_not_read_again_as_news(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """The contacts are one stream, whoever reads it: opt-outs, new contacts and all."""
    await agreed(here, sandboxed)
    await change_here(here, last_name="Ours")
    set_clock(sandbox, START + HOUR)
    sandbox.control.add_contacts([{"identifiers": {"email": "bob@example.com"}}])
    await send(here, sandboxed)
    emails = await here.database.pool.fetch("SELECT email FROM people ORDER BY id")
    assert [row["email"] for row in emails] == [ANN, "bob@example.com"]
    position = await here.database.pool.fetchval(
        "SELECT position FROM watermarks WHERE stream = 'contacts'"
    )
    assert position == START + HOUR
    await assert_quiet(here, sandboxed, sandbox)


@pytest.mark.parametrize(
    "rule, stands",
    [("prefer_dotsync", "Ours"), ("prefer_dotdigital", "Theirs"), ("latest", "Theirs")],
)
async def test_first_send_of_a_new_mapping_leaves_it_to_the_rule(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, rule: str, stands: str
) -> None:
    """Nobody has read what the contact has, and it changed before anything is read by time."""
    await make_person(here.database, last_name="Ours")
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    later = (await person(here))["updated_at"] + HOUR
    set_clock(sandbox, later)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})
    await retrieve(here, sandboxed)
    set_clock(sandbox, later + HOUR)
    await retrieve(here, sandboxed)
    await two_way(here, sandboxed, conflict_rule=rule)
    await here.database.pool.execute(
        "INSERT INTO person_changes (account_id, person_id, version)"
        " SELECT $1, id, version FROM people",
        sandboxed.id,
    )
    await send(here, sandboxed)
    assert (await person(here))["last_name"] == stands
    assert value(sandbox, "LASTNAME") == stands
    assert [row["winner"] for row in await conflicts(here)] == [
        "dotsync" if stands == "Ours" else "dotdigital"
    ]
    assert await noted(here, "reads_everything") != []
    await assert_quiet(here, sandboxed, sandbox)


async def test_preference_that_moved_there_alone_is_not_written_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    news = sandbox.control.add_preference("News").id
    await make_mapping(
        here.database,
        sandboxed,
        kind="preference",
        person_field="custom.news",
        dotdigital_field="News",
        preference_id=news,
        data_field_type=None,
        direction="two_way",
    )
    await make_person(here.database, custom={"news": True})
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    sandbox.control.answer_preference(ANN, news, opted_in=False)
    await change_here(here, first_name="Anna")
    await send(here, sandboxed)
    assert value(sandbox, "FIRSTNAME") == "Anna"
    assert not any(
        each["id"] == news for each in sandbox.control.read_contact(ANN).get("preferences", ())
    )
    await retrieve(here, sandboxed)
    assert (await person(here))["custom"] == {"news": False}
    await assert_quiet(here, sandboxed, sandbox)


async def test_whoever_needs_a_whole_reading_waits_for_the_run_that_is_at_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed)
    await change_here(here, last_name="Ours")
    bob = await make_person(here.database, email="bob@example.com")
    run_id = await here.trigger(sandboxed, "retrieve_people", "full")
    async with here.database.transaction() as connection:
        await connection.execute("UPDATE runs SET status = 'running' WHERE id = $1", run_id)
        await connection.execute(
            """UPDATE watermarks SET detail = detail || '{"reading": {"since": null, "place": null,
               "began_at": null, "held_at": null, "last_id": 0, "mark": ""}}'
               WHERE stream = 'contacts'"""
        )
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox) == IMPORT, "for Bob, who is new"
    assert await due(here) == [(await person(here))["id"]]
    assert sandbox.account.find("email", bob.email or "") is not None
    await here.engine.execute(run_id)
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Ours"
    await assert_quiet(here, sandboxed, sandbox)


async def test_two_runs_that_read_at_once_take_each_page_once(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While Dotdigital answers the one, the other reads all of it: the first begins again."""
    await agreed(here, sandboxed, conflict_rule="prefer_dotdigital")
    await change_here(here, last_name="Ours")
    set_clock(sandbox, START + HOUR)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})
    real = page_batches.committed_by_now
    meetings = iter(["retrieve_people"])

    async def and_meet(context: Any) -> str:  # noqa: ANN401 - the job's own
        snapshot = await real(context)
        for job in meetings:
            await here.run(sandboxed, job)
        return snapshot

    monkeypatch.setattr("app.sync.contacts.contact_reading.committed_by_now", and_meet)
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox)[CONTACTS] == 3, "the send's, the other run's, and the send's again"
    assert (await person(here))["last_name"] == "Theirs"
    assert len(await conflicts(here)) == 1
    assert value(sandbox, "LASTNAME") == "Theirs"
    assert await due(here) == []


async def test_contact_whose_news_is_left_keeps_its_person_due(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await agreed(here, sandboxed, conflict_rule="prefer_dotdigital")
    await change_here(here, last_name="Ours")
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})
    real = page_batches.committed_by_now

    async def and_write(context: Any) -> str:  # noqa: ANN401 - the job's own
        snapshot = await real(context)
        await here.database.pool.execute("UPDATE contact_links SET last_sent_at = now()")
        return snapshot

    monkeypatch.setattr("app.sync.contacts.contact_reading.committed_by_now", and_write)
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Theirs"
    assert await due(here) == [(await person(here))["id"]]
    monkeypatch.undo()
    await send(here, sandboxed)
    assert (await person(here))["last_name"] == "Theirs"
    assert len(await conflicts(here)) == 1
    await assert_quiet(here, sandboxed, sandbox)


async def test_contacts_that_cannot_be_read_hold_up_nobody_else(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed)
    await change_here(here, last_name="Ours")
    bob = await make_person(here.database, email="bob@example.com")
    sandbox.control.add_fault("status", path="/contacts/v3", status=403, times=None)
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "failed", "and says why"
    assert value(sandbox, "LASTNAME") == "Smith"
    assert sandbox.account.find("email", bob.email or "") is not None
    sandbox.sandbox.faults.remove()
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Ours"


async def test_their_clock_that_goes_back_hides_nothing_from_a_send(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed, conflict_rule="prefer_dotdigital")
    # As if the last reading had been at a time that is still to come there.
    await here.database.pool.execute(
        "UPDATE watermarks SET position = position + '2 hours'::interval"
    )
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})
    await change_here(here, last_name="Ours")
    await send(here, sandboxed)
    assert (await person(here))["last_name"] == "Theirs"
    assert len(await conflicts(here)) == 1
    assert len(await noted(here, "their_clock_went_back")) == 1


async def test_run_that_dies_while_it_reads_goes_on_where_it_was(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
) -> None:
    await agreed(here, sandboxed, conflict_rule="prefer_dotdigital")
    await change_here(here, last_name="Ours")
    set_clock(sandbox, START + HOUR)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})
    sandbox.control.add_fault("reset", path="/contacts/v3", times=None)
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "failed"
    assert value(sandbox, "LASTNAME") == "Theirs"
    sandbox.sandbox.faults.remove()
    clock.advance(3600)
    await send(here, sandboxed)
    assert (await person(here))["last_name"] == "Theirs"
    await assert_quiet(here, sandboxed, sandbox)


async def test_full_run_tells_everything_again_but_what_moved_there(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed)
    bob = await make_person(here.database, email="bob@example.com", last_name="Jones")
    await send(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    await retrieve(here, sandboxed)
    set_clock(sandbox, START + 2 * HOUR)
    sandbox.control.edit(bob.email or "", data_fields={"LASTNAME": "Theirs"})
    lose_without_a_trace(sandbox, "LASTNAME")
    assert value(sandbox, "LASTNAME") is None
    await here.run(sandboxed, "send_people", "full")
    assert value(sandbox, "LASTNAME") == "Smith"
    assert value(sandbox, "LASTNAME", "bob@example.com") == "Theirs"
    assert (await person(here, bob.id))["last_name"] == "Theirs"
    assert await conflicts(here) == []
    await assert_quiet(here, sandboxed, sandbox)


def lose_without_a_trace(sandbox: RunningSandbox, name: str) -> None:
    """Blank Ann's value there as no change by anybody does: the contact doesn't show it."""
    contact, fields = sandbox.control.contact(ANN), sandbox.account.data_fields
    field = fields.find(name)
    assert field is not None
    contact.packed = fields.merge(contact.packed, {field.ordinal: None}, "overwrite")


async def test_replica_that_dies_anywhere_around_the_reading_leaves_it_to_the_rule(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    settings: Settings,
) -> None:
    """At every few dealings with the outside; the run is taken over, or another job comes first."""
    await two_way(here, sandboxed, conflict_rule="prefer_dotdigital")
    run_id = 0
    async with Transport(allowed_hosts=settings.allowed_hosts) as transport:
        for dealings in range(2, 50, 4):
            email = f"p{dealings}@example.com"
            made = await make_person(here.database, email=email, last_name="Smith")
            await send(here, sandboxed)
            set_clock(sandbox, START + dealings * HOUR)
            await retrieve(here, sandboxed)
            sandbox.control.edit(email, data_fields={"LASTNAME": "Theirs"})
            await here.database.pool.execute(
                "UPDATE people SET last_name = 'Ours' WHERE id = $1", made.id
            )
            doomed = doomed_replica(here.database, transport, clock, settings, dealings)
            run_id = await here.trigger(sandboxed, "send_people")
            with contextlib.suppress(Died):
                await doomed.engine.execute(run_id)
            with contextlib.suppress(Died):
                await doomed.engine.drained()
            if dealings % 8 == 2:
                await here.run(sandboxed, "retrieve_people")
            await here.engine.execute(run_id)
            await send(here, sandboxed)
            assert (await person(here, made.id))["last_name"] == "Theirs", dealings
            assert value(sandbox, "LASTNAME", email) == "Theirs", dealings
            assert [row["person_id"] for row in await conflicts(here)].count(made.id) == 1
        assert (await here.row(run_id))["attempt"] == 1, "it lived to its end at last"
    await assert_quiet(here, sandboxed, sandbox)
