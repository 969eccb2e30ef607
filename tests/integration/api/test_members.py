"""`/v1/lists/{id}/members` as a caller meets it."""

from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import MailingList, Person
from tests.factories.accounts import make_account
from tests.factories.contact_links import make_link, settle_everyone
from tests.factories.failures import make_failure
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person


@pytest.fixture
async def people(database: Database) -> list[Person]:
    return await make_people(database, 4)


@pytest.fixture
async def mailing_list(database: Database) -> MailingList:
    return await make_list(database, await make_account(database), dotdigital_list_id=9)


async def members(api: httpx.AsyncClient, mailing_list: MailingList, **query: Any) -> list[int]:  # noqa: ANN401 - any filter
    answer = await api.get(f"/v1/lists/{mailing_list.id}/members", params=query)
    assert answer.status_code == 200, answer.text
    return [item["person_id"] for item in answer.json()["items"]]


def outcome(**counts: int) -> dict[str, int]:
    return {"added": 0, "already": 0, "removed": 0, "unknown": 0, **counts}


async def test_many_are_added_by_either_name(
    api: httpx.AsyncClient, mailing_list: MailingList, people: list[Person]
) -> None:
    path = f"/v1/lists/{mailing_list.id}/members"
    first = await api.post(path, json={"person_ids": [people[0].id, people[1].id, people[0].id]})
    assert (first.status_code, first.json()) == (200, outcome(added=2))
    second = await api.post(path, json={"external_refs": ["P2", "P4"]})
    assert second.json() == outcome(added=1, already=1)
    assert await members(api, mailing_list) == [people[0].id, people[1].id, people[3].id]


async def test_a_member_shows_how_its_sync_stands(
    api: httpx.AsyncClient, database: Database, mailing_list: MailingList, people: list[Person]
) -> None:
    await make_members(database, mailing_list, people[:1], "synced")
    await database.pool.execute(
        "UPDATE list_members SET account_status = 'subscribed', list_status = 'unsubscribed'"
    )
    got = await api.get(f"/v1/lists/{mailing_list.id}/members/{people[0].id}")
    body = got.json()
    assert body == {
        "person_id": people[0].id,
        "email": "p1@example.com",
        "sync_state": "synced",
        "account_status": "subscribed",
        "list_status": "unsubscribed",
        "added_at": body["added_at"],
        "reason": None,
        "detail": None,
    }


async def test_members_are_replaced(
    api: httpx.AsyncClient, database: Database, mailing_list: MailingList, people: list[Person]
) -> None:
    await make_members(database, mailing_list, people[:2], "synced")
    path = f"/v1/lists/{mailing_list.id}/members"
    answer = await api.put(path, json={"person_ids": [people[1].id, people[2].id]})
    assert answer.json() == outcome(added=1, already=1, removed=1)
    assert await members(api, mailing_list) == [people[1].id, people[2].id]
    assert await members(api, mailing_list, sync_state="leaving") == [people[0].id]
    assert (await api.put(path, json={"person_ids": []})).json() == outcome(removed=2)
    assert await members(api, mailing_list) == []


@pytest.mark.parametrize(
    "verb, path",
    [
        pytest.param("POST", "/remove", id="POST remove"),
        pytest.param("DELETE", "", id="DELETE with a body"),
    ],
)
async def test_many_are_removed(
    api: httpx.AsyncClient,
    database: Database,
    mailing_list: MailingList,
    people: list[Person],
    verb: str,
    path: str,
) -> None:
    await make_members(database, mailing_list, people[:3])
    answer = await api.request(
        verb,
        f"/v1/lists/{mailing_list.id}/members{path}",
        json={"external_refs": ["P1", "P2", "P4"]},
    )
    assert (answer.status_code, answer.json()) == (200, outcome(removed=2, already=1))
    assert await members(api, mailing_list) == [people[2].id]


async def test_deleting_without_naming_anybody_empties_no_list(
    api: httpx.AsyncClient, database: Database, mailing_list: MailingList, people: list[Person]
) -> None:
    await make_members(database, mailing_list, people)
    answer = await api.delete(f"/v1/lists/{mailing_list.id}/members")
    assert answer.status_code in {415, 422}
    assert len(await members(api, mailing_list)) == 4


async def test_one_comes_and_goes(
    api: httpx.AsyncClient, mailing_list: MailingList, people: list[Person]
) -> None:
    path = f"/v1/lists/{mailing_list.id}/members/{people[0].id}"
    assert (await api.get(path)).status_code == 404
    made = await api.put(path)
    assert (made.status_code, made.json()["sync_state"]) == (201, "pending")
    assert (await api.put(path)).status_code == 200
    assert (await api.delete(path)).status_code == 204
    assert (await api.delete(path)).status_code == 404
    assert (await api.get(path)).status_code == 404


#: By what is wrong: a body, and a word of what the answer says.
BAD_NAMES: dict[str, tuple[dict[str, Any], str]] = {
    "nobody named": ({}, "exactly one"),
    "both": ({"person_ids": [1], "external_refs": ["P1"]}, "exactly one"),
    "an id of nobody": ({"person_ids": [2**62]}, str(2**62)),
    "a reference of nobody": ({"external_refs": ["P1", "ghost"]}, "ghost"),
    "an id as text": ({"person_ids": ["1"]}, "integer"),
    "an id of 0": ({"person_ids": [0]}, "greater"),
    "an id beyond 64 bits": ({"person_ids": [2**63]}, "less"),
    "no array": ({"person_ids": 5}, "list"),
    "a NUL byte": ({"external_refs": ["a\x00b"]}, "NUL"),
    "an unknown field": ({"people": [1]}, "no such field"),
}


async def test_naming_nobody_does_nothing(
    api: httpx.AsyncClient, mailing_list: MailingList, people: list[Person]
) -> None:
    path = f"/v1/lists/{mailing_list.id}/members"
    for wrong, (body, word) in BAD_NAMES.items():
        for answer in (
            await api.post(path, json=body),
            await api.put(path, json=body),
            await api.post(f"{path}/remove", json=body),
        ):
            assert answer.status_code == 422, wrong
            assert word in str(answer.json()), wrong
    assert await members(api, mailing_list) == []


async def test_a_deleted_person_can_not_be_added(
    api: httpx.AsyncClient, database: Database, mailing_list: MailingList
) -> None:
    ghost = await make_person(database, deleted_at=mailing_list.created_at)
    path = f"/v1/lists/{mailing_list.id}/members"
    assert (await api.post(path, json={"person_ids": [ghost.id]})).status_code == 422
    assert (await api.put(f"{path}/{ghost.id}")).status_code == 404


async def test_pages_hold_while_others_come_and_go(
    api: httpx.AsyncClient, database: Database, mailing_list: MailingList, people: list[Person]
) -> None:
    await make_members(database, mailing_list, people[1:])
    path = f"/v1/lists/{mailing_list.id}/members"
    first = (await api.get(path, params={"limit": 2})).json()
    await api.put(f"{path}/{people[0].id}")
    await api.delete(f"{path}/{people[2].id}")
    second = (await api.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    seen = [item["person_id"] for page in (first, second) for item in page["items"]]
    assert seen == [person.id for person in people[1:]]
    other = await make_list(database, name="Other")
    foreign = await api.get(
        f"/v1/lists/{other.id}/members", params={"cursor": first["next_cursor"]}
    )
    assert foreign.json()["errors"][0]["pointer"] == "/query/cursor"


async def test_a_list_that_is_not_there_has_no_members(
    api: httpx.AsyncClient, people: list[Person]
) -> None:
    path, one = "/v1/lists/999/members", f"/v1/lists/999/members/{people[0].id}"
    named = {"person_ids": [people[0].id]}
    answers = [
        await api.get(path),
        await api.post(path, json=named),
        await api.put(path, json=named),
        await api.post(f"{path}/remove", json=named),
        await api.get(one),
        await api.put(one),
        await api.delete(one),
    ]
    assert [answer.status_code for answer in answers] == [404] * 7


async def test_a_waiting_member_says_why_its_person_is_no_contact(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    mailing_list = await make_list(database, account, dotdigital_list_id=9)
    opted_out, failing, changed, gone, linked = people = await make_people(database, 5)
    await make_members(database, mailing_list, people, "waiting")
    await make_link(
        database, account, opted_out, contact_id=None, state="suppressed", reason="no_email"
    )
    await make_failure(database, account, failing)
    await make_link(database, account, gone, contact_id=None, state="unlinked")
    await make_link(database, account, linked)
    await settle_everyone(database)
    await api.patch(f"/v1/people/{changed.id}", json={"city": "Leeds"})

    items = (await api.get(f"/v1/lists/{mailing_list.id}/members")).json()["items"]
    told = {each["person_id"]: (each["reason"], each["detail"]) for each in items}
    assert {person_id: reason for person_id, (reason, _) in told.items()} == {
        opted_out.id: "no_email",
        failing.id: "invalidEmail",
        changed.id: "pending",
        gone.id: "unlinked",
        linked.id: None,
    }
    assert told[opted_out.id][1].startswith("no_email is true for the person")
    assert told[failing.id][1] == "Not an email. Correct the person's email address."
    assert "next run of send_people" in told[changed.id][1]
    assert "run send_people with mode full" in told[gone.id][1]
    assert told[linked.id][1] is None
    one = (await api.get(f"/v1/lists/{mailing_list.id}/members/{opted_out.id}")).json()
    assert (one["reason"], one["detail"]) == told[opted_out.id]
