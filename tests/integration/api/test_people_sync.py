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
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person, put_in_flight

NAMES = [
    "not_merged",
    "not_deleted",
    "sync_with_mailer",
    "on_a_list",
    "has_email",
    "not_opted_out",
    "address_not_opted_out",
    "email_free",
    "mobile_number_free",
    "not_suppressed_there",
    "opt_in_confirmed",
    "contact_not_gone",
    "no_mapping_left_out",
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
    "values, name, says, next_step",
    [
        pytest.param({"email": None}, "has_email", "blank", "Give the person", id="no email"),
        pytest.param(
            {"sync_with_mailer": False},
            "sync_with_mailer",
            "sync_with_mailer is false",
            "Set it to true",
            id="not to be synced",
        ),
        pytest.param(
            {"no_email": True}, "not_opted_out", "no_email is true", "set no_email", id="opted out"
        ),
        pytest.param(
            {"deleted_at": START}, "not_deleted", "is deleted", "restores it", id="deleted"
        ),
    ],
)
async def test_each_condition_says_why_not_and_what_to_do(
    api: httpx.AsyncClient,
    database: Database,
    values: dict[str, Any],
    name: str,
    says: str,
    next_step: str,
) -> None:
    await make_account(database)
    person = await make_person(database, **values)
    shown = await standing(api, person.id)
    assert shown["state"] == "pending", "Dotdigital isn't told yet, whatever of"
    assert set(broken(shown)) == {name}
    assert says in broken(shown)[name]
    assert next_step in broken(shown)[name]


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
    told = broken(await standing(api, person.id))
    assert set(told) == {"email_free", "mobile_number_free"}
    assert all(f"It is person {holder.id}." in detail for detail in told.values())
    assert "POST /v1/people/{id}/merge" in told["email_free"]
    assert "mobile_conflict to send_without" in told["mobile_number_free"]


async def test_deleted_holder_of_the_email_is_said_to_be_deleted_and_to_let_go(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    holder = await make_person(database)
    await make_link(database, account, holder, email_key="ann@example.com")
    await api.delete(f"/v1/people/{holder.id}")
    person = await make_person(database)
    told = broken(await standing(api, person.id))["email_free"]
    assert f"Person {holder.id} was deleted at 2026-01-05 09:00 UTC" in told
    assert "the next run of send_people" in told
    assert "Merge the two" not in told


async def test_opt_out_of_somebody_with_the_same_email_names_them(
    api: httpx.AsyncClient, database: Database
) -> None:
    await make_account(database)
    other = await make_person(database, no_email=True)
    person = await make_person(database)
    told = broken(await standing(api, person.id))["not_opted_out"]
    assert told.startswith(f"no_email is true for person {other.id}, who has the same email")
    assert broken(await standing(api, other.id))["not_opted_out"].startswith(
        "no_email is true for the person"
    )


async def test_merged_person_names_the_one_it_became(
    api: httpx.AsyncClient, database: Database
) -> None:
    await make_account(database)
    survivor, loser = await make_people(database, 2)
    await api.post(f"/v1/people/{loser.id}/merge", json={"into_id": survivor.id})
    told = broken(await standing(api, loser.id))["not_merged"]
    assert told.startswith(f"The person was merged into person {survivor.id}.")


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


async def test_whoever_lost_the_contact_is_told_why_and_what_to_do(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    person = await make_person(database)
    await make_link(database, account, person, contact_id=None, state="unlinked")
    await settle_everyone(database)
    shown = await standing(api, person.id)
    assert (shown["state"], list(broken(shown))) == ("unlinked", ["contact_not_gone"])
    assert "run send_people with mode full" in broken(shown)["contact_not_gone"]


async def test_mapping_that_is_left_out_is_said_of_whom_it_is_for(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    person, lead = await make_person(database), await make_person(database, kind="lead")
    for each in (person, lead):
        await make_link(database, account, each)
    await settle_everyone(database)
    mapping = await make_mapping(database, account, dotdigital_field="TIER", applies_to="person")
    failure = await make_failure(
        database, account, subject_type="mapping", subject_id=mapping.id, code="data_field_gone"
    )
    told = broken(await standing(api, person.id))
    assert list(told) == ["no_mapping_left_out"]
    named = f"mapping {mapping.id} (first_name to TIER, failure {failure.id})"
    assert named in told["no_mapping_left_out"]
    assert broken(await standing(api, lead.id)) == {}


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
