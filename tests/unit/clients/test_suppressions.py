"""Opting out and in, and who has."""

from datetime import UTC, datetime

import httpx
import orjson
import pytest
import respx

from app.clients.dotdigital import (
    MAX_SUPPRESSED,
    ContactReference,
    DotdigitalClient,
    ProtocolError,
    ResubscribeOutcome,
)
from tests.factories.dotdigital import example

SINCE = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


async def test_suppressing_says_who_is_and_who_was_not_found(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.put("/v2/contacts/suppress-contacts")
    route.respond(json=example("v2-suppress-contacts"))
    result = await client.suppressions.suppress_contacts(
        contact_ids=[700104], emails=["li.wen@mail.example", "nobody@mail.example"]
    )
    assert orjson.loads(route.calls.last.request.content) == [
        {"id": 700104},
        {"email": "li.wen@mail.example"},
        {"email": "nobody@mail.example"},
    ]
    assert result.suppressed == [
        ContactReference(id=700104, email=None),
        ContactReference(id=None, email="li.wen@mail.example"),
    ]
    assert result.not_found == [ContactReference(id=None, email="nobody@mail.example")]


@pytest.mark.parametrize("body", [{}, {"NotFound": [{"Id": 7, "Email": ""}]}], ids=repr)
async def test_an_answer_may_leave_either_part_out(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: dict[str, object]
) -> None:
    dotdigital.put("/v2/contacts/suppress-contacts").respond(json=body)
    result = await client.suppressions.suppress_contacts(contact_ids=[7])
    assert result.suppressed == []
    assert [each.id for each in result.not_found] == [7] * len(body)


@pytest.mark.parametrize("count", [0, MAX_SUPPRESSED + 1])
async def test_nobody_or_too_many_are_not_suppressed(client: DotdigitalClient, count: int) -> None:
    with pytest.raises(ValueError, match=f"not {count}"):
        await client.suppressions.suppress_contacts(contact_ids=range(count))


async def test_an_address_is_unsubscribed(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.post("/v2/contacts/unsubscribe").respond(json=example("v2-unsubscribe"))
    suppression = await client.suppressions.unsubscribe("anna.berg@mail.example")
    assert orjson.loads(route.calls.last.request.content) == {"email": "anna.berg@mail.example"}
    assert (suppression.contact.id, suppression.contact.email) == (700104, "anna.berg@mail.example")
    assert suppression.date_removed == datetime(2026, 3, 2, 8, 15, 30, 120000, UTC)
    assert suppression.reason == "Unsubscribed"


@pytest.mark.parametrize(
    "word, outcome",
    [
        ("ContactAdded", ResubscribeOutcome.ADDED),
        ("contactChallenged", ResubscribeOutcome.CHALLENGED),
        ("ContactCannotBeUnsuppressed", ResubscribeOutcome.REFUSED),
        ("NotAvailableInThisVersion", ResubscribeOutcome.UNKNOWN),
        ("ContactPonders", ResubscribeOutcome.UNKNOWN),
    ],
)
async def test_what_became_of_a_resubscription(
    client: DotdigitalClient, dotdigital: respx.MockRouter, word: str, outcome: ResubscribeOutcome
) -> None:
    dotdigital.post("/v2/contacts/resubscribe").respond(json={"contact": None, "status": word})
    result = await client.suppressions.resubscribe("ann@mail.example")
    assert (result.outcome, result.contact) == (outcome, None)


async def test_a_challenge_says_in_which_language_and_where_to_return(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.post("/v2/contacts/resubscribe")
    route.respond(json=example("v2-resubscribe-challenged"))
    wanted = example("request-v2-resubscribe")
    result = await client.suppressions.resubscribe(
        "anna.berg@mail.example",
        preferred_locale="en-GB",
        return_url="https://www.harbour.example/thanks",
    )
    # The example's locale is outside the vendor's own list.
    assert orjson.loads(route.calls.last.request.content) == {
        **wanted,
        "preferredLocale": "en-EN",
    }
    assert result.contact is not None
    assert result.contact.status == "Unsubscribed"


async def test_without_a_challenge_it_is_another_call(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.post("/v2/contacts/resubscribe-with-no-challenge")
    route.respond(json=example("v2-resubscribe-added"))
    await client.suppressions.resubscribe_no_challenge("ann@mail.example")
    assert orjson.loads(route.calls.last.request.content) == {
        "unsubscribedContact": {"email": "ann@mail.example"}
    }


async def test_who_was_suppressed_is_read_with_date_and_reason(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get("/v2/contacts/suppressed-since/2026-03-01T12:30:00Z")
    route.respond(json=example("v2-suppressed-since"))
    [page] = [page async for page in client.suppressions.suppressed_since(SINCE)]
    rows = page.items
    assert page.next_skip is None
    assert [(row.contact.id, row.reason) for row in rows] == [
        (700104, "Unsubscribed"),
        (700102, "HardBounced"),
        (700105, "IspComplained"),
    ]
    assert rows[2].date_removed == datetime(2026, 3, 3, 17, 44, 9, 730000, UTC)
    assert rows[2].date_removed_text == "2026-03-03 17:44:09.730000+00:00"
    assert dict(route.calls.last.request.url.params) == {"select": "1000", "skip": "0"}


async def test_a_date_that_is_none_is_kept_as_it_was_given(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get(url__regex="unsubscribed-since").respond(
        json=[
            {"suppressedContact": {"id": 1}, "dateRemoved": "2020-01-021T09:40:18Z"},
            {"suppressedContact": {"id": 2}},
            {"suppressedContact": {"id": 3}, "dateRemoved": "0001-01-01T00:00:00Z"},
            {"suppressedContact": {"id": 4}, "dateRemoved": 1577871618},
        ]
    )
    [page] = [page async for page in client.suppressions.unsubscribed_since(SINCE)]
    assert [(row.date_removed, row.date_removed_text) for row in page.items] == [
        (None, "2020-01-021T09:40:18Z"),
        (None, None),
        (None, None),
        (None, "1577871618"),
    ]


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": 0, "email": None}], ids=repr)
async def test_an_address_that_is_no_contacts_has_no_id(
    client: DotdigitalClient, dotdigital: respx.MockRouter, given: dict[str, object]
) -> None:
    dotdigital.get(url__regex="suppressed-since").respond(json=[{"suppressedContact": given}])
    page = await anext(client.suppressions.suppressed_since(SINCE))
    assert (page.items[0].contact.id, page.items[0].contact.email) == (None, "")


async def test_pages_overlap_so_that_nobody_who_leaves_hides_another(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    rows = [{"suppressedContact": {"id": number}} for number in range(1, 1501)]

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        skip, select = int(query["skip"]), int(query["select"])
        page = rows[skip : skip + select]
        # Who was read first is mailed again: all others move up.
        del rows[:30]
        return httpx.Response(200, json=page)

    dotdigital.get(url__regex="suppressed-since").side_effect = answer
    pages = [page async for page in client.suppressions.suppressed_since(SINCE)]
    assert [row.contact.id for page in pages for row in page.items] == list(range(1, 1501))
    assert [page.next_skip for page in pages] == [900, None]


async def test_reading_goes_on_from_where_a_page_says(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get(url__regex="suppressed-since").respond(json=[])
    assert [
        page async for page in client.suppressions.suppressed_since(SINCE, select=50, skip=925)
    ] == []
    assert dict(route.calls.last.request.url.params) == {"select": "50", "skip": "925"}


@pytest.mark.parametrize("body", [["ann@mail.example"], [{}], "x"], ids=repr)
async def test_rows_of_another_shape_are_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: object
) -> None:
    dotdigital.get(url__regex="suppressed-since").respond(json=body)
    with pytest.raises(ProtocolError):
        await anext(client.suppressions.suppressed_since(SINCE))
