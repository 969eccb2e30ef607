"""`/v1/people/{id}/sync` and `/v1/people/{id}/activities`: what became of a person."""

from typing import Any

import httpx
import pytest

from app.db import Database
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.activities import make_activity
from tests.factories.contact_links import make_link, settle_everyone
from tests.factories.failures import make_failure
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person, put_in_flight

NAMES = [
    "not_merged",
    "not_deleted",
    "sync_with_mailer",
    "on_a_list",
    "has_email",
    "not_opted_out",
    "email_free",
    "mobile_number_free",
    "not_suppressed_there",
]


async def standing(api: httpx.AsyncClient, person_id: int) -> dict[str, Any]:
    answer = await api.get(f"/v1/people/{person_id}/sync")
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    shown: dict[str, Any] = item
    assert [condition["name"] for condition in shown["conditions"]] == NAMES
    return shown


def broken(shown: dict[str, Any]) -> dict[str, str]:
    """Return the conditions that don't hold, with their detail."""
    for condition in shown["conditions"]:
        assert condition["holds"] == (condition["detail"] is None)
    return {
        condition["name"]: condition["detail"]
        for condition in shown["conditions"]
        if not condition["holds"]
    }


async def test_new_person_waits_in_every_account(
    api: httpx.AsyncClient, database: Database
) -> None:
    accounts = [await make_account(database), await make_account(database)]
    person = await make_person(database)
    items = (await api.get(f"/v1/people/{person.id}/sync")).json()["items"]
    assert [item["account_id"] for item in items] == [account.id for account in accounts]
    for item in items:
        assert (item["state"], item["contact_id"], item["pending_change"], item["failure"]) == (
            "pending",
            None,
            True,
            None,
        )


async def test_no_account_is_no_item(api: httpx.AsyncClient, database: Database) -> None:
    person = await make_person(database)
    assert (await api.get(f"/v1/people/{person.id}/sync")).json() == {"items": []}


async def test_synced_person_shows_contact_and_time(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    person = await make_person(database)
    await make_link(database, account, person, last_sent_at=START, account_status="subscribed")
    await settle_everyone(database)
    shown = await standing(api, person.id)
    assert shown == {
        "account_id": account.id,
        "contact_id": 70_000 + person.id,
        "state": "synced",
        "account_status": "subscribed",
        "last_sent_at": START.isoformat().replace("+00:00", "Z"),
        "pending_change": False,
        "pending_since": None,
        "failure": None,
        "conditions": [{"name": name, "holds": True, "detail": None} for name in NAMES],
    }
    await api.patch(f"/v1/people/{person.id}", json={"city": "Leeds"})
    changed = await standing(api, person.id)
    assert (changed["state"], changed["pending_change"]) == ("pending", True)


@pytest.mark.parametrize(
    "values, state, name, says",
    [
        pytest.param({"email": None}, "not_eligible", "has_email", "blank", id="no email"),
        pytest.param(
            {"sync_with_mailer": False}, "not_eligible", "sync_with_mailer", "ticked", id="unticked"
        ),
        pytest.param({"no_email": True}, "suppressed", "not_opted_out", "No Email", id="opted out"),
        pytest.param({"deleted_at": START}, "not_eligible", "not_deleted", "deleted", id="deleted"),
    ],
)
async def test_each_condition_says_why_not(
    api: httpx.AsyncClient,
    database: Database,
    values: dict[str, Any],
    state: str,
    name: str,
    says: str,
) -> None:
    await make_account(database)
    person = await make_person(database, **values)
    shown = await standing(api, person.id)
    assert shown["state"] == state
    assert says in broken(shown)[name]
    assert len(broken(shown)) == 1


async def test_shared_email_and_number_name_the_other_person(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    holder, person = (
        await make_person(database, mobile_number="+447911123456"),
        await make_person(database, mobile_number="+447911123456"),
    )
    await make_link(
        database, account, holder, email_key="ann@example.com", mobile_sent="+447911123456"
    )
    shown = await standing(api, person.id)
    assert shown["state"] == "not_eligible"
    assert set(broken(shown)) == {"email_free", "mobile_number_free"}
    assert all(detail.endswith(f"It is person {holder.id}.") for detail in broken(shown).values())


async def test_list_members_only_is_asked_of_the_account(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database, settings={"people": "list_members"})
    person = await make_person(database)
    assert set(broken(await standing(api, person.id))) == {"on_a_list"}
    await make_members(database, await make_list(database, account), [person])
    assert broken(await standing(api, person.id)) == {}


async def test_failure_is_shown_until_it_heals(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    person = await make_person(database)
    failure = await make_failure(database, account, person)
    shown = await standing(api, person.id)
    assert (shown["state"], shown["failure"]["id"], shown["failure"]["code"]) == (
        "failed",
        failure.id,
        "invalidEmail",
    )
    await database.pool.execute("UPDATE failures SET resolved_at = now()")
    assert (await standing(api, person.id))["failure"] is None


async def test_person_in_flight_is_pending(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    person = await make_person(database)
    await put_in_flight(database, account, person)
    await settle_everyone(database)
    shown = await standing(api, person.id)
    assert (shown["state"], shown["pending_change"], broken(shown)) == ("pending", True, {})


async def test_activities_come_newest_first_page_by_page(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    person, other = await make_people(database, 2)
    made = [await make_activity(database, account, person_id=person.id) for _ in range(3)]
    await make_activity(database, account, person_id=other.id)
    path = f"/v1/people/{person.id}/activities"
    first = (await api.get(path, params={"limit": 2})).json()
    rest = (await api.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == [
        each.id for each in reversed(made)
    ]
    elsewhere = f"/v1/people/{other.id}/activities"
    foreign = await api.get(elsewhere, params={"cursor": first["next_cursor"]})
    assert foreign.status_code == 422


@pytest.mark.parametrize("what", ["sync", "activities"])
async def test_unknown_person_is_not_found(api: httpx.AsyncClient, what: str) -> None:
    assert (await api.get(f"/v1/people/999/{what}")).status_code == 404
