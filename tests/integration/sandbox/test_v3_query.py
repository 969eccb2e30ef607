"""v3 of the sandbox: contacts by filters, page by page."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.clock import text_of
from sandbox.state import World
from tests.integration.sandbox.v3_calls import V3, Json, calling_v3

BASICS = {"contactId", "status", "created", "updated", "identifiers"}
LONG_AGO = "gte::2020-01-01T00:00:00Z"


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        yield v3


async def _page(v3: V3, **query: Json) -> Json:
    return await v3.done("GET", "/contacts/v3", params=query)


async def _pages(v3: V3, **query: Json) -> list[list[int]]:
    """Follow ``next`` to the end; return the ids, a list a page."""
    pages = []
    while True:
        page = await _page(v3, **query)
        pages.append([each["contactId"] for each in page["_items"]])
        if "next" not in page["_links"]:
            return pages
        query["marker"] = page["_links"]["next"]["marker"]


def _since(v3: V3) -> str:
    """Write the clock's present as a filter."""
    return f"gte::{text_of(v3.sandbox.clock.now_ms())}"


async def test_empty_account_has_one_empty_page(v3: V3) -> None:
    assert await _page(v3) == {
        "_links": {
            "self": {"marker": "", "link": "https://r1-api.sandbox.example/contacts/v3"},
            "first": {"marker": "", "link": "https://r1-api.sandbox.example/contacts/v3"},
        },
        "_items": [],
    }


async def test_page_holds_no_more_than_was_asked_for(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    [bare] = (await _page(v3))["_items"]
    assert set(bare) == BASICS
    [some] = (await _page(v3, include="lists", **{"data-fields": "firstname|nosuch"}))["_items"]
    assert set(some) == {*BASICS, "lists", "dataFields"}
    assert some["dataFields"] == {"FIRSTNAME": None}
    [full] = (await _page(v3, include="channelProperties|lists|preferences|consentRecords"))[
        "_items"
    ]
    assert set(full) == {*BASICS, "channelProperties", "lists"}
    [fields] = (await _page(v3, **{"data-fields": "[[ALL]]"}))["_items"]
    assert len(fields["dataFields"]) == 6


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 5000])
async def test_pages_are_whole_and_ascending(v3: V3, limit: int) -> None:
    ids = list(v3.control.generate_contacts(7))
    pages = await _pages(v3, limit=limit)
    assert [contact_id for page in pages for contact_id in page] == ids
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1]


async def test_link_leads_to_the_page_with_the_same_filters(v3: V3) -> None:
    v3.control.generate_contacts(5)
    query = {"~modified": LONG_AGO, "include": "lists|preferences", "limit": "2"}
    page = await _page(v3, **query)
    following = page["_links"]["next"]
    assert following["link"].startswith("https://r1-api.sandbox.example/contacts/v3?~modified=")
    by_link = (await v3.http.get(following["link"])).json()
    assert by_link == await _page(v3, **query, marker=following["marker"])
    assert [each["identifiers"]["email"] for each in by_link["_items"]] == [
        "person3@mail.example",
        "person4@mail.example",
    ]
    assert by_link["_items"][0]["lists"] == []


@pytest.mark.parametrize(
    "filtered",
    [
        pytest.param({}, id="all"),
        pytest.param({"~modified": LONG_AGO}, id="modified"),
        pytest.param({"~modified": "gte::2027-01-01T00:00:00Z"}, id="modified since"),
        pytest.param({"~created": "gte::2027-01-01T00:00:00Z"}, id="created since"),
        pytest.param({"~listId": 9001}, id="on a list"),
    ],
)
async def test_pages_lead_back_to_the_first(v3: V3, filtered: dict[str, Json]) -> None:
    news = v3.control.add_list("News")
    v3.control.generate_contacts(5, "early{n}@mail.example", list_ids=[news.id])
    v3.control.move_clock(to="2027-01-01T00:00:00Z")
    v3.control.generate_contacts(7, list_ids=[news.id])
    seen, query = [], {**filtered, "limit": 2}
    for _ in range(3):
        page = await _page(v3, **query)
        seen.append(page["_items"])
        query["marker"] = page["_links"]["next"]["marker"]
    page = await _page(v3, **query)
    for before in reversed(seen):
        query["marker"] = page["_links"]["prev"]["marker"]
        page = await _page(v3, **query)
        assert page["_items"] == before
    assert query["marker"] == ""
    assert "prev" not in page["_links"]


async def test_modified_since_includes_its_instant(v3: V3) -> None:
    v3.control.generate_contacts(2)
    v3.sandbox.clock.advance(60)
    since = _since(v3)
    [cy] = v3.control.add_contacts([{"identifiers": {"email": "cy@b.example"}}])
    assert await _pages(v3, **{"~modified": since}) == [[cy]]
    v3.sandbox.clock.advance(0.001)
    assert await _pages(v3, **{"~modified": _since(v3)}) == [[]]


async def test_modified_goes_by_the_last_change_and_created_by_the_first(v3: V3) -> None:
    first, second, third = v3.control.generate_contacts(3)
    v3.sandbox.clock.advance(60)
    await v3.patch(f"contactId/{first}", {"dataFields": {"FIRSTNAME": "Ann"}})
    assert await _pages(v3, **{"~modified": LONG_AGO}) == [[second, third, first]]
    assert await _pages(v3, **{"~modified": _since(v3)}) == [[first]]
    assert await _pages(v3, **{"~created": LONG_AGO}) == [[first, second, third]]
    assert await _pages(v3, **{"~created": _since(v3)}) == [[]]


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_contact_changed_while_paging_comes_again_and_none_is_missed(
    v3: V3, limit: int
) -> None:
    ids = list(v3.control.generate_contacts(6))
    page = await _page(v3, limit=limit, **{"~modified": LONG_AGO})
    v3.sandbox.clock.advance(1)
    await v3.patch(f"contactId/{ids[0]}", {"dataFields": {"FIRSTNAME": "Ann"}})
    [late] = v3.control.add_contacts([{"identifiers": {"email": "late@b.example"}}])
    rest = await _pages(
        v3, limit=limit, marker=page["_links"]["next"]["marker"], **{"~modified": LONG_AGO}
    )
    assert [contact_id for each in rest for contact_id in each] == [*ids[limit:], ids[0], late]


async def test_change_of_status_list_or_preference_shows_as_modified(v3: V3) -> None:
    news, events = v3.control.add_list("News"), v3.control.add_preference("Events")
    one, two, three, _ = v3.control.generate_contacts(4)
    v3.sandbox.clock.advance(60)
    v3.control.unsubscribe(one)
    await v3.patch(f"contactId/{two}", {"lists": [news.id]})
    v3.control.answer_preference(three, events.id, opted_in=True)
    assert await _pages(v3, **{"~modified": _since(v3)}) == [[one, two, three]]


async def test_account_may_leave_statuses_and_lists_out_of_modified(v3: V3) -> None:
    v3.control.set_settings({"updated_moves_on": ["data"]})
    news = v3.control.add_list("News")
    one, two = v3.control.generate_contacts(2)
    v3.sandbox.clock.advance(60)
    v3.control.unsubscribe(one)
    await v3.patch(f"contactId/{two}", {"lists": [news.id]})
    assert await _pages(v3, **{"~modified": _since(v3)}) == [[]]


async def test_deleted_contacts_are_in_no_page(v3: V3) -> None:
    news = v3.control.add_list("News")
    one, two, three = v3.control.generate_contacts(3, list_ids=[news.id])
    v3.control.delete(two)
    for query in ({}, {"~modified": LONG_AGO}, {"~listId": news.id}):
        assert await _pages(v3, **query) == [[one, three]]


async def test_list_and_segment_filter(v3: V3) -> None:
    news = v3.control.add_list("News")
    ids = list(v3.control.generate_contacts(6))
    for contact_id in (ids[4], ids[1], ids[2]):
        await v3.patch(f"contactId/{contact_id}", {"lists": [news.id]})
    segment = v3.control.add_segment("Friends", [ids[5], ids[0]])
    assert await _pages(v3, limit=2, **{"~listId": news.id}) == [[ids[1], ids[2]], [ids[4]]]
    assert await _pages(v3, **{"~segmentId": segment.id}) == [[ids[0], ids[5]]]
    assert await _pages(v3, **{"~listId": 7}) == [[]]
    both = {"~listId": news.id, "~modified": LONG_AGO}
    assert await _pages(v3, limit=2, **both) == [[ids[4], ids[1]], [ids[2]]]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"limit": "0"}, id="no contacts"),
        pytest.param({"limit": "5001"}, id="too many contacts"),
        pytest.param({"limit": "-1"}, id="fewer than none"),
        pytest.param({"limit": "ten"}, id="no number"),
        pytest.param({"~modified": "yesterday"}, id="no instant"),
        pytest.param({"~modified": "2026-01-02T03:04:05Z"}, id="no comparison"),
        pytest.param({"~modified": "gte::2026-01-02"}, id="a day"),
        pytest.param({"~modified": "gte::2026-13-02T03:04:05Z"}, id="the thirteenth month"),
        pytest.param({"~modified": "gte::2026-01-02T03:04:05+00:00"}, id="another zone"),
        pytest.param({"~created": "gte::2026-01-02T03:04:05.12Z"}, id="two digits"),
        pytest.param({"~created": LONG_AGO, "~modified": LONG_AGO}, id="created and modified"),
        pytest.param({"~listId": "1", "~segmentId": "2"}, id="list and segment"),
        pytest.param({"~listId": "News"}, id="a list by its name"),
        pytest.param({"include": "lists|orders"}, id="a block there is none of"),
        pytest.param({"marker": "%%"}, id="no marker"),
        pytest.param({"marker": "eHh4"}, id="a marker of somebody else"),
    ],
)
async def test_query_against_its_pattern_is_refused(v3: V3, query: dict[str, str]) -> None:
    assert await v3.refused("GET", "/contacts/v3", params=query) == (400, "contacts:invalidFilter")


@given(
    touched=st.lists(st.integers(0, 9), max_size=30),
    deleted=st.sets(st.integers(0, 9), max_size=4),
)
def test_order_of_modification_holds_each_contact_once(
    touched: list[int], deleted: set[int]
) -> None:
    account = World().add_account(username="u", password="p")
    contacts = account.contacts
    made = [contacts.make(now_ms=1) for _ in range(10)]
    for contact in made:
        contacts.touch(contact, 1)
    for at_ms, index in enumerate(touched, start=2):
        contacts.touch(made[index], at_ms)
    for index in deleted:
        account.delete(made[index])
    found = list(contacts.modified_after(0))
    latest = {index: place for place, index in enumerate(touched)}
    expected = sorted(set(range(10)) - deleted, key=lambda index: (latest.get(index, -1), index))
    assert found == [made[index] for index in expected]
    assert list(contacts.modified_until(10**9)) == found[::-1]
    contacts._rewrite_log()
    assert list(contacts.modified_after(0)) == found


@pytest.mark.parametrize("query", [{}, {"~modified": LONG_AGO}, {"~created": LONG_AGO}])
async def test_page_repeats_contacts_of_the_one_before(v3: V3, query: dict[str, Json]) -> None:
    v3.control.generate_contacts(10)
    [whole] = await _pages(v3, **query)
    v3.control.add_fault("repeated_rows", path="/contacts/v3", rows=2, after=1)
    first, second, third = await _pages(v3, limit=4, **query)
    assert (first, second, third) == (whole[:4], whole[2:6], whole[6:])


async def test_page_repeats_no_more_than_there_is(v3: V3) -> None:
    v3.control.generate_contacts(4)
    [whole] = await _pages(v3)
    v3.control.add_fault("repeated_rows", path="/contacts/v3", rows=9, after=1)
    assert await _pages(v3, limit=2) == [whole[:2], whole[:2], whole[2:]]


@pytest.mark.parametrize("query", [{}, {"~modified": LONG_AGO}])
async def test_page_skips_contacts_that_are_in_no_page(v3: V3, query: dict[str, Json]) -> None:
    v3.control.generate_contacts(10)
    [whole] = await _pages(v3, **query)
    v3.control.add_fault("skipped_rows", path="/contacts/v3", rows=2, after=1)
    first, second = await _pages(v3, limit=4, **query)
    assert (first, second) == (whole[:4], whole[6:])
