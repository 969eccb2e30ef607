"""Pages of activities: read by index alone, however many there are and whoever they are of."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from app.db import Database
from app.services.activities import ActivityFilter, newest_activities, page_of_activities
from app.sync.activities.activity_months import make_month, month_of
from tests.clock import START
from tests.factories.accounts import make_account

#: Three months of opens and clicks of one account, a bounce among them, and a few of another's.
#: Of a hundred people the first has ten activities, and nobody is known of every tenth.
MANY = """
INSERT INTO online_activities
    (account_id, type, occurred_at, mailshot_id, person_id, contact_id, activity_key)
SELECT $1, CASE WHEN n = 777 THEN 'email_bounce' WHEN n % 3 = 0 THEN 'email_click'
                ELSE 'email_open' END,
       $2::timestamptz - n * interval '10 minutes', n % 7, CASE WHEN n % 10 > 0 THEN n % 100 END, n,
       int8send(n::bigint)
FROM generate_series(1, 12000) AS n
"""
FEW = """
INSERT INTO online_activities (account_id, type, occurred_at, activity_key)
SELECT $1, 'page_view', $2::timestamptz - n * interval '20 days', int8send(n::bigint)
FROM generate_series(1, 3) AS n
"""
#: Rows that a page may touch, its own and those that it is chosen from.
MOST_ROWS = 1000
LIMIT = 20
A_FEW = 10


@pytest.fixture
async def filled(database: Database) -> Database:
    """Give a database with many activities, as autovacuum leaves it."""
    big, small = await make_account(database), await make_account(database)
    for days in (0, 30, 60, 90):
        await make_month(database, month_of(START - timedelta(days=days)))
    await database.pool.execute(
        "INSERT INTO mailshots (id, account_id, dotdigital_campaign_id, name)"
        " OVERRIDING SYSTEM VALUE SELECT n, $1, n, 'News' FROM generate_series(1, 6) AS n",
        big.id,
    )
    await database.pool.execute(MANY, big.id, START)
    await database.pool.execute(FEW, small.id, START)
    await database.pool.execute("VACUUM ANALYZE online_activities")
    return database


def touched(plan: dict[str, Any]) -> tuple[int, set[str]]:
    """Return how many rows the plan's scans of activities gave or threw away, and their kinds."""
    rows, kinds = 0, set[str]()
    if plan.get("Relation Name", "").startswith("online_activities"):
        rows += (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
        # Of a month with next to nothing in it, the table is the quickest way.
        if rows > A_FEW:
            kinds.add(plan["Node Type"])
    for part in plan.get("Plans", ()):
        more, others = touched(part)
        rows, kinds = rows + more, kinds | others
    return int(rows), kinds


#: What is asked for, and how many of a page there are.
FILTERS: dict[str, tuple[dict[str, Any], int]] = {
    "all": ({}, LIMIT),
    "of a person": ({"person_id": 1}, LIMIT),
    "a rare type": ({"types": ("email_bounce",)}, 1),
    "two types": ({"types": ("email_open", "email_bounce")}, LIMIT),
    "without a person": ({"matched": False}, LIMIT),
    "with a person": ({"matched": True}, LIMIT),
    "an account with few": ({"account_id": 2}, 3),
    "none": ({"account_id": 1, "types": ("email_bounce",), "matched": False}, 0),
    "of a mailshot": ({"mailshot_id": 3}, LIMIT),
    "of a mailshot that is gone": ({"mailshot_id": 9}, 0),
    "a mailshot's rare type": ({"mailshot_id": 3, "types": ("email_bounce",)}, 0),
    "of another account's mailshot": ({"mailshot_id": 3, "account_id": 2}, 0),
    "long ago": ({"occurred_to": START - timedelta(days=60)}, LIMIT),
    "within an hour": (
        {
            "occurred_from": START - timedelta(days=60),
            "occurred_to": START - timedelta(days=60) + timedelta(hours=1),
        },
        7,
    ),
}


async def test_a_page_touches_few_rows_and_no_table_whole(filled: Database) -> None:
    for name, (wanted, count) in FILTERS.items():
        plan = await plan_of(filled, ActivityFilter(**wanted))
        rows, kinds = touched(plan)
        assert plan["Actual Rows"] == count, name
        assert kinds <= {"Index Scan", "Index Only Scan"}, name
        assert rows <= MOST_ROWS, name


async def plan_of(database: Database, wanted: ActivityFilter) -> dict[str, Any]:
    statement = page_of_activities(wanted, None, LIMIT)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    written = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    async with database.reading() as session:
        explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {written}".replace(":", r"\:"))
        found = (await session.execute(explain)).scalar_one()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


async def test_pages_go_on_where_the_one_before_ended(filled: Database) -> None:
    wanted = ActivityFilter(types=("email_click", "email_bounce"))
    seen: list[int] = []
    before = None
    async with filled.reading() as session:
        while page := await newest_activities(session, wanted, before, 500):
            seen += [each.id for each in page]
            before = (page[-1].occurred_at, page[-1].id)
    expected = await filled.pool.fetch(
        "SELECT id FROM online_activities WHERE type IN ('email_click', 'email_bounce')"
        " ORDER BY occurred_at DESC, id DESC"
    )
    assert seen == [row["id"] for row in expected]
