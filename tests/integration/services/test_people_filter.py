"""Which people a filter finds; how they are found among many is `test_people_walks`'."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from app.db import Database
from app.services.people_bulk_update import update_people
from app.services.people_filter import PersonFilter
from app.services.people_pages import people_after
from app.sync.people.person_standing import account_standings
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.contact_links import make_link, settle_everyone
from tests.factories.failures import make_failure
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person, put_in_flight


async def found(database: Database, **wanted: Any) -> list[int]:  # noqa: ANN401 - any filter
    async with database.pool.acquire() as connection:
        page = await people_after(connection, PersonFilter(**wanted), None, 1000)
    assert page.following is None
    return [person.person_id for person in page.people]


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

    async def test_sync_status_is_the_one_that_the_person_itself_shows(
        self, database: Database
    ) -> None:
        account = await make_account(database)
        synced, due, flying, failing, lost, never = await make_people(database, 6)
        for person in (synced, due, flying, failing):
            await make_link(database, account, person)
        await make_link(database, account, lost, contact_id=None, state="unlinked")
        await settle_everyone(database)
        await put_in_flight(database, account, flying)
        for person in (failing, lost):
            await make_failure(database, account, person)
        await make_failure(database, account, synced, resolved_at=START)
        await database.pool.execute("UPDATE people SET city = 'Leeds' WHERE id = $1", due.id)

        shown: dict[Any, list[int]] = {}
        async with database.pool.acquire() as connection:
            for person in (synced, due, flying, failing, lost, never):
                (item,) = await account_standings(connection, person.id, START)
                shown.setdefault(item.state, []).append(person.id)
        assert shown == {
            "synced": [synced.id],
            "pending": [due.id, flying.id],
            "failed": [failing.id, lost.id],
            "unlinked": [never.id],
        }
        del shown["unlinked"]
        for state, people in shown.items():
            assert await found(database, sync_status=state) == people
            async with database.transaction() as connection:
                counts = await update_people(
                    connection, PersonFilter(sync_status=state), {}, "test"
                )
            assert counts == (len(people), 0)

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
            second = await people_after(connection, PersonFilter(), first.following, 4)
        assert [one.person_id for one in first.people] == [person.id for person in people[:4]]
        assert [one.person_id for one in second.people] == [
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
            rest = await people_after(connection, wanted, first.following, 10)
        seen = [one.person_id for one in (*first.people, *rest.people)]
        assert seen == [people[at].id for at in (0, 1, 2, 4, 0, 3)]
