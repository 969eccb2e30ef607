"""v3 of the sandbox: identifiers of the account's own, and matching on them."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v3_calls import V3, Json, calling_v3, codes, entry

PATH = "/configuration/v3/customIdentifiers"


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        yield v3


@pytest.fixture
async def crm(v3: V3) -> V3:
    """Give the account a custom identifier, crm-id."""
    await v3.done("POST", PATH, {"name": "crm-id"}, 201)
    return v3


async def test_identifier_is_made_listed_and_deleted(v3: V3) -> None:
    made = await v3.done("POST", PATH, {"name": "crm-id"}, 201)
    now = v3.control.move_clock()
    assert made == {"name": "crm-id", "created": now, "updated": now}
    assert await v3.done("GET", PATH) == [made]
    await v3.done("DELETE", f"{PATH}/crm-id", status=204)
    assert await v3.done("GET", PATH) == []
    refusal = (404, "customIdentifiers:notExist")
    assert await v3.refused("DELETE", f"{PATH}/crm-id") == refusal


@pytest.mark.parametrize(
    "body,refusal",
    [
        pytest.param({"name": "CRM-ID"}, (409, "nameAlreadyExists"), id="taken, in another case"),
        pytest.param({"name": "email"}, (409, "nameAlreadyExists"), id="what everybody has"),
        pytest.param({"name": "x" * 51}, (400, "nameTooLong"), id="too long"),
        pytest.param({"name": "crm id"}, (400, "badRequest"), id="with a space"),
        pytest.param({"name": ""}, (400, "badRequest"), id="empty"),
        pytest.param({}, (400, "badRequest"), id="no name"),
        pytest.param([], (400, "badRequest"), id="no object"),
    ],
)
async def test_name_that_can_not_be_is_refused(
    crm: V3, body: Json, refusal: tuple[int, str]
) -> None:
    status, code = refusal
    assert await crm.refused("POST", PATH, body) == (status, f"customIdentifiers:{code}")


async def test_number_of_identifiers_is_limited(crm: V3) -> None:
    crm.control.set_settings({"custom_identifier_limit": 1})
    refused = await crm.call("POST", PATH, {"name": "shop-id"})
    assert (refused.status_code, refused.content) == (412, b"")


async def test_identifier_in_use_is_not_deleted(crm: V3) -> None:
    crm.account.custom_identifiers["crm-id"].used_by = "segment:1002"
    assert await crm.refused("DELETE", f"{PATH}/crm-id") == (400, "customIdentifiers:inUse")


async def test_import_matches_on_it(crm: V3) -> None:
    first = await crm.imported(
        entry("crm-id", identifiers={"crm-id": "C7", "email": "ann@b.example"})
    )
    report = await crm.imported(
        entry("crm-id", identifiers={"crm-id": "C7", "email": "ann@c.example"})
    )
    [made] = first["created"]
    assert report["updated"] == [
        {
            "contactId": made["contactId"],
            "identifiers": {"email": "ann@c.example", "crm-id": "C7"},
        }
    ]
    assert (await crm.get("crm-id/C7"))["identifiers"]["email"] == "ann@c.example"


async def test_it_can_not_be_a_contacts_only_identifier(crm: V3) -> None:
    report = await crm.imported(entry("crm-id", identifiers={"crm-id": "C7"}))
    assert codes(report) == [["noValidIdentifiers"]]


async def test_it_is_unique_in_the_account(crm: V3) -> None:
    await crm.patch("email/ann@b.example", {"identifiers": {"crm-id": "C7"}}, 201)
    report = await crm.imported(
        entry(identifiers={"email": "bob@b.example", "crm-id": "C7"}),
    )
    assert codes(report) == [["duplicateIdentifier"]]
    body = {"identifiers": {"crm-id": "C7"}}
    refusal = (409, "contacts:idAlreadyExists")
    assert await crm.refused("PATCH", "/contacts/v3/email/cy@b.example", body) == refusal


async def test_it_goes_from_every_contact_when_it_is_deleted(crm: V3) -> None:
    await crm.patch("email/ann@b.example", {"identifiers": {"crm-id": "C7"}}, 201)
    await crm.done("DELETE", f"{PATH}/crm-id", status=204)
    assert (await crm.get("email/ann@b.example"))["identifiers"] == {"email": "ann@b.example"}


async def test_package_without_the_feature_refuses(v3: V3) -> None:
    v3.control.set_settings({"missing_features": ["custom-identifiers"]})
    refused = await v3.http.get(PATH)
    assert refused.status_code == 403
