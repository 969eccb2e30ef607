"""`/v1/people/bulk` and `/v1/people/bulk-update`."""

from typing import Any

import httpx

from app.db import Database
from tests.factories.accounts import make_account
from tests.factories.contact_links import due_people, settle_everyone
from tests.factories.people import make_people, make_person


async def bulk(api: httpx.AsyncClient, *people: Any) -> dict[str, Any]:  # noqa: ANN401 - any row
    answer = await api.post("/v1/people/bulk", json={"people": people})
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome


async def test_each_row_has_its_outcome(api: httpx.AsyncClient, database: Database) -> None:
    stands = await make_person(database, external_ref="C-1", city="Leeds")
    same = await make_person(database, external_ref="C-2", city="Leeds")
    outcome = await bulk(
        api,
        {"external_ref": "C-1", "city": "York"},
        {"id": same.id, "city": "Leeds"},
        {"external_ref": "C-3", "email": "new@example.com"},
        {"email": "nobody-knows@example.com"},
        {"id": 999},
        {"email": "no address", "mobile_number": "1", "nope": 1},
        "no object",
    )
    made = [result["id"] for result in outcome["results"] if result["outcome"] == "created"]
    assert outcome == {
        "results": [
            {"index": 0, "id": stands.id, "outcome": "updated"},
            {"index": 1, "id": same.id, "outcome": "unchanged"},
            {"index": 2, "id": made[0], "outcome": "created"},
            {"index": 3, "id": made[1], "outcome": "created"},
            {"index": 4, "id": 999, "outcome": "error", "error": "There is no person 999."},
            {
                "index": 5,
                "id": None,
                "outcome": "error",
                "error": outcome["results"][5]["error"],
            },
            {"index": 6, "id": None, "outcome": "error", "error": "A person is an object."},
        ],
        "created": 2,
        "updated": 1,
        "unchanged": 1,
        "errors": 3,
    }
    for part in ("email: ", "mobile_number: ", "nope: There is no such field"):
        assert part in outcome["results"][5]["error"]
    assert (await api.get(f"/v1/people/{stands.id}")).json()["city"] == "York"
    assert (await api.get(f"/v1/people/{same.id}")).json()["version"] == 1


async def test_nothing_else_happens_to_what_is_left_out(api: httpx.AsyncClient) -> None:
    row = {"external_ref": "C-1", "first_name": "Anna", "no_email": True, "custom": {"a": 1}}
    first = (await bulk(api, row))["results"][0]["id"]
    await bulk(api, {"external_ref": "C-1", "last_name": "Smith", "custom": {"b": 2}})
    person = (await api.get(f"/v1/people/{first}")).json()
    assert (person["first_name"], person["last_name"], person["no_email"], person["custom"]) == (
        "Anna",
        "Smith",
        True,
        {"a": 1, "b": 2},
    )


async def test_ten_thousand_rows_are_taken_and_one_more_is_not(api: httpx.AsyncClient) -> None:
    rows = [{"external_ref": f"C-{n}", "email": f"p{n}@example.com"} for n in range(10_000)]
    assert (await bulk(api, *rows))["created"] == 10_000
    assert (await bulk(api, *rows))["unchanged"] == 10_000
    answer = await api.post("/v1/people/bulk", json={"people": [*rows, {}]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/people")


async def test_body_of_another_shape_is_refused(api: httpx.AsyncClient) -> None:
    cases: tuple[tuple[object, str], ...] = (
        ({}, "/body/people"),
        ({"people": {}}, "/body/people"),
        ({"people": [], "dry": True}, "/body/dry"),
        ([], "/body"),
    )
    for body, pointer in cases:
        answer = await api.post("/v1/people/bulk", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_bulk_under_one_idempotency_key_is_done_once(
    api: httpx.AsyncClient, database: Database
) -> None:
    body = {"people": [{"email": "anna@example.com"}]}
    key = {"Idempotency-Key": "bulk"}
    first = await api.post("/v1/people/bulk", json=body, headers=key)
    again = await api.post("/v1/people/bulk", json=body, headers=key)
    assert again.json() == first.json()
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 1


async def test_only_who_differs_becomes_due(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    people = await make_people(database, 3, city="Leeds")
    await settle_everyone(database)
    await bulk(
        api,
        *({"id": person.id, "city": "Leeds"} for person in people[:2]),
        {"id": people[2].id, "city": "York"},
    )
    assert await due_people(database, account.id) == [people[2].id]


class TestBulkUpdate:
    async def test_everyone_is_unticked(self, api: httpx.AsyncClient, database: Database) -> None:
        await make_people(database, 3)
        await make_person(database, sync_with_mailer=False)
        answer = await api.post(
            "/v1/people/bulk-update", json={"filter": {}, "set": {"sync_with_mailer": False}}
        )
        assert (answer.status_code, answer.json()) == (200, {"matched": 4, "updated": 3})
        ticked = await api.get("/v1/people", params={"sync_with_mailer": True})
        assert ticked.json()["items"] == []

    async def test_whom_the_filter_finds_gets_what_is_set(
        self, api: httpx.AsyncClient, database: Database
    ) -> None:
        smith = await make_person(
            database, last_name="Smith", custom={"a": 1, "b": 2}, no_email=True, city="Leeds"
        )
        other = await make_person(database, last_name="Jones", custom={"a": 1})
        answer = await api.post(
            "/v1/people/bulk-update",
            json={
                "filter": {"q": "smith", "kind": "person", "no_email": True},
                "set": {"city": None, "custom": {"a": None, "c": 3}, "no_email": False},
            },
        )
        assert answer.json() == {"matched": 1, "updated": 1}
        changed = (await api.get(f"/v1/people/{smith.id}")).json()
        assert (changed["city"], changed["custom"], changed["no_email"]) == (
            None,
            {"b": 2, "c": 3},
            False,
        )
        assert (await api.get(f"/v1/people/{other.id}")).json()["version"] == 1

    async def test_deleted_people_are_never_found(
        self, api: httpx.AsyncClient, database: Database
    ) -> None:
        person = await make_person(database)
        await api.delete(f"/v1/people/{person.id}")
        answer = await api.post(
            "/v1/people/bulk-update", json={"filter": {}, "set": {"city": "Leeds"}}
        )
        assert answer.json() == {"matched": 0, "updated": 0}

    async def test_setting_nothing_counts_who_fits(
        self, api: httpx.AsyncClient, database: Database
    ) -> None:
        await make_people(database, 2)
        answer = await api.post("/v1/people/bulk-update", json={"filter": {}, "set": {}})
        assert answer.json() == {"matched": 2, "updated": 0}

    async def test_who_has_the_values_already_does_not_become_due(
        self, api: httpx.AsyncClient, database: Database
    ) -> None:
        account = await make_account(database)
        here, _ = await make_people(database, 2)
        await database.pool.execute("UPDATE people SET city = 'Leeds' WHERE id <> $1", here.id)
        await settle_everyone(database)
        await api.post("/v1/people/bulk-update", json={"filter": {}, "set": {"city": "Leeds"}})
        assert await due_people(database, account.id) == [here.id]

    async def test_what_cant_be_done_is_named(self, api: httpx.AsyncClient) -> None:
        cases: tuple[tuple[object, str], ...] = (
            ({"set": {"city": "x"}}, "/body/filter"),
            ({"filter": {}}, "/body/set"),
            ({"filter": {"name": "x"}, "set": {}}, "/body/filter/name"),
            ({"filter": {"no_email": 1}, "set": {}}, "/body/filter/no_email"),
            ({"filter": {}, "set": {"email": None}}, "/body/set"),
            ({"filter": {}, "set": {"external_ref": "x"}}, "/body/set"),
            ({"filter": {}, "set": {"no_email": None}}, "/body/set/no_email"),
            ({"filter": {}, "set": {"city": "\0"}}, "/body/set/city"),
        )
        for body, pointer in cases:
            answer = await api.post("/v1/people/bulk-update", json=body)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
