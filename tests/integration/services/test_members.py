"""Members: joining, leaving and replacing, and what Dotdigital still has to be told."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.db import Database, ReadSession, WriteSession
from app.errors import Invalid, NotFound
from app.models import MailingList, Person
from app.services import members
from app.services.members import Joined, Named
from tests.factories.accounts import make_account
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def ids(people: Iterable[Person]) -> list[int]:
    return [person.id for person in people]


async def states(database: Database, mailing_list: MailingList) -> dict[int, str]:
    rows = await database.pool.fetch(
        "SELECT person_id, sync_state FROM list_members WHERE list_id = $1 ORDER BY person_id",
        mailing_list.id,
    )
    return {row["person_id"]: row["sync_state"] for row in rows}


async def due(database: Database) -> list[int]:
    rows = await database.pool.fetch("SELECT person_id FROM person_changes ORDER BY person_id")
    return [row["person_id"] for row in rows]


@pytest.mark.parametrize(
    "before, bound, expected, left",
    [
        pytest.param("pending", False, None, True, id="never sent: goes at once"),
        pytest.param("synced", True, "leaving", True, id="known there: is to be told"),
        pytest.param("pending", True, "leaving", True, id="perhaps in flight: is to be told"),
        pytest.param("failed", True, "leaving", True, id="failed there: is to be told"),
        pytest.param("waiting", True, None, True, id="no contact yet: goes at once"),
        pytest.param("leaving", True, "leaving", False, id="leaving already"),
        pytest.param(None, True, None, False, id="was never on it"),
    ],
)
async def test_who_leaves_stays_until_dotdigital_knows(
    database: Database,
    session: WriteSession,
    before: str | None,
    bound: bool,
    expected: str | None,
    left: bool,
) -> None:
    account = await make_account(database)
    mailing_list = await make_list(database, account, dotdigital_list_id=9 if bound else None)
    person = await make_person(database)
    if before is not None:
        await make_members(database, mailing_list, [person], before)

    gone = await members.leave(session, mailing_list.id, [person.id], NOW)
    await session.commit()

    assert gone == ({person.id} if left else set())
    assert (await states(database, mailing_list)).get(person.id) == expected


@pytest.mark.parametrize(
    "before, expected, joined",
    [
        pytest.param(None, "pending", Joined(1, 0), id="new"),
        pytest.param("leaving", "pending", Joined(1, 0), id="comes back before it was told"),
        pytest.param("synced", "synced", Joined(0, 1), id="is on it"),
        pytest.param("failed", "failed", Joined(0, 1), id="failed: only a retry tries again"),
        pytest.param("waiting", "waiting", Joined(0, 1), id="waits for its contact"),
    ],
)
async def test_who_joins_is_pending_unless_it_was_on_the_list(
    database: Database,
    session: WriteSession,
    before: str | None,
    expected: str,
    joined: Joined,
) -> None:
    mailing_list = await make_list(database, await make_account(database), dotdigital_list_id=9)
    person = await make_person(database)
    if before is not None:
        await make_members(database, mailing_list, [person], before)

    assert await members.join(session, mailing_list.id, [person.id], NOW) == joined
    assert await members.join(session, mailing_list.id, [person.id], NOW) == Joined(0, 1)
    await session.commit()

    assert await states(database, mailing_list) == {person.id: expected}


async def test_replacing_is_a_difference(database: Database, session: WriteSession) -> None:
    mailing_list = await make_list(database, await make_account(database), dotdigital_list_id=9)
    people = await make_people(database, 5)
    await make_members(database, mailing_list, people[:2], "synced")
    await make_members(database, mailing_list, people[2:3], "leaving")
    await make_members(database, mailing_list, people[3:4], "waiting")

    joined, left = await members.replace(session, mailing_list.id, ids(people[1:3]), NOW)
    await session.commit()

    assert (joined, left) == (Joined(1, 1), 2)
    assert await states(database, mailing_list) == {
        people[0].id: "leaving",
        people[1].id: "synced",
        people[2].id: "pending",
    }


async def test_replacing_by_nobody_empties_the_list(
    database: Database, session: WriteSession
) -> None:
    mailing_list = await make_list(database)
    await make_members(database, mailing_list, await make_people(database, 3))
    assert await members.replace(session, mailing_list.id, [], NOW) == (Joined(0, 0), 3)
    await session.commit()
    assert await states(database, mailing_list) == {}


async def test_twenty_thousand_members_are_replaced_in_one_go(
    database: Database, session: WriteSession
) -> None:
    mailing_list = await make_list(database)
    await session.execute(
        text("INSERT INTO people (first_name) SELECT 'Ann' FROM generate_series(1, 20000)")
    )
    found = await session.execute(text("SELECT id FROM people ORDER BY id"))
    everyone = list(found.scalars())

    joined, _ = await members.replace(session, mailing_list.id, everyone[:12_000], NOW)
    assert joined == Joined(12_000, 0)
    joined, left = await members.replace(session, mailing_list.id, everyone[8_000:], NOW)
    assert (joined, left) == (Joined(8_000, 4_000), 8_000)


async def test_pages_go_on_behind_a_person(database: Database, session: WriteSession) -> None:
    mailing_list = await make_list(database)
    people = await make_people(database, 5)
    await make_members(database, mailing_list, people[:3], "pending")
    await make_members(database, mailing_list, people[3:4], "leaving")
    await make_members(database, mailing_list, people[4:], "synced")

    async def page(after_id: int, limit: int, state: str | None = None) -> list[int]:
        found = await members.members_after(
            ReadSession(session), mailing_list.id, after_id, limit, state
        )
        return [member.person_id for member in found]

    assert await page(0, 2) == ids(people[:2])
    assert await page(people[1].id, 10) == [people[2].id, people[4].id]
    assert await page(0, 10, "leaving") == [people[3].id]
    assert await page(0, 10, "failed") == []


async def test_a_deleted_person_is_no_member_to_be_seen(
    database: Database, session: WriteSession
) -> None:
    mailing_list = await make_list(database)
    person = await make_person(database, deleted_at=NOW)
    await make_members(database, mailing_list, [person])
    assert await members.members_after(ReadSession(session), mailing_list.id, 0, 10) == []
    with pytest.raises(NotFound):
        await members.get_member(session, mailing_list.id, person.id)
    assert await members.people_of_ids(session, [person.id]) == Named([], [person.id])


async def test_people_are_found_by_either_name(database: Database, session: WriteSession) -> None:
    people = await make_people(database, 3)
    assert await members.people_of_ids(
        session, [people[2].id, people[0].id, 999, people[0].id]
    ) == (Named([people[0].id, people[2].id], [999]))
    assert await members.people_of_refs(session, ["P3", "P1", "nobody", "P1"]) == (
        Named([people[0].id, people[2].id], ["nobody"])
    )


def test_the_first_twenty_who_are_nobody_are_named() -> None:
    with pytest.raises(Invalid) as caught:
        members.all_known(Named([1], list(range(100, 125))), "/body/person_ids")
    (fault,) = caught.value.errors
    assert fault.pointer == "/body/person_ids"
    assert "100, 101" in fault.detail
    assert "119 and 5 more" in fault.detail
    assert "120" not in fault.detail


@pytest.mark.parametrize(
    "people_setting, overrides, is_due",
    [
        pytest.param("list_members", {}, True, id="account for list members"),
        pytest.param("all", {}, False, id="account for everyone"),
        pytest.param("list_members", {"record_state": "closed"}, False, id="closed list"),
        pytest.param("list_members", {"synchronisation_with": None}, False, id="list of our own"),
    ],
)
async def test_joining_makes_due_whom_it_makes_eligible(
    database: Database,
    session: WriteSession,
    people_setting: str,
    overrides: dict[str, str | None],
    is_due: bool,
) -> None:
    account = await make_account(database, settings={"people": people_setting})
    mailing_list = await make_list(database, account, **overrides)
    person = await make_person(database)
    await database.pool.execute("DELETE FROM person_changes")

    await members.join(session, mailing_list.id, [person.id], NOW)
    await session.commit()

    assert await due(database) == ([person.id] if is_due else [])


async def test_joining_twice_makes_nobody_due_again(
    database: Database, session: WriteSession
) -> None:
    account = await make_account(database, settings={"people": "list_members"})
    mailing_list = await make_list(database, account)
    person = await make_person(database)
    await make_members(database, mailing_list, [person], "synced")
    await database.pool.execute("DELETE FROM person_changes")
    await members.join(session, mailing_list.id, [person.id], NOW + timedelta(days=1))
    await session.commit()
    assert await due(database) == []


async def test_a_list_that_is_gone_takes_nobody(session: WriteSession) -> None:
    with pytest.raises(NotFound):
        await members.join(session, 999, [], NOW)
