"""What can be made to go wrong in the sandbox's listings."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v2_calls import V2, Json, calling_v2


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        v2.control.generate_contacts(10)
        campaign = v2.control.campaigns.add()
        v2.control.campaigns.send(campaign.id, opens=1.0)
        assert campaign.id == 5501
        yield v2


OPENS = "/campaigns/5501/opens"


async def _pages(v2: V2, path: str, size: int) -> list[list[int]]:
    """Read as a client would, until a page is not full; return the rows by their numbers."""
    pages: list[list[int]] = []
    while not pages or len(pages[-1]) == size:
        rows = await v2.done("GET", f"{path}?select={size}&skip={size * len(pages)}")
        pages.append([int(row["email"].partition("@")[0][6:]) for row in rows])
    return pages


async def test_page_repeats_rows_of_the_one_before(v2: V2) -> None:
    [whole] = await _pages(v2, OPENS, 100)
    v2.control.add_fault("repeated_rows", path="*/opens", rows=2, after=1)
    first, second, third = await _pages(v2, OPENS, 4)
    assert first + second[2:] == whole[:6]
    assert second[:2] == first[2:]
    assert third == whole[8:]


async def test_page_skips_rows_that_are_in_no_page(v2: V2) -> None:
    [whole] = await _pages(v2, OPENS, 100)
    v2.control.add_fault("skipped_rows", path="*/opens", rows=1, after=1)
    first, second, third = await _pages(v2, OPENS, 4)
    assert set(whole) - set(first + second + third) == {whole[4]}
    assert set(second) & set(third) == {whole[8]}


@pytest.mark.parametrize(
    "spoil,name,value",
    [
        pytest.param("no_contact_id", "contactId", None, id="without a contact id"),
        pytest.param("no_email", "email", None, id="without an email"),
        pytest.param("malformed_date", "dateOpened", "2020-01-021T09:40:18.527Z", id="no date"),
    ],
)
async def test_rows_are_spoilt(v2: V2, spoil: str, name: str, value: Json) -> None:
    good = await v2.done("GET", OPENS)
    v2.control.add_fault("spoilt_rows", path=f"/v2{OPENS}", rows=2, spoil=spoil)
    spoilt = await v2.done("GET", OPENS)
    assert spoilt == [{**row, name: value} for row in good[:2]] + good[2:]
    assert await v2.done("GET", OPENS) == good


@pytest.mark.parametrize(
    "path,keys",
    [
        pytest.param("/v2/campaigns/5501/opens", ("email",), id="in an open"),
        pytest.param("/v2/contacts", ("email",), id="in v2"),
        pytest.param("/contacts/v3", ("identifiers", "email"), id="in v3"),
        pytest.param(
            "/v2/contacts/suppressed-since/2020-01-01",
            ("suppressedContact", "email"),
            id="in a suppression",
        ),
    ],
)
async def test_email_comes_in_another_case(v2: V2, path: str, keys: tuple[str, ...]) -> None:
    v2.control.unsubscribe("person1@mail.example")
    v2.control.add_fault("spoilt_rows", path=path, spoil="email_case")
    body = (await v2.http.get(path)).json()
    found = body["_items"][0] if "_items" in body else body[0]
    for key in keys:
        found = found[key]
    assert found.endswith("@MAIL.EXAMPLE")


async def test_listing_names_a_campaign_that_is_not_there(v2: V2) -> None:
    v2.control.add_fault("unknown_campaign", times=2)
    listed = await v2.done("GET", "/campaigns/with-activity-since/2020-01-01")
    figures = await v2.done("GET", "/campaigns/metrics?startDate=2020-01-01&endDate=2100-01-01")
    assert [each["id"] for each in listed] == [5501, 99_999_999]
    assert [each["campaignId"] for each in figures] == [5501, 99_999_999]
    refused = await v2.refused("GET", "/campaigns/99999999/summary")
    assert refused == (404, "Error: ERROR_CAMPAIGN_NOT_FOUND")


async def test_unknown_campaign_is_named_where_there_is_none(v2: V2) -> None:
    v2.control.campaigns.delete(5501)
    v2.control.add_fault("unknown_campaign")
    [listed] = await v2.done("GET", "/campaigns")
    assert (listed["id"], listed["name"]) == (99_999_999, "Unseen")


async def test_allowance_is_used_up_in_the_middle_of_the_pages(v2: V2) -> None:
    v2.control.add_fault("rate_limited", path="*/opens", after=1)
    answers = [await v2.call("GET", f"{OPENS}?select=4&skip={skip}") for skip in (0, 4, 4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert answers[1].json() == {"message": "Too Many Requests"}
    assert answers[1].headers["x-ratelimit-remaining"] == "0"
    assert answers[1].headers["x-ratelimit-scope"] == "mediumCallRate"
    v2.control.move_clock(advance_s=60)
    assert (await v2.call("GET", OPENS)).status_code == 200


async def test_one_answer_alone_is_left_as_it_is(v2: V2) -> None:
    for kind in ("spoilt_rows", "unknown_campaign", "duplicates"):
        v2.control.add_fault(kind, path="*/summary")
    assert (await v2.done("GET", "/campaigns/5501/summary"))["numTotalSent"] == 10


async def test_spoil_that_there_is_not_is_refused(v2: V2) -> None:
    with pytest.raises(ValueError, match="rotten"):
        v2.control.add_fault("spoilt_rows", spoil="rotten")
