"""Which people a filter finds, and that an index finds them."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db import Database, PoolConnection
from app.services.people_filter import PersonFilter
from app.services.people_pages import account_ids_for, lowered, page_statements, people_after
from tests.factories.accounts import make_account
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person

_PEOPLE = 20_000

_FILL = """
INSERT INTO people (external_ref, email, first_name, last_name, kind, no_email, sync_with_mailer,
                    deleted_at, updated_at)
SELECT 'C-' || n, lower(first || '.' || last) || n || '@' || company || '.example', first, last,
       CASE WHEN n % 20 = 0 THEN 'lead' ELSE 'person' END, n % 50 = 0, n % 40 <> 0,
       CASE WHEN n % 100 = 0 THEN now() END, now() - n * interval '1 minute'
FROM generate_series(1, $1::int) AS n, LATERAL (
    SELECT ('{Anna,Ben,Clara,David,Emma,Frank,Grace,Henry}'::text[])[n % 8 + 1],
           initcap(left(translate(md5((n % 3000)::text), '0123456789', 'lmnoprstuv'), 8)),
           ('{acme,globex,initech,umbrella,hooli}'::text[])[n % 5 + 1]
) AS one (first, last, company)
"""
_LINK = """
INSERT INTO contact_links (account_id, person_id, contact_id, state)
SELECT $1, id, id, (ARRAY['synced', 'synced', 'synced', 'failed', 'suppressed', 'not_eligible',
                          'unlinked', 'pending'])[id % 8 + 1]
FROM people
"""


_JOIN = """
INSERT INTO list_members (list_id, person_id) SELECT $1, id FROM people WHERE id % $2 = 0
"""


async def found(database: Database, **wanted: Any) -> list[int]:  # noqa: ANN401 - any filter
    async with database.pool.acquire() as connection:
        people = await people_after(connection, PersonFilter(**wanted), None, 1000)
    return [person.person_id for person in people]


class TestWhatIsFound:
    async def test_email_without_regard_to_case_and_as_a_whole(self, database: Database) -> None:
        one = await make_person(database, email="Anna@Example.com")
        await make_person(database, email="anna@example.com.au")
        assert await found(database, email=" aNNA@eXAMPLE.COM ") == [one.id]

    async def test_flags_kinds_and_deleted_ones(self, database: Database) -> None:
        plain, lead, opted_out, unticked, gone = (
            await make_person(database),
            await make_person(database, kind="lead"),
            await make_person(database, no_email=True),
            await make_person(database, sync_with_mailer=False),
            await make_person(database, deleted_at=datetime(2026, 1, 1, tzinfo=UTC)),
        )
        standing = [plain.id, lead.id, opted_out.id, unticked.id]
        assert await found(database) == standing
        assert await found(database, kind="lead") == [lead.id]
        assert await found(database, kind="person", no_email=True) == [opted_out.id]
        assert await found(database, sync_with_mailer=False) == [unticked.id]
        assert await found(database, sync_with_mailer=True, no_email=False) == [plain.id, lead.id]
        assert await found(database, deleted=True) == [gone.id]

    async def test_members_but_not_those_leaving(self, database: Database) -> None:
        account = await make_account(database)
        mailing_list = await make_list(database, account)
        staying, leaving, _ = await make_people(database, 3)
        await make_members(database, mailing_list, [staying])
        await make_members(database, mailing_list, [leaving], "leaving")
        assert await found(database, list_id=mailing_list.id) == [staying.id]
        assert await found(database, list_id=mailing_list.id + 1) == []

    async def test_sync_status_of_any_account(self, database: Database) -> None:
        first, second = await make_account(database), await make_account(database)
        synced, failed, waiting = await make_people(database, 3)
        for account, person, state in (
            (first, synced, "synced"),
            (first, failed, "synced"),
            (second, failed, "failed"),
        ):
            await database.pool.execute(
                "INSERT INTO contact_links (account_id, person_id, state) VALUES ($1, $2, $3)",
                account.id,
                person.id,
                state,
            )
        await database.pool.execute(
            "DELETE FROM person_changes WHERE person_id <> $1 OR account_id <> $2",
            waiting.id,
            second.id,
        )
        assert await found(database, sync_status="synced") == [synced.id, failed.id]
        assert await found(database, sync_status="failed") == [failed.id]
        assert await found(database, sync_status="pending") == [waiting.id]
        assert await found(database, sync_status="unlinked") == []

    async def test_changed_since_in_the_order_of_changes(self, database: Database) -> None:
        first, second, third = await make_people(database, 3)
        await database.pool.execute("UPDATE people SET city = 'Leeds' WHERE id = $1", first.id)
        assert await found(database, updated_since=first.updated_at) == [
            second.id,
            third.id,
            first.id,
        ]
        after = third.updated_at + timedelta(microseconds=1)
        assert await found(database, updated_since=after) == [first.id]
        assert await found(database, updated_since=after + timedelta(hours=1)) == []


_SEARCHES = (
    ("Anna", "a", "a first name"),
    ("nn", "ab", "two letters in the middle"),
    ("ANNA SMITH", "a", "both names"),
    ("smith anna", "a", "in the other order"),
    ("a smith", "a", "a single letter begins a word"),
    ("th", "ac", "two letters at the end"),
    ("example.com", "abcde", "a domain"),
    ("nn@ex", "b", "over the at sign"),
    ("c%", "", "a percent sign is one"),
    ("o_", "", "an underscore is one"),
    ("o'", "c", "a quote"),
    ("o\\r", "d", "a backslash"),
    ("MÜLLER", "d", "umlauts in capitals"),
    ("ü", "d", "one letter of two bytes"),
    ("王", "e", "one letter of three bytes"),
    ("s", "a", "a single letter is not found inside a word"),
    ("zz", "", "nowhere"),
    ("anna ben", "", "words of two people"),
)


class TestSearch:
    async def test_finds_names_and_emails_by_any_part(self, database: Database) -> None:
        people = {
            "a": await make_person(
                database, email="a.x1@example.com", first_name="Anna", last_name="Smith"
            ),
            "b": await make_person(database, email="ben.nn@example.com", first_name="Ben"),
            "c": await make_person(
                database, email="c@example.com", first_name=None, last_name="O'Cath"
            ),
            "d": await make_person(
                database, email="d@example.com", first_name="Jo\\rg", last_name="Müller"
            ),
            "e": await make_person(database, email="e@example.com", first_name="王伟"),
        }
        for q, finds, what in _SEARCHES:
            assert await found(database, q=q) == [people[each].id for each in finds], what

    async def test_finds_whatever_lies_anywhere(self, database: Database) -> None:
        """Every part of a text is found, at whatever place of it, and nothing else is."""
        person = await make_person(
            database, email="anna@example.com", first_name="Än 王", last_name="O'Neill"
        )
        other = await make_person(database, email=None, first_name=None, last_name=None)
        text = "anna@example.com\nän 王 o'neill"
        for part in text.split("\n"):
            for start, end in itertools.combinations(range(len(part) + 1), 2):
                q = part[start:end]
                if len(q.strip()) > 1:
                    assert await found(database, q=q) == [person.id], q
        assert other.id not in await found(database, q="an")


class TestPages:
    async def test_pages_are_whole_and_stable_under_writes(self, database: Database) -> None:
        people = await make_people(database, 9)
        async with database.pool.acquire() as connection:
            first = await people_after(connection, PersonFilter(), None, 4)
            await connection.execute(
                "UPDATE people SET deleted_at = now() WHERE id = ANY ($1::bigint[])",
                [people[0].id, people[3].id, people[5].id],
            )
            await make_person(database)
            second = await people_after(connection, PersonFilter(), first[-1].person_id, 4)
        assert [person.person_id for person in first] == [person.id for person in people[:4]]
        assert [person.person_id for person in second] == [
            person.id for person in (people[4], *people[6:])
        ]

    async def test_whoever_changes_meanwhile_comes_again_and_nobody_is_missed(
        self, database: Database
    ) -> None:
        people = await make_people(database, 5)
        wanted = PersonFilter(updated_since=people[0].updated_at)
        async with database.pool.acquire() as connection:
            first = await people_after(connection, wanted, None, 3)
            await connection.execute(
                "UPDATE people SET city = 'Leeds' WHERE id = ANY ($1::bigint[])",
                [people[0].id, people[3].id],
            )
            place = (first[-1].updated_at, first[-1].person_id)
            rest = await people_after(connection, wanted, place, 10)
        seen = [person.person_id for person in (*first, *rest)]
        assert seen == [people[at].id for at in (0, 1, 2, 4, 0, 3)]


@pytest.fixture
async def crowd(database: Database) -> Database:
    """Give a database with many people, two accounts, two lists, and statistics."""
    await database.pool.execute(_FILL, _PEOPLE)
    account, _ = await make_account(database), await make_account(database)
    await database.pool.execute(_LINK, account.id)
    await database.pool.execute("DELETE FROM person_changes WHERE person_id % 150 <> 1")
    for every in (2, 400):
        mailing_list = await make_list(database, account)
        await database.pool.execute(_JOIN, mailing_list.id, every)
    await database.pool.execute("VACUUM ANALYZE")
    return database


async def explained(connection: PoolConnection, wanted: PersonFilter) -> list[str]:
    wanted = await lowered(connection, wanted)
    account_ids = await account_ids_for(connection, wanted)
    plans = []
    for statement, values in page_statements(wanted, account_ids, None, 100):
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", *values)
        plans.append("\n".join(row[0] for row in rows))
    return plans


_SINCE = datetime.now(UTC) - timedelta(minutes=50)
_EACH: dict[str, tuple[dict[str, Any], str]] = {
    "nothing asked": ({}, "people_pkey"),
    "email": ({"email": "anna.lt8@acme.example"}, "people_email_key"),
    "rare name": ({"q": "vvt"}, "people_search"),
    "two letters": ({"q": "zy"}, "people_search"),
    "one letter": ({"q": "z"}, "people_search"),
    "two words": ({"q": "clara vvt"}, "people_search"),
    "domain of a fifth": ({"q": "globex"}, "people_search"),
    "leads": ({"kind": "lead"}, "people_leads"),
    "persons": ({"kind": "person"}, "people_pkey"),
    "opted out": ({"no_email": True}, "people_opted_out"),
    "not ticked": ({"sync_with_mailer": False}, "people_not_synced"),
    "large list": ({"list_id": 1}, "list_members_"),
    "small list": ({"list_id": 2}, "list_members_"),
    "changed lately": ({"updated_since": _SINCE}, "people_updated_at"),
    "deleted": ({"deleted": True}, "people_deleted"),
    "synced": ({"sync_status": "synced"}, "contact_links_"),
    "failed": ({"sync_status": "failed"}, "contact_links_"),
    "pending": ({"sync_status": "pending"}, "person_changes_pkey"),
}


class TestIndexes:
    async def test_every_filter_and_every_pair_has_an_index(self, crowd: Database) -> None:
        async with crowd.pool.acquire() as connection:
            for name, (wanted, index) in _EACH.items():
                plans = await explained(connection, PersonFilter(**wanted))
                assert index in plans[-1], f"{name}\n{plans[-1]}"
                assert all("Seq Scan on people" not in plan for plan in plans), name
            for (name, (one, _)), (other_name, (other, _)) in itertools.combinations(
                _EACH.items(), 2
            ):
                if not one.keys() & other.keys():
                    plans = await explained(connection, replace(PersonFilter(**one), **other))
                    for plan in plans:
                        assert "Seq Scan on people" not in plan, f"{name}, {other_name}\n{plan}"
