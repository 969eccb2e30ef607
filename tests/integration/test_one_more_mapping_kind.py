"""One more kind of mapping is a file in `app/services/mapping_kinds/`: nothing else."""

from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account
from app.services.mapping_kinds import KINDS
from app.settings import Settings
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.accounts import make_account_over_api
from tests.factories.engines import Replica, replica
from tests.factories.people import make_person
from tests.integration.one_more_mapping_kind import LetterKind
from tests.integration.sync.retrieving import (
    ANN,
    assert_quiet,
    person,
    retrieve,
    send,
    set_clock,
    value,
)

BODY = {
    "kind": "letter",
    "person_field": "custom.vip",
    "dotdigital_field": "vip_yn",
    "direction": "two_way",
}


@pytest.fixture
def one_more_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, LetterKind.word, LetterKind())


@pytest.fixture
async def account_id(api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database) -> int:
    """Give an account of the sandbox's, and Ann, who is a VIP."""
    set_clock(sandbox, START)
    sandbox.control.add_data_field("VIP_YN")
    made: int = (await make_account_over_api(api, sandbox))["id"]
    await make_person(database, custom={"vip": True})
    return made


async def post(api: httpx.AsyncClient, account_id: int, **values: Any) -> httpx.Response:  # noqa: ANN401
    return await api.post("/v1/mappings", json={"account_id": account_id, **BODY, **values})


async def suggested(api: httpx.AsyncClient, account_id: int) -> list[tuple[str, str, str]]:
    found = await api.get("/v1/mappings/suggestions", params={"account_id": account_id})
    return [
        (each["kind"], each["person_field"], each["dotdigital_field"])
        for each in found.json()["items"]
    ]


@pytest.mark.usefixtures("one_more_kind")
async def test_the_api_speaks_of_it(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    shapes = document["components"]["schemas"]
    words = ["field", "preference", "letter"]
    for name in (
        "MappingIn",
        "MappingOut",
        "MappingStored",
        "MappingWithProgress",
        "SuggestionOut",
    ):
        assert shapes[name]["properties"]["kind"]["enum"] == words, name
    parameters = document["paths"]["/v1/mappings"]["get"]["parameters"]
    (kind,) = [each["schema"] for each in parameters if each["name"] == "kind"]
    assert kind["anyOf"][0]["enum"] == words
    named = shapes["MappingIn"]["properties"]["dotdigital_field"]["description"]
    assert named.endswith("; a text data field that holds Y or N by name.")


@pytest.mark.usefixtures("one_more_kind")
async def test_it_is_suggested_made_and_in_the_way_of_others(
    api: httpx.AsyncClient, account_id: int
) -> None:
    offered = ("letter", "custom.vip", "VIP_YN")
    assert offered in await suggested(api, account_id)
    text = await post(api, account_id, person_field="first_name")
    assert text.json()["detail"] == "first_name is of type text, which a letter can't hold."
    typed = await post(api, account_id, data_field_type="String")
    assert typed.json()["detail"] == "A text data field has no type: leave it out."
    nowhere = await post(api, account_id, dotdigital_field="VIP_NY")
    assert "Did you mean 'VIP_YN'?" in nowhere.json()["detail"]

    made = await post(api, account_id)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["kind"], shown["dotdigital_field"]) == ("letter", "VIP_YN")
    listed = await api.get("/v1/mappings", params={"kind": "letter"})
    assert [each["id"] for each in listed.json()["items"]] == [shown["id"]]
    changed = await api.patch(f"/v1/mappings/{shown['id']}", json={"person_field": "custom.other"})
    assert changed.status_code == 200, changed.text
    assert (await post(api, account_id, kind="field")).status_code == 409
    assert offered not in await suggested(api, account_id)


@pytest.mark.usefixtures("one_more_kind")
async def test_its_values_go_out_and_come_back(
    api: httpx.AsyncClient,
    account_id: int,
    sandbox: RunningSandbox,
    database: Database,
    clock: FakeClock,
    settings: Settings,
) -> None:
    await post(api, account_id)
    async with replica(database, clock, settings) as here:
        account = await account_of(here, account_id)
        await send(here, account)
        assert value(sandbox, "VIP_YN") == "Y"
        await retrieve(here, account)

        sandbox.control.edit(ANN, data_fields={"VIP_YN": "N"})
        assert await retrieve(here, account) == {"seen": 1, "updated": 1}
        assert (await person(here))["custom"] == {"vip": False}
        await assert_quiet(here, account, sandbox)
        # What it can't read, it leaves alone.
        sandbox.control.edit(ANN, data_fields={"VIP_YN": "?"})
        await retrieve(here, account)
        assert (await person(here))["custom"] == {"vip": False}

        # Nor can it send what it has no letter for.
        await database.pool.execute("""UPDATE people SET custom = '{"vip": "perhaps"}'""")
        await here.run(account, "send_people")
        (failed,) = (await api.get("/v1/failures")).json()["items"]
        assert "custom.vip for VIP_YN (Y or N): 'perhaps' is not a yes or no." in failed["message"]


@pytest.mark.usefixtures("one_more_kind")
async def test_new_contact_begins_with_it(
    api: httpx.AsyncClient,
    account_id: int,
    sandbox: RunningSandbox,
    database: Database,
    clock: FakeClock,
    settings: Settings,
) -> None:
    await post(api, account_id)
    entry = {"identifiers": {"email": "new@example.com"}, "dataFields": {"VIP_YN": "Y"}}
    sandbox.control.add_contacts([entry])
    async with replica(database, clock, settings) as here:
        await retrieve(here, await account_of(here, account_id))
        custom = await database.pool.fetchval(
            "SELECT custom FROM people WHERE email = 'new@example.com'"
        )
        assert custom == {"vip": True}


@pytest.mark.usefixtures("one_more_kind")
async def test_it_is_left_out_where_its_target_is_gone(
    api: httpx.AsyncClient,
    account_id: int,
    sandbox: RunningSandbox,
    database: Database,
    clock: FakeClock,
    settings: Settings,
) -> None:
    mapping_id = (await post(api, account_id)).json()["id"]
    sandbox.account.delete_data_field("VIP_YN")
    async with replica(database, clock, settings) as here:
        run = await here.run(await account_of(here, account_id), "send_people", "full")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 1)
    (failed,) = (await api.get("/v1/failures")).json()["items"]
    assert (failed["subject"]["id"], failed["code"]) == (mapping_id, "letter_gone")


async def test_a_kind_of_another_version_is_shown_and_otherwise_passed_over(
    api: httpx.AsyncClient,
    account_id: int,
    sandbox: RunningSandbox,
    database: Database,
    clock: FakeClock,
    settings: Settings,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, LetterKind.word, LetterKind())
        mapping_id = (await post(api, account_id)).json()["id"]
    refused = await post(api, account_id)
    assert refused.json()["errors"] == [
        {"pointer": "/body/kind", "detail": "Input should be 'field' or 'preference'."}
    ]
    assert (await api.get(f"/v1/mappings/{mapping_id}")).json()["kind"] == "letter"
    changed = await api.patch(f"/v1/mappings/{mapping_id}", json={"when_blank": "keep"})
    assert changed.status_code == 409
    async with replica(database, clock, settings) as here:
        account = await account_of(here, account_id)
        run = await here.run(account, "send_people", "full")
        assert run["status"] == "succeeded"
        await retrieve(here, account, "full")
    assert value(sandbox, "VIP_YN") is None
    (told,) = (await api.get("/v1/failures")).json()["items"]
    assert "knows no mappings of kind 'letter'" in told["message"]
    assert told["message"].endswith("or delete the mapping.")
    assert (await api.delete(f"/v1/mappings/{mapping_id}")).status_code == 200


async def account_of(here: Replica, account_id: int) -> Account:
    async with here.database.reading() as session:
        found = await session.get(Account, account_id)
    assert found is not None
    return found
