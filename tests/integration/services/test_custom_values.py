"""What is seen in people's `custom`: paths with their types, and values at one path."""

from app.db import Database
from app.services.custom_values import SeenPath, seen_paths, values_at
from app.services.person_fields import parse_path
from tests.factories.people import make_person


async def with_custom(database: Database, *customs: dict[str, object]) -> None:
    for number, custom in enumerate(customs):
        await make_person(database, email=f"c{number}@example.com", custom=custom)


async def test_paths_are_typed_by_all_the_values_met(database: Database) -> None:
    await with_custom(
        database,
        {"n": 1, "b": True, "d": "2026-01-05", "t": "x", "nil": None, "mixed": 1, "empty": []},
        {"n": 2.5, "b": False, "d": "2026-01-05T09:00:00Z", "t": "2026-01-05", "mixed": "one"},
        {"o": {"a": 1, "deep": {"er": 1}}, "list": ["x", 2], "rows": [{"sku": 1}], "mixed": [1]},
    )

    async with database.reading() as session:
        seen = await seen_paths(session)

    assert {each.path: each.type for each in seen} == {
        "custom.b": "boolean",
        "custom.d": "date",
        "custom.empty": "json",
        "custom.list": "json",
        "custom.list[*]": "text",
        "custom.mixed": "json",
        "custom.mixed[*]": "text",
        "custom.n": "number",
        "custom.o": "json",
        "custom.o.a": "number",
        "custom.o.deep": "json",
        "custom.rows": "json",
        "custom.t": "text",
    }
    assert SeenPath("custom.n", "number", 2) in seen
    assert [each.path for each in seen] == sorted(each.path for each in seen)


async def test_keys_that_no_path_can_name_are_left_out(database: Database) -> None:
    await with_custom(
        database, {"a.b": 1, "[0]": 1, ' "': 1, " lead": 1, "": 1, "k" * 101: 1, "fine key": 1}
    )
    await with_custom(database, {"k" * 100: {"l" * 99: 1}})

    async with database.reading() as session:
        seen = [each.path for each in await seen_paths(session)]

    assert seen == ["custom.fine key", f"custom.{'k' * 100}"]
    assert all(parse_path(path).is_custom for path in seen)


async def test_values_at_a_path_come_without_nulls(database: Database) -> None:
    await with_custom(
        database,
        {"orders": [{"sku": "A"}, {"sku": "B"}], "tier": "gold"},
        {"orders": [], "tier": None},
        {"orders": "none", "tier": {"name": "silver"}},
        {},
    )

    async with database.reading() as session:
        found = {
            path: await values_at(session, parse_path(path))
            for path in ("custom.orders[0].sku", "custom.orders[*].sku", "custom.tier", "custom.x")
        }

    assert found == {
        "custom.orders[0].sku": ["A"],
        "custom.orders[*].sku": ["A, B"],
        "custom.tier": [{"name": "silver"}, "gold"],
        "custom.x": [],
    }


async def test_nobody_there_shows_nothing(database: Database) -> None:
    async with database.reading() as session:
        assert await seen_paths(session) == []
