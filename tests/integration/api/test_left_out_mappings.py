"""`/v1/mappings`: a mapping whose target is gone in Dotdigital says so until it is found."""

import httpx
import pytest

from app.db import Database
from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.accounts import make_account_over_api
from tests.factories.contact_links import make_link, settle_everyone
from tests.factories.failures import make_failure
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person


@pytest.fixture
async def account(api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database) -> Account:
    made = await make_account_over_api(api, sandbox)
    async with database.reading() as session:
        found = await session.get_one(Account, made["id"])
    sandbox.sandbox.calls.clear()
    return found


async def test_a_mapping_says_why_it_is_left_out_until_its_target_is_found(
    api: httpx.AsyncClient, account: Account, database: Database
) -> None:
    mapping = await make_mapping(
        database, account, person_field="custom.tier", dotdigital_field="TIER"
    )
    await make_link(database, account, await make_person(database, custom={"tier": "iron"}))
    await settle_everyone(database)
    failure = await make_failure(
        database,
        account,
        subject_type="mapping",
        subject_id=mapping.id,
        code="data_field_gone",
        message="Dotdigital no longer has the data field TIER.",
    )
    path = f"/v1/mappings/{mapping.id}"

    shown = (await api.get(path)).json()
    assert shown["pending_people"] == 1
    assert shown["left_out"] | {"since": None, "looked_at_again_at": None} == {
        "failure_id": failure.id,
        "code": "data_field_gone",
        "message": "Dotdigital no longer has the data field TIER.",
        "since": None,
        "looked_at_again_at": None,
    }
    listed = (await api.get(f"/v1/mappings?account_id={account.id}")).json()["items"]
    assert [each["id"] for each in listed if each["left_out"]] == [mapping.id]
    changed = await api.patch(path, json={"conflict_rule": "latest"})
    assert changed.json()["left_out"]["failure_id"] == failure.id

    answer = await api.patch(f"{path}?create_missing=true", json={"dotdigital_field": "TIER"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["linked_people_to_send"], answer.json()["left_out"]) == (1, None)
    assert (await api.get(path)).json()["left_out"] is None
