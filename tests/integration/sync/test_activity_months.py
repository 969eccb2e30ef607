"""The months of activities: made ahead, filled from what lay in none, dropped when past keeping."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from app.db import Database
from app.models import Account
from app.sync.activities.activity_months import keep_months, make_month
from app.sync.upkeep import Upkeep
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.accounts import make_account
from tests.factories.activities import make_activity
from tests.factories.engines import Replica
from tests.integration.sync.activity_traces import add_contacts, counted, freeze

PARTITIONS = """
SELECT relname, (SELECT count(*) FROM online_activities AS activity
                 WHERE activity.tableoid = pg_class.oid) AS rows
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'online_activities'::regclass ORDER BY relname
"""


async def partitions(database: Database) -> dict[str, int]:
    """Return the partitions, by their names without what all have in common, with their rows."""
    rows = await database.pool.fetch(PARTITIONS)
    return {row["relname"].removeprefix("online_activities_"): row["rows"] for row in rows}


async def test_upkeep_makes_the_months_to_come(database: Database, clock: FakeClock) -> None:
    assert await partitions(database) == {"other_months": 0}
    await Upkeep(database, clock).tend()
    assert list(await partitions(database)) == [
        "other_months",
        "y2026m01",
        "y2026m02",
        "y2026m03",
    ]
    await Upkeep(database, clock).tend()


async def test_what_lay_in_no_month_moves_as_soon_as_there_is_one(database: Database) -> None:
    account = await make_account(database)
    for at in (START, START.replace(day=31), START.replace(year=2025), START.replace(year=2099)):
        await make_activity(database, account, occurred_at=at)
    assert await partitions(database) == {"other_months": 4}
    before = await database.pool.fetch("SELECT * FROM online_activities ORDER BY id")
    await keep_months(database, START, None)
    assert await partitions(database) == {
        "other_months": 1,
        "y2025m01": 1,
        "y2026m01": 2,
        "y2026m02": 0,
        "y2026m03": 0,
    }
    assert await database.pool.fetch("SELECT * FROM online_activities ORDER BY id") == before


async def test_months_are_those_of_utc(database: Database) -> None:
    account = await make_account(database)
    await database.pool.execute("SET timezone = 'Asia/Tokyo'")
    await make_month(database, date(2026, 1, 1))
    for at in ("2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-31T23:59:59Z"):
        await make_activity(database, account, occurred_at=datetime.fromisoformat(at))
    assert await partitions(database) == {"other_months": 1, "y2026m01": 2}


async def test_an_activity_is_stored_once_in_whatever_month(database: Database) -> None:
    import asyncpg  # noqa: PLC0415

    account = await make_account(database)
    await make_month(database, date(2026, 1, 1))
    insert = """
        INSERT INTO online_activities (account_id, type, occurred_at, activity_key)
        VALUES ($1, 'email_open', $2, 'key')
    """
    for at in (START, START.replace(year=2020)):
        await database.pool.execute(insert, account.id, at)
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.pool.execute(insert, account.id, at)


async def test_months_that_are_made_at_once_are_made_once(database: Database) -> None:
    made = await asyncio.gather(*(make_month(database, date(2026, 5, 1)) for _ in range(4)))
    assert made == [True] * 4
    assert list(await partitions(database)) == ["other_months", "y2026m05"]


async def test_a_table_that_somebody_holds_is_left_for_later(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE online_activities IN SHARE UPDATE EXCLUSIVE MODE")
        assert await make_month(database, date(2026, 1, 1)) is False
    assert await make_month(database, date(2026, 1, 1)) is True


async def test_what_is_past_keeping_goes_by_months_and_the_rest_by_days(
    database: Database,
) -> None:
    account = await make_account(database)
    kept = START - timedelta(days=59)
    for at in (kept, kept - timedelta(days=2), kept - timedelta(days=40), START.replace(year=1990)):
        await make_activity(database, account, occurred_at=at)
    await keep_months(database, START, None)
    assert sum((await partitions(database)).values()) == 4
    await keep_months(database, START, timedelta(days=60))
    assert await partitions(database) == {
        "other_months": 0,
        "y2025m11": 1,
        "y2026m01": 0,
        "y2026m02": 0,
        "y2026m03": 0,
    }


async def test_what_is_past_keeping_is_not_read_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox, "2026-01-10T12:00:00Z")
    (contact_id,) = add_contacts(sandbox, 1)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id)
    freeze(sandbox, "2026-03-02T12:00:00Z")
    sandbox.control.campaigns.act(campaign.id, contact_id, "open")
    here.engine._settings = here.settings.model_copy(update={"activity_retention_days": 30})
    await here.run(sandboxed, "retrieve_activities", "full")
    assert await counted(here) == {"email_open": 1}
    # Keep more, and what was left out comes.
    here.engine._settings = here.settings
    await here.run(sandboxed, "retrieve_activities", "full")
    there = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert (
        await here.database.pool.fetchval("SELECT max(occurred_at) FROM online_activities") == there
    )
