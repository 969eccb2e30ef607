"""Lists: made, renamed, filled and emptied."""

import httpx
import orjson
import pytest
import respx
from pydantic import ValidationError

from app.clients.dotdigital import (
    MAX_REMOVED,
    DeletionStatus,
    DotdigitalClient,
    ProtocolError,
    Rejected,
    ResubscribeOutcome,
)
from tests.clock import START
from tests.factories.dotdigital import example


async def test_every_list_is_read_once_over_all_pages(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    def named(numbers: range) -> list[dict[str, object]]:
        return [{"id": number, "name": f"L{number}"} for number in numbers]

    route = dotdigital.get("/v2/address-books")
    route.side_effect = [
        httpx.Response(200, json=named(range(1000))),
        # A list was deleted meanwhile: all that followed it moved up by one.
        httpx.Response(200, json=named(range(901, 1002))),
    ]
    lists = await client.lists.all()
    assert [each.id for each in lists] == list(range(1002))
    assert [dict(call.request.url.params) for call in route.calls] == [
        {"select": "1000", "skip": "0"},
        {"select": "1000", "skip": "900"},
    ]


async def test_a_list_is_read_as_it_stands(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/address-books/9023").respond(json=example("v2-address-book-created"))
    found = await client.lists.get(9023)
    assert (found.id, found.name, found.visibility, found.contacts) == (
        9023,
        "Spring appeal",
        "Private",
        0,
    )


async def test_a_list_is_made_and_renamed(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    answer = {"id": 1, "name": "A"}
    made = dotdigital.post("/v2/address-books").respond(201, json=answer)
    renamed = dotdigital.put("/v2/address-books/1").respond(json=answer)
    await client.lists.create("A")
    await client.lists.update(1, "B", "Public")
    assert orjson.loads(made.calls.last.request.content) == {"name": "A", "visibility": "Private"}
    assert orjson.loads(renamed.calls.last.request.content) == {"name": "B", "visibility": "Public"}


async def test_a_name_that_is_taken_is_rejected_with_its_code(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    body = example("error-v2-400-list-duplicate")
    dotdigital.post("/v2/address-books").respond(400, json=body)
    with pytest.raises(Rejected) as met:
        await client.lists.create("A")
    assert met.value.code == "ERROR_ADDRESSBOOK_DUPLICATE"


@pytest.mark.parametrize("name", ["", "n" * 129])
async def test_a_name_that_no_list_can_have_is_not_sent(
    client: DotdigitalClient, name: str
) -> None:
    with pytest.raises(ValidationError):
        await client.lists.create(name)


async def test_a_contact_is_added_by_its_email_alone(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.post("/v2/address-books/1/contacts").respond(
        json={"id": 7, "email": "ann@mail.example", "status": "Subscribed"}
    )
    contact = await client.lists.add_contact(1, "ann@mail.example")
    assert (contact.id, contact.status) == (7, "Subscribed")
    assert orjson.loads(route.calls.last.request.content) == {"email": "ann@mail.example"}


async def test_one_contact_is_taken_off(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.delete("/v2/address-books/1/contacts/7").respond(204)
    await client.lists.remove_contact(1, 7)
    assert route.call_count == 1


async def test_many_contacts_are_taken_off(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.post("/v2/address-books/1/contacts/delete")
    route.respond(202, json={"id": "r", "status": "Started"})
    assert await client.lists.remove_contacts(1, range(7, 9)) == "r"
    assert orjson.loads(route.calls.last.request.content) == [7, 8]
    route.respond(204)
    assert await client.lists.remove_contacts(1, [7]) is None


@pytest.mark.parametrize("count", [0, MAX_REMOVED + 1])
async def test_nobody_or_too_many_are_not_taken_off(client: DotdigitalClient, count: int) -> None:
    with pytest.raises(ValueError, match=f"not {count}"):
        await client.lists.remove_contacts(1, range(count))


@pytest.mark.parametrize(
    "body, expected",
    [
        ({"id": "r", "status": "Started"}, DeletionStatus.RUNNING),
        ({"Id": "r", "Status": "Completed"}, DeletionStatus.FINISHED),
        ({"id": "r", "status": "failed"}, DeletionStatus.FAILED),
    ],
)
async def test_how_far_a_removal_is(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    body: dict[str, str],
    expected: DeletionStatus,
) -> None:
    dotdigital.get("/v2/contacts/deletion/r").respond(json=body)
    assert await client.lists.removal_status("r") is expected


async def test_a_removal_in_a_state_that_nobody_knows_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/contacts/deletion/r").respond(json={"id": "r", "status": "Odd"})
    with pytest.raises(ProtocolError, match="a state that no document has"):
        await client.lists.removal_status("r")


async def test_opting_out_of_a_list_and_in_again_goes_by_the_lists_own_path(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    path = "/v2/address-books/9021/contacts"
    out = dotdigital.post(f"{path}/unsubscribe").respond(json=example("v2-unsubscribe"))
    ask = dotdigital.post(f"{path}/resubscribe").respond(json=example("v2-resubscribe-challenged"))
    back = dotdigital.post(f"{path}/resubscribe-with-no-challenge").respond(
        json=example("v2-resubscribe-added")
    )
    since = dotdigital.get(f"{path}/unsubscribed-since/2026-01-05T09:00:00Z").respond(
        json=example("v2-unsubscribed-since")
    )
    assert (await client.lists.unsubscribe(9021, "a@b.example")).reason == "Unsubscribed"
    asked = await client.lists.resubscribe(9021, "a@b.example", preferred_locale="en-GB")
    assert asked.outcome is ResubscribeOutcome.CHALLENGED
    added = await client.lists.resubscribe_no_challenge(9021, "a@b.example")
    assert added.outcome is ResubscribeOutcome.ADDED
    pages = [page async for page in client.lists.unsubscribed_since(9021, START)]
    assert [row.contact.id for page in pages for row in page.items] == [700104]
    assert [route.call_count for route in (out, ask, back, since)] == [1, 1, 1, 1]
