"""What a run of send_people counts agrees with what is listed elsewhere."""

from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person


async def test_import_that_tells_of_addresses_counts_no_import_of_people(
    here: Replica, sandboxed: Account
) -> None:
    for number in range(5):
        await make_person(here.database, email=f"o{number}@example.com", no_email=True)
    await make_people(here.database, 2)
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["suppressed"], run["counts"]["created"]) == (5, 2)
    listed = await here.database.pool.fetchval("SELECT count(*) FROM imports")
    assert (run["counts"]["imports"], listed) == (1, 1)
    told = await here.database.pool.fetchval(
        "SELECT detail FROM run_events WHERE event = 'addresses_told_by_import'"
    )
    assert told["addresses"] == 5


async def test_person_whose_two_records_fail_is_one_who_failed(
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
    await make_person(here.database)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute("UPDATE people SET first_name = 'Anna', city = 'York'")
    sandbox.control.add_fault(
        "job_ends", path="/contacts/v3/import", job_status="Failed", times=None
    )
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["imports"] > 1
    assert (run["counts"]["considered"], run["counts"]["failed"]) == (1, 1)
    assert (run["progress_done"], run["progress_total"]) == (1, 1)
