"""v2 of the sandbox: what came of a campaign, as rows and as figures."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v2_calls import V2, Json, calling_v2

NOW = "2027-03-01T09:00:00.000Z"
NEVER = "0001-01-01T00:00:00Z"


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        v2.control.move_clock(to="2027-03-01T09:00:00Z")
        v2.control.generate_contacts(10)
        yield v2


def _send(v2: V2, **reactions: Json) -> int:
    campaign = v2.control.campaigns.add(pages=["https://www.harbour.example/events"])
    v2.control.campaigns.send(campaign.id, **reactions)
    return campaign.id


def _emails(rows: Json) -> list[str]:
    return [row["email"].partition("@")[0] for row in rows]


async def test_recipient_has_a_row_with_all_that_it_did(v2: V2) -> None:
    ann = v2.control.contact("person1@mail.example").id
    campaign_id = _send(v2, contacts=[ann], opens=[ann, ann], clicks=[ann], page_views=[ann])
    v2.control.move_clock(advance_s=60)
    v2.control.campaigns.act(campaign_id, ann, "open")
    assert await v2.done("GET", f"/campaigns/{campaign_id}/activities") == [
        {
            "contactId": ann,
            "email": "person1@mail.example",
            "numOpens": 3,
            "numPageViews": 1,
            "numClicks": 1,
            "numForwards": 0,
            "numEstimatedForwards": 0,
            "numReplies": 0,
            "dateSent": NOW,
            "dateFirstOpened": NOW,
            "dateLastOpened": "2027-03-01T09:01:00.000Z",
            "firstOpenIp": "198.51.100.1",
            "unsubscribed": False,
            "softBounced": False,
            "hardBounced": False,
        }
    ]


async def test_who_never_opened_has_the_year_one(v2: V2) -> None:
    campaign_id = _send(v2)
    row = (await v2.done("GET", f"/campaigns/{campaign_id}/activities"))[0]
    assert (row["dateFirstOpened"], row["dateLastOpened"], row["firstOpenIp"]) == (NEVER, NEVER, "")
    v2.account.settings.never = "null"
    row = (await v2.done("GET", f"/campaigns/{campaign_id}/activities"))[0]
    assert (row["dateFirstOpened"], row["firstOpenIp"]) == (None, None)


async def test_events_have_a_row_each(v2: V2) -> None:
    document = v2.control.documents.add("report.pdf")
    campaign = v2.control.campaigns.add(document_ids=[document.id])
    ann = v2.control.contact("person1@mail.example").id
    v2.control.campaigns.send(
        campaign.id,
        contacts=[ann],
        opens=[ann, ann],
        clicks=[ann],
        downloads=[ann],
        page_views=[ann],
    )
    path = f"/campaigns/{campaign.id}"
    opens = await v2.done("GET", f"{path}/opens")
    assert opens == [opens[0], opens[0]]
    assert (opens[0]["mailClient"], opens[0]["isForward"], opens[0]["dateOpened"]) == (
        "Thunderbird",
        False,
        NOW,
    )
    clicks = await v2.done("GET", f"{path}/clicks")
    assert [row["url"] for row in clicks] == ["https://www.harbour.example/events", document.url]
    assert document.url.endswith(document.file_name)
    groups = await v2.done("GET", f"{path}/clicks-with-groups")
    assert groups[0]["groups"] == [{"name": "events", "dateCreated": NOW}]
    assert await v2.done("GET", f"{path}/page-views/since-date/2027-01-01") == [
        {
            "contactId": ann,
            "email": "person1@mail.example",
            "url": "https://www.harbour.example/events",
            "dateViewed": NOW,
        }
    ]
    assert (await v2.call("GET", f"{path}/page-views")).status_code == 404


async def test_rarer_things_have_their_rows(v2: V2) -> None:
    campaign_id = _send(v2)
    ann = v2.control.contact("person1@mail.example").id
    act = v2.control.campaigns.act
    act(campaign_id, ann, "reply", message="No, thanks", kind="AutoReply")
    act(campaign_id, ann, "conversion", marker="GiftAid", value=True, kind="Boolean")
    for _ in range(2):
        act(campaign_id, ann, "bookmark_view")
    path = f"/campaigns/{campaign_id}"
    [reply] = await v2.done("GET", f"{path}/activities/{ann}/replies")
    assert (reply["message"], reply["replyType"]) == ("No, thanks", "AutoReply")
    for one in (
        f"{path}/roi-details/since-date/2027-01-01",
        f"{path}/activities/{ann}/roi-details",
    ):
        [row] = await v2.done("GET", one)
        assert (row["markerName"], row["dataType"], row["value"]) == ("GiftAid", "Boolean", True)
    for one in (f"{path}/social-bookmark-views", f"{path}/activities/{ann}/social-bookmark-views"):
        [row] = await v2.done("GET", one)
        assert (row["bookmarkName"], row["numViews"]) == ("LinkedIn", 2)
    row = await v2.done("GET", f"{path}/activities/{ann}")
    assert row["numReplies"] == 1


async def test_since_shows_who_did_something_with_all_that_they_ever_did(v2: V2) -> None:
    v2.account.settings.sends_are_activity = False
    campaign_id = _send(v2, at="2027-02-01T09:00:00Z", opens=["person1@mail.example"])
    v2.control.campaigns.act(campaign_id, "person2@mail.example", "click")
    v2.control.campaigns.act(campaign_id, "person2@mail.example", "open", at="2027-02-02")
    path = f"/campaigns/{campaign_id}"
    rows = await v2.done("GET", f"{path}/activities/since-date/2027-02-15")
    assert [(row["email"], row["numOpens"], row["numClicks"]) for row in rows] == [
        ("person2@mail.example", 1, 1)
    ]
    everybody = await v2.done("GET", f"{path}/activities/since-date/2027-01-15")
    assert _emails(everybody) == ["person1", "person2"]
    assert await v2.done("GET", f"{path}/opens/since-date/2027-02-15") == []
    v2.account.settings.sends_are_activity = True
    everybody = await v2.done("GET", f"{path}/activities/since-date/2027-01-15")
    assert len(everybody) == 10


async def test_late_event_takes_its_place_in_time(v2: V2) -> None:
    campaign_id = _send(v2, at="2027-02-01T09:00:00Z")
    act = v2.control.campaigns.act
    for person, at in ((1, "2027-02-05"), (2, "2027-02-03"), (3, "2027-02-04"), (4, "2027-02-03")):
        act(campaign_id, f"person{person}@mail.example", "open", at=at)
    rows = await v2.done("GET", f"/campaigns/{campaign_id}/opens")
    assert _emails(rows) == ["person2", "person4", "person3", "person1"]
    rows = await v2.done("GET", f"/campaigns/{campaign_id}/opens/since-date/2027-02-04")
    assert _emails(rows) == ["person3", "person1"]


@pytest.mark.parametrize("order", ["time", "scrambled"])
async def test_pages_give_every_row_once(v2: V2, order: str) -> None:
    v2.control.generate_contacts(290, "more{n}@mail.example")
    campaign_id = _send(v2, opens=1.0)
    v2.control.set_settings({"activity_order": order})
    for part in ("activities", "opens", "opens/since-date/2027-01-01"):
        found: list[int] = []
        for skip in range(0, 400, 70):
            rows = await v2.done("GET", f"/campaigns/{campaign_id}/{part}?select=70&skip={skip}")
            found += [row["contactId"] for row in rows]
        assert len(found) == len(set(found)) == 300
        if part == "activities":
            assert (found == sorted(found)) == (order == "time")


@pytest.mark.parametrize(
    "style,text",
    [
        pytest.param("milliseconds", "2027-03-01T09:00:00.120Z", id="as most"),
        pytest.param("hundredths", "2027-03-01T09:00:00.12Z", id="two digits"),
        pytest.param("offset", "2027-03-01 09:00:00.120000+00:00", id="with an offset"),
    ],
)
async def test_dates_are_spelt_in_three_ways(v2: V2, style: str, text: str) -> None:
    v2.control.move_clock(advance_s=0.12)
    campaign_id = _send(v2, opens=1)
    v2.control.set_settings({"activity_dates": style})
    [row] = await v2.done("GET", f"/campaigns/{campaign_id}/opens")
    assert row["dateOpened"] == text


async def test_unsubscribing_by_a_campaign_is_unsubscribing(v2: V2) -> None:
    who = "person3@mail.example"
    campaign_id = _send(v2, at="2027-02-01T09:00:00Z", unsubscribes=[who])
    rows = await v2.done("GET", f"/campaigns/{campaign_id}/activities")
    assert [row["email"] for row in rows if row["unsubscribed"]] == [who]
    for since in ("unsubscribed-since", "suppressed-since"):
        [record] = await v2.done("GET", f"/contacts/{since}/2027-02-01")
        assert (record["suppressedContact"]["email"], record["reason"], record["dateRemoved"]) == (
            who,
            "Unsubscribed",
            "2027-02-01T09:00:00.000Z",
        )
    [changed] = await v2.done(
        "GET", "/contacts/modified-since/2027-03-01T09:00:00Z?select=1&skip=9"
    )
    assert (changed["email"], changed["status"]) == (who, "Unsubscribed")


async def test_bounces_and_complaints_suppress(v2: V2) -> None:
    campaign_id = _send(v2, hard_bounces=2, soft_bounces=1, complaints=1, opens=1.0)
    rows = await v2.done("GET", f"/campaigns/{campaign_id}/activities")
    bounced = [row for row in rows if row["hardBounced"] or row["softBounced"]]
    assert [row["numOpens"] for row in bounced] == [0, 0, 0]
    assert sum(row["numOpens"] for row in rows) == 7
    reasons = [
        each["reason"] for each in await v2.done("GET", "/contacts/suppressed-since/2027-01-01")
    ]
    assert sorted(reasons) == ["HardBounced", "HardBounced", "IspComplained"]
    hard = await v2.done("GET", f"/campaigns/{campaign_id}/hard-bouncing-contacts")
    assert {each["status"] for each in hard} == {"HardBounced"}
    assert len(hard) == 2


async def test_soft_bounce_may_suppress_too(v2: V2) -> None:
    v2.account.settings.soft_bounce_suppresses = True
    _send(v2, soft_bounces=1)
    [record] = await v2.done("GET", "/contacts/suppressed-since/2027-01-01")
    assert record["reason"] == "SoftBounced"


async def test_row_has_todays_address_and_none_once_the_contact_is_gone(v2: V2) -> None:
    campaign_id = _send(v2, contacts=["person1@mail.example"], opens=1)
    contact = v2.control.edit("person1@mail.example", email="new@mail.example")
    path = f"/campaigns/{campaign_id}/opens"
    assert [row["email"] for row in await v2.done("GET", path)] == ["new@mail.example"]
    v2.control.delete(contact.id)
    assert [row["email"] for row in await v2.done("GET", path)] == ["new@mail.example"]
    v2.account.empty_recycle_bin()
    [row] = await v2.done("GET", path)
    assert (row["contactId"], row["email"]) == (contact.id, None)


async def test_triggered_campaign_keeps_being_sent(v2: V2) -> None:
    campaign = v2.control.campaigns.add(type_="Triggered")
    for person in (1, 2, 1):
        v2.control.campaigns.act(campaign.id, f"person{person}@mail.example", "send")
        v2.control.move_clock(advance_s=60)
    rows = await v2.done("GET", f"/campaigns/{campaign.id}/activities")
    assert [(row["email"][:7], row["dateSent"][11:16]) for row in rows] == [
        ("person1", "09:02"),
        ("person2", "09:01"),
    ]
    summary = await v2.done("GET", f"/campaigns/{campaign.id}/summary")
    assert summary["numTotalSent"] == 3


async def test_summary_counts_html_and_text_apart(v2: V2) -> None:
    v2.control.contact("person1@mail.example").email_type = "PlainText"
    campaign_id = _send(
        v2,
        hard_bounces=["person9@mail.example"],
        unsubscribes=["person2@mail.example"],
        opens=["person1@mail.example", "person2@mail.example", "person2@mail.example"],
        clicks=["person2@mail.example"],
    )
    summary = await v2.done("GET", f"/campaigns/{campaign_id}/summary")
    shown = {
        name: (summary[f"num{name}"], summary[f"numText{name}"], summary[f"numTotal{name}"])
        for name in ("Opens", "Clicks", "HardBounces", "Unsubscribes", "Sent", "Delivered")
    }
    assert shown == {
        "Opens": (2, 1, 3),
        "Clicks": (1, 0, 1),
        "HardBounces": (1, 0, 1),
        "Unsubscribes": (1, 0, 1),
        "Sent": (9, 1, 10),
        "Delivered": (8, 1, 9),
    }
    assert (summary["numTotalUniqueOpens"], summary["numRecipientsClicked"]) == (2, 1)
    assert summary["percentageDelivered"] == 0.9


async def test_metrics_count_what_happened_between_their_dates(v2: V2) -> None:
    read = _send(v2, at="2027-02-01T09:00:00Z", opens=["person1@mail.example"] * 3)
    _send(v2, at="2027-01-01T09:00:00Z")
    v2.control.campaigns.act(read, "person2@mail.example", "click")
    span = "/campaigns/metrics?startDate=2027-02-15&endDate=2027-03-02T00:00:00Z"
    [row] = await v2.done("GET", span)
    assert (row["campaignId"], row["sent"], row["opens"], row["clicks"]) == (read, 0, 0, 1)
    v2.account.settings.metrics_count = "total"
    [row] = await v2.done("GET", span)
    assert (row["sent"], row["opens"], row["uniqueOpens"], row["clicks"]) == (10, 3, 1, 1)
    assert row["percentageDelivered"] == 100
    everything = "/campaigns/metrics?startDate=2026-01-01&endDate=2027-03-02T00:00:00Z"
    assert len(await v2.done("GET", everything)) == 2


@pytest.mark.parametrize(
    "path,answer",
    [
        pytest.param("activities/7", (404, "Error: ERROR_CONTACT_NOT_FOUND"), id="a stranger"),
        pytest.param("activities/7/opens", (404, "Error: ERROR_CONTACT_NOT_FOUND"), id="its opens"),
        pytest.param(
            "opens?select=0", (400, "select is not valid. ERROR_PARAMETER_INVALID"), id="no rows"
        ),
        pytest.param(
            "clicks/since-date/soon",
            (400, "date is not valid. ERROR_PARAMETER_INVALID"),
            id="no date",
        ),
        pytest.param(
            "activities?skip=x",
            (400, "skip is not valid. ERROR_PARAMETER_INVALID"),
            id="skip in words",
        ),
    ],
)
async def test_what_is_wrong_is_named(v2: V2, path: str, answer: tuple[int, str]) -> None:
    campaign_id = _send(v2)
    assert await v2.refused("GET", f"/campaigns/{campaign_id}/{path}") == answer


async def test_page_without_a_size_has_as_many_rows_as_documented(v2: V2) -> None:
    v2.control.generate_contacts(2100, "more{n}@mail.example")
    campaign_id = _send(v2)
    for path, count in (("activities", 1000), ("activities/since-date/2027-01-01", 2000)):
        assert len(await v2.done("GET", f"/campaigns/{campaign_id}/{path}")) == count
