"""Many people at once: what each row does, what two callers do to each other."""

import asyncio
import random
from typing import Any

import pytest

from app.db import Database
from app.services.people_bulk import RowOutcome, upsert_people
from tests.factories.accounts import make_account
from tests.factories.contact_links import due_people, settle_everyone
from tests.factories.people import make_people, make_person


async def upsert(database: Database, *rows: dict[str, Any]) -> list[RowOutcome]:
    async with database.transaction() as connection:
        return await upsert_people(connection, rows)


async def stored(database: Database) -> list[dict[str, Any]]:
    rows = await database.pool.fetch("SELECT * FROM people ORDER BY id")
    return [dict(row) for row in rows]


class TestRows:
    async def test_no_rows_are_no_outcomes(self, database: Database) -> None:
        assert await upsert(database) == []

    async def test_new_person_has_the_defaults(self, database: Database) -> None:
        (outcome,) = await upsert(database, {"custom": {"a": 1, "b": None}})
        (person,) = await stored(database)
        assert outcome == RowOutcome("created", person["id"])
        assert (person["kind"], person["sync_with_mailer"], person["no_email"]) == (
            "person",
            True,
            False,
        )
        assert person["custom"] == {"a": 1}

    async def test_rows_of_one_person_are_applied_in_order(self, database: Database) -> None:
        (stands,) = await make_people(database, 1, city="Leeds", custom={"a": 1})
        outcomes = await upsert(
            database,
            {"id": stands.id, "city": "York", "custom": {"b": 2}},
            {"external_ref": stands.external_ref, "title": "Dr", "custom": None},
            {"external_ref": "new", "city": "Bath"},
            {"id": stands.id, "city": "Hull", "custom": {"c": 3, "d": None}},
            {"external_ref": "new", "first_name": "Ben"},
        )
        old, new = await stored(database)
        assert (old["city"], old["title"], old["custom"], old["version"]) == (
            "Hull",
            "Dr",
            {"c": 3},
            2,
        )
        assert (new["city"], new["first_name"], new["version"]) == ("Bath", "Ben", 1)
        assert outcomes == [
            RowOutcome("updated", old["id"]),
            RowOutcome("updated", old["id"]),
            RowOutcome("created", new["id"]),
            RowOutcome("updated", old["id"]),
            RowOutcome("updated", new["id"]),
        ]

    async def test_unchanged_person_is_not_due(self, database: Database) -> None:
        account = await make_account(database)
        same, other = await make_people(database, 2, city="Leeds", custom={"a": {"b": 1}})
        await settle_everyone(database)
        outcomes = await upsert(
            database,
            {"id": same.id, "city": "Leeds", "custom": {"a": {"b": 1}, "z": None}},
            {"id": other.id, "city": "York"},
        )
        assert [outcome.outcome for outcome in outcomes] == ["unchanged", "updated"]
        assert await due_people(database, account.id) == [other.id]

    async def test_deleted_person_comes_back_by_its_ref_and_keeps_its_opt_out(
        self, database: Database
    ) -> None:
        (person,) = await make_people(database, 1, no_email=True)
        await database.pool.execute("UPDATE people SET deleted_at = now()")
        by_id, by_ref = await upsert(
            database, {"id": person.id}, {"external_ref": person.external_ref}
        )
        assert (by_id.outcome, by_id.error) == ("error", f"Person {person.id} is deleted.")
        assert by_ref == RowOutcome("updated", person.id, restored=True)
        (back,) = await stored(database)
        assert (back["deleted_at"], back["no_email"]) == (None, True)

    async def test_ref_can_be_set_by_id_but_not_taken(self, database: Database) -> None:
        first, second = await make_people(database, 2)
        outcomes = await upsert(
            database,
            {"id": first.id, "external_ref": "P2"},
            {"id": first.id, "external_ref": "X"},
            {"id": second.id, "external_ref": "X"},
            {"external_ref": "X", "city": "Leeds"},
            {"external_ref": "N"},
            {"id": second.id, "external_ref": "N"},
        )
        assert [outcome.outcome for outcome in outcomes] == [
            "error",
            "updated",
            "error",
            "updated",
            "created",
            "error",
        ]
        assert (outcomes[0].error, outcomes[2].error) == (
            f"Person {second.id} has the external_ref 'P2' already.",
            f"Person {first.id} has the external_ref 'X' already.",
        )
        people = await stored(database)
        assert [(each["external_ref"], each["city"]) for each in people] == [
            ("X", "Leeds"),
            ("P2", None),
            ("N", None),
        ]

    async def test_row_in_error_takes_nothing_from_the_others(self, database: Database) -> None:
        outcomes = await upsert(database, {"id": 5}, {"city": "Leeds"})
        assert [outcome.outcome for outcome in outcomes] == ["error", "created"]


class TestTwoCallers:
    async def test_who_makes_the_same_people_makes_them_once(self, database: Database) -> None:
        rows = [{"external_ref": f"C-{n}", "city": "Leeds"} for n in range(500)]
        both = await asyncio.gather(
            upsert(database, *rows), upsert(database, *reversed(rows)), upsert(database, *rows)
        )
        people = await stored(database)
        assert len(people) == 500
        counts = [[outcome.outcome for outcome in outcomes].count("created") for outcomes in both]
        assert sum(counts) == 500
        assert {outcome.outcome for outcomes in both for outcome in outcomes} == {
            "created",
            "unchanged",
        }

    async def test_who_changes_the_same_people_in_another_order_waits(
        self, database: Database
    ) -> None:
        people = await make_people(database, 200)
        rows = [{"id": person.id, "city": "Leeds"} for person in people]
        other = [{"id": person.id, "title": "Dr"} for person in reversed(people)]
        await asyncio.gather(*(upsert(database, *each) for each in (rows, other, rows, other)))
        assert {(each["city"], each["title"]) for each in await stored(database)} == {
            ("Leeds", "Dr")
        }

    async def test_ref_taken_by_a_transaction_that_ends_later_is_changed_then(
        self, database: Database
    ) -> None:
        async with database.pool.acquire() as early:
            begun = early.transaction()
            await begun.start()
            await early.execute("INSERT INTO people (external_ref) VALUES ('C-1')")
            late = asyncio.create_task(
                upsert(database, {"external_ref": "C-1", "city": "Leeds"}, {"external_ref": "C-2"})
            )
            await _until_somebody_waits(database)
            await begun.commit()
            outcomes = await late
        assert [outcome.outcome for outcome in outcomes] == ["updated", "created"]
        assert [each["city"] for each in await stored(database)] == ["Leeds", None]


async def _until_somebody_waits(database: Database) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(5):
        while not await database.pool.fetchval(waiting):  # noqa: ASYNC110 - Postgres tells nobody
            await asyncio.sleep(0.01)


class Model:
    """What a call does to each person, worked out one row after the other."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}

    def apply(self, row: dict[str, Any]) -> None:
        person = self.people.setdefault(
            row["external_ref"],
            {"city": None, "no_email": False, "email": None, "custom": {}},
        )
        if "custom" in row:
            person["custom"] = {
                key: value
                for key, value in (
                    {} if row["custom"] is None else {**person["custom"], **row["custom"]}
                ).items()
                if value is not None
            }
        for name in ("city", "no_email", "email"):
            if name in row:
                person[name] = row[name]


_VALUES: dict[str, list[Any]] = {
    "city": [None, "Leeds", "York"],
    "no_email": [True, False],
    "email": [None, "a@example.com", "A@example.com", "b@example.com"],
    "custom": [None, {}, {"a": 1}, {"a": None, "b": [2]}, {"b": None}, {"c": {"d": None}}],
}


@pytest.mark.parametrize("seed", range(4))
async def test_calls_do_what_their_rows_do_one_by_one(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    model = Model()
    await make_person(database, external_ref=None, city="Hull")
    for _ in range(25):
        rows = [
            {
                "external_ref": f"C-{chance.randint(1, 6)}",
                **{
                    name: chance.choice(values)
                    for name, values in _VALUES.items()
                    if chance.random() < 0.5
                },
            }
            for _ in range(chance.randint(1, 8))
        ]
        versions = {each["id"]: each["version"] for each in await stored(database)}
        before = {ref: dict(person) for ref, person in model.people.items()}
        for row in rows:
            model.apply(row)
        outcomes = await upsert(database, *rows)
        people = {each["external_ref"]: each for each in await stored(database)}
        for ref, expected in model.people.items():
            person = people[ref]
            assert {name: person[name] for name in expected} == expected
            changed = person["version"] != versions.get(person["id"])
            assert changed == (before.get(ref) != expected)
        for row, outcome in zip(rows, outcomes, strict=True):
            assert outcome.person_id == people[row["external_ref"]]["id"]
    (untouched,) = [each for each in await stored(database) if each["external_ref"] is None]
    assert untouched["version"] == 1
