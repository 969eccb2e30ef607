"""`PATCH /v1/accounts/{id}`, verifying anew, and which activities come over."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.clients.dotdigital import Circuit, Unreachable
from app.db import Database
from app.models import Account
from sandbox.server import RunningSandbox
from sandbox.state import ApiUser
from tests.clock import FakeClock
from tests.factories.accounts import make_account, make_account_over_api
from tests.factories.contact_links import due_people, make_link, settle_everyone
from tests.factories.lists import make_list, make_members
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person

OTHER = "other@apiconnector.com"


async def patch(
    api: httpx.AsyncClient, account_id: int, status: int = 200, **body: object
) -> dict[str, Any]:
    answer = await api.patch(f"/v1/accounts/{account_id}", json=body)
    assert answer.status_code == status, answer.text
    given: dict[str, Any] = answer.json()
    return given


async def database_account(database: Database, account_id: int) -> Account:
    async with database.reading() as session:
        return await session.get_one(Account, account_id)


async def test_settings_that_are_left_out_stay(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)

    first = await patch(api, account.id, settings={"batch_size": 500})
    since = "2026-01-01T02:00:00+02:00"
    second = await patch(
        api, account.id, settings={"people": "list_members", "activities_since": since}
    )

    assert (first["version"], second["version"]) == (2, 3)
    assert second["settings"] == {
        **first["settings"],
        "people": "list_members",
        "activities_since": "2026-01-01T00:00:00Z",
    }
    assert second["settings"]["batch_size"] == 500
    stored = await database.pool.fetchval("SELECT settings FROM accounts")
    assert stored == {
        "batch_size": 500,
        "people": "list_members",
        "activities_since": "2026-01-01T00:00:00+00:00",
    }
    again = await patch(api, account.id, settings={"activities_since": None})
    assert again["settings"]["activities_since"] is None
    assert (await patch(api, account.id, name="Renamed"))["settings"] == again["settings"]


async def test_a_change_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    for body, pointer in (
        ({"settings": {"people": "some"}}, "/body/settings/people"),
        ({"settings": {"batch_size": 0}}, "/body/settings/batch_size"),
        ({"settings": {"batch_size": "500"}}, "/body/settings/batch_size"),
        ({"settings": {"batch_size": None}}, "/body/settings/batch_size"),
        ({"settings": {"activities_since": "2026-01-01T00:00:00"}}, "activities_since"),
        ({"settings": {"colour": "red"}}, "/body/settings/colour"),
        ({"settings": None}, "/body"),
        ({"name": None}, "/body"),
        ({"endpoint": "https://r2-api.dotdigital.com"}, "/body/endpoint"),
        ({"dotdigital_account_id": 4}, "/body/dotdigital_account_id"),
    ):
        problem = await patch(api, account.id, 422, **body)
        assert problem["errors"][0]["pointer"].endswith(pointer), body
    assert await database.pool.fetchval("SELECT version FROM accounts") == 1


async def test_a_stale_version_changes_nothing(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    path = f"/v1/accounts/{account.id}"

    stale = await api.patch(path, json={"name": "New"}, headers={"If-Match": '"4"'})
    fresh = await api.patch(path, json={"name": "New"}, headers={"If-Match": '"1"'})

    assert (stale.status_code, stale.json()["current_version"]) == (412, 1)
    assert (fresh.status_code, fresh.headers["ETag"]) == (200, '"2"')


async def test_a_new_password_is_verified_before_it_is_stored(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    account_id = (await make_account_over_api(api, sandbox))["id"]
    before = await database.pool.fetchval("SELECT password_encrypted FROM accounts")

    problem = await patch(api, account_id, 422, password="wrong", name="New")

    assert problem["type"].endswith("/problems/bad-credentials")
    row = await database.pool.fetchrow("SELECT * FROM accounts")
    assert (row["password_encrypted"], row["name"], row["state"]) == (before, "Main", "ok")

    sandbox.control.add_user(ApiUser(sandbox.username, "another-word-2", sandbox.account.id))
    changed = await patch(api, account_id, password="another-word-2")

    assert changed["state"] == "ok"
    assert (await api.post(f"/v1/accounts/{account_id}/verify")).status_code == 200


async def test_another_api_user_of_the_same_dotdigital_account_is_taken(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    account_id = (await make_account_over_api(api, sandbox))["id"]
    await make_account(database, username="taken@apiconnector.com")
    sandbox.control.add_user(ApiUser(OTHER, sandbox.password, sandbox.account.id))

    changed = await patch(api, account_id, username=OTHER)

    assert changed["username"] == OTHER
    assert (await patch(api, account_id, 409, username="TAKEN@apiconnector.com"))["account_id"]


async def test_credentials_of_another_dotdigital_account_are_refused_once_people_are_linked(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    made = await make_account_over_api(api, sandbox)
    account = await database_account(database, made["id"])
    person = await make_person(database)
    await make_link(database, account, person)
    sandbox.control.add_account(username=OTHER, password="s3cret", region="r3")

    problem = await patch(api, made["id"], 409, username=OTHER, password="s3cret")

    assert problem["dotdigital_account_id"] == sandbox.account.id
    assert "1 linked people" in problem["detail"]
    shown = (await api.get(f"/v1/accounts/{made['id']}")).json()
    assert shown == made


async def test_an_account_that_nothing_ties_may_stand_for_another_dotdigital_account(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    made = await make_account_over_api(api, sandbox)
    account = await database_account(database, made["id"])
    person = await make_person(database)
    await make_link(database, account, person, contact_id=None, state="not_eligible")
    await settle_everyone(database)
    other = sandbox.control.add_account(username=OTHER, password="s3cret", region="r3")

    changed = await patch(api, made["id"], username=OTHER, password="s3cret")

    assert changed["dotdigital_account_id"] == other.id
    assert changed["endpoint"] == sandbox.urls["r3"]
    assert await due_people(database, made["id"]) == [person.id]
    assert await database.pool.fetchval("SELECT count(*) FROM contact_links") == 0


async def test_another_dotdigital_account_is_told_again_what_the_first_one_was(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    made = await make_account_over_api(api, sandbox)
    person = await make_person(database)
    consent_id: int = await database.pool.fetchval(
        """
        INSERT INTO consents (person_id, text, consented_at, url, ip_address, user_agent)
        VALUES ($1, 'News, please', now(), '', '', '') RETURNING id
        """,
        person.id,
    )
    await database.pool.execute(
        "INSERT INTO consents_told (consent_id, account_id) VALUES ($1, $2)", consent_id, made["id"]
    )
    await database.pool.execute(
        """
        INSERT INTO address_opt_outs (account_id, email_key, source, opted_out_at, confirmed_at,
                                      refusal, dotdigital_import_id)
        VALUES ($1, 'told@example.com', 'deleted', now(), now(), NULL, 'an-import'),
               ($1, 'refused@example.com', 'deleted', now(), now(), 'It is no email.', NULL)
        """,
        made["id"],
    )
    sandbox.control.add_account(username=OTHER, password="s3cret", region="r3")

    await patch(api, made["id"], username=OTHER, password="s3cret")

    known = "SELECT confirmed_at, refusal, dotdigital_import_id FROM address_opt_outs"
    assert {tuple(row) for row in await database.pool.fetch(known)} == {(None, None, None)}
    assert await database.pool.fetchval("SELECT count(*) FROM address_opt_outs") == 2
    assert await database.pool.fetchval("SELECT count(*) FROM consents_told") == 0


async def test_another_dotdigital_account_without_the_mapped_data_fields_is_refused(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    made = await make_account_over_api(api, sandbox)
    account = await database_account(database, made["id"])
    await make_mapping(database, account, dotdigital_field="COMPANY", person_field="organisation")
    sandbox.control.add_account(username=OTHER, password="s3cret")

    problem = await patch(api, made["id"], 409, username=OTHER, password="s3cret")

    assert problem["dotdigital_fields"] == ["COMPANY"]


async def test_whom_a_changed_setting_concerns_is_due_again(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    member = await make_person(database, email="member@example.com")
    plain = await make_person(database, email="plain@example.com")
    mobile = await make_person(database, email="mobile@example.com", mobile_number="+447700900001")
    taken = await make_person(database, email="taken@example.com", mobile_number="+447700900001")
    opted_out = await make_person(database, email="out@example.com", no_email=True)
    gone = await make_person(database, email="gone@example.com")
    await database.pool.execute("DELETE FROM people WHERE id = $1", gone.id)
    mailing_list = await make_list(database, account)
    await make_members(database, mailing_list, [member])
    await make_link(database, account, mobile)
    await make_link(
        database, account, taken, contact_id=None, state="failed", reason="mobile_number_taken"
    )
    everyone_else = [plain.id, mobile.id, taken.id, opted_out.id]

    for settings, expected in (
        ({"people": "list_members"}, everyone_else),
        ({"people": "list_members"}, []),
        ({"people": "all"}, everyone_else),
        ({"mobile_conflict": "send_without"}, [taken.id]),
        ({"send_mobile_number": False}, [mobile.id, taken.id]),
        ({"suppress_unknown": False}, []),
        ({"suppress_unknown": True}, [opted_out.id]),
        ({"resubscribe_mode": "never", "batch_size": 20}, []),
    ):
        await settle_everyone(database)
        await patch(api, account.id, settings=settings)
        assert await due_people(database, account.id) == expected, settings


async def test_tries_that_are_used_up_begin_again_with_a_setting_that_helps(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    person = await make_person(database, mobile_number="+447700900001")
    await make_link(
        database, account, person, contact_id=None, state="failed", reason="mobile_number_taken"
    )
    await database.pool.execute(
        "UPDATE person_changes SET attempts = 8, next_attempt_at = 'infinity'"
    )

    await patch(api, account.id, settings={"mobile_conflict": "send_without"})

    row = await database.pool.fetchrow(
        "SELECT attempts, next_attempt_at < now() AS due FROM person_changes"
    )
    assert dict(row) == {"attempts": 0, "due": True}


async def test_verifying_follows_an_account_to_its_new_region_and_reads_usage(
    api: httpx.AsyncClient, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    made = await make_account_over_api(api, sandbox)
    sandbox.control.move_account("r3")
    sandbox.control.add_list("New one")
    sandbox.control.add_data_field("VIP", "Boolean")
    clock.advance(3600)

    answer = await api.post(f"/v1/accounts/{made['id']}/verify")

    assert answer.status_code == 200, answer.text
    verified = answer.json()
    assert verified["endpoint"] == sandbox.urls["r3"]
    assert verified["lists_used"] == made["lists_used"] + 1
    assert verified["fields_used"]["Boolean"] == 1
    assert verified["usage_read_at"] == "2026-01-05T10:00:00Z"
    assert verified["version"] == made["version"]
    assert verified == (await api.get(f"/v1/accounts/{made['id']}")).json()


async def test_refused_credentials_show_on_the_account_until_it_is_verified(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    path = f"/v1/accounts/{(await make_account_over_api(api, sandbox))['id']}"
    user = ApiUser(sandbox.username, sandbox.password, sandbox.account.id)
    sandbox.control.add_user(replace(user, is_enabled=False))

    refused = await api.post(f"{path}/verify")

    assert refused.status_code == 422
    shown = (await api.get(path)).json()
    assert shown["state"] == "bad_credentials"
    assert "Settings > Access > API users" in shown["state_detail"]

    sandbox.sandbox.calls.clear()
    assert (await api.get(f"{path}/data-fields")).status_code == 422
    assert sandbox.sandbox.calls.total == 0

    sandbox.control.add_user(user)
    assert (await api.post(f"{path}/verify")).json()["state"] == "ok"
    assert (await api.get(f"{path}/data-fields")).status_code == 200


async def test_an_unreachable_dotdigital_shows_on_the_account(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    path = f"/v1/accounts/{(await make_account_over_api(api, sandbox))['id']}"
    sandbox.control.add_fault("reset", times=None)

    assert (await api.get(f"{path}/lists")).status_code == 502
    shown = (await api.get(path)).json()
    assert shown["state"] == "unreachable"
    assert shown["state_detail"].startswith("Dotdigital can't do this now")
    assert shown["state_detail"].endswith(f"It was asked at {sandbox.url}.")

    sandbox.sandbox.faults.remove()
    assert (await api.post(f"{path}/verify")).json()["state"] == "ok"


async def test_a_paused_account_stays_paused_through_verifying(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    path = f"/v1/accounts/{(await make_account_over_api(api, sandbox))['id']}"
    await database.pool.execute("UPDATE accounts SET state = 'paused', state_detail = 'a hand'")

    verified = (await api.post(f"{path}/verify")).json()

    assert (verified["state"], verified["state_detail"]) == ("paused", "a hand")


async def test_an_open_circuit_shows_as_unreachable_with_the_reason(
    api: httpx.AsyncClient, app: FastAPI, database: Database, clock: FakeClock
) -> None:
    account = await make_account(database)
    circuit = Circuit(clock, failures_to_open=1)
    app.state.parts.connector._circuits[account.id] = circuit
    with pytest.raises(Unreachable), circuit.watching():
        raise Unreachable("no answer")

    shown = (await api.get(f"/v1/accounts/{account.id}")).json()

    assert shown["state"] == "unreachable"
    assert "2026-01-05 09:00:00 UTC" in shown["state_detail"]


async def test_a_password_that_no_key_fits_is_explained(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    path = f"/v1/accounts/{account.id}"

    for answer in (
        await api.post(f"{path}/verify"),
        await api.get(f"{path}/preferences"),
        await api.patch(path, json={"username": OTHER}),
    ):
        assert answer.status_code == 409
        assert "DOTSYNC_CREDENTIALS_KEYS" in answer.json()["detail"]


async def test_activity_settings_are_replaced_whole(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    path = f"/v1/accounts/{account.id}/activity-settings"
    first = await api.get(path)
    wanted = {**first.json(), "page_view": False, "download": False}

    changed = await api.put(path, json=wanted, headers={"If-Match": first.headers["ETag"]})

    assert changed.status_code == 200
    assert changed.json() == wanted == (await api.get(path)).json()
    stale = await api.put(path, json=wanted, headers={"If-Match": first.headers["ETag"]})
    assert stale.status_code == 412
    for body in (
        {"page_view": True},
        {**wanted, "download": "yes"},
        {**wanted, "email_call": True},
    ):
        assert (await api.put(path, json=body)).status_code == 422


async def test_pick_lists_show_what_dotdigital_has(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    path = f"/v1/accounts/{(await make_account_over_api(api, sandbox))['id']}"
    sandbox.control.add_data_field("SEATS", "Numeric")
    sandbox.control.add_preference("Topics > Events")
    sandbox.control.add_preference("Print magazine")
    donors = sandbox.control.add_list("Donors", "Public")

    fields = (await api.get(f"{path}/data-fields")).json()
    preferences = (await api.get(f"{path}/preferences")).json()
    lists = (await api.get(f"{path}/lists")).json()

    names = [each["name"] for each in fields["items"]]
    assert names == sorted(names)
    assert {"name": "SEATS", "type": "Numeric", "visibility": "Private", "default_value": None} in (
        fields["items"]
    )
    assert [(each["path"], each["category"]) for each in preferences["items"]] == [
        ("Print magazine", None),
        ("Topics > Events", "Topics"),
    ]
    shown = {"id": donors.id, "name": "Donors", "visibility": "Public", "contacts": 0}
    assert shown in lists["items"]


async def test_pick_lists_page_by_cursor(api: httpx.AsyncClient, sandbox: RunningSandbox) -> None:
    path = f"/v1/accounts/{(await make_account_over_api(api, sandbox))['id']}"
    whole = (await api.get(f"{path}/data-fields")).json()["items"]

    paged: list[Any] = []
    cursor = None
    while not paged or cursor is not None:
        query = {"limit": 4} if cursor is None else {"limit": 4, "cursor": cursor}
        page = (await api.get(f"{path}/data-fields", params=query)).json()
        paged += page["items"]
        cursor = page["next_cursor"]

    assert paged == whole
    foreign = await api.get(f"{path}/lists", params={"cursor": "AAAA"})
    assert foreign.status_code == 422


async def test_preferences_outside_the_package_are_explained(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    path = f"/v1/accounts/{(await make_account_over_api(api, sandbox))['id']}"
    sandbox.control.set_settings({"missing_features": {"preferences"}})

    answer = await api.get(f"{path}/preferences")

    assert answer.status_code == 422
    assert "package lacks the feature" in answer.json()["detail"]
    assert (await api.get(path)).json()["state"] == "ok"
