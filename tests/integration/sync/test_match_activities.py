"""match_activities: whose activities are, tried again only where a link or an email changed."""

import asyncio
from typing import Any

import pytest

from app.db import Database
from app.models import Account, OnlineActivity
from app.sync.match_activities import SQL
from app.sync.upkeep import begin_again_where_much_changed
from sandbox.server import RunningSandbox
from tests.factories.activities import make_activity
from tests.factories.contact_links import make_link
from tests.factories.engines import Replica
from tests.factories.people import make_person
from tests.integration.sync.activity_traces import add_contacts, freeze

JOB = "match_activities"
Counts = tuple[int, int]


@pytest.fixture
async def begun(here: Replica, sandboxed: Account, sandbox: RunningSandbox) -> Account:
    """Give an account whose activities were read once, and where nothing is left to do."""
    await here.run(sandboxed, "retrieve_activities")
    await match(here, sandboxed)
    return sandboxed


async def match(here: Replica, account: Account, mode: str = "changes") -> Counts:
    """Run the job; return how many it looked at, and how many it matched."""
    run = await here.run(account, JOB, mode)
    assert run["status"] == "succeeded", run["error"]
    return run["counts"].get("considered", 0), run["counts"].get("matched", 0)


async def whose(database: Database, activity: OnlineActivity) -> tuple[int | None, str | None]:
    row = await database.pool.fetchrow(
        "SELECT person_id, matched_by FROM online_activities WHERE id = $1", activity.id
    )
    return row["person_id"], row["matched_by"]


async def orphan(here: Replica, account: Account, **overrides: Any) -> OnlineActivity:  # noqa: ANN401
    return await make_activity(
        here.database, account, **{"contact_id": None, "email": None, **overrides}
    )


async def queue(here: Replica) -> int:
    count: int = await here.database.pool.fetchval("SELECT count(*) FROM activity_rematches")
    return count


async def test_the_contact_goes_before_the_email(here: Replica, begun: Account) -> None:
    named = await make_person(here.database, email="ann@example.com")
    linked = await make_person(here.database, email="ben@example.com")
    await make_link(here.database, begun, linked, contact_id=7)
    both = await orphan(here, begun, contact_id=7, email="ann@example.com")
    only_email = await orphan(here, begun, email="ANN@example.com")
    nobody = await orphan(here, begun, contact_id=8, email="cas@example.com")
    assert await match(here, begun) == (3, 2)
    assert await whose(here.database, both) == (linked.id, "contact")
    assert await whose(here.database, only_email) == (named.id, "email")
    assert await whose(here.database, nobody) == (None, None)


async def test_orphans_are_looked_at_once_until_something_changes(
    here: Replica, begun: Account
) -> None:
    for number in range(5):
        await orphan(here, begun, contact_id=number + 1, email=f"p{number}@example.com")
    assert await match(here, begun) == (5, 0)
    assert await match(here, begun) == (0, 0)
    # A change that concerns none of them costs nothing either.
    await make_person(here.database, email="somebody@example.com")
    assert await match(here, begun) == (0, 0)
    await make_person(here.database, email="p3@example.com")
    assert await match(here, begun) == (1, 1)
    assert await queue(here) == 0


CHANGES = [
    pytest.param("INSERT INTO people (email) VALUES ('Ann@Example.com')", id="somebody new"),
    pytest.param("UPDATE people SET email = ' ann@example.com'", id="an email that changed"),
    pytest.param(
        "UPDATE people SET email = 'ann@example.com', deleted_at = now();"
        "UPDATE people SET deleted_at = NULL",
        id="somebody who is back",
    ),
    pytest.param(
        "INSERT INTO contact_links (account_id, person_id, contact_id, state)"
        " SELECT accounts.id, people.id, 77, 'synced' FROM accounts, people",
        id="a new link",
    ),
    pytest.param(
        "INSERT INTO contact_links (account_id, person_id, state)"
        " SELECT accounts.id, people.id, 'pending' FROM accounts, people;"
        "UPDATE contact_links SET contact_id = 5; UPDATE contact_links SET contact_id = 77",
        id="a link to another contact",
    ),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_whoever_comes_late_gets_the_past(here: Replica, begun: Account, change: str) -> None:
    await make_person(here.database, email="other@example.com")
    activity = await orphan(here, begun, contact_id=77, email="ann@example.com")
    assert (await match(here, begun))[1] == 0
    await here.database.pool.execute(change)
    assert await match(here, begun) == (1, 1)
    assert (await whose(here.database, activity))[0] is not None


async def test_a_link_whose_transaction_ends_late_is_not_missed(
    here: Replica, begun: Account
) -> None:
    person = await make_person(here.database, email="elsewhere@example.com")
    activity = await orphan(here, begun, contact_id=77)
    async with here.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO contact_links (account_id, person_id, contact_id, state)"
            " VALUES ($1, $2, 77, 'synced')",
            begun.id,
            person.id,
        )
        assert (await match(here, begun))[1] == 0
    assert await match(here, begun) == (1, 1)
    assert await whose(here.database, activity) == (person.id, "contact")


async def test_a_link_that_was_on_its_way_before_the_first_reading_is_not_missed(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Its trigger wrote nothing down: nobody read activities then."""
    freeze(sandbox)
    (contact_id,) = add_contacts(sandbox, 1)
    sandbox.control.campaigns.send(sandbox.control.campaigns.add().id)
    person = await make_person(here.database, email="elsewhere@example.com")
    async with here.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO contact_links (account_id, person_id, contact_id, state)"
            " VALUES ($1, $2, $3, 'synced')",
            sandboxed.id,
            person.id,
            contact_id,
        )
        await here.run(sandboxed, "retrieve_activities")
        queued = await here.database.pool.fetchval("SELECT id FROM runs WHERE job = $1", JOB)
        await here.engine.execute(queued)
    assert await match(here, sandboxed) == (1, 1)
    assert await match(here, sandboxed) == (0, 0)


async def test_nothing_is_queued_where_activities_were_never_read(
    here: Replica, sandboxed: Account
) -> None:
    person = await make_person(here.database)
    await make_link(here.database, sandboxed, person)
    assert await queue(here) == 0
    assert await match(here, sandboxed) == (0, 0)


async def test_other_accounts_keep_their_own(here: Replica, begun: Account) -> None:
    from tests.factories.accounts import make_account  # noqa: PLC0415

    other = await make_account(here.database)
    person = await make_person(here.database, email="elsewhere@example.com")
    await make_link(here.database, other, person, contact_id=7)
    theirs = await orphan(here, other, contact_id=7)
    ours = await orphan(here, begun, contact_id=7)
    assert await match(here, begun) == (1, 0)
    assert await whose(here.database, ours) == (None, None)
    assert await whose(here.database, theirs) == (None, None)


async def test_what_was_matched_to_somebody_while_it_was_merged_follows(
    here: Replica, begun: Account
) -> None:
    loser = await make_person(here.database, email="ann@example.com")
    survivor = await make_person(here.database, email="anna@example.com")
    await make_link(here.database, begun, loser, contact_id=7)
    activity = await orphan(here, begun, contact_id=7, person_id=loser.id, matched_by="contact")
    await here.database.pool.execute(
        "UPDATE people SET merged_into_id = $2, deleted_at = now() WHERE id = $1",
        loser.id,
        survivor.id,
    )
    later = await orphan(here, begun, contact_id=7)
    await match(here, begun)
    assert await whose(here.database, activity) == (survivor.id, "contact")
    assert await whose(here.database, later) == (survivor.id, "contact")


async def test_a_dry_run_only_counts(here: Replica, begun: Account) -> None:
    await make_person(here.database, email="ann@example.com")
    activity = await orphan(here, begun, email="ann@example.com")
    await orphan(here, begun, email="ben@example.com")
    waiting = await queue(here)
    assert await match(here, begun, "dry_run") == (2, 1)
    assert await whose(here.database, activity) == (None, None)
    assert await queue(here) == waiting
    assert await match(here, begun) == (2, 1)


async def test_a_full_run_looks_at_every_orphan_again(here: Replica, begun: Account) -> None:
    for number in range(3):
        await orphan(here, begun, email=f"p{number}@example.com")
    await match(here, begun)
    # Behind the triggers' back.
    await here.database.pool.execute("ALTER TABLE people DISABLE TRIGGER USER")
    await make_person(here.database, email="p1@example.com")
    await here.database.pool.execute("ALTER TABLE people ENABLE TRIGGER USER")
    assert await match(here, begun) == (0, 0)
    assert await match(here, begun, "full") == (3, 1)


async def test_many_orphans_go_in_slices_and_a_cancelled_run_keeps_its_slices(
    here: Replica, begun: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.match_activities._SLICE", 40)
    monkeypatch.setattr("app.sync.match_activities._CHANGES", 7)
    pool = here.database.pool
    await pool.execute(
        """
        INSERT INTO online_activities (account_id, type, occurred_at, contact_id, activity_key)
        SELECT $1, 'email_open', '2026-01-01'::timestamptz + n * interval '1 hour', n,
               int8send(n::bigint)
        FROM generate_series(1, 100) AS n
        """,
        begun.id,
    )
    await pool.execute(
        "INSERT INTO people (external_ref) SELECT n FROM generate_series(1, 60) AS n"
    )
    await pool.execute(
        "INSERT INTO contact_links (account_id, person_id, contact_id, state)"
        " SELECT $1, id, external_ref::bigint, 'synced' FROM people WHERE external_ref IS NOT NULL",
        begun.id,
    )
    run_id = await here.trigger(begun, JOB)
    await pool.execute("UPDATE runs SET cancel_requested_at = now() WHERE id = $1", run_id)
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["status"] == "cancelled"
    matched = "SELECT count(*) FROM online_activities WHERE person_id IS NOT NULL"
    assert await pool.fetchval(matched) == 40
    assert await match(here, begun) == (60, 20)
    assert await pool.fetchval(matched) == 60
    assert await queue(here) == 0


async def test_where_more_changed_than_there_are_orphans_all_are_looked_at_instead(
    here: Replica, begun: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.match_activities._FEW_CHANGES", 10)
    activity = await orphan(here, begun, email="p7@example.com")
    await match(here, begun)
    await here.database.pool.execute(
        "INSERT INTO people (email) SELECT 'p' || n || '@example.com'"
        " FROM generate_series(1, 50) AS n"
    )
    assert await queue(here) == 50
    assert await match(here, begun) == (1, 1)
    assert await queue(here) == 0
    assert (await whose(here.database, activity))[1] == "email"


async def test_a_queue_that_nobody_empties_does_not_grow_for_ever(
    here: Replica, begun: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.upkeep._MOST_REMATCHES", 5)
    await orphan(here, begun, email="p3@example.com")
    await match(here, begun)
    await here.database.pool.execute(
        "INSERT INTO people (email) SELECT 'p' || n || '@example.com'"
        " FROM generate_series(1, 6) AS n"
    )
    await begin_again_where_much_changed(here.database)
    assert await queue(here) == 0
    assert await match(here, begun) == (1, 1)


async def test_an_erasure_and_a_match_wait_for_each_other(here: Replica, begun: Account) -> None:
    person = await make_person(here.database, email="ann@example.com")
    await orphan(here, begun, email="ann@example.com")
    async with here.database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('dotsync.submitting'))")
        await connection.execute("SELECT set_config('dotsync.erasing', 'on', true)")
        await connection.execute("DELETE FROM people WHERE id = $1", person.id)
        matching = asyncio.ensure_future(match(here, begun))
        done, _ = await asyncio.wait([matching], timeout=0.3)
        assert not done
    assert (await matching)[1] == 0


async def test_statements_name_the_indexes_that_they_use(here: Replica, begun: Account) -> None:
    """Every one of them reads by index, so that a few changes among millions cost little."""
    async with here.database.batch() as connection:
        for name, arguments in {
            "match_contacts": (begun.id, 0, 10),
            "match_emails": (begun.id, ["a@example.com"], [1]),
            "match_linked": (begun.id, [1]),
            "count_concerned": (begun.id, [1], ["a@example.com"]),
            "follow_merged": (begun.id, [1]),
            "slice": (begun.id, 0, 10, 10),
        }.items():
            plan = await connection.fetch(f"EXPLAIN {SQL[name]}", *arguments)
            text = "\n".join(row[0] for row in plan)
            assert "Seq Scan on online_activities" not in text, text
