"""Lists: what goes together, what clashes, and what a change does to members."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.db import Database, WriteSession
from app.errors import Conflict, Invalid
from app.models import MailingList
from app.schemas.lists import ListIn
from app.services import lists
from tests.factories.accounts import make_account
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def values(**overrides: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return ListIn(**{"name": "Readers", **overrides}).model_dump()


async def states(database: Database, mailing_list: MailingList) -> dict[int, str]:
    rows = await database.pool.fetch(
        "SELECT person_id, sync_state FROM list_members WHERE list_id = $1", mailing_list.id
    )
    return {row["person_id"]: row["sync_state"] for row in rows}


SYNCHRONISED = {"synchronisation_with": "dotdigital", "account_id": 1}


@pytest.mark.parametrize(
    "given, pointers",
    [
        pytest.param({}, [], id="a plain list"),
        pytest.param(SYNCHRONISED, [], id="a synchronised list"),
        pytest.param({"name": "Test"}, [], id="a reserved name of a list that stays here"),
        pytest.param(
            {"synchronisation_with": "dotdigital"}, ["/body/account_id"], id="without an account"
        ),
        pytest.param({"dotdigital_list_id": 5}, ["/body/dotdigital_list_id"], id="twin, no sync"),
        pytest.param({**SYNCHRONISED, "dotdigital_list_id": 5}, [], id="bound to a twin"),
        pytest.param({**SYNCHRONISED, "name": "x" * 128}, [], id="a name just short enough"),
        pytest.param({**SYNCHRONISED, "name": "x" * 129}, ["/body/name"], id="a name too long"),
        pytest.param({**SYNCHRONISED, "name": "tEST"}, ["/body/name"], id="Test is reserved"),
        pytest.param(
            {**SYNCHRONISED, "name": "All Contacts"}, ["/body/name"], id="All contacts is reserved"
        ),
        pytest.param({"entry_action": "unsubscribe"}, [], id="a suppression audience"),
        pytest.param(
            {"entry_action": "unsubscribe", "trigger_join_actions": True},
            ["/body/trigger_join_actions"],
            id="programs for who is unsubscribed",
        ),
        pytest.param(
            {"entry_action": "unsubscribe", "exit_action": "unsubscribe"},
            ["/body/exit_action"],
            id="unsubscribed both ways",
        ),
        pytest.param({"exit_action": "unsubscribe"}, [], id="leaving unsubscribes"),
        pytest.param(
            {
                "synchronisation_with": "dotdigital",
                "name": "test",
                "entry_action": "unsubscribe",
                "trigger_join_actions": True,
            },
            ["/body/account_id", "/body/name", "/body/trigger_join_actions"],
            id="all at once",
        ),
    ],
)
def test_fields_that_make_no_sense_together_are_pointed_at(
    given: dict[str, Any], pointers: list[str]
) -> None:
    assert [fault.pointer for fault in lists.check_list(values(**given))] == pointers


async def test_a_list_is_stored_with_its_instant(session: WriteSession) -> None:
    made = await lists.create_list(session, values(slug="readers"), NOW)
    assert (made.id > 0, made.slug, made.version, made.created_at) == (True, "readers", 1, NOW)


async def test_a_slug_is_taken_once(database: Database, session: WriteSession) -> None:
    other = await make_list(database, slug="readers")
    with pytest.raises(Conflict, match=f"List {other.id} has the slug 'readers'"):
        await lists.create_list(session, values(slug="readers"), NOW)


async def test_a_slug_taken_at_the_same_moment_is_a_conflict_too(database: Database) -> None:
    async def make() -> None:
        async with database.writing() as other:
            await lists.create_list(other, values(slug="readers"), NOW)

    async with database.writing() as one:
        await lists.create_list(one, values(slug="readers"), NOW)
        making = asyncio.create_task(make())
        while not await database.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not making.done()
    with pytest.raises(Conflict, match="slug"):
        await making


@pytest.mark.parametrize(
    "second, clashes",
    [
        pytest.param({"name": "rEADERS"}, True, id="the same name but for case"),
        pytest.param({"name": "Writers"}, False, id="another name"),
        pytest.param({"name": "Writers", "dotdigital_list_id": 9}, True, id="the same twin"),
        pytest.param({"synchronisation_with": None}, False, id="the same name, not synchronised"),
    ],
)
async def test_two_lists_of_an_account_never_go_to_one_twin(
    database: Database, session: WriteSession, second: dict[str, Any], clashes: bool
) -> None:
    account = await make_account(database)
    other = await make_list(database, account, dotdigital_list_id=9)
    given = values(**{**SYNCHRONISED, "account_id": account.id, **second})
    if not clashes:
        await lists.create_list(session, given, NOW)
        return
    with pytest.raises(Conflict) as caught:
        await lists.create_list(session, given, NOW)
    assert caught.value.extensions == {"list_id": other.id}


async def test_two_accounts_may_have_lists_of_one_name(
    database: Database, session: WriteSession
) -> None:
    first, second = await make_account(database), await make_account(database)
    await make_list(database, first)
    await lists.create_list(
        session, values(synchronisation_with="dotdigital", account_id=second.id), NOW
    )


async def test_an_account_that_is_not_there_is_pointed_at(session: WriteSession) -> None:
    with pytest.raises(Invalid) as caught:
        await lists.create_list(session, values(**{**SYNCHRONISED, "account_id": 999}), NOW)
    assert caught.value.errors[0].pointer == "/body/account_id"


async def test_a_list_keeps_its_own_name_and_slug_when_it_changes(
    database: Database, session: WriteSession
) -> None:
    account = await make_account(database)
    made = await make_list(database, account, slug="readers", dotdigital_list_id=9)
    found = await lists.get_list(session, made.id, hold=True)
    await lists.change_list(session, found, {"description": "All who read"}, NOW)
    assert (found.version, found.updated_at, found.dotdigital_list_id) == (2, NOW, 9)


@pytest.mark.parametrize(
    "change, twin, expected",
    [
        pytest.param({"name": "Others"}, 9, "synced", id="renamed: stays"),
        pytest.param({"dotdigital_list_id": 10}, 10, "pending", id="bound to another twin"),
        pytest.param({"dotdigital_list_id": None}, None, "pending", id="unbound"),
        pytest.param({"synchronisation_with": None}, None, "pending", id="taken out of sync"),
        pytest.param({"account_id": "other"}, None, "pending", id="moved to another account"),
        pytest.param(
            {"account_id": "other", "dotdigital_list_id": 12}, 12, "pending", id="moved and bound"
        ),
    ],
)
async def test_members_start_over_where_the_twin_is_another(
    database: Database,
    session: WriteSession,
    change: dict[str, Any],
    twin: int | None,
    expected: str,
) -> None:
    account, other = await make_account(database), await make_account(database)
    mailing_list = await make_list(database, account, dotdigital_list_id=9)
    people = await make_people(database, 2)
    await make_members(database, mailing_list, people[:1], "synced")
    await make_members(database, mailing_list, people[1:], "leaving")

    found = await lists.get_list(session, mailing_list.id, hold=True)
    given = {name: other.id if value == "other" else value for name, value in change.items()}
    await lists.change_list(session, found, given, NOW)
    await session.commit()

    assert found.dotdigital_list_id == twin
    remaining = {people[0].id: expected}
    if expected == "synced":
        remaining[people[1].id] = "leaving"
    assert await states(database, mailing_list) == remaining


async def test_members_are_pending_again_where_joining_does_something_else(
    database: Database, session: WriteSession
) -> None:
    mailing_list = await make_list(database, await make_account(database), dotdigital_list_id=9)
    (person,) = await make_people(database, 1)
    await make_members(database, mailing_list, [person], "synced")
    found = await lists.get_list(session, mailing_list.id, hold=True)
    await lists.change_list(session, found, {"entry_action": "unsubscribe"}, NOW)
    await session.commit()
    assert await states(database, mailing_list) == {person.id: "pending"}


async def test_joining_stays_what_it_is_until_everybody_has_left(
    database: Database, session: WriteSession
) -> None:
    mailing_list = await make_list(database, await make_account(database), dotdigital_list_id=9)
    people = await make_people(database, 2)
    await make_members(database, mailing_list, people, "leaving")
    found = await lists.get_list(session, mailing_list.id, hold=True)
    with pytest.raises(Conflict, match="2 who left list") as caught:
        await lists.change_list(session, found, {"entry_action": "unsubscribe"}, NOW)
    assert caught.value.extensions == {"leaving": 2}
    await lists.change_list(session, found, {"entry_action": "add", "name": "Others"}, NOW)


async def test_members_become_due_where_an_open_list_makes_them_eligible(
    database: Database, session: WriteSession
) -> None:
    account = await make_account(database, settings={"people": "list_members"})
    mailing_list = await make_list(database, account, record_state="closed")
    people = await make_people(database, 3)
    await make_members(database, mailing_list, people[:2])
    await database.pool.execute("DELETE FROM person_changes")

    found = await lists.get_list(session, mailing_list.id, hold=True)
    await lists.change_list(session, found, {"record_state": "open"}, NOW)
    await session.commit()

    due = await database.pool.fetch("SELECT account_id, person_id FROM person_changes")
    assert sorted(tuple(row) for row in due) == [(account.id, each.id) for each in people[:2]]


async def test_a_deleted_list_takes_its_memberships_along_and_no_person(
    database: Database, session: WriteSession
) -> None:
    mailing_list = await make_list(database)
    await make_members(database, mailing_list, await make_people(database, 2))
    await lists.delete_list(session, await lists.get_list(session, mailing_list.id))
    await session.commit()
    assert await states(database, mailing_list) == {}
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 2


async def test_members_are_counted_in_every_state(
    database: Database, session: WriteSession
) -> None:
    mailing_list = await make_list(database)
    people = await make_people(database, 3)
    await make_members(database, mailing_list, people[:2], "waiting")
    await make_members(database, mailing_list, people[2:], "synced")
    assert await lists.count_members(session, mailing_list.id) == {
        "pending": 0,
        "synced": 1,
        "leaving": 0,
        "failed": 0,
        "waiting": 2,
    }
