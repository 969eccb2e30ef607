"""`PUT /v1/mappings/{id}`: a mapping replaced as a whole."""

from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.accounts import make_account, make_account_over_api
from tests.factories.api_keys import client_with
from tests.factories.contact_links import due_people, make_link, settle_everyone
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person


@pytest.fixture
async def account(api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database) -> Account:
    made = await make_account_over_api(api, sandbox)
    sandbox.control.add_data_field("COMPANY")
    async with database.reading() as session:
        return await session.get_one(Account, made["id"])


@pytest.fixture
async def mapping(api: httpx.AsyncClient, account: Account) -> dict[str, Any]:
    answer = await api.post(
        "/v1/mappings",
        json={
            "account_id": account.id,
            "person_field": "organisation",
            "dotdigital_field": "COMPANY",
            "applies_to": "person",
            "when_blank": "keep",
            "conflict_rule": "latest",
        },
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def whole(account: Account, **fields: object) -> dict[str, object]:
    """Return a body with no more than what is needed, and these fields."""
    needed = {"account_id": account.id, "person_field": "organisation"}
    return {**needed, "dotdigital_field": "company", **fields}


async def test_what_is_left_out_goes_to_its_default(
    api: httpx.AsyncClient, account: Account, mapping: dict[str, Any], database: Database
) -> None:
    linked = await make_person(database, email="linked@example.com")
    await make_link(database, account, linked)
    await settle_everyone(database)

    answer = await api.put(
        f"/v1/mappings/{mapping['id']}", json=whole(account), headers={"If-Match": '"1"'}
    )

    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"2"'
    replaced = answer.json()
    assert replaced.pop("updated_at") >= mapping["updated_at"]
    assert replaced == {
        **{name: value for name, value in mapping.items() if name != "updated_at"},
        "applies_to": "both",
        "when_blank": "clear",
        "conflict_rule": "prefer_dotsync",
        "version": 2,
        "linked_people_to_send": 1,
    }
    assert await due_people(database, account.id, "mapping") == [linked.id]
    noted = await database.pool.fetchval(
        "SELECT count(*) FROM audit_log WHERE action = 'mapping_changed' AND subject_id = $1",
        mapping["id"],
    )
    assert noted == 1


async def test_the_same_again_sends_nobody(
    api: httpx.AsyncClient, account: Account, mapping: dict[str, Any], database: Database
) -> None:
    await make_link(database, account, await make_person(database))
    await settle_everyone(database)
    same = whole(account, applies_to="person", when_blank="keep", conflict_rule="latest")

    replaced = (await api.put(f"/v1/mappings/{mapping['id']}", json=same)).json()

    assert replaced["linked_people_to_send"] == 0
    assert await due_people(database, account.id) == []


async def test_another_target_is_found_or_made(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account, mapping: dict[str, Any]
) -> None:
    path, elsewhere = f"/v1/mappings/{mapping['id']}", whole(account, dotdigital_field="Employer")

    refused = await api.put(path, json=elsewhere)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (
        422,
        "/body/dotdigital_field",
    )
    made = await api.put(f"{path}?create_missing=true", json=elsewhere)

    assert (made.status_code, made.json()["dotdigital_field"]) == (200, "EMPLOYER")
    assert "Employer" in {field.name for field in sandbox.account.data_fields}


@pytest.mark.parametrize(
    "fields, status, pointer",
    [
        pytest.param({"person_field": "shoe_size"}, 422, "/body/person_field", id="no such field"),
        pytest.param({"person_field": None}, 422, "/body/person_field", id="a field that is null"),
        pytest.param({"kind": "preference"}, 422, "/body/kind", id="another kind"),
        pytest.param({"colour": "red"}, 422, "/body/colour", id="an unknown field"),
        pytest.param(
            {"person_field": "full_name", "direction": "two_way"},
            422,
            "/body/person_field",
            id="a field that can't be written",
        ),
        pytest.param({"dotdigital_field": "FIRSTNAME"}, 409, None, id="a target that is taken"),
    ],
)
async def test_what_post_refuses_put_refuses(
    api: httpx.AsyncClient,
    account: Account,
    mapping: dict[str, Any],
    fields: dict[str, object],
    status: int,
    pointer: str | None,
) -> None:
    path = f"/v1/mappings/{mapping['id']}"
    answer = await api.put(path, json=whole(account, **fields))
    assert answer.status_code == status, answer.text
    assert [fault["pointer"] for fault in answer.json().get("errors", ())] == (
        [pointer] if pointer else []
    )
    assert (await api.get(path)).json()["version"] == 1


async def test_mapping_stays_with_its_account(
    api: httpx.AsyncClient, account: Account, mapping: dict[str, Any], database: Database
) -> None:
    other = await make_account(database, username="other", dotdigital_account_id=77)
    answer = await api.put(f"/v1/mappings/{mapping['id']}", json=whole(other))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/account_id")
    assert f"is {account.id}" in answer.json()["detail"]


async def test_stale_version_and_unknown_mapping_are_refused(
    api: httpx.AsyncClient, account: Account, mapping: dict[str, Any]
) -> None:
    path = f"/v1/mappings/{mapping['id']}"
    await api.patch(path, json={"when_blank": "clear"})
    stale = await api.put(path, json=whole(account), headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert (await api.put("/v1/mappings/4711", json=whole(account))).status_code == 404


async def test_replacing_needs_write(api: httpx.AsyncClient, database: Database) -> None:
    stands = await make_mapping(database, await make_account(database))
    async with client_with(api, ["read"]) as reader:
        assert (await reader.put(f"/v1/mappings/{stands.id}", json={})).status_code == 403
