"""Campaigns, how they did, and what contacts did with them."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from app.clients.dotdigital import (
    MAX_ROWS,
    CampaignActivity,
    CampaignClick,
    CampaignOpen,
    CampaignPageView,
    DotdigitalClient,
    NotFound,
    ProtocolError,
    SkipPage,
)
from tests.factories.dotdigital import example

SINCE = datetime(2026, 3, 1, 8, 0, 0, 999_999, tzinfo=UTC)
AT = "2026-03-01T08:00:00Z"

Read = Callable[[DotdigitalClient], AsyncIterator[SkipPage[Any]]]


async def rows_of(pages: AsyncIterator[SkipPage[Any]]) -> list[Any]:
    return [row async for page in pages for row in page.items]


STREAMS = [
    pytest.param(lambda c: c.campaigns.pages(), "/v2/campaigns", {}, id="all"),
    pytest.param(
        lambda c: c.campaigns.sent_since(SINCE),
        "/v2/campaigns/filtered",
        {"~sentDate": AT},
        id="sent since",
    ),
    pytest.param(
        lambda c: c.campaigns.with_activity_since(SINCE),
        f"/v2/campaigns/with-activity-since/{AT}",
        {},
        id="with activity since",
    ),
    pytest.param(
        lambda c: c.campaigns.metrics(SINCE, SINCE),
        "/v2/campaigns/metrics",
        {"startDate": AT, "endDate": "2026-03-01T08:00:01Z"},
        id="metrics",
    ),
    pytest.param(
        lambda c: c.campaigns.activities(5501), "/v2/campaigns/5501/activities", {}, id="activities"
    ),
    pytest.param(
        lambda c: c.campaigns.activities(5501, since=SINCE),
        f"/v2/campaigns/5501/activities/since-date/{AT}",
        {},
        id="activities since",
    ),
    pytest.param(lambda c: c.campaigns.opens(5501), "/v2/campaigns/5501/opens", {}, id="opens"),
    pytest.param(
        lambda c: c.campaigns.opens(5501, since=SINCE),
        f"/v2/campaigns/5501/opens/since-date/{AT}",
        {},
        id="opens since",
    ),
    pytest.param(lambda c: c.campaigns.clicks(5501), "/v2/campaigns/5501/clicks", {}, id="clicks"),
    pytest.param(
        lambda c: c.campaigns.clicks(5501, since=SINCE),
        f"/v2/campaigns/5501/clicks/since-date/{AT}",
        {},
        id="clicks since",
    ),
    pytest.param(
        lambda c: c.campaigns.page_views(5501, SINCE),
        f"/v2/campaigns/5501/page-views/since-date/{AT}",
        {},
        id="page views since",
    ),
    pytest.param(
        lambda c: c.campaigns.hard_bounces(5501),
        "/v2/campaigns/5501/hard-bouncing-contacts",
        {},
        id="hard bounces",
    ),
]


@pytest.mark.parametrize("read, path, query", STREAMS)
async def test_each_stream_has_its_path_and_is_read_in_the_largest_pages(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    read: Read,
    path: str,
    query: dict[str, str],
) -> None:
    route = dotdigital.get(path).respond(json=[])
    assert await rows_of(read(client)) == []
    sent = dict(route.calls.last.request.url.params)
    assert sent == {**query, "select": "1000", "skip": "0"}


PAGED: list[Callable[..., AsyncIterator[SkipPage[Any]]]] = [
    lambda c, **page: c.campaigns.pages(**page),
    lambda c, **page: c.campaigns.sent_since(SINCE, **page),
    lambda c, **page: c.campaigns.with_activity_since(SINCE, **page),
    lambda c, **page: c.campaigns.metrics(SINCE, SINCE, **page),
    lambda c, **page: c.campaigns.activities(5501, **page),
    lambda c, **page: c.campaigns.opens(5501, since=SINCE, **page),
    lambda c, **page: c.campaigns.clicks(5501, **page),
    lambda c, **page: c.campaigns.page_views(5501, SINCE, **page),
    lambda c, **page: c.campaigns.hard_bounces(5501, **page),
]


@pytest.mark.parametrize("read", PAGED, ids=range(len(PAGED)))
async def test_each_stream_goes_on_from_a_checkpoint(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    read: Callable[..., AsyncIterator[SkipPage[Any]]],
) -> None:
    route = dotdigital.get(url__regex="/v2/campaigns").respond(json=[])
    assert await rows_of(read(client, select=50, skip=900)) == []
    sent = dict(route.calls.last.request.url.params)
    assert (sent["select"], sent["skip"]) == ("50", "900")


@pytest.mark.parametrize("page", [{"select": 0}, {"select": MAX_ROWS + 1}, {"skip": -1}], ids=repr)
async def test_a_page_that_the_api_would_not_give_is_not_asked_for(
    client: DotdigitalClient, page: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="rows"):
        client.campaigns.hard_bounces(5501, **page)


async def test_those_it_was_sent_to_are_read_with_what_they_did(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/campaigns/5501/activities").respond(
        json=example("v2-campaign-activities-since")
    )
    opened, left, hard, soft = await rows_of(client.campaigns.activities(5501))
    assert opened == CampaignActivity(
        contact_id=700101,
        email="ines.okafor@mail.example",
        opens=2,
        page_views=3,
        clicks=1,
        forwards=0,
        estimated_forwards=0,
        replies=0,
        sent_at=datetime(2026, 3, 1, 9, 0, 4, 110000, UTC),
        sent_at_text="2026-03-01T09:00:04.11Z",
        first_opened_at=datetime(2026, 3, 1, 10, 12, tzinfo=UTC),
        first_opened_at_text="2026-03-01T10:12:00Z",
        last_opened_at=datetime(2026, 3, 2, 7, 30, 41, tzinfo=UTC),
        last_opened_at_text="2026-03-02T07:30:41Z",
        first_open_ip="192.0.2.14",
        unsubscribed=False,
        soft_bounced=False,
        hard_bounced=False,
    )
    assert left.unsubscribed
    assert (hard.hard_bounced, hard.soft_bounced) == (True, False)
    assert (soft.hard_bounced, soft.soft_bounced) == (False, True)
    assert (hard.first_opened_at, hard.first_opened_at_text, hard.first_open_ip) == (None,) * 3


async def test_each_open_is_read_though_two_are_of_one_contact(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/campaigns/5501/opens").respond(json=example("v2-campaign-opens-since"))
    first, second = await rows_of(client.campaigns.opens(5501))
    assert first == CampaignOpen(
        contact_id=700101,
        email="ines.okafor@mail.example",
        opened_at=datetime(2026, 3, 1, 10, 12, tzinfo=UTC),
        opened_at_text="2026-03-01T10:12:00Z",
        mail_client="Thunderbird",
        mail_client_version="Thunderbird 128",
        ip_address="192.0.2.14",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
        is_html=True,
        is_forward=False,
    )
    assert second.opened_at == datetime(2026, 3, 2, 7, 30, 41, tzinfo=UTC)


@pytest.mark.parametrize("name", ["v2-campaign-clicks-since", "v2-campaign-clicks-with-groups"])
async def test_a_click_says_where_it_led(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter, name: str
) -> None:
    dotdigital.get("/v2/campaigns/5501/clicks").respond(json=example(name))
    first, *_ = await rows_of(client.campaigns.clicks(5501))
    assert first == CampaignClick(
        contact_id=700101,
        email="ines.okafor@mail.example",
        clicked_at=datetime(2026, 3, 1, 10, 12, 40, tzinfo=UTC),
        clicked_at_text="2026-03-01T10:12:40Z",
        url="https://www.harbour.example/events",
        keyword="read more",
        ip_address="192.0.2.14",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
    )


async def test_a_page_view_says_what_was_seen(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get(url__regex="page-views").respond(json=example("v2-campaign-page-views-since"))
    first, second = await rows_of(client.campaigns.page_views(5501, SINCE))
    assert first == CampaignPageView(
        contact_id=700101,
        email="ines.okafor@mail.example",
        viewed_at=datetime(2026, 3, 1, 10, 12, 41, 300000, UTC),
        viewed_at_text="2026-03-01T10:12:41.3Z",
        url="https://www.harbour.example/events",
    )
    assert second.url == "https://www.harbour.example/events/regatta"


async def test_who_bounced_hard_is_read(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get(url__regex="hard-bouncing").respond(json=example("v2-campaign-hard-bouncing"))
    [row] = await rows_of(client.campaigns.hard_bounces(5501))
    assert (row.id, row.email, row.status) == (700102, "tomas.reyes@mail.example", "HardBounced")


ODD_OPENS = [
    pytest.param({}, (None, None, None, None), id="nothing is given"),
    pytest.param(
        {"contactId": 0, "email": "", "dateOpened": None}, (None, None, None, None), id="nulls"
    ),
    pytest.param(
        {"contactId": "7", "dateOpened": "2020-01-021T09:40:18.00Z", "new": [1]},
        (7, None, None, "2020-01-021T09:40:18.00Z"),
        id="the vendor's own slip",
    ),
    pytest.param(
        {"ContactID": 7, "Email": "a@b.example", "DateOpened": "2020-01-01 09:40:18.527000+00:00"},
        (
            7,
            "a@b.example",
            datetime(2020, 1, 1, 9, 40, 18, 527000, UTC),
            "2020-01-01 09:40:18.527000+00:00",
        ),
        id="another case, and another spelling of dates",
    ),
]


@pytest.mark.parametrize("row, expected", ODD_OPENS)
async def test_an_odd_row_is_read_as_far_as_it_goes(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    row: dict[str, object],
    expected: tuple[object, ...],
) -> None:
    dotdigital.get("/v2/campaigns/5501/opens").respond(json=[row])
    [read] = await rows_of(client.campaigns.opens(5501))
    assert (read.contact_id, read.email, read.opened_at, read.opened_at_text) == expected
    assert (read.is_html, read.is_forward, read.user_agent) == (False, False, None)


@pytest.mark.parametrize("body", [["ann"], [7], "x", [{"contactId": "ann"}]], ids=repr)
@pytest.mark.parametrize("what", ["activities", "opens", "clicks"])
async def test_what_is_no_row_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: object, what: str
) -> None:
    dotdigital.get(url__regex=f"/v2/campaigns/5501/{what}").respond(json=body)
    with pytest.raises(ProtocolError):
        await anext(getattr(client.campaigns, what)(5501))


async def test_equal_opens_on_both_sides_of_a_page_are_all_kept(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    rows = [{"contactId": 1 + number // 4, "dateOpened": AT} for number in range(50)]

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        skip, select = int(query["skip"]), int(query["select"])
        return httpx.Response(200, json=rows[skip : skip + select])

    dotdigital.get("/v2/campaigns/5501/opens").side_effect = answer
    read = await rows_of(client.campaigns.opens(5501, select=10))
    assert [row.contact_id for row in read] == [row["contactId"] for row in rows]


async def test_a_listing_names_campaigns_without_their_contents(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get(url__regex="with-activity-since").respond(
        json=example("v2-campaigns-with-activity-since")
    )
    sent, triggered = await rows_of(client.campaigns.with_activity_since(SINCE))
    assert (sent.id, sent.name, sent.subject, sent.status) == (
        5501,
        "March news",
        "March news!",
        "Sent",
    )
    assert (sent.from_name, sent.from_address) == ("Harbour Trust", "news@harbour.example")
    assert (sent.html_content, sent.reply_to_address, sent.tags, sent.sent_at) == (
        None,
        None,
        [],
        None,
    )
    assert triggered.status == "Triggered"


async def test_the_details_of_a_campaign_have_its_contents_and_tags(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    details = example("v2-campaign-with-details")
    dotdigital.get("/v2/campaigns/5501/with-details").respond(json=details)
    campaign = await client.campaigns.details(5501)
    assert (campaign.type, campaign.tags) == ("Standard", ["news"])
    assert campaign.sent_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert campaign.sent_at_text == "2026-03-01T09:00:00Z"
    assert campaign.html_content is not None
    dotdigital.get("/v2/campaigns/5501").respond(json={"id": 5501, "sentDate": "soon"})
    bare = await client.campaigns.get(5501)
    assert (bare.name, bare.from_address, bare.sent_at, bare.sent_at_text) == (
        None,
        None,
        None,
        "soon",
    )


async def test_a_campaign_that_is_gone_is_not_found(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/campaigns/7").respond(404, json={"message": "ERROR_CAMPAIGN_NOT_FOUND"})
    with pytest.raises(NotFound):
        await client.campaigns.get(7)


async def test_a_summary_adds_both_kinds_of_message(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/campaigns/5501/summary").respond(json=example("v2-campaign-summary"))
    summary = await client.campaigns.summary(5501)
    assert summary.model_dump() == {
        "sent": 1200,
        "delivered": 1188,
        "opens": 905,
        "unique_opens": 611,
        "clicks": 140,
        "unique_clicks": 97,
        "page_views": 210,
        "replies": 2,
        "hard_bounces": 7,
        "soft_bounces": 5,
        "unsubscribes": 4,
        "complaints": 1,
        "mail_blocks": 0,
        "sent_at": datetime(2026, 3, 1, 9, tzinfo=UTC),
        "sent_at_text": "2026-03-01T09:00:00Z",
    }


async def test_metrics_count_the_same_for_many_campaigns(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/campaigns/metrics").respond(json=example("v2-campaigns-metrics"))
    [metrics] = await rows_of(client.campaigns.metrics(SINCE, SINCE))
    dotdigital.get("/v2/campaigns/5501/summary").respond(json=example("v2-campaign-summary"))
    summary = (await client.campaigns.summary(5501)).model_dump()
    assert {name: metrics.model_dump()[name] for name in summary} == summary
    assert (metrics.campaign_id, metrics.campaign_name, metrics.campaign_type) == (
        5501,
        "March news",
        "Standard",
    )
    assert (metrics.subject_line, metrics.from_address, metrics.tags) == (
        "March news!",
        "news@harbour.example",
        ["news"],
    )
    assert metrics.last_sent_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


async def test_metrics_without_figures_count_nothing(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/campaigns/metrics").respond(
        json=[{"campaignId": 1, "opens": None, "tags": None, "dateSent": "0001-01-01T00:00:00"}]
    )
    [metrics] = await rows_of(client.campaigns.metrics(SINCE, SINCE))
    assert (metrics.opens, metrics.clicks, metrics.tags, metrics.sent_at) == (0, 0, [], None)


async def test_the_documents_a_campaign_is_sent_with_are_read(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/campaigns/5501/attachments").respond(json=example("v2-documents"))
    [document] = await client.campaigns.attachments(5501)
    assert document.file_name == "/cmpdoc/1/2/files/8_annual-report.pdf"
