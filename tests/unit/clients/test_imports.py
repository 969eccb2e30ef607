"""Imports: what is sent, and the report as it is read."""

import sys
import time

import orjson
import pytest
import respx

from app.clients.dotdigital import (
    DotdigitalClient,
    ImportContact,
    ImportFailure,
    ImportReport,
    ImportStatus,
    MergeOption,
    NotFound,
    ProtocolError,
    Rejected,
    WaitForSlot,
    encode_contact,
)
from app.clients.dotdigital.resources import imports
from tests.factories.dotdigital import example

GUID = "b9f4b7f0-2a41-4c1f-8f0e-1d6a4b0c9e21"
ONE = encode_contact(ImportContact(email="ann@mail.example"))


@pytest.mark.parametrize("merge_option", MergeOption)
async def test_contacts_go_as_they_were_encoded(
    client: DotdigitalClient, dotdigital: respx.MockRouter, merge_option: MergeOption
) -> None:
    route = dotdigital.put("/contacts/v3/import").respond(202, json={"importId": GUID})
    two = encode_contact(ImportContact(email="bob@mail.example"))
    assert await client.imports.submit([ONE, two], merge_option) == GUID
    assert route.calls.last.request.content == (
        b'{"mergeOption":"' + merge_option.encode() + b'","contacts":[' + ONE + b"," + two + b"]}"
    )


async def test_an_import_of_nobody_or_of_too_much_is_not_sent(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    for contacts in ([], [b"0" * (50 * 1024 * 1024)]):
        with pytest.raises(ValueError, match="50 MB"):
            await client.imports.submit(contacts)
    assert dotdigital.calls.call_count == 0


@pytest.mark.parametrize(
    "status, body",
    [
        (429, {"errorCode": "contacts:tooManyActiveImports", "description": "wait"}),
        (400, {"message": "... ERROR_IMPORT_TOOMANYACTIVEIMPORTS"}),
    ],
)
async def test_where_every_slot_is_taken_the_caller_is_told_to_wait(
    client: DotdigitalClient, dotdigital: respx.MockRouter, status: int, body: dict[str, str]
) -> None:
    route = dotdigital.put("/contacts/v3/import").respond(status, json=body)
    with pytest.raises(WaitForSlot):
        await client.imports.submit([ONE])
    assert route.call_count == 1


async def test_a_body_too_large_for_dotdigital_is_told_by_its_status(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.put("/contacts/v3/import").respond(413)
    with pytest.raises(Rejected) as met:
        await client.imports.submit([ONE])
    assert met.value.status == 413


async def test_a_report_is_read_whole(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get(f"/contacts/v3/import/{GUID}").respond(json=example("v3-import-finished"))
    report = await client.imports.status(GUID)
    assert (report.import_id, report.status) == (GUID, ImportStatus.FINISHED)
    assert report.summary["newContacts"] == 1
    assert [(each.contact_id, each.email) for each in report.created] == [
        (700110, "sol.castro@mail.example")
    ]
    assert [each.contact_id for each in report.updated] == [700101, 700103]
    assert report.updated[0].identifiers["mobileNumber"] == "447700900123"
    assert report.failures == [
        ImportFailure(
            contact_id=None,
            match_identifier="email",
            email="not-an-address",
            identifiers={"email": "not-an-address"},
            reasons=[("invalidEmail", "The email address is not valid")],
        ),
        ImportFailure(
            contact_id=700106,
            match_identifier="contactId",
            email="ines.okafor@mail.example",
            identifiers={"email": "ines.okafor@mail.example"},
            reasons=[("duplicateIdentifier", "Another contact has this identifier")],
        ),
    ]


@pytest.mark.parametrize(
    "word, expected",
    [
        ("NotFinished", ImportStatus.NOT_FINISHED),
        ("NotStarted", ImportStatus.NOT_FINISHED),
        ("notfinished", ImportStatus.NOT_FINISHED),
        ("FINISHED", ImportStatus.FINISHED),
        ("RejectedByWatchdog", ImportStatus.REJECTED_BY_WATCHDOG),
        ("Failed", ImportStatus.FAILED),
        ("ExceedsAllowedContactLimit", ImportStatus.EXCEEDS_ALLOWED_CONTACT_LIMIT),
    ],
)
async def test_every_status_is_read(
    client: DotdigitalClient, dotdigital: respx.MockRouter, word: str, expected: ImportStatus
) -> None:
    dotdigital.get("/contacts/v3/import/x").respond(json={"importId": "x", "status": word})
    assert await client.imports.status("x") == ImportReport("x", expected)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"importId": "x", "status": "Paused"}, id="a status that nobody knows"),
        pytest.param({"importId": "x"}, id="no status"),
        pytest.param({"importId": "x", "status": "Finished", "created": [{}]}, id="no contact id"),
        pytest.param([], id="no report"),
    ],
)
async def test_a_report_of_another_shape_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: object
) -> None:
    dotdigital.get("/contacts/v3/import/x").respond(json=body)
    with pytest.raises(ProtocolError):
        await client.imports.status("x")


async def test_an_import_that_is_no_longer_known_is_not_found(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    body = {"errorCode": "contacts:importNotFound", "description": "no"}
    dotdigital.get("/contacts/v3/import/x").respond(404, json=body)
    with pytest.raises(NotFound):
        await client.imports.status("x")


def test_a_report_of_ten_thousand_rows_is_read_in_a_blink() -> None:
    rows = [
        {"contactId": number, "identifiers": {"email": f"p{number}@mail.example"}}
        for number in range(10_000)
    ]
    body = orjson.dumps({"importId": "x", "status": "Finished", "created": rows})
    took_s = []
    for _ in range(5):
        started = time.process_time()
        report = imports._report(orjson.loads(body))
        took_s.append(time.process_time() - started)
        assert len(report.created) == 10_000
    # A tracer, such as coverage's, takes several times as long as what it looks at.
    assert min(took_s) < 0.05 or sys.gettrace() is not None
