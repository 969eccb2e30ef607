"""`/v1/people`: one by one."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.db import Database
from tests.factories.people import make_person

ANNA = {
    "external_ref": "C-1",
    "email": "Anna@Example.com",
    "mobile_number": "07911 123456",
    "first_name": "Anna",
    "last_name": "Smith",
    "custom": {"tier": "gold", "orders": [{"sku": "A1"}]},
}


async def made(api: httpx.AsyncClient, **values: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    answer = await api.post("/v1/people", json={**ANNA, **values})
    assert answer.status_code == 201, answer.text
    person: dict[str, Any] = answer.json()
    return person


async def test_made_person_is_given_back_with_location_and_etag(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/people", json=ANNA)
    assert answer.status_code == 201
    person = answer.json()
    assert person == {
        "id": person["id"],
        "external_ref": "C-1",
        "kind": "person",
        "email": "Anna@Example.com",
        "mobile_number": "+447911123456",
        "first_name": "Anna",
        "last_name": "Smith",
        "title": None,
        "job_title": None,
        "organisation": None,
        "address_line_1": None,
        "address_line_2": None,
        "city": None,
        "county": None,
        "state": None,
        "postcode": None,
        "country": None,
        "custom": {"tier": "gold", "orders": [{"sku": "A1"}]},
        "sync_with_mailer": True,
        "no_email": False,
        "opted_out_at": None,
        "opted_in_at": None,
        "opt_out_reason": None,
        "email_undeliverable": False,
        "merged_into_id": None,
        "deleted_at": None,
        "created_at": person["created_at"],
        "updated_at": person["updated_at"],
        "version": 1,
    }
    assert answer.headers["Location"] == f"/v1/people/{person['id']}"
    assert answer.headers["ETag"] == '"1"'
    read = await api.get(answer.headers["Location"])
    assert (read.json(), read.headers["ETag"]) == (person, '"1"')
    assert read.headers["Content-Type"] == "application/json"


async def test_times_are_rfc_3339_in_utc(api: httpx.AsyncClient, database: Database) -> None:
    stands = await make_person(
        database, no_email=True, opted_out_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )
    assert (await api.get(f"/v1/people/{stands.id}")).json()["opted_out_at"] == (
        "2026-01-02T03:04:05.000000Z"
    )


async def test_empty_body_makes_a_person_of_defaults(api: httpx.AsyncClient) -> None:
    person = (await api.post("/v1/people", json={})).json()
    assert (person["kind"], person["sync_with_mailer"], person["no_email"], person["custom"]) == (
        "person",
        True,
        False,
        {},
    )


async def test_several_people_may_share_an_email(api: httpx.AsyncClient) -> None:
    first = await made(api)
    second = await made(api, external_ref="C-2", email="ANNA@example.com")
    assert first["id"] != second["id"]


async def test_taken_external_ref_is_a_conflict(api: httpx.AsyncClient) -> None:
    await made(api)
    answer = await api.post("/v1/people", json=ANNA)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "conflict")
    assert "'C-1'" in answer.json()["detail"]


async def test_who_opts_out_is_stamped_and_the_trigger_says_when(api: httpx.AsyncClient) -> None:
    person = await made(api, no_email=True)
    assert person["opted_out_at"] is not None
    back = await api.patch(f"/v1/people/{person['id']}", json={"no_email": False})
    assert back.json()["opted_in_at"] is not None


async def test_what_cant_be_taken_is_named(api: httpx.AsyncClient) -> None:
    """The whole table is the unit test's; here is how a caller sees it."""
    cases: tuple[tuple[Mapping[str, Any], str, str], ...] = (
        ({"email": "anna"}, "/body/email", "@-sign"),
        ({"mobile_number": "12"}, "/body/mobile_number", "too short"),
        ({"first_name": "a\0b"}, "/body/first_name", "NUL"),
        ({"last_name": "x" * 10_000_000}, "/body/last_name", "1000"),
        ({"first_name": 5}, "/body/first_name", "string"),
        ({"no_email": "yes"}, "/body/no_email", "true or false"),
        ({"no_email": None}, "/body/no_email", "true or false"),
        ({"custom": {"a": [{"b": "\0"}]}}, "/body/custom", "NUL"),
        ({"custom": {"a": 10**30}}, "/body/custom", "64 bits"),
        ({"middle_name": "x"}, "/body/middle_name", "no such field"),
        ({"id": 5}, "/body/id", "read-only"),
    )
    for values, pointer, says in cases:
        answer = await api.post("/v1/people", json=values)
        assert answer.status_code == 422
        assert answer.headers["Content-Type"] == "application/problem+json"
        (error,) = answer.json()["errors"]
        assert error["pointer"] == pointer
        assert says in error["detail"], values


async def test_malformed_body_is_refused(api: httpx.AsyncClient) -> None:
    for body in (
        b'{"email": ',
        b"\xff\xfe",
        b'["a"]',
        b'{"first_name": "\\ud800"}',
        b'{"custom": {"a": {"b": "\\udc00"}}}',
        b'{"custom": {"a": NaN}}',
        b'{"custom": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
    ):
        answer = await api.post(
            "/v1/people", content=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            422,
            "application/problem+json",
        ), body


async def test_unusual_addresses_are_taken(api: httpx.AsyncClient) -> None:
    for number, email in enumerate(
        (
            "a@b.test",
            "printer@office.local",
            "x@y.invalid",
            "o'brien+news@sub.example.co.uk",
            "jürgen@müller.example",
            " anna@example.com ",
        )
    ):
        person = await made(api, email=email, external_ref=f"C-{number}")
        assert person["email"] == email.strip()


async def test_blank_text_is_null(api: httpx.AsyncClient) -> None:
    person = await made(api, email="", first_name="   ", mobile_number=" ", external_ref="")
    assert [person[name] for name in ("email", "first_name", "mobile_number", "external_ref")] == [
        None
    ] * 4


async def test_unknown_id_is_a_problem(api: httpx.AsyncClient) -> None:
    for verb in ("GET", "PUT", "PATCH", "DELETE"):
        for person_id, status in (("999", 404), ("0", 422), (str(2**63), 422), ("x", 422)):
            body: dict[str, Any] = {"json": {}} if verb in {"PUT", "PATCH"} else {}
            answer = await api.request(verb, f"/v1/people/{person_id}", **body)
            assert answer.status_code == status, (verb, person_id)
            assert answer.headers["Content-Type"] == "application/problem+json"


async def test_patch_sets_what_is_sent_clears_null_and_keeps_the_rest(
    api: httpx.AsyncClient,
) -> None:
    person = await made(api)
    answer = await api.patch(
        f"/v1/people/{person['id']}",
        json={"last_name": None, "city": "Leeds", "custom": {"tier": None, "vip": True}},
    )
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    changed = answer.json()
    assert changed == {
        **person,
        "last_name": None,
        "city": "Leeds",
        "custom": {"orders": [{"sku": "A1"}], "vip": True},
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    cleared = await api.patch(f"/v1/people/{person['id']}", json={"custom": None})
    assert cleared.json()["custom"] == {}


async def test_patch_that_changes_nothing_leaves_the_version(api: httpx.AsyncClient) -> None:
    person = await made(api)
    for same in ({}, ANNA, {"custom": {"tier": "gold"}}, {"custom": {"none": None}}):
        answer = await api.patch(f"/v1/people/{person['id']}", json=same)
        assert answer.json() == person


async def test_put_clears_what_is_left_out_but_never_consent(api: httpx.AsyncClient) -> None:
    person = await made(
        api, no_email=True, email_undeliverable=True, sync_with_mailer=False, kind="lead"
    )
    answer = await api.put(
        f"/v1/people/{person['id']}",
        json={"email": "anna@example.com", "custom": {"new": 1, "none": None}},
    )
    changed = answer.json()
    assert answer.status_code == 200
    assert changed["custom"] == {"new": 1}
    assert [changed[name] for name in ("first_name", "mobile_number", "external_ref")] == [None] * 3
    assert (changed["kind"], changed["sync_with_mailer"]) == ("person", True)
    assert (changed["no_email"], changed["email_undeliverable"]) == (True, True)
    opted_in = await api.put(f"/v1/people/{person['id']}", json={"no_email": False})
    assert opted_in.json()["no_email"] is False


async def test_new_address_is_deliverable_until_it_bounces(api: httpx.AsyncClient) -> None:
    path = f"/v1/people/{(await made(api, email_undeliverable=True))['id']}"
    same = await api.patch(path, json={"email": "ANNA@EXAMPLE.COM"})
    assert same.json()["email_undeliverable"] is True
    other = await api.patch(path, json={"email": "anna@example.org"})
    assert other.json()["email_undeliverable"] is False


async def test_change_of_consent_drops_the_old_reason(
    api: httpx.AsyncClient, database: Database
) -> None:
    stands = await make_person(database, no_email=True, opt_out_reason="complained")
    path = f"/v1/people/{stands.id}"
    assert (await api.patch(path, json={"no_email": True})).json()["opt_out_reason"] == "complained"
    assert (await api.patch(path, json={"no_email": False})).json()["opt_out_reason"] is None


async def test_taken_external_ref_is_a_conflict_in_a_change_too(api: httpx.AsyncClient) -> None:
    await made(api)
    other = await made(api, external_ref="C-2")
    answer = await api.patch(f"/v1/people/{other['id']}", json={"external_ref": "C-1"})
    assert answer.status_code == 409
    assert (await api.get(f"/v1/people/{other['id']}")).json() == other


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE"])
async def test_stale_version_is_refused_and_the_standing_one_taken(
    api: httpx.AsyncClient, verb: str
) -> None:
    path = f"/v1/people/{(await made(api))['id']}"
    await api.patch(path, json={"city": "Leeds"})
    body: dict[str, Any] = {} if verb == "DELETE" else {"json": {"city": "York"}}
    stale = await api.request(verb, path, headers={"If-Match": '"1"'}, **body)
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert (await api.get(path)).json()["city"] == "Leeds"
    taken = await api.request(verb, path, headers={"If-Match": '"2"'}, **body)
    assert taken.status_code in {200, 204}


async def test_of_two_changes_of_the_same_version_one_is_refused(api: httpx.AsyncClient) -> None:
    path = f"/v1/people/{(await made(api))['id']}"
    answers = await asyncio.gather(
        *(
            api.patch(path, json={"city": city}, headers={"If-Match": '"1"'})
            for city in ("Leeds", "York", "Bath")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


async def test_deleted_person_is_kept_and_shown_and_not_changed(api: httpx.AsyncClient) -> None:
    path = f"/v1/people/{(await made(api))['id']}"
    gone = await api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    shown = await api.get(path)
    assert shown.status_code == 200
    assert shown.json()["deleted_at"] is not None
    for answer in (
        await api.patch(path, json={"city": "Leeds"}),
        await api.put(path, json={}),
        await api.delete(path),
    ):
        assert (answer.status_code, "deleted" in answer.json()["detail"]) == (404, True)
    again = await api.post("/v1/people", json=ANNA)
    assert again.status_code == 409


async def test_who_changed_what_is_in_the_audit_log(
    api: httpx.AsyncClient, database: Database
) -> None:
    path = f"/v1/people/{(await made(api))['id']}"
    await api.patch(path, json={"city": "Leeds"})
    await api.patch(path, json={"city": "Leeds"})
    await api.delete(path)
    rows = await database.pool.fetch("SELECT action, actor, detail FROM audit_log ORDER BY id")
    assert [row["action"] for row in rows] == [
        "person_created",
        "person_changed",
        "person_deleted",
    ]
    assert all("bootstrap" in row["actor"] and "nna" not in str(row["detail"]) for row in rows)


async def test_post_under_one_idempotency_key_makes_one_person(
    api: httpx.AsyncClient, database: Database
) -> None:
    key = {"Idempotency-Key": "once"}
    body = {"email": "anna@example.com"}
    first = await api.post("/v1/people", json=body, headers=key)
    again = await api.post("/v1/people", json=body, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await api.post("/v1/people", json={"email": "ben@example.com"}, headers=key)
    assert other.status_code == 422
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 1


async def test_twins_under_one_idempotency_key_make_one_person(
    api: httpx.AsyncClient, database: Database
) -> None:
    answers = await asyncio.gather(
        *(
            api.post("/v1/people", json={"city": "Leeds"}, headers={"Idempotency-Key": "twins"})
            for _ in range(4)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 1


async def test_scopes_are_needed(api: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/v1/people")).status_code == 401
    key = (await api.post("/v1/api-keys", json={"name": "reader", "scopes": ["read"]})).json()
    reader = {"Authorization": f"Bearer {key['key']}"}
    assert (await anonymous.get("/v1/people", headers=reader)).status_code == 200
    for answer in (
        await anonymous.post("/v1/people", json={}, headers=reader),
        await anonymous.delete("/v1/people/1", headers=reader),
        await anonymous.post("/v1/people/bulk", json={"people": []}, headers=reader),
    ):
        assert answer.status_code == 403
