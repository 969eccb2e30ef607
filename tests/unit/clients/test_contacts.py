"""Contacts as they are read, in pages and one by one; and deletions."""

from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
import respx

from app.clients.dotdigital import (
    MAX_CONTACTS,
    ContactChange,
    ContactList,
    DeletionStatus,
    DotdigitalClient,
    MergeOption,
    NotFound,
    ProtocolError,
    Rejected,
    WaitForSlot,
)
from app.clients.dotdigital.resources.contact_rows import read_id_page, read_page
from tests.factories.dotdigital import example

SINCE = datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=UTC)


async def test_a_contact_is_read_whole(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/contacts/v3/contactId/700101").respond(json=example("v3-contact"))
    contact = await client.contacts.get("contactId", 700101)
    assert (contact.contact_id, contact.status) == (700101, "subscribed")
    assert contact.created_at == datetime(2025, 6, 11, 9, 2, 44, 511000, UTC)
    assert contact.updated_at == datetime(2026, 3, 2, 8, 15, 30, 120000, UTC)
    assert (contact.email, contact.mobile_number) == ("ines.okafor@mail.example", "447700900123")
    assert contact.data_fields is not None
    assert contact.data_fields["SEATS"] == 3
    assert contact.data_fields["POSTCODE"] is None
    assert (contact.email_status, contact.email_type, contact.opt_in_type) == (
        "subscribed",
        "Html",
        "Single",
    )
    assert contact.sms_status == "noSubscription"
    assert contact.lists == [ContactList(9021, "Donors 2026", "subscribed")]
    assert contact.preferences == {61: True}
    assert contact.consent_records is None


async def test_an_answer_with_every_known_quirk_is_survived(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/contacts/v3/contactId/7").respond(json=example("v3-contact-quirky"))
    contact = await client.contacts.get("contactId", 7)
    assert contact.created_at == datetime(2025, 1, 31, 22, 45, 10, 934000, UTC)
    assert contact.updated_at == datetime(2025, 2, 2, 7, 1, 9, 123456, UTC)
    assert contact.data_fields == {}
    assert (contact.lists, contact.preferences) == (None, None)


async def test_what_is_not_given_is_unknown(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/contacts/v3/contactId/7").respond(json={"contactId": "7"})
    contact = await client.contacts.get("contactId", 7)
    assert (contact.contact_id, contact.status, contact.email) == (7, "", None)
    assert (contact.updated_at, contact.data_fields, contact.email_status) == (None, None, None)


async def test_what_has_no_id_or_no_date_is_passed_over(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/contacts/v3/contactId/7").respond(
        json={
            "contactId": 7,
            "created": "0001-01-01T00:00:00Z",
            "updated": "2020-01-021T09:40:18.00Z",
            "lists": [{"id": 0, "name": "None"}, {"id": 9021, "name": None}],
            "preferences": [{"id": None, "isOptedIn": True}, {"id": 61, "isOptedIn": False}],
        }
    )
    contact = await client.contacts.get("contactId", 7)
    assert (contact.created_at, contact.updated_at) == (None, None)
    assert contact.lists == [ContactList(9021, "", "")]
    assert contact.preferences == {61: False}


@pytest.mark.parametrize("body", [{}, [], "x", {"contactId": None}, {"contactId": "ann"}], ids=repr)
async def test_what_is_no_contact_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: object
) -> None:
    dotdigital.get("/contacts/v3/contactId/7").respond(json=body)
    with pytest.raises(ProtocolError):
        await client.contacts.get("contactId", 7)


async def test_an_unknown_contact_is_not_found(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    body = example("error-v3-404-contact")
    dotdigital.get("/contacts/v3/email/nobody%40mail.example").respond(404, json=body)
    with pytest.raises(NotFound) as met:
        await client.contacts.get("email", "nobody@mail.example")
    assert met.value.code == "contacts:contactNotFound"
    assert met.value.details[0].item == "nobody@mail.example"


async def test_pages_follow_the_marker_with_the_same_query(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get("/contacts/v3")
    route.side_effect = [
        httpx.Response(200, json=example("v3-contacts-page")),
        httpx.Response(200, json=example("v3-contacts-last-page")),
    ]
    pages = [
        page
        async for page in client.contacts.pages(
            modified_since=SINCE,
            include=["channelProperties", "lists"],
            data_fields=["FIRSTNAME", "SEATS"],
            limit=2,
        )
    ]
    assert [[contact.contact_id for contact in page.items] for page in pages] == [[700101, 700102]]
    assert pages[0].items[1].email_status == "hardBounced"
    assert pages[0].next_marker == "bzI6NzAwMTAy"
    same = {
        "~modified": "gte::2026-01-02T03:04:05Z",
        "include": "channelProperties|lists",
        "data-fields": "FIRSTNAME|SEATS",
        "limit": "2",
    }
    assert [dict(call.request.url.params) for call in route.calls] == [
        same,
        {**same, "marker": "bzI6NzAwMTAy"},
    ]


async def test_reading_goes_on_from_a_marker(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get("/contacts/v3").respond(json={"_items": [], "_links": {}})
    assert [page async for page in client.contacts.pages(data_fields="all", marker="abc")] == []
    assert dict(route.calls.last.request.url.params) == {
        "data-fields": "[[ALL]]",
        "limit": "5000",
        "marker": "abc",
    }


async def test_the_ids_of_all_contacts_are_asked_for_with_nothing_beside(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get("/contacts/v3")
    route.side_effect = [
        httpx.Response(200, json=example("v3-contacts-page")),
        httpx.Response(200, json=example("v3-contacts-last-page")),
    ]
    pages = [page async for page in client.contacts.ids(marker="abc")]
    assert [(page.items, page.next_marker) for page in pages] == [
        ([700101, 700102], "bzI6NzAwMTAy")
    ]
    assert [dict(call.request.url.params) for call in route.calls] == [
        {"limit": "5000", "marker": "abc"},
        {"limit": "5000", "marker": "bzI6NzAwMTAy"},
    ]


@pytest.mark.parametrize("limit", [0, MAX_CONTACTS + 1])
async def test_pages_of_ids_have_the_same_limit(client: DotdigitalClient, limit: int) -> None:
    with pytest.raises(ValueError, match=f"not {limit}"):
        client.contacts.ids(limit=limit)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"created_since": SINCE, "modified_since": SINCE}, id="both bounds"),
        pytest.param({"list_id": 1, "segment_id": 2}, id="both a list and a segment"),
        pytest.param({"limit": 0}, id="empty pages"),
        pytest.param({"limit": MAX_CONTACTS + 1}, id="pages too large"),
    ],
)
async def test_a_query_that_the_api_would_not_take_is_not_sent(
    client: DotdigitalClient, query: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"a (query|page)"):
        client.contacts.pages(**query)


@pytest.mark.parametrize(
    "body", [{"_items": [{}] * 11}, {"_links": {}}, [], {"_items": 7}], ids=repr
)
async def test_what_is_no_page_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: object
) -> None:
    dotdigital.get("/contacts/v3").respond(json=body)
    with pytest.raises(ProtocolError):
        await anext(client.contacts.pages())


async def test_a_change_goes_with_its_merge_option(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.patch("/contacts/v3/contactId/7").respond(201, json={"contactId": 7})
    change = ContactChange(email="new@mail.example", lists=[9021])
    contact = await client.contacts.patch("contactId", 7, change, MergeOption.OVERWRITE_IF_EMPTY)
    assert contact.contact_id == 7
    request = route.calls.last.request
    assert request.url.query == b"merge-option=overwrite-if-empty"
    assert orjson.loads(request.content) == {
        "identifiers": {"email": "new@mail.example"},
        "lists": [9021],
    }


async def test_an_identifier_of_another_contact_is_rejected(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    body = example("error-v3-409-id-exists")
    dotdigital.patch("/contacts/v3/contactId/7").respond(409, json=body)
    with pytest.raises(Rejected) as met:
        await client.contacts.patch("contactId", 7, ContactChange(email="a@mail.example"))
    assert (met.value.code, met.value.status) == ("contacts:idAlreadyExists", 409)


@pytest.mark.parametrize("body", [b'{"contactId":7}', b""], ids=["as documented", "empty"])
async def test_a_contact_is_deleted_whatever_the_answer_says(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: bytes
) -> None:
    route = dotdigital.delete("/contacts/v3/contactId/7").respond(200, content=body)
    await client.contacts.delete("contactId", 7)
    assert route.call_count == 1


async def test_many_contacts_are_deleted_by_any_of_their_names(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.post("/contacts/v3/delete").respond(202, json={"deleteId": "d"})
    deletion = await client.contacts.delete_many(
        contact_ids=[1, 2], emails=["a@b.example"], mobile_numbers=["447700900123"]
    )
    assert deletion == "d"
    assert orjson.loads(route.calls.last.request.content) == [
        {"contactId": 1},
        {"contactId": 2},
        {"email": "a@b.example"},
        {"mobileNumber": "447700900123"},
    ]


async def test_too_many_deletions_wait_for_a_slot(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    body = example("error-v3-429-delete-jobs")
    dotdigital.post("/contacts/v3/delete").respond(429, json=body)
    with pytest.raises(WaitForSlot):
        await client.contacts.delete_many(contact_ids=[1])


@pytest.mark.parametrize("count", [0, MAX_CONTACTS + 1])
async def test_nobody_or_too_many_are_not_deleted(client: DotdigitalClient, count: int) -> None:
    with pytest.raises(ValueError, match=f"not {count}"):
        await client.contacts.delete_many(contact_ids=range(count))


async def test_what_became_of_a_deletion_is_read(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/contacts/v3/delete/d").respond(json=example("v3-delete-finished"))
    report = await client.contacts.deletion("d")
    assert report.status is DeletionStatus.FINISHED
    assert report.summary["unknownContacts"] == 1
    assert report.deleted == [{"contactId": 700105}]
    assert report.failures[0].identifier == {"email": "nobody@mail.example"}
    assert report.failures[0].reasons == [("contactNotFound", "No contact has this email")]


@pytest.mark.parametrize(
    "word, expected",
    [
        ("NotStarted", DeletionStatus.RUNNING),
        ("NotFinished", DeletionStatus.RUNNING),
        ("Failed", DeletionStatus.FAILED),
    ],
)
async def test_how_far_a_deletion_is(
    client: DotdigitalClient, dotdigital: respx.MockRouter, word: str, expected: DeletionStatus
) -> None:
    dotdigital.get("/contacts/v3/delete/d").respond(json={"deleteId": "d", "status": word})
    assert (await client.contacts.deletion("d")).status is expected


@pytest.mark.parametrize(
    "row, unread",
    [
        pytest.param({}, None, id="without an id"),
        pytest.param({"contactId": None}, None, id="with an id that is null"),
        pytest.param({"contactId": "x"}, None, id="with an id that is no number"),
        pytest.param(None, None, id="that is no object"),
        pytest.param(
            {"contactId": 7, "preferences": [3]}, 7, id="with preferences of another kind"
        ),
        pytest.param({"contactId": 7, "identifiers": "x"}, 7, id="with identifiers that are text"),
    ],
)
def test_row_that_cannot_be_read_spoils_none_of_its_page(row: object, unread: int | None) -> None:
    page = read_page({"_items": [{"contactId": 1}, row, {"contactId": 2}]})
    assert [contact.contact_id for contact in page.items] == [1, 2]
    assert page.unread == [unread]


def test_ids_are_read_around_a_row_without_one() -> None:
    page = read_id_page({"_items": [{"contactId": 1}, {}, {"contactId": "2"}]})
    assert (page.items, page.unread) == ([1, 2], 1)
