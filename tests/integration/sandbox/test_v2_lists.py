"""v2 of the sandbox: lists, who is on them, and segments."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v2_calls import V2, calling_v2

NO_LIST = (404, "Error: ERROR_ADDRESSBOOK_NOT_FOUND")
TAKEN = (
    400,
    "That name is in use already, please choose another. ERROR_ADDRESSBOOK_DUPLICATE",
)
NOT_WRITABLE = (
    400,
    "Address book cannot be written to via the API. ERROR_ADDRESSBOOK_NOTWRITABLE",
)


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        yield v2


async def test_a_list_is_made_read_renamed_and_deleted(v2: V2) -> None:
    made = await v2.done("POST", "/address-books/", {"Name": "News", "Visibility": "public"}, 201)
    assert made == {"id": made["id"], "name": "News", "visibility": "Public", "contacts": 0}
    path = f"/address-books/{made['id']}"
    assert await v2.done("GET", path) == made
    renamed = await v2.done("PUT", path, {"name": "Old news", "visibility": "Private"})
    assert renamed == made | {"name": "Old news", "visibility": "Private"}
    deleted = await v2.call("DELETE", path)
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert await v2.refused("GET", path) == NO_LIST


async def test_a_list_is_private_unless_it_says_otherwise(v2: V2) -> None:
    private, public = await v2.make_list("A"), await v2.make_list("B", visibility="Public")
    assert [each["id"] for each in await v2.done("GET", "/address-books")] == [private, public]
    assert [each["id"] for each in await v2.done("GET", "/address-books/private")] == [private]
    assert [each["id"] for each in await v2.done("GET", "/address-books/public")] == [public]
    second = await v2.done("GET", "/address-books?select=1&skip=1")
    assert [each["id"] for each in second] == [public]
    assert await v2.done("GET", "/address-books/private?limit=1&skip=1") == []


@pytest.mark.parametrize(
    "body, answer",
    [
        pytest.param({"name": "news"}, TAKEN, id="taken in another case"),
        pytest.param({"name": "Keen readers"}, TAKEN, id="taken by a segment"),
        pytest.param({"name": "Test"}, TAKEN, id="reserved"),
        pytest.param({"name": "all contacts"}, TAKEN, id="reserved in another case"),
        pytest.param({"name": ""}, (400, "Error: ERROR_ADDRESSBOOK_INVALID"), id="empty"),
        pytest.param({}, (400, "Error: ERROR_ADDRESSBOOK_INVALID"), id="none"),
        pytest.param({"name": "N" * 129}, (400, "Error: ERROR_ADDRESSBOOK_INVALID"), id="too long"),
        pytest.param(
            {"name": "B", "visibility": "Secret"},
            (400, "Error: ERROR_ADDRESSBOOK_INVALID"),
            id="no such visibility",
        ),
    ],
)
async def test_a_name_that_cannot_be_is_refused(
    v2: V2, body: dict[str, str], answer: tuple[int, str]
) -> None:
    await v2.make_list("News")
    other = await v2.make_list("Other")
    v2.account.lists.add_segment("Keen readers", set())
    assert await v2.refused("POST", "/address-books", body) == answer
    assert await v2.refused("PUT", f"/address-books/{other}", body) == answer


async def test_the_account_has_so_many_lists(v2: V2) -> None:
    v2.account.settings.list_limit = 1
    await v2.make_list("News")
    assert await v2.refused("POST", "/address-books", {"name": "More"}) == (
        400,
        "Error: ERROR_ADDRESSBOOK_LIMITEXCEEDED",
    )


async def test_a_list_that_is_in_use_or_not_writable_stays(v2: V2) -> None:
    used, fixed = await v2.make_list("Used"), await v2.make_list("Fixed")
    for the_list in v2.account.lists:
        the_list.in_use = the_list.id == used
        the_list.is_writable = the_list.id != fixed
    assert await v2.refused("DELETE", f"/address-books/{used}") == (
        400,
        "Error: ERROR_ADDRESSBOOK_IN_USE",
    )
    contact = {"email": "ann@b.example"}
    for method, path, body in (
        ("DELETE", "", None),
        ("PUT", "", {"name": "Other"}),
        ("POST", "/contacts", contact),
        ("POST", "/contacts/delete", [1]),
        ("DELETE", "/contacts", None),
        ("POST", "/contacts/unsubscribe", contact),
    ):
        refused = await v2.refused(method, f"/address-books/{fixed}{path}", body)
        assert refused == NOT_WRITABLE


async def test_adding_makes_the_contact_if_it_must(v2: V2) -> None:
    list_id = await v2.make_list()
    path = f"/address-books/{list_id}/contacts"
    body = {"Email": "ann@b.example", "DataFields": [{"Key": "FIRSTNAME", "Value": "Ann"}]}
    added = await v2.done("POST", path, body)
    assert added == await v2.done("GET", f"/contacts/{added['id']}")
    assert (await v2.done("POST", path, body))["id"] == added["id"]
    assert await v2.members(list_id) == ["ann@b.example"]
    lists = await v2.done("GET", f"/contacts/{added['id']}/address-books")
    assert [(each["id"], each["contacts"]) for each in lists] == [(list_id, 1)]


async def test_leaving_a_list_leaves_the_contact(v2: V2) -> None:
    list_id = await v2.make_list()
    path = f"/address-books/{list_id}/contacts"
    ids = []
    for name in "abcde":
        added = await v2.done("POST", path, {"email": f"{name}@b.example"})
        ids.append(added["id"])
    await v2.done("DELETE", f"{path}/{ids[0]}", status=204)
    await v2.done("DELETE", f"{path}/{ids[0]}", status=204)
    job = await v2.done("POST", f"{path}/delete", [ids[1], 7, ids[0]], 202)
    assert job["status"] == "Started"
    assert await v2.done("GET", f"/contacts/deletion/{job['id']}") == job | {"status": "Completed"}
    assert await v2.members(list_id) == ["c@b.example", "d@b.example", "e@b.example"]
    await v2.done("GET", f"/contacts/{ids[1]}")
    job = await v2.done("POST", f"{path}/delete-all", status=202)
    await v2.done("GET", f"/contacts/deletion/{job['id']}")
    assert await v2.members(list_id) == []
    await v2.done("POST", path, {"email": "a@b.example"})
    await v2.done("DELETE", path, status=204)
    assert await v2.members(list_id) == []
    assert await v2.done("GET", "/contacts/count") == 5


async def test_a_removal_takes_the_time_that_it_takes(v2: V2) -> None:
    list_id = await v2.make_list()
    added = await v2.done("POST", f"/address-books/{list_id}/contacts", {"email": "a@b.example"})
    v2.account.settings.deletion_duration_s = 60
    job = await v2.done("POST", f"/address-books/{list_id}/contacts/delete", [added["id"]], 202)
    assert (await v2.done("GET", f"/contacts/deletion/{job['id']}"))["status"] == "Started"
    assert await v2.members(list_id) == ["a@b.example"]
    v2.account.clock.advance(60)
    assert (await v2.done("GET", f"/contacts/deletion/{job['id']}"))["status"] == "Completed"


@pytest.mark.parametrize(
    "method, path, body, answer",
    [
        pytest.param("GET", "/address-books/7/contacts", None, NO_LIST, id="listing"),
        pytest.param("POST", "/address-books/7/contacts/delete", [1], NO_LIST, id="no list"),
        pytest.param(
            "POST",
            "/address-books/{id}/contacts/delete",
            ["CRM-1"],
            (400, "contactIds is not valid. ERROR_PARAMETER_INVALID"),
            id="ids of another kind",
        ),
        pytest.param(
            "POST",
            "/address-books/{id}/contacts/delete",
            [],
            (400, "Error: ERROR_CONTACTS_ARE_NOT_SPECIFIED"),
            id="no ids",
        ),
        pytest.param(
            "POST",
            "/address-books/{id}/contacts/delete",
            {"ContactIds": [1]},
            (400, "Error: ERROR_MALFORMED_REQUEST"),
            id="ids in an object",
        ),
        pytest.param(
            "DELETE",
            "/address-books/{id}/contacts/7",
            None,
            (404, "Error: ERROR_CONTACT_NOT_FOUND"),
            id="no contact",
        ),
        pytest.param(
            "GET",
            "/address-books/news",
            None,
            (400, "id is not valid. ERROR_PARAMETER_INVALID"),
            id="a name for an id",
        ),
        pytest.param(
            "GET",
            "/contacts/deletion/7",
            None,
            (400, "deletionRequestId is not valid. ERROR_PARAMETER_INVALID"),
            id="no removal",
        ),
    ],
)
async def test_what_is_wrong_with_a_call_for_members_is_named(
    v2: V2, method: str, path: str, body: object, answer: tuple[int, str]
) -> None:
    list_id = await v2.make_list()
    assert await v2.refused(method, path.replace("{id}", str(list_id)), body) == answer


async def test_members_that_changed_since_a_date_are_listed(v2: V2) -> None:
    list_id = await v2.make_list()
    path = f"/address-books/{list_id}/contacts"
    await v2.done("POST", path, {"email": "ann@b.example"})
    await v2.make_contact("bob@b.example")
    found = await v2.done("GET", f"{path}/modified-since/2020-01-01?withFullData=true")
    assert [contact["email"] for contact in found] == ["ann@b.example"]
    assert found[0]["dataFields"]
    assert await v2.done("GET", f"{path}/modified-since/2100-01-01") == []


async def test_a_segment_is_read_as_a_list_is(v2: V2) -> None:
    ann, _ = await v2.make_contact("ann@b.example"), await v2.make_contact("bob@b.example")
    segment = v2.account.lists.add_segment("Keen readers", {ann})
    assert await v2.done("GET", "/segments") == [
        {"id": segment.id, "name": "Keen readers", "contacts": 1}
    ]
    assert await v2.members(segment.id) == ["ann@b.example"]
    path = f"/segments/refresh/{segment.id}"
    assert await v2.done("GET", path) == {"id": segment.id, "status": "NotStarted"}
    assert await v2.done("POST", path, status=202) == {"id": segment.id, "status": "NotStarted"}
    assert await v2.done("GET", path) == {"id": segment.id, "status": "Finished"}
    assert await v2.refused("POST", "/segments/refresh/7") == (
        404,
        "Error: ERROR_SEGMENT_NOT_FOUND",
    )
