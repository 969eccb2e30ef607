"""v3 of the sandbox: contacts deleted in bulk."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v3_calls import V3, Json, calling_v3

UNKNOWN_GUID = "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6"
DELETE = "/contacts/v3/delete"


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        yield v3


async def _submit(v3: V3, *references: Json) -> str:
    accepted = await v3.done("POST", DELETE, list(references), 202)
    return str(accepted["deleteId"])


async def test_contacts_are_deleted_by_any_identifier(v3: V3) -> None:
    await v3.done("POST", "/configuration/v3/customIdentifiers", {"name": "crm-id"}, 201)
    ids = v3.control.add_contacts(
        [
            {"identifiers": {"email": "ann@b.example"}},
            {"identifiers": {"email": "bob@b.example"}},
            {"identifiers": {"mobileNumber": "447700900123"}},
            {"identifiers": {"email": "dee@b.example", "crm-id": "C7"}},
            {"identifiers": {"email": "eve@b.example"}},
        ]
    )
    references: list[Json] = [
        {"email": "ANN@b.example"},
        {"contactId": ids[1]},
        {"mobileNumber": "+447700900123"},
        {"crm-id": "C7"},
    ]
    delete_id = await _submit(v3, *references)
    assert await v3.done("GET", f"{DELETE}/{delete_id}") == {
        "deleteId": delete_id,
        "status": "Finished",
        "summary": {
            "requestedContacts": 4,
            "deletedContacts": 4,
            "unknownContacts": 0,
            "invalidEntries": 0,
        },
        "deleted": references,
        "failures": [],
    }
    assert [contact.id for contact in v3.account.contacts] == [ids[4]]


@pytest.mark.parametrize(
    "reference,code,count",
    [
        pytest.param({"email": "x@b.example"}, "contactNotFound", "unknownContacts", id="nobody"),
        pytest.param({"contactId": 7}, "contactNotFound", "unknownContacts", id="nobody's id"),
        pytest.param({"email": "x"}, "invalidEmail", "invalidEntries", id="no email"),
        pytest.param({"contactId": "x"}, "invalidContactId", "invalidEntries", id="no id"),
        pytest.param({"mobileNumber": "1"}, "invalidPhoneNumber", "invalidEntries", id="no number"),
        pytest.param({"crm-id": "C7"}, "invalidContact", "invalidEntries", id="no identifier"),
    ],
)
async def test_entry_that_can_not_be_deleted_is_named(
    v3: V3, reference: Json, code: str, count: str
) -> None:
    v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    delete_id = await _submit(v3, reference, {"email": "ann@b.example"})
    report = await v3.done("GET", f"{DELETE}/{delete_id}")
    [failure] = report["failures"]
    assert failure["identifier"] == reference
    assert [each["failureCode"] for each in failure["failures"]] == [code]
    assert report["summary"][count] == report["summary"]["deletedContacts"] == 1


async def test_contact_named_twice_is_deleted_once(v3: V3) -> None:
    [ann] = v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    delete_id = await _submit(v3, {"contactId": ann}, {"email": "ann@b.example"})
    report = await v3.done("GET", f"{DELETE}/{delete_id}")
    assert report["summary"]["deletedContacts"] == report["summary"]["unknownContacts"] == 1


async def test_deletion_lasts_as_long_as_the_account_says(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    v3.control.set_settings({"deletion_duration_s": 30})
    delete_id = await _submit(v3, {"email": "ann@b.example"})
    running = await v3.done("GET", f"{DELETE}/{delete_id}")
    assert running == {"deleteId": delete_id, "status": "NotFinished"}
    assert v3.account.contacts.live_count == 1
    v3.sandbox.clock.advance(30)
    assert (await v3.done("GET", f"{DELETE}/{delete_id}"))["status"] == "Finished"
    assert v3.account.contacts.live_count == 0


async def test_slots_of_deletions_are_limited(v3: V3) -> None:
    v3.control.set_settings({"deletion_duration_s": 30, "active_deletion_limit": 1})
    await _submit(v3, {"contactId": 7})
    refusal = (429, "contacts:tooManyBulkDeleteJobs")
    assert await v3.refused("POST", DELETE, [{"contactId": 7}]) == refusal


@pytest.mark.parametrize(
    "body,code",
    [
        pytest.param([], "noContactsSpecified", id="nobody"),
        pytest.param({}, "badRequest", id="no array"),
        pytest.param([{}], "badRequest", id="no identifier"),
        pytest.param(["ann@b.example"], "badRequest", id="a bare address"),
        pytest.param([{"contactId": 1}] * 5001, "badRequest", id="too many"),
    ],
)
async def test_request_that_is_not_right_is_refused(v3: V3, body: Json, code: str) -> None:
    assert await v3.refused("POST", DELETE, body) == (400, f"contacts:{code}")


async def test_5000_contacts_are_taken(v3: V3) -> None:
    await _submit(v3, *({"contactId": number} for number in range(5000)))


@pytest.mark.parametrize(
    "delete_id,refusal",
    [
        pytest.param("123646", (400, "contacts:invalidDeleteId"), id="no id"),
        pytest.param(UNKNOWN_GUID, (404, "contacts:importNotFound"), id="the id of nothing"),
    ],
)
async def test_deletion_that_there_is_none_of_is_not_found(
    v3: V3, delete_id: str, refusal: tuple[int, str]
) -> None:
    assert await v3.refused("GET", f"{DELETE}/{delete_id}") == refusal
