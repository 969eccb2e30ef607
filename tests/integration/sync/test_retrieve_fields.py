"""retrieve_people and mapped values: what moved there is taken, what moved here goes there."""

from datetime import timedelta

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person
from tests.integration.sync.retrieving import (
    ANN,
    HOUR,
    assert_quiet,
    conflicts,
    person,
    retrieve,
    send,
    set_clock,
    two_way,
    value,
)
from tests.integration.sync.traces import due, link


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


async def synced(here: Replica, account: Account, **columns: object) -> None:
    """Make a person called Ann Smith who is a contact."""
    await make_person(here.database, **{"last_name": "Smith", **columns})
    await send(here, account)


async def change_here(here: Replica, **columns: object) -> None:
    names = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=1))
    await here.database.pool.execute(f"UPDATE people SET {names}", *columns.values())


async def test_value_that_moved_there_alone_is_taken(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    row = await person(here)
    assert row["last_name"] == "Jones"
    stands = await link(here, row["id"])
    assert stands is not None
    assert stands["acknowledged"]["fields"]["LASTNAME"] == "Jones"
    assert await due(here) == []
    assert await conflicts(here) == []
    await assert_quiet(here, sandboxed, sandbox)


async def test_value_that_moved_here_alone_is_left_for_the_send_job(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    await change_here(here, last_name="Jones")
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert (await person(here))["last_name"] == "Jones"
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Jones"
    await assert_quiet(here, sandboxed, sandbox)


async def test_other_values_that_moved_there_stand_while_one_moved_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await two_way(here, sandboxed, person_field="postcode", dotdigital_field="POSTCODE")
    await synced(here, sandboxed, postcode="AB1")
    await change_here(here, last_name="Jones")
    sandbox.control.edit(ANN, data_fields={"POSTCODE": "CD2"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    await send(here, sandboxed)
    row = await person(here)
    assert (row["last_name"], row["postcode"]) == ("Jones", "CD2")
    assert (value(sandbox, "LASTNAME"), value(sandbox, "POSTCODE")) == ("Jones", "CD2")
    await assert_quiet(here, sandboxed, sandbox)


@pytest.mark.parametrize(
    "rule, theirs_at, stands, winner",
    [
        pytest.param("prefer_dotsync", timedelta(), "Ours", "dotsync", id="ours"),
        pytest.param("prefer_dotdigital", timedelta(), "Theirs", "dotdigital", id="theirs"),
        pytest.param("latest", timedelta(days=-1), "Ours", "dotsync", id="ours is later"),
        pytest.param("latest", timedelta(days=1), "Theirs", "dotdigital", id="theirs is later"),
    ],
)
async def test_conflict_is_decided_by_the_mappings_rule_and_recorded(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    rule: str,
    theirs_at: timedelta,
    stands: str,
    winner: str,
) -> None:
    await two_way(here, sandboxed, conflict_rule=rule)
    await synced(here, sandboxed)
    await change_here(here, last_name="Ours")
    # A person's own time is Postgres', whatever our clock says.
    ours_at = (await person(here))["updated_at"]
    set_clock(sandbox, max(ours_at + theirs_at, START + HOUR))
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})
    assert (await retrieve(here, sandboxed))["conflicts"] == 1
    (found,) = await conflicts(here)
    assert (found["base"], found["ours"], found["theirs"]) == ("Smith", "Ours", "Theirs")
    assert (found["conflict_rule"], found["winner"]) == (rule, winner)
    assert found["dotdigital_field"] == "LASTNAME"
    assert found["mapping_id"] is not None
    await send(here, sandboxed)
    assert (await person(here))["last_name"] == stands
    assert value(sandbox, "LASTNAME") == stands
    await assert_quiet(here, sandboxed, sandbox)
    assert len(await conflicts(here)) == 1


async def test_same_change_on_both_sides_is_no_conflict(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    await change_here(here, last_name="Jones")
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert await conflicts(here) == []
    await assert_quiet(here, sandboxed, sandbox)


async def test_what_send_wrote_is_not_taken_for_news(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed, conflict_rule="prefer_dotdigital")
    await synced(here, sandboxed)
    await change_here(here, last_name="Jones")
    await send(here, sandboxed)
    await change_here(here, last_name="Brown")
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert (await person(here))["last_name"] == "Brown"


async def test_value_cleared_there_is_cleared_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": None})
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] is None
    await assert_quiet(here, sandboxed, sandbox)


async def test_value_cleared_there_comes_back_where_blanks_are_passed_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed, when_blank="keep")
    await synced(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": None})
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Smith"
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Smith"
    await assert_quiet(here, sandboxed, sandbox)


async def test_value_that_only_fills_blanks_gives_way_and_fills_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed, when_blank="only_if_blank_there")
    await synced(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Smith"
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Jones"
    await assert_quiet(here, sandboxed, sandbox)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": None})
    await retrieve(here, sandboxed)
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Jones"
    await assert_quiet(here, sandboxed, sandbox)


async def test_fields_that_the_answer_leaves_out_are_not_cleared(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    sandbox.control.set_settings({"empty_data_fields": True})
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert (await person(here))["last_name"] == "Smith"


@pytest.mark.parametrize(
    "kind, there, here_after",
    [
        pytest.param("Numeric", 4.5, 4.5, id="number"),
        pytest.param("Boolean", True, True, id="yes"),
        pytest.param("Date", "2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z", id="date"),
        pytest.param("String", "gold", "gold", id="text"),
    ],
)
async def test_typed_value_goes_into_custom_as_it_is(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    kind: str,
    there: object,
    here_after: object,
) -> None:
    sandbox.control.add_data_field("TIER", kind)
    await two_way(
        here,
        sandboxed,
        person_field="custom.loyalty.tier",
        dotdigital_field="TIER",
        data_field_type=kind,
    )
    await synced(here, sandboxed, custom={"other": [1]})
    sandbox.control.edit(ANN, data_fields={"TIER": there})
    await retrieve(here, sandboxed)
    assert (await person(here))["custom"] == {"other": [1], "loyalty": {"tier": here_after}}
    await assert_quiet(here, sandboxed, sandbox)


async def test_value_has_no_place_inside_a_plain_one(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_data_field("TIER")
    await two_way(here, sandboxed, person_field="custom.loyalty.tier", dotdigital_field="TIER")
    await synced(here, sandboxed, custom={"loyalty": "none"})
    sandbox.control.edit(ANN, data_fields={"TIER": "gold"})
    await retrieve(here, sandboxed)
    assert (await person(here))["custom"] == {"loyalty": "none"}


async def test_preference_is_taken_both_ways(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    preference = sandbox.control.add_preference("News > Weekly").id
    await make_mapping(
        here.database,
        sandboxed,
        kind="preference",
        person_field="custom.weekly",
        dotdigital_field="News > Weekly",
        preference_id=preference,
        data_field_type=None,
        direction="two_way",
    )
    await synced(here, sandboxed)
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert (await person(here))["custom"] == {}, "never asked is not refused"
    for opted_in in (True, False):
        sandbox.control.answer_preference(ANN, preference, opted_in=opted_in)
        assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
        assert (await person(here))["custom"] == {"weekly": opted_in}
        await assert_quiet(here, sandboxed, sandbox)


async def test_mapping_that_only_takes_is_filled_from_there_and_never_sent(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed, direction="from_dotdigital")
    await synced(here, sandboxed, last_name="Smith")
    assert value(sandbox, "LASTNAME") is None
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Smith", "a blank that was never known says nothing"
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    assert (await person(here))["last_name"] == "Jones"
    await assert_quiet(here, sandboxed, sandbox)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Brown"})
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Brown"


async def test_mapping_that_only_sends_takes_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await synced(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"FIRSTNAME": "Anne"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert (await person(here))["first_name"] == "Ann"
    await assert_quiet(here, sandboxed, sandbox)


async def test_full_run_puts_right_what_was_changed_there_of_what_is_only_sent(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await synced(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"FIRSTNAME": "Anne"})
    await retrieve(here, sandboxed)
    await retrieve(here, sandboxed, "full")
    await send(here, sandboxed)
    assert value(sandbox, "FIRSTNAME") == "Ann"
    await assert_quiet(here, sandboxed, sandbox)


async def test_values_of_who_is_not_synced_are_let_be(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    await change_here(here, sync_with_mailer=False)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Smith"
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    assert (await person(here))["no_email"], "opt-outs still flow"


async def test_new_mapping_that_takes_reads_everything_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await synced(here, sandboxed, last_name=None)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    await retrieve(here, sandboxed)
    set_clock(sandbox, START + 24 * HOUR)
    await two_way(here, sandboxed)
    await retrieve(here, sandboxed)
    assert (await person(here))["last_name"] == "Jones"
    await assert_quiet(here, sandboxed, sandbox)


async def test_full_name_of_a_new_contact_is_taken_apart(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_mapping(
        here.database, sandboxed, person_field="full_name", dotdigital_field="FULLNAME"
    )
    sandbox.control.add_contacts(
        [{"identifiers": {"email": ANN}, "dataFields": {"FULLNAME": "Ann van Dyke"}}]
    )
    await retrieve(here, sandboxed)
    row = await person(here)
    assert (row["first_name"], row["last_name"]) == ("Ann", "van Dyke")


async def test_other_accounts_are_told_of_a_value_that_was_taken(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    other = await make_account(here.database, name="Other", dotdigital_account_id=2)
    await here.database.pool.execute("DELETE FROM person_changes")
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    await retrieve(here, sandboxed)
    waiting = await here.database.pool.fetch("SELECT account_id FROM person_changes")
    assert [row["account_id"] for row in waiting] == [other.id]


async def test_value_that_postgres_cannot_hold_is_passed_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await synced(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "a\x00b"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert (await person(here))["last_name"] == "Smith"
