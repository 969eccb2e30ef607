"""`/v1/people/{id}/merge`: two people who are one."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.db import Database
from tests.factories.accounts import make_account
from tests.factories.activities import make_activity
from tests.factories.contact_links import due_people, settle_everyone
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


async def merged(api: httpx.AsyncClient, loser_id: int, into_id: int) -> dict[str, Any]:
    answer = await api.post(f"/v1/people/{loser_id}/merge", json={"into_id": into_id})
    assert answer.status_code == 200, answer.text
    person: dict[str, Any] = answer.json()
    assert answer.headers["ETag"] == f'"{person["version"]}"'
    return person


async def test_memberships_and_activities_move_and_the_survivor_becomes_due(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    survivor, loser = await make_people(database, 2)
    lists = [await make_list(database, account, name=name) for name in ("a", "b", "c", "d")]
    await make_members(database, lists[0], [loser], "synced")
    await make_members(database, lists[1], [loser, survivor], "synced")
    await make_members(database, lists[2], [loser], "leaving")
    await make_members(database, lists[3], [loser], "synced")
    await make_members(database, lists[3], [survivor], "leaving")
    activity = await make_activity(database, account, person_id=loser.id)
    await settle_everyone(database)

    person = await merged(api, loser.id, survivor.id)

    assert (person["id"], person["email"]) == (survivor.id, survivor.email)
    gone = (await api.get(f"/v1/people/{loser.id}")).json()
    assert gone["merged_into_id"] == survivor.id
    assert gone["deleted_at"] is not None
    rows = await database.pool.fetch(
        "SELECT list_id, person_id, sync_state FROM list_members ORDER BY list_id"
    )
    assert [tuple(row) for row in rows] == [
        (lists[0].id, survivor.id, "pending"),
        (lists[1].id, survivor.id, "synced"),
        (lists[3].id, survivor.id, "pending"),
    ]
    shown = await api.get(f"/v1/people/{survivor.id}/activities")
    assert [each["id"] for each in shown.json()["items"]] == [activity.id]
    assert await due_people(database, account.id) == [survivor.id, loser.id]


@pytest.mark.parametrize(
    "survivor_has, loser_has, opted_out_at",
    [
        pytest.param({}, {"no_email": True, "opted_out_at": EARLY}, EARLY, id="the loser's holds"),
        pytest.param(
            {"no_email": True, "opted_out_at": LATE},
            {"no_email": True, "opted_out_at": EARLY},
            LATE,
            id="both",
        ),
        pytest.param({"no_email": True, "opted_out_at": EARLY}, {}, EARLY, id="the survivor's"),
        pytest.param(
            {"opted_in_at": LATE},
            {"no_email": True, "opted_out_at": EARLY},
            None,
            id="newer than the survivor's opt-in",
        ),
    ],
)
async def test_strictest_opt_out_holds(
    api: httpx.AsyncClient,
    database: Database,
    survivor_has: dict[str, Any],
    loser_has: dict[str, Any],
    opted_out_at: datetime | None,
) -> None:
    survivor = await make_person(database, **survivor_has)
    loser = await make_person(database, **loser_has)
    person = await merged(api, loser.id, survivor.id)
    assert person["no_email"] is True
    stamped = datetime.fromisoformat(person["opted_out_at"])
    if opted_out_at is None:
        assert stamped > LATE
    else:
        assert stamped == opted_out_at


async def test_nobody_has_to_follow_a_chain(api: httpx.AsyncClient, database: Database) -> None:
    first, second, third = await make_people(database, 3)
    await merged(api, first.id, second.id)
    await merged(api, second.id, third.id)
    for person in (first, second):
        shown = (await api.get(f"/v1/people/{person.id}")).json()
        assert shown["merged_into_id"] == third.id


async def test_what_cant_be_merged_is_refused(api: httpx.AsyncClient, database: Database) -> None:
    first, second, gone, other = await make_people(database, 4)
    await merged(api, first.id, second.id)
    await api.delete(f"/v1/people/{gone.id}")
    for loser_id, into_id, status in (
        (other.id, other.id, 422),
        (other.id, 999, 422),
        (999, other.id, 404),
        (other.id, first.id, 409),
        (other.id, gone.id, 409),
        (first.id, other.id, 409),
        (gone.id, other.id, 404),
    ):
        answer = await api.post(f"/v1/people/{loser_id}/merge", json={"into_id": into_id})
        assert answer.status_code == status, (loser_id, into_id, answer.text)
    assert (await api.get(f"/v1/people/{other.id}")).json()["version"] == 1


async def test_stale_version_is_refused(api: httpx.AsyncClient, database: Database) -> None:
    survivor, loser = await make_people(database, 2)
    answer = await api.post(
        f"/v1/people/{loser.id}/merge",
        json={"into_id": survivor.id},
        headers={"If-Match": '"7"'},
    )
    assert answer.status_code == 412


async def test_upsert_of_a_merged_person_names_the_survivor(
    api: httpx.AsyncClient, database: Database
) -> None:
    survivor, loser = await make_people(database, 2)
    await merged(api, loser.id, survivor.id)
    answer = await api.post(
        "/v1/people/bulk", json={"people": [{"external_ref": loser.external_ref, "city": "x"}]}
    )
    assert f"into {survivor.id}" in answer.json()["results"][0]["error"]
