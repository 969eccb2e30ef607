"""send_people with what plain SQL may put into a person: nobody holds the others up."""

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person


async def states(here: Replica) -> list[tuple[str, str | None, str]]:
    """Return email, code of the failure and state of everybody, in the order of their ids."""
    rows = await here.database.pool.fetch(
        """SELECT person.email, failure.code, link.state FROM people AS person
           LEFT JOIN contact_links AS link ON link.person_id = person.id
           LEFT JOIN failures AS failure ON failure.subject_id = person.id
           ORDER BY person.id"""
    )
    return [(row["email"], row["code"], row["state"]) for row in rows]


@pytest.mark.parametrize(
    "email",
    [
        pytest.param(" ann@example.com\t", id="blanks around"),
        pytest.param("ANN@EXAMPLE.COM", id="capitals"),
        pytest.param("JÜRGEN@example.com", id="capitals beyond ASCII"),
        pytest.param("İrem@example.com", id="a capital that Postgres and Python lower differently"),
    ],
)
async def test_awkward_email_is_acknowledged_by_the_first_report(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, email: str
) -> None:
    await make_person(here.database, email=email)
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["failed"]) == (1, 0)
    assert await states(here) == [(email, None, "synced")]


async def test_custom_that_is_no_object_stops_nobody(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_mapping(
        here.database, sandboxed, person_field="custom.tier", dotdigital_field="LASTNAME"
    )
    for number, custom in enumerate(("[]", "null", '"x"', '{"tier": "gold"}')):
        await here.database.pool.execute(
            "INSERT INTO people (email, custom) VALUES ($1, $2::text::jsonb)",
            f"p{number}@example.com",
            custom,
        )
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 4)
    assert sandbox.control.read_contact("p3@example.com")["dataFields"]["LASTNAME"] == "gold"


async def test_two_people_with_a_blank_number_are_both_sent(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    for name in ("a", "b"):
        await make_person(here.database, email=f"{name}@example.com", mobile_number=" ")
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["failed"]) == (2, 0)


async def test_opt_out_is_told_again_for_the_contact_that_took_a_gone_ones_place(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    pool = here.database.pool
    await pool.execute(
        "UPDATE contact_links SET account_status = 'Suppressed', contact_id = 999999"
    )
    await pool.execute("UPDATE people SET first_name = 'Anna'")
    await here.run(sandboxed, "send_people")
    link = await pool.fetchrow("SELECT * FROM contact_links WHERE person_id = $1", person.id)
    assert (link["contact_id"], link["account_status"]) == (None, None)

    await pool.execute("UPDATE person_changes SET next_attempt_at = '-infinity'")
    await here.run(sandboxed, "send_people")
    await pool.execute("UPDATE people SET no_email = true")
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["suppressed"] == 1
    contact = sandbox.control.read_contact("ann@example.com")
    assert contact["channelProperties"]["email"]["status"] == "suppressed"


async def test_number_that_no_machine_holds_is_that_persons_failure_alone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_data_field("POINTS", "Numeric")
    await make_mapping(
        here.database,
        sandboxed,
        person_field="custom.points",
        dotdigital_field="POINTS",
        data_field_type="Numeric",
    )
    for number, points in enumerate(("1e400", "-1e5000", "1e19", "1e17", "0.1e-300")):
        await here.database.pool.execute(
            "INSERT INTO people (email, custom) VALUES ($1, $2::text::jsonb)",
            f"p{number}@example.com",
            f'{{"points": {points}}}',
        )
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["failed"]) == (2, 3)
    assert [code for _, code, _ in await states(here)] == [*["value_mismatch"] * 3, None, None]
    contact = sandbox.control.read_contact("p3@example.com")
    assert contact["dataFields"]["POINTS"] == 10**17


async def test_change_of_somebody_who_is_no_more_is_dropped(
    here: Replica, sandboxed: Account
) -> None:
    await here.database.pool.execute(
        "INSERT INTO person_changes (account_id, person_id, version) VALUES ($1, 999, 1)",
        sandboxed.id,
    )
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "succeeded"
    assert await here.database.pool.fetchval("SELECT count(*) FROM person_changes") == 0
