"""Who is sent again because of a mapping, and mappings made at the same moment."""

import asyncio

import pytest

from app.db import Database
from app.errors import Conflict, Invalid
from app.models import Account
from app.services.mapping_kinds.kind import Target
from app.services.mappings import (
    change_mapping,
    create_mapping,
    delete_mapping,
    hold_mapping,
)
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.contact_links import due_people, make_link, settle_everyone
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person
from tests.factories.runs import make_import

COMPANY = Target("COMPANY", data_field_type="String")


async def make(database: Database, account_id: int, **values: object) -> int:
    wanted = {"account_id": account_id, "person_field": "organisation", **values}
    wanted.setdefault("dotdigital_field", COMPANY.dotdigital_field)
    async with database.writing() as session:
        _, to_send = await create_mapping(session, wanted, COMPANY, START)
    return to_send


async def change(database: Database, mapping_id: int, values: dict[str, str]) -> int:
    async with database.writing() as session:
        found = await hold_mapping(session, mapping_id)
        return await change_mapping(session, found, values, None, START)


async def put_in_flight(database: Database, account: Account, person_id: int) -> None:
    flying = await make_import(database, account)
    await database.pool.execute(
        """
        INSERT INTO import_records (account_id, person_id, import_id, version, changed_at,
                                    email_key, fingerprint, payload)
        VALUES ($1, $2, $3, 1, now(), 'p@example.com', '\\x00', '{}')
        """,
        account.id,
        person_id,
        flying.id,
    )


async def test_the_linked_and_those_in_flight_are_sent_again_and_no_one_else(
    database: Database,
) -> None:
    account = await make_account(database)
    other = await make_account(database, username="other")
    linked, flying, stranger, elsewhere, gone = await make_people(database, 5)
    await make_link(database, account, linked)
    await make_link(database, account, stranger, contact_id=None, state="not_eligible")
    await make_link(database, other, elsewhere)
    await make_link(database, account, gone)
    await database.pool.execute("DELETE FROM people WHERE id = $1", gone.id)
    await put_in_flight(database, account, flying.id)
    await settle_everyone(database)

    to_send = await make(database, account.id)

    assert to_send == 1
    assert await due_people(database, account.id, "mapping") == [linked.id, flying.id]
    assert await due_people(database, other.id) == []


async def test_a_person_who_is_due_by_a_full_run_stays_so(database: Database) -> None:
    account = await make_account(database)
    person = await make_person(database)
    await make_link(database, account, person)
    await database.pool.execute(
        "UPDATE person_changes SET reason = 'full', attempts = 8, next_attempt_at = 'infinity'"
    )

    await make(database, account.id)

    assert await due_people(database, account.id, "full") == [person.id]
    row = await database.pool.fetchrow(
        "SELECT attempts, next_attempt_at < now() AS due FROM person_changes"
    )
    assert dict(row) == {"attempts": 0, "due": True}


@pytest.mark.parametrize(
    "before, values, expected",
    [
        pytest.param({}, {"when_blank": "keep"}, ["p", "l"], id="what a blank does"),
        pytest.param({}, {"conflict_rule": "latest"}, [], id="only who wins a conflict"),
        pytest.param({}, {"direction": "two_way"}, [], id="it is taken as well"),
        pytest.param({}, {"direction": "from_dotdigital"}, ["p", "l"], id="it is sent no more"),
        pytest.param(
            {"direction": "from_dotdigital"}, {"when_blank": "keep"}, [], id="it was never sent"
        ),
        pytest.param({"applies_to": "lead"}, {"when_blank": "keep"}, ["l"], id="leads alone"),
        pytest.param(
            {"applies_to": "lead"}, {"applies_to": "person"}, ["p", "l"], id="for others now"
        ),
        pytest.param({}, {}, [], id="nothing"),
    ],
)
async def test_a_change_sends_whom_it_concerns(
    database: Database, before: dict[str, str], values: dict[str, str], expected: list[str]
) -> None:
    account = await make_account(database)
    mapping = await make_mapping(database, account, **before)
    people = {
        "p": await make_person(database, email="p@example.com"),
        "l": await make_person(database, email="l@example.com", kind="lead"),
    }
    for person in people.values():
        await make_link(database, account, person)
    await settle_everyone(database)

    to_send = await change(database, mapping.id, values)

    assert await due_people(database, account.id) == [people[each].id for each in expected]
    assert to_send == len(expected)


async def test_a_deleted_mapping_that_was_only_taken_sends_nobody(database: Database) -> None:
    account = await make_account(database)
    mapping = await make_mapping(database, account, direction="from_dotdigital")
    person = await make_person(database)
    await make_link(database, account, person)
    await settle_everyone(database)

    async with database.writing() as session:
        assert await delete_mapping(session, await hold_mapping(session, mapping.id), START) == 0
    assert await due_people(database, account.id) == []


async def test_of_two_made_at_the_same_moment_one_is_refused(database: Database) -> None:
    account = await make_account(database)

    outcomes = await asyncio.gather(
        make(database, account.id, applies_to="both"),
        make(database, account.id, applies_to="person"),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "int"]
    assert await database.pool.fetchval("SELECT count(*) FROM mappings") == 1


async def test_a_change_that_overlaps_another_mapping_leaves_both_as_they_were(
    database: Database,
) -> None:
    account = await make_account(database)
    await make_mapping(database, account, applies_to="person")
    second = await make_mapping(database, account, applies_to="lead")

    with pytest.raises(Conflict):
        await change(database, second.id, {"applies_to": "both"})

    rows = await database.pool.fetch("SELECT applies_to FROM mappings ORDER BY id")
    assert [row["applies_to"] for row in rows] == ["person", "lead"]


async def test_an_account_that_went_meanwhile_is_named(database: Database) -> None:
    with pytest.raises(Invalid, match="no account 99"):
        await make(database, 99)
