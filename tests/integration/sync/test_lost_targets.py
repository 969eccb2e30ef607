"""A data field or preference that was deleted in Dotdigital stops nothing but its own mapping."""

from datetime import timedelta

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person
from tests.integration.sync.traces import calls, due


async def map_city(here: Replica, account: Account, sandbox: RunningSandbox) -> int:
    sandbox.control.add_data_field("CITY")
    made = await make_mapping(here.database, account, person_field="city", dotdigital_field="CITY")
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
    await here.run(sandboxed, "send_people")

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
