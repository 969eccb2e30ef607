"""v2 of the sandbox: imports, their reports and their faults."""

import base64
import csv
import io
from collections.abc import AsyncIterator

import pytest

from sandbox.state.jobs import Fate
from tests.integration.sandbox.v2_calls import V2, Json, calling_v2

NO_REPORT = (
    404,
    "Import is not processed yet or completed with error. ERROR_IMPORT_REPORT_NOT_FOUND",
)


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        yield v2


async def _collected(v2: V2, contacts: list[Json], **fields: object) -> str:
    body = {"contacts": contacts, "addressBookIds": [], "mergeOption": 0, **fields}
    job = await v2.done("POST", "/contacts/import-collection", body, 202)
    assert job["status"] == "NotFinished"
    status = await v2.done("GET", f"/contacts/import/{job['id']}")
    assert status == {"id": job["id"], "status": "Finished"}
    return str(job["id"])


async def _uploaded(v2: V2, path: str, text: str, name: str = "contacts.csv") -> str:
    data = base64.b64encode(text.encode()).decode()
    job = await v2.done("POST", path, {"FileName": name, "Data": data}, 202)
    await v2.done("GET", f"/contacts/import/{job['id']}")
    return str(job["id"])


async def _counts(v2: V2, import_id: str) -> dict[str, int]:
    report = await v2.done("GET", f"/contacts/import/{import_id}/report")
    return {name: count for name, count in report.items() if count}


async def _faults(v2: V2, import_id: str) -> list[dict[str, str]]:
    answer = await v2.call("GET", f"/contacts/import/{import_id}/report-faults")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.content.startswith(b"\xef\xbb\xbfReason,")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def _data(v2: V2, email: str) -> dict[str, object]:
    shown = await v2.done("GET", f"/contacts/{email}")
    return {pair["key"]: pair["value"] for pair in shown["dataFields"] if pair["value"] is not None}


async def test_a_collection_makes_and_updates_contacts_and_puts_them_on_lists(v2: V2) -> None:
    await v2.make_contact("ann@b.example", FIRSTNAME="Ann")
    topics = {"publicName": "Topics", "privateName": "Topics"}
    category = await v2.done("POST", "/preferences", topics)
    await v2.done(
        "POST",
        "/preferences",
        {
            "publicName": "Events",
            "privateName": "Shows",
            "isPreference": True,
            "categoryId": category["id"],
        },
    )
    list_id = await v2.make_list()
    contacts = [
        {
            "Email": "ANN@b.example",
            "OptInType": 2,
            "DataFields": [
                {"Key": "LastName", "Value": "Berg"},
                {"Key": "Preference:Topics>Shows", "Value": "True"},
                {"Key": "SHOESIZE", "Value": "9"},
            ],
            "ConsentFields": [{"Key": "consenttext", "Value": "Yes"}],
        },
        {"email": "bob@b.example", "emailType": "PlainText", "mobileNumberId": "+447700900123"},
    ]
    import_id = await _collected(v2, contacts, addressBookIds=[list_id], mergeOption="Overwrite")
    assert await _counts(v2, import_id) == {"newContacts": 1, "updatedContacts": 1}
    assert await _faults(v2, import_id) == []
    assert await _data(v2, "ann@b.example") == {"FIRSTNAME": "Ann", "LASTNAME": "Berg"}
    assert (await v2.done("GET", "/contacts/ann@b.example"))["optInType"] == "Double"
    tree = await v2.done("GET", "/contacts/ann@b.example/preferences")
    assert tree[0]["preferences"][0]["isOptedIn"] is True
    consent = await v2.done("GET", "/contacts/ann@b.example/with-consent")
    assert consent["consentFields"][0]["fields"][0]["value"] == "Yes"
    assert (await v2.done("GET", "/contacts/bob@b.example"))["emailType"] == "PlainText"
    assert await v2.members(list_id) == ["ann@b.example", "bob@b.example"]


async def test_what_was_not_imported_is_counted_and_listed_by_its_reason(v2: V2) -> None:
    v2.account.settings.globally_suppressed = {"global@b.example"}
    v2.account.settings.blocked_addresses = {"block@b.example"}
    v2.account.settings.suppressed_domains = {"no.example"}
    await v2.done("POST", "/contacts/unsubscribe", {"email": "left@b.example"})
    await v2.make_contact("off@b.example")
    await v2.done("PUT", "/contacts/suppress-contacts", [{"email": "off@b.example"}])
    for status in ("hardBounced", "softBounced", "ispComplained"):
        await v2.make_contact(f"{status}@b.example")
        contact = v2.account.contacts.by_email(f"{status}@b.example")
        assert contact is not None
        v2.account.subscriptions.suppress(contact, status, v2.account.clock.stamp())
    await v2.done(
        "POST", "/contacts", {"email": "wait@b.example", "optInType": "VerifiedDouble"}, 201
    )
    emails = {
        "good@b.example": None,
        "no address": "Invalid Email",
        "GOOD@b.example": "Duplicate",
        "global@b.example": "Globally Suppressed",
        "block@b.example": "Blocker",
        "ann@no.example": "Suppressed by Domain",
        "left@b.example": "Unsubscribed",
        "off@b.example": "Suppressed by you",
        "hardBounced@b.example": "Hard bounced",
        "softBounced@b.example": "Soft bounced",
        "ispComplained@b.example": "Complained to ISP",
        "wait@b.example": "Pending optin",
    }
    data = [{"key": "FIRSTNAME", "value": "A, B"}]
    rows = [{"email": email, "dataFields": data} for email in emails]
    rows.append({"email": "bad@b.example", "optInType": "Triple"})
    import_id = await _collected(v2, rows)
    faults = await _faults(v2, import_id)
    assert [(row["email"], row["Reason"]) for row in faults] == [
        *((email, reason) for email, reason in emails.items() if reason),
        ("bad@b.example", "Failures"),
    ]
    assert faults[0]["firstname"] == "A, B"
    counts = await _counts(v2, import_id)
    assert set(counts.values()) == {1}
    assert len(counts) == len(emails) + 1
    assert await _data(v2, "left@b.example") == {}


@pytest.mark.parametrize(
    "option, expected",
    [
        pytest.param("0", {"FIRSTNAME": "Eve"}, id="overwrite"),
        pytest.param("1", {"FIRSTNAME": "Eve", "LASTNAME": "Berg"}, id="not with blanks"),
        pytest.param("2", {"FIRSTNAME": "Ann", "LASTNAME": "Berg"}, id="only where blank"),
        pytest.param(
            "OnlyOverwriteIfNotEmpty", {"FIRSTNAME": "Eve", "LASTNAME": "Berg"}, id="by name"
        ),
    ],
)
async def test_a_file_is_merged_as_the_path_says(
    v2: V2, option: str, expected: dict[str, str]
) -> None:
    await v2.make_contact("ann@b.example", FIRSTNAME="Ann", LASTNAME="Berg")
    text = "FirstName,EMAIL,LastName\r\nEve,ann@b.example,\r\n"
    import_id = await _uploaded(v2, f"/contacts/import/with-merge-option/{option}", text)
    assert await _counts(v2, import_id) == {"updatedContacts": 1}
    assert await _data(v2, "ann@b.example") == expected


async def test_a_form_is_taken_as_curl_sends_it(v2: V2) -> None:
    list_id = await v2.make_list()
    await v2.done("POST", "/data-fields", {"name": "VIP", "type": "Boolean"}, 201)
    text = '\ufeffEmail,EmailType,VIP,CONSENTTEXT\n"ann@b.example",PlainText,Yes,"Yes,\nplease"\n\n'
    upload = {"file": ("contacts.csv", text.encode(), "text/csv")}
    for path in ("", "/with-merge-option/1"):
        job = await v2.done(
            "POST", f"/address-books/{list_id}/contacts/import{path}", status=202, files=upload
        )
        await v2.done("GET", f"/contacts/import/{job['id']}")
    assert await v2.members(list_id) == ["ann@b.example"]
    assert await _data(v2, "ann@b.example") == {"VIP": True}
    consent = await v2.done("GET", "/contacts/ann@b.example/with-consent")
    assert consent["consentFields"][0]["fields"][0]["value"] == "Yes,\nplease"


@pytest.mark.parametrize(
    "options, answer",
    [
        pytest.param(
            {"files": {"file": (None, b"Email\n")}}, (400, "file must be valid"), id="no file name"
        ),
        pytest.param(
            {"files": {"a": ("a.csv", b"Email\n"), "b": ("b.csv", b"Email\n")}},
            (400, "Error: ERROR_MULTI_FILE_UPLOAD_NOT_ALLOWED"),
            id="two files",
        ),
        pytest.param(
            {"files": {"file": ("a.csv", b"Name\nAnn\n")}},
            (400, "Error: ERROR_NO_EMAIL_COLUMN"),
            id="no column for emails",
        ),
        pytest.param(
            {"files": {"file": ("a.xlsx", b"PK\x03\x04")}},
            (400, "Error: ERROR_IMPORT_UNSUPPORTED_FORMAT"),
            id="not CSV",
        ),
        pytest.param(
            {"json": {"fileName": "a.csv", "data": "Email!"}},
            (400, "Error: ERROR_IMPORT_UNSUPPORTED_FORMAT"),
            id="not base64",
        ),
        pytest.param({"json": {"fileName": "a.csv"}}, (400, "file must be valid"), id="no data"),
        pytest.param(
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
            (400, "file must be valid"),
            id="no form",
        ),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused(
    v2: V2, options: dict[str, Json], answer: tuple[int, str]
) -> None:
    assert await v2.refused("POST", "/contacts/import", **options) == answer


@pytest.mark.parametrize(
    "fields, answer",
    [
        pytest.param(
            {"contacts": []}, (400, "Error: ERROR_CONTACTS_ARE_NOT_SPECIFIED"), id="nobody"
        ),
        pytest.param(
            {"addressBookIds": [7]}, (404, "Error: ERROR_ADDRESSBOOK_NOT_FOUND"), id="no list"
        ),
        pytest.param(
            {"mergeOption": 3}, (400, "Error: ERROR_MALFORMED_REQUEST"), id="no such option"
        ),
        pytest.param({"contacts": ["a"]}, (400, "Error: ERROR_CONTACT_INVALID"), id="a text"),
    ],
)
async def test_a_collection_that_cannot_be_read_is_refused(
    v2: V2, fields: dict[str, Json], answer: tuple[int, str]
) -> None:
    body = {"contacts": [{"email": "ann@b.example"}], **fields}
    assert await v2.refused("POST", "/contacts/import-collection", body) == answer


async def test_an_import_that_is_under_way_has_no_report(v2: V2) -> None:
    v2.account.settings.import_duration_s = 60
    body = {"contacts": [{"email": "ann@b.example"}]}
    job = await v2.done("POST", "/contacts/import-collection", body, 202)
    path = f"/contacts/import/{job['id']}"
    assert (await v2.done("GET", path))["status"] == "NotFinished"
    assert await v2.refused("GET", f"{path}/report") == NO_REPORT
    assert await v2.refused("GET", f"{path}/report-faults") == NO_REPORT
    v2.account.clock.advance(60)
    assert (await v2.done("GET", path))["status"] == "Finished"
    assert await _counts(v2, job["id"]) == {"newContacts": 1}
    v2.account.clock.advance(8 * 24 * 3600)
    assert await v2.refused("GET", f"{path}/report-faults") == NO_REPORT


async def test_only_so_many_imports_are_under_way(v2: V2) -> None:
    v2.account.settings.import_duration_s = 60
    v2.account.settings.active_import_limit = 2
    body = {"contacts": [{"email": "ann@b.example"}]}
    for _ in range(2):
        await v2.done("POST", "/contacts/import-collection", body, 202)
    assert await v2.refused("POST", "/contacts/import-collection", body) == (
        400,
        "Error: ERROR_IMPORT_TOOMANYACTIVEIMPORTS",
    )


async def test_an_import_over_the_contact_allowance_says_so(v2: V2) -> None:
    v2.account.settings.contact_allowance = 1
    contacts = [{"email": "ann@b.example"}, {"email": "bob@b.example"}]
    job = await v2.done("POST", "/contacts/import-collection", {"contacts": contacts}, 202)
    status = await v2.done("GET", f"/contacts/import/{job['id']}")
    assert status["status"] == "ExceedsAllowedContactLimit"
    assert await _counts(v2, job["id"]) == {"newContacts": 1, "failures": 1}


@pytest.mark.parametrize(
    "path, answer",
    [
        pytest.param("", (404, "Error: ERROR_IMPORT_NOT_FOUND"), id="status"),
        pytest.param("/report", NO_REPORT, id="report"),
        pytest.param("/report-faults", NO_REPORT, id="faults"),
    ],
)
async def test_an_unknown_import_is_not_found(v2: V2, path: str, answer: tuple[int, str]) -> None:
    unknown = "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6"
    assert await v2.refused("GET", f"/contacts/import/{unknown}{path}") == answer
    assert await v2.refused("GET", f"/contacts/import/7{path}") == (
        400,
        "importId is not valid. ERROR_PARAMETER_INVALID",
    )


async def test_an_import_may_be_rejected_by_the_watchdog(v2: V2) -> None:
    job = v2.account.jobs.submit(
        "import",
        "v2",
        total=1,
        duration_s=0,
        apply=lambda start, stop: None,
        report=None,
        fate=Fate(status="RejectedByWatchdog"),
    )
    status = await v2.done("GET", f"/contacts/import/{job.id}")
    assert status["status"] == "RejectedByWatchdog"
    assert await v2.refused("GET", f"/contacts/import/{job.id}/report") == NO_REPORT
