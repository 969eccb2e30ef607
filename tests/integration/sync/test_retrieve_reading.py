"""retrieve_people and its streams: nothing is lost, whatever happens to a page, run or clock."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.models import Account
from app.sync.contacts import page_batches
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica
from tests.factories.people import make_people, make_person
from tests.integration.sync.retrieving import (
    ANN,
    HOUR,
    ContactQueries,
    assert_quiet,
    conflicts,
    people,
    person,
    retrieve,
    send,
    set_clock,
    two_way,
    value,
)
from tests.integration.sync.traces import calls, due, link

CONTACTS = "GET /contacts/v3"
SUPPRESSIONS = "GET /v2/contacts/suppressed-since/{date}"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


async def mark(here: Replica, stream: str = "contacts") -> Mapping[str, Any]:
    row: Mapping[str, Any] = await here.database.pool.fetchrow(
        "SELECT * FROM watermarks WHERE stream = $1", stream
    )
    return row


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ContactQueries:
    """Let Dotdigital give two contacts a page, however many are asked for."""
    return ContactQueries(monkeypatch)


async def test_quiet_run_costs_two_calls(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    sandbox.sandbox.calls.clear()
    set_clock(sandbox, START + HOUR)
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert calls(sandbox) == {CONTACTS: 1, SUPPRESSIONS: 1}
    set_clock(sandbox, START + 2 * HOUR)
    assert await retrieve(here, sandboxed) == {}, "by now it lies behind"


async def test_watermark_is_dotdigitals_time_when_the_reading_began(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    set_clock(sandbox, START + 5 * HOUR)
    await retrieve(here, sandboxed)
    for stream in ("contacts", "suppressions"):
        assert (await mark(here, stream))["position"] == START + 5 * HOUR


@pytest.mark.usefixtures("pages")
async def test_run_that_fails_goes_on_at_the_page_it_had_not_read(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.generate_contacts(7)
    sandbox.control.add_fault("status", path="/contacts/v3", after=2, times=9, status=500)
    run = await here.run(sandboxed, "retrieve_people")
    assert run["status"] == "failed"
    assert len(await people(here)) == 4, "two pages are written"
    assert (await mark(here))["position"] is None, "the watermark moves at the end"

    sandbox.sandbox.faults.remove()
    sandbox.sandbox.calls.clear()
    await here.database.pool.execute("UPDATE accounts SET state = 'ok'")
    assert await retrieve(here, sandboxed) == {"seen": 3, "created": 3}
    assert calls(sandbox)[CONTACTS] == 2
    assert len(await people(here)) == 7


@pytest.mark.usefixtures("pages")
async def test_replica_that_stops_hands_the_reading_on(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    sandbox.control.generate_contacts(7)
    run_id = await here.trigger(sandboxed, "retrieve_people")
    here.engine.stop()
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["status"] == "queued"
    written = len(await people(here))
    assert 0 < written < 7
    here.engine._stopping.clear()
    await here.engine.execute(run_id)
    run = await here.row(run_id)
    assert (run["status"], run["counts"]["seen"]) == ("succeeded", 7)
    assert len(await people(here)) == 7


async def test_marker_that_is_not_known_any_more_means_from_the_start(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.generate_contacts(3)
    await retrieve(here, sandboxed)
    kept = dict((await mark(here))["detail"])
    kept["reading"] = {
        "since": None,
        "began_at": START.isoformat(),
        "place": "no marker",
        "held_at": None,
        "last_id": 2**40,
        "mark": kept["mark"],
    }
    await here.database.pool.execute(
        "UPDATE watermarks SET detail = $1 WHERE stream = 'contacts'", kept
    )
    assert await retrieve(here, sandboxed) == {"seen": 3, "unchanged": 3}


async def test_stream_that_grows_while_it_is_read_loses_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, pages: ContactQueries
) -> None:
    await two_way(here, sandboxed)
    await make_people(here.database, 6)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    emails = [f"p{number}@example.com" for number in range(1, 7)]
    set_clock(sandbox, START + HOUR)
    for email in emails:
        sandbox.control.edit(email, data_fields={"LASTNAME": "first"})

    def edit_another(number: int) -> None:
        if number % 2 == 0 and number < 12:
            email = emails[number // 2 - 1]
            sandbox.control.edit(email, data_fields={"LASTNAME": f"second {number}"})

    pages.on_page = edit_another
    await retrieve(here, sandboxed)
    await retrieve(here, sandboxed)
    theirs = [value(sandbox, "LASTNAME", email) for email in emails]
    assert [row["last_name"] for row in await people(here)] == theirs
    await assert_quiet(here, sandboxed, sandbox)


@pytest.mark.parametrize("jump", [-30, -1, 1, 30], ids=lambda days: f"{days} days")
async def test_our_clock_may_stand_where_it_will(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock, jump: int
) -> None:
    await two_way(here, sandboxed)
    await make_person(here.database)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    clock.advance(jump * 86_400)
    set_clock(sandbox, START + MINUTE)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    set_clock(sandbox, START + 2 * MINUTE)
    await retrieve(here, sandboxed)
    clock.advance(-jump * 86_400)
    set_clock(sandbox, START + 3 * HOUR)
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    row = await person(here)
    assert (row["last_name"], row["no_email"]) == ("Jones", True)


async def test_dotdigitals_clock_may_jump_ahead(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await make_person(here.database)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    set_clock(sandbox, START + timedelta(days=3))
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Jones"


async def test_everything_is_read_again_where_dotdigitals_clock_went_back(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await make_person(here.database)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    # As if the last reading had been at a time that is still to come there.
    await here.database.pool.execute(
        "UPDATE watermarks SET position = position + '2 hours'::interval"
    )
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    sandbox.control.unsubscribe(ANN)
    counts = await retrieve(here, sandboxed)
    assert (counts["opted_out"], counts["updated"]) == (1, 1)
    assert (await mark(here))["position"] == START
    sandbox.sandbox.calls.clear()
    await retrieve(here, sandboxed)
    assert sum(calls(sandbox).values()) == 2


async def test_answers_without_a_date_are_read_by_what_they_hold(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.clients.dotdigital.calls.read_date", lambda headers: None)
    await two_way(here, sandboxed)
    await make_person(here.database)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    assert (await mark(here))["position"] == START
    set_clock(sandbox, START + HOUR)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    row = await person(here)
    assert (row["last_name"], row["no_email"]) == ("Jones", True)


async def test_an_import_leaves_alone_what_was_taken_while_it_was_under_way(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    """A send began before, and tells of what moved here alone."""
    await two_way(here, sandboxed)
    await two_way(here, sandboxed, person_field="postcode", dotdigital_field="POSTCODE")
    made = await make_person(here.database, last_name="Smith", postcode="AB1")
    await send(here, sandboxed)
    await retrieve(here, sandboxed)

    await here.database.pool.execute("UPDATE people SET postcode = 'CD2'")
    sandbox.control.set_settings({"import_duration_s": 600.0})
    await send(here, sandboxed)
    assert await in_flight(here) == [made.id]
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    assert (await person(here))["last_name"] == "Jones"

    await land_imports(here, sandbox, clock)
    assert (value(sandbox, "LASTNAME"), value(sandbox, "POSTCODE")) == ("Jones", "CD2")
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Jones"
    await send(here, sandboxed)
    await assert_quiet(here, sandboxed, sandbox)


async def test_an_import_that_lands_on_what_was_taken_meanwhile_is_sent_over_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    """A send began before, and writes over what it knew nothing of."""
    await two_way(here, sandboxed, conflict_rule="prefer_dotdigital")
    made = await make_person(here.database, last_name="Smith")
    await send(here, sandboxed)
    await retrieve(here, sandboxed)

    await here.database.pool.execute("UPDATE people SET last_name = 'Brown'")
    sandbox.control.set_settings({"import_duration_s": 600.0})
    await send(here, sandboxed)
    assert await in_flight(here) == [made.id]
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Jones"

    await land_imports(here, sandbox, clock)
    assert value(sandbox, "LASTNAME") == "Brown", "the import wrote over it there"
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Jones", "and is no news here"
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Jones"
    await assert_quiet(here, sandboxed, sandbox)


async def land_imports(here: Replica, sandbox: RunningSandbox, clock: FakeClock) -> None:
    """Let an hour go by, at whose end Dotdigital has worked off what it was sent."""
    sandbox.control.set_settings({"import_duration_s": 0.0})
    set_clock(sandbox, START + HOUR)
    clock.advance(3600)
    await watch_imports(here)


async def test_what_is_in_flight_is_no_news_when_it_is_met_before_it_is_acknowledged(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed, conflict_rule="prefer_dotdigital")
    made = await make_person(here.database, last_name="Smith")
    await send(here, sandboxed)
    await here.database.pool.execute("UPDATE people SET last_name = 'Jones'")
    sandbox.control.set_settings({"import_duration_s": 600.0})
    await send(here, sandboxed)
    assert await in_flight(here) == [made.id]
    set_clock(sandbox, START + HOUR)
    await here.database.pool.execute("UPDATE people SET last_name = 'Brown'")
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    assert "conflicts" not in await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Brown"
    assert await conflicts(here) == []


async def test_link_that_is_written_while_the_page_is_on_its_way_is_left_for_the_next_reading(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that is acknowledged meanwhile knows more than the page."""
    await two_way(here, sandboxed)
    made = await make_person(here.database, last_name="Smith")
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    real = page_batches.committed_by_now

    async def and_write(context: Any) -> str:  # noqa: ANN401 - the job's own
        snapshot = await real(context)
        await here.database.pool.execute("UPDATE contact_links SET last_sent_at = now()")
        return snapshot

    monkeypatch.setattr("app.sync.contacts.contact_reading.committed_by_now", and_write)
    assert await retrieve(here, sandboxed) == {"seen": 1}
    assert (await person(here))["last_name"] == "Smith"
    held = (await mark(here))["position"]
    assert held == START

    monkeypatch.undo()
    set_clock(sandbox, START + 5 * HOUR)
    await retrieve(here, sandboxed)
    assert (await person(here, made.id))["last_name"] == "Jones"


async def test_new_contact_of_somebody_in_flight_is_linked_once(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    made = await make_person(here.database)
    sandbox.control.set_settings({"import_duration_s": 600.0})
    await send(here, sandboxed)
    (contact_id,) = sandbox.control.add_contacts([{"identifiers": {"email": ANN}}])
    await retrieve(here, sandboxed)
    sandbox.control.set_settings({"import_duration_s": 0.0})
    set_clock(sandbox, START + HOUR)
    clock.advance(3600)
    await watch_imports(here)
    stands = await link(here, made.id)
    assert stands is not None
    assert stands["contact_id"] == contact_id
    assert len(await people(here)) == 1
    await retrieve(here, sandboxed)
    await assert_quiet(here, sandboxed, sandbox)


async def in_flight(here: Replica) -> list[int]:
    rows = await here.database.pool.fetch("SELECT person_id FROM import_records")
    return [row["person_id"] for row in rows]


async def watch_imports(here: Replica) -> None:
    """Run the monitor that the send job asked for."""
    run_id = await here.database.pool.fetchval(
        "SELECT id FROM runs WHERE job = 'monitor_imports' AND status = 'queued'"
    )
    await here.engine.execute(run_id)


async def test_five_thousand_contacts_take_few_statements(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    sandbox.control.generate_contacts(5000, data_fields={"FIRSTNAME": "F{n}", "LASTNAME": "L{n}"})
    assert await retrieve(here, sandboxed) == {"seen": 5000, "created": 5000}
    assert calls(sandbox) == {CONTACTS: 1, SUPPRESSIONS: 1}
    assert await due(here) == []
