"""`GET /v1/people`: pages and filters over HTTP; what an index does for them is the service's."""

from typing import Any

import httpx
import pytest

from app.db import Database
from app.services import people_pages
from tests.factories.accounts import make_account
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person


async def all_pages(api: httpx.AsyncClient, **params: Any) -> list[int]:  # noqa: ANN401 - any filter
    """Walk to the end; return the ids."""
    ids: list[int] = []
    while True:
        answer = await api.get("/v1/people", params=params)
        assert answer.status_code == 200, answer.text
        ids += [person["id"] for person in answer.json()["items"]]
        params["cursor"] = answer.json()["next_cursor"]
        if params["cursor"] is None:
            return ids


async def test_nobody_is_an_empty_page(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/people")).json() == {"items": [], "next_cursor": None}


async def test_pages_hold_everyone_once(api: httpx.AsyncClient, database: Database) -> None:
    people = await make_people(database, 7)
    expected = [person.id for person in people]
    since = people[0].updated_at.isoformat()
    for limit in (1, 2, 3, 7, 100):
        assert await all_pages(api, limit=limit) == expected
        assert await all_pages(api, limit=limit, updated_since=since) == expected
        assert await all_pages(api, limit=limit, q="example") == expected


async def test_page_that_took_long_ends_early_and_nobody_is_missed(
    api: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make_account(database)
    people = [await make_person(database, no_email=n % 2 == 0) for n in range(40)]
    last = await make_person(database, no_email=True)
    mailing_list = await make_list(database, account)
    await make_members(database, mailing_list, [*people[1::2], last])
    for name, bound in {"_MOST_LOOKS": 20, "_STRETCH": (4, 4), "_MOST_SWEEPS": 1}.items():
        monkeypatch.setattr(people_pages, name, bound)
    asked: dict[str, Any] = {"list_id": mailing_list.id, "no_email": "true", "limit": 10}

    first = (await api.get("/v1/people", params=asked)).json()

    assert first["items"] == []
    assert first["next_cursor"] is not None
    assert await all_pages(api, **asked) == [last.id]


async def test_a_page_holds_people_as_they_are_shown_one_by_one(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await make_person(database, first_name='A "quoted" \\ näme', custom={"a": [1, {}]})
    one = (await api.get(f"/v1/people/{person.id}")).json()
    assert (await api.get("/v1/people")).json()["items"] == [one]
    assert one["first_name"] == 'A "quoted" \\ näme'


async def test_filters_are_taken_together(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    mailing_list = await make_list(database, account)
    lead = await make_person(database, kind="lead", no_email=True, last_name="Smith")
    other = await make_person(database, kind="lead", last_name="Jones")
    await make_person(database, last_name="Smith")
    await make_members(database, mailing_list, [lead, other])
    for params, ids in (
        ({"kind": "lead"}, [lead.id, other.id]),
        ({"kind": "lead", "no_email": "true"}, [lead.id]),
        ({"kind": "lead", "no_email": "false"}, [other.id]),
        ({"q": "smith", "list_id": mailing_list.id, "email": "ANN@EXAMPLE.COM"}, [lead.id]),
        ({"sync_status": "pending", "kind": "lead", "q": "jon"}, [other.id]),
        ({"sync_status": "synced"}, []),
        ({"sync_with_mailer": "false"}, []),
        ({"deleted": "true"}, []),
    ):
        assert await all_pages(api, **params) == ids, params


async def test_what_cant_be_asked_is_named(api: httpx.AsyncClient) -> None:
    for name, value in (
        ("limit", 0),
        ("limit", 10**9),
        ("cursor", "nonsense"),
        ("cursor", "é"),
        ("kind", "robot"),
        ("no_email", "perhaps"),
        ("list_id", 2**63),
        ("updated_since", "yesterday"),
        ("updated_since", "2026-01-01T00:00:00"),
        ("sync_status", "happy"),
        ("email", ""),
        ("q", "a\0"),
        ("q", "x" * 201),
    ):
        answer = await api.get("/v1/people", params={name: value})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (
            422,
            f"/query/{name}",
        ), value


async def test_cursor_belongs_to_its_filters_and_its_collection(
    api: httpx.AsyncClient, database: Database
) -> None:
    await make_people(database, 3)
    cursor = (await api.get("/v1/people", params={"limit": 1})).json()["next_cursor"]
    for path, params in (
        ("/v1/people", {"kind": "person"}),
        ("/v1/people", {"updated_since": "2020-01-01T00:00:00Z"}),
        ("/v1/lists", {}),
    ):
        answer = await api.get(path, params={**params, "cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (
            422,
            "/query/cursor",
        )
