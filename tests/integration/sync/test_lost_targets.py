"""A data field or preference that was deleted in Dotdigital stops nothing but its own mapping."""

from datetime import timedelta

import pytest

from app.models import Account
from app.services.failures import retry_one
from app.services.mapping_kinds.kind import Target
from app.services.mappings import change_mapping, delete_mapping, hold_mapping
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
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
    value,
)
from tests.integration.sync.traces import calls, due

DAY_S = timedelta(days=1).total_seconds()


async def map_city(
    here: Replica, account: Account, sandbox: RunningSandbox, **overrides: str
) -> int:
    sandbox.control.add_data_field("CITY")
    made = await make_mapping(
        here.database, account, person_field="city", dotdigital_field="CITY", **overrides
    )
    return made.id


async def failures(here: Replica) -> list[tuple[str, int, str]]:
    rows = await here.database.pool.fetch(
        """SELECT subject_type, subject_id, code FROM failures
           WHERE resolved_at IS NULL ORDER BY id"""
    )
    return [tuple(row) for row in rows]


async def test_records_that_fail_by_a_lost_data_field_go_without_it_in_the_same_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.set_settings({"unknown_data_fields": "fail"})
    mapping_id = await map_city(here, sandboxed, sandbox)
    await make_person(here.database, city="York")
    await here.run(sandboxed, "send_people")
    sandbox.account.delete_data_field("CITY")
    await here.database.pool.execute("UPDATE people SET first_name = 'Anna'")
    run = await here.run(sandboxed, "send_people")

    assert (run["status"], run["counts"]["failed"]) == ("succeeded", 0)
    assert (run["progress_done"], run["progress_total"]) == (1, 1)
    assert sandbox.control.read_contact("ann@example.com")["dataFields"]["FIRSTNAME"] == "Anna"
    assert await failures(here) == [("mapping", mapping_id, "data_field_gone")]
    message = await here.database.pool.fetchval(
        "SELECT message FROM failures WHERE subject_type = 'mapping'"
    )
    assert "no longer has the data field CITY" in message
    assert await due(here) == []


async def test_lost_data_field_that_nobody_complains_of_is_found_within_a_day(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    mapping_id = await map_city(here, sandboxed, sandbox)
    await make_person(here.database, city="York")
    await here.run(sandboxed, "send_people")
    sandbox.account.delete_data_field("CITY")
    await here.run(sandboxed, "send_people")
    assert await failures(here) == []
    clock.advance(timedelta(days=1).total_seconds())
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")
    assert await failures(here) == [("mapping", mapping_id, "data_field_gone")]
    assert calls(sandbox) == {"GET /v2/data-fields": 1}


async def test_data_field_that_is_made_again_is_filled_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await map_city(here, sandboxed, sandbox)
    await make_person(here.database, city="York")
    await here.run(sandboxed, "send_people")
    sandbox.account.delete_data_field("CITY")
    await here.run(sandboxed, "send_people", "full")
    assert len(await failures(here)) == 1
    sandbox.control.add_data_field("CITY")
    clock.advance(timedelta(hours=1).total_seconds())
    await here.run(sandboxed, "send_people")

    assert await failures(here) == []
    assert sandbox.control.read_contact("ann@example.com")["dataFields"]["CITY"] == "York"


@pytest.mark.parametrize(
    "values, code",
    [
        pytest.param({"data_field_type": "Numeric"}, "data_field_changed", id="another type"),
        pytest.param(
            {"kind": "preference", "data_field_type": None, "preference_id": 999},
            "preference_gone",
            id="a preference",
        ),
    ],
)
async def test_mapping_of_what_dotdigital_has_otherwise_is_left_out(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    values: dict[str, object],
    code: str,
) -> None:
    sandbox.control.add_data_field("CITY")
    await make_mapping(
        here.database,
        sandboxed,
        **{"person_field": "custom.x", "dotdigital_field": "CITY", **values},
    )
    await make_person(here.database, custom={"x": True})
    run = await here.run(sandboxed, "send_people", "full")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 1)
    assert [each[2] for each in await failures(here)] == [code]


async def agreed_city(here: Replica, account: Account, sandbox: RunningSandbox) -> None:
    """Let both sides know that Ann lives in York, in a field that either may change."""
    set_clock(sandbox, START)
    await map_city(here, account, sandbox, direction="two_way")
    await make_person(here.database, city="York")
    await send(here, account)
    await retrieve(here, account)


async def test_two_way_data_field_that_is_made_again_is_filled_again_though_both_sides_agreed(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await agreed_city(here, sandboxed, sandbox)
    sandbox.account.delete_data_field("CITY")
    clock.advance(DAY_S)
    await send(here, sandboxed)
    assert len(await failures(here)) == 1, "found, and nothing sent without it"
    sandbox.control.add_data_field("CITY")
    clock.advance(HOUR.total_seconds())
    await send(here, sandboxed)
    assert value(sandbox, "CITY") == "York"
    assert (await person(here))["city"] == "York"
    set_clock(sandbox, START + 2 * HOUR)
    await assert_quiet(here, sandboxed, sandbox)


@pytest.mark.parametrize("direction", ["two_way", "from_dotdigital"])
async def test_nothing_of_ours_is_blanked_by_a_data_field_that_was_made_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock, direction: str
) -> None:
    """It is read, empty, before anybody has looked that it is there again."""
    await agreed_city(here, sandboxed, sandbox)
    await here.database.pool.execute(
        "UPDATE mappings SET direction = $1 WHERE person_field = 'city'", direction
    )
    sandbox.account.delete_data_field("CITY")
    clock.advance(DAY_S)
    await send(here, sandboxed)
    sandbox.control.add_data_field("CITY")
    set_clock(sandbox, START + HOUR)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Smith"})
    await retrieve(here, sandboxed)
    assert (await person(here))["city"] == "York"
    clock.advance(HOUR.total_seconds())
    await send(here, sandboxed)
    assert value(sandbox, "CITY") == ("York" if direction == "two_way" else None)
    await assert_quiet(here, sandboxed, sandbox)
    assert (await person(here))["city"] == "York"


async def test_data_field_that_was_made_again_before_anybody_looked_is_filled_by_the_whole_reading(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed_city(here, sandboxed, sandbox)
    set_clock(sandbox, START + HOUR)
    await retrieve(here, sandboxed)
    sandbox.account.delete_data_field("CITY")
    sandbox.control.add_data_field("CITY")
    await retrieve(here, sandboxed, "full")
    assert (await person(here))["city"] == "York"
    await send(here, sandboxed)
    assert value(sandbox, "CITY") == "York"
    set_clock(sandbox, START + 2 * HOUR)
    await assert_quiet(here, sandboxed, sandbox)


async def test_value_that_was_cleared_there_is_cleared_here_in_a_whole_reading_too(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed_city(here, sandboxed, sandbox)
    set_clock(sandbox, START + HOUR)
    await retrieve(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"CITY": None})
    await retrieve(here, sandboxed, "full")
    assert (await person(here))["city"] is None


async def test_what_was_typed_into_the_new_data_field_goes_by_the_rule(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await agreed_city(here, sandboxed, sandbox)
    await here.database.pool.execute(
        "UPDATE mappings SET conflict_rule = 'prefer_dotdigital' WHERE person_field = 'city'"
    )
    sandbox.account.delete_data_field("CITY")
    clock.advance(DAY_S)
    await send(here, sandboxed)
    sandbox.control.add_data_field("CITY")
    set_clock(sandbox, START + HOUR)
    sandbox.control.edit(ANN, data_fields={"CITY": "Leeds"})
    clock.advance(HOUR.total_seconds())
    await send(here, sandboxed)
    assert (await person(here))["city"] == "Leeds"
    assert value(sandbox, "CITY") == "Leeds"
    assert len(await conflicts(here)) == 1


async def test_value_that_only_fills_a_blank_fills_the_new_data_field(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await map_city(here, sandboxed, sandbox, when_blank="only_if_blank_there")
    await make_person(here.database, city="York")
    await send(here, sandboxed)
    sandbox.account.delete_data_field("CITY")
    clock.advance(DAY_S)
    await send(here, sandboxed)
    sandbox.control.add_data_field("CITY")
    clock.advance(HOUR.total_seconds())
    await send(here, sandboxed)
    assert value(sandbox, "CITY") == "York"


async def lost_and_made_again(
    here: Replica, account: Account, sandbox: RunningSandbox
) -> tuple[int, int]:
    """Let CITY be found gone, and be made again right after that; return mapping and failure."""
    mapping_id = await map_city(here, account, sandbox)
    await make_person(here.database, city="York")
    await here.run(account, "send_people")
    sandbox.account.delete_data_field("CITY")
    await here.run(account, "send_people", "full")
    sandbox.control.add_data_field("CITY")
    failure_id: int = await here.database.pool.fetchval(
        "SELECT id FROM failures WHERE resolved_at IS NULL"
    )
    return mapping_id, failure_id


async def test_retry_has_the_next_run_look_again_and_fill_the_field(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    _, failure_id = await lost_and_made_again(here, sandboxed, sandbox)
    async with here.database.writing() as session:
        told = await retry_one(session, failure_id, clock.now())
    assert told.retried == 1
    await send(here, sandboxed)

    assert await failures(here) == []
    assert value(sandbox, "CITY") == "York"


async def test_mapping_changed_without_its_target_is_looked_at_by_the_next_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    mapping_id, _ = await lost_and_made_again(here, sandboxed, sandbox)
    async with here.database.writing() as session:
        found = await hold_mapping(session, mapping_id)
        await change_mapping(session, found, {"conflict_rule": "latest"}, None, clock.now())
    await send(here, sandboxed)

    assert await failures(here) == []
    assert value(sandbox, "CITY") == "York"


async def test_mapping_whose_target_was_found_just_now_is_in_use_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    mapping_id, _ = await lost_and_made_again(here, sandboxed, sandbox)
    target = Target("CITY", data_field_type="String")
    async with here.database.writing() as session:
        found = await hold_mapping(session, mapping_id)
        assert await change_mapping(session, found, {}, target, clock.now()) == 1
    assert await failures(here) == []
    await send(here, sandboxed)

    assert value(sandbox, "CITY") == "York"


async def test_deleted_mapping_is_left_out_no_longer(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    mapping_id, _ = await lost_and_made_again(here, sandboxed, sandbox)
    async with here.database.writing() as session:
        await delete_mapping(session, await hold_mapping(session, mapping_id), clock.now())
    assert await failures(here) == []


async def test_target_that_is_still_gone_is_looked_for_once_an_hour(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await lost_and_made_again(here, sandboxed, sandbox)
    sandbox.account.delete_data_field("CITY")
    sandbox.sandbox.calls.clear()
    await send(here, sandboxed)
    assert calls(sandbox) == {}
