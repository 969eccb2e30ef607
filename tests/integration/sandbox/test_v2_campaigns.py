"""v2 of the sandbox: campaigns, one by one and in listings; making, sending and deleting them."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v2_calls import V2, Json, calling_v2

GONE = (404, "Error: ERROR_CAMPAIGN_NOT_FOUND")
BODY = {
    "Name": "April news",
    "Subject": "April!",
    "FromName": "Harbour Trust",
    "HtmlContent": "<p>Hello</p>",
    "PlainTextContent": "Hello",
}


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        v2.control.move_clock(to="2027-03-01T09:00:00Z")
        yield v2


def _ids(listing: Json) -> list[int]:
    return [each["id"] for each in listing]


async def test_campaign_is_listed_without_its_contents(v2: V2) -> None:
    campaign = v2.control.campaigns.add("March news")
    [listed] = await v2.done("GET", "/campaigns")
    assert listed == {
        "id": campaign.id,
        "name": "March news",
        "subject": "March news!",
        "fromName": "Harbour Trust",
        "fromAddress": {"id": 12, "email": v2.account.main_email},
        "htmlContent": None,
        "plainTextContent": None,
        "replyAction": "Webmail",
        "replyToAddress": "",
        "isSplitTest": False,
        "status": "Unsent",
    }
    shown = await v2.done("GET", f"/campaigns/{campaign.id}")
    assert shown["plainTextContent"] == "Hello $UNSUB$"


async def test_details_have_type_tags_and_date(v2: V2) -> None:
    v2.control.generate_contacts(1)
    sent = v2.control.campaigns.add(type_="Triggered", tags=["news"])
    v2.control.campaigns.send(sent.id)
    unsent = v2.control.campaigns.add()
    found = [await v2.done("GET", f"/campaigns/{each.id}/with-details") for each in (sent, unsent)]
    assert [(each["status"], each["type"], each["tags"], each["sentDate"]) for each in found] == [
        ("Triggered", "Triggered", [{"name": "news"}], "2027-03-01T09:00:00.000Z"),
        ("Unsent", "Standard", [], "0001-01-01T00:00:00Z"),
    ]
    assert await v2.done("GET", "/campaigns/with-details") == found


@pytest.mark.parametrize(
    "query,names",
    [
        pytest.param("", ["Old", "New", "Draft"], id="all"),
        pytest.param("~type=Triggered", ["Old"], id="by type"),
        pytest.param("~statuses=Sent&~statuses=unsent", ["New", "Draft"], id="by statuses"),
        pytest.param("~tags=news,boats", ["New"], id="all tags must be there"),
        pytest.param("~sentDate=2027-02-15", ["New"], id="by the date of sending"),
        pytest.param("select=1&skip=1", ["New"], id="a page"),
    ],
)
async def test_campaigns_are_filtered(v2: V2, query: str, names: list[str]) -> None:
    v2.control.generate_contacts(1)
    control = v2.control.campaigns
    old = control.add("Old", type_="Triggered", tags=["news"])
    new = control.add("New", tags=["news", "boats"])
    control.add("Draft")
    control.send(old.id, at="2027-02-01T09:00:00Z")
    control.send(new.id)
    found = await v2.done("GET", f"/campaigns/filtered?{query}")
    assert [each["name"] for each in found] == names


async def test_list_and_campaign_know_each_other(v2: V2) -> None:
    list_id = await v2.make_list()
    await v2.done("POST", f"/address-books/{list_id}/contacts", {"email": "ann@b.example"})
    segment = v2.control.add_segment("Friends")
    to_list, to_both = v2.control.campaigns.add(), v2.control.campaigns.add()
    assert v2.control.campaigns.send(to_list.id, list_ids=[list_id]) == 1
    v2.control.campaigns.send(to_both.id, list_ids=[list_id, segment.id])
    sent = await v2.done("GET", f"/address-books/{list_id}/campaigns")
    assert _ids(sent) == [to_list.id, to_both.id]
    assert _ids(await v2.done("GET", f"/address-books/{segment.id}/campaigns")) == [to_both.id]
    lists = await v2.done("GET", f"/campaigns/{to_both.id}/address-books")
    assert _ids(lists) == [list_id, segment.id]


async def test_activity_since_a_date_finds_its_campaigns(v2: V2) -> None:
    v2.control.generate_contacts(2)
    control = v2.control.campaigns
    ids = [control.add(name).id for name in ("Quiet", "Read", "Unsent")]
    for campaign_id in ids[:2]:
        control.send(campaign_id, at="2027-02-01T09:00:00Z")
    control.act(ids[1], "person1@mail.example", "open")
    path = "/campaigns/with-activity-since"
    assert _ids(await v2.done("GET", f"{path}/2027-01-31")) == ids[:2]
    assert _ids(await v2.done("GET", f"{path}/2027-02-02")) == [ids[1]]
    assert await v2.done("GET", f"{path}/2027-03-02") == []
    v2.account.settings.sends_are_activity = False
    assert _ids(await v2.done("GET", f"{path}/2027-01-31")) == [ids[1]]


@pytest.mark.parametrize(
    "inclusive,count", [pytest.param(True, 1, id="with"), pytest.param(False, 0, id="without")]
)
async def test_since_may_leave_out_its_own_instant(v2: V2, inclusive: bool, count: int) -> None:
    v2.control.generate_contacts(1)
    campaign = v2.control.campaigns.add()
    v2.control.campaigns.send(campaign.id, unsubscribes=1, opens=1)
    v2.account.settings.since_is_inclusive = inclusive
    at = "2027-03-01T09:00:00.000Z"
    for path in (
        f"/campaigns/with-activity-since/{at}",
        f"/campaigns/{campaign.id}/opens/since-date/{at}",
        f"/contacts/suppressed-since/{at}",
        f"/contacts/modified-since/{at}",
    ):
        assert len(await v2.done("GET", path)) == count, path


async def test_deleted_campaign_is_gone_with_all_that_came_of_it(v2: V2) -> None:
    v2.control.generate_contacts(1)
    by_hand, by_call = v2.control.campaigns.add(), v2.control.campaigns.add()
    for campaign in (by_hand, by_call):
        v2.control.campaigns.send(campaign.id, opens=1)
    v2.control.campaigns.delete(by_hand.id)
    await v2.done("DELETE", f"/campaigns/{by_call.id}", status=204)
    for campaign in (by_hand, by_call):
        for part in ("", "/summary", "/activities", "/opens/since-date/2020-01-01"):
            assert await v2.refused("GET", f"/campaigns/{campaign.id}{part}") == GONE
    assert await v2.done("GET", "/campaigns/with-activity-since/2020-01-01") == []


async def test_sent_campaign_may_be_kept_from_being_deleted(v2: V2) -> None:
    v2.control.generate_contacts(1)
    campaign = v2.control.campaigns.add()
    v2.control.campaigns.send(campaign.id)
    v2.account.settings.sent_campaigns_are_deletable = False
    refused = await v2.refused("DELETE", f"/campaigns/{campaign.id}")
    assert refused == (400, "Error: ERROR_CAMPAIGN_READONLY")


async def test_campaign_is_made_changed_copied_and_sent(v2: V2) -> None:
    list_id = await v2.make_list()
    for name in ("ann", "bob"):
        path = f"/address-books/{list_id}/contacts"
        await v2.done("POST", path, {"email": f"{name}@b.example"})
    v2.control.unsubscribe("bob@b.example")
    made = await v2.done("POST", "/campaigns", BODY, 201)
    changed = await v2.done("PUT", f"/campaigns/{made['id']}", BODY | {"Name": "May news"})
    assert changed["name"] == "May news"
    copied = await v2.done("POST", f"/campaigns/{made['id']}/copy", status=201)
    assert (copied["name"], copied["status"]) == ("Copy of May news", "Unsent")
    sending = await v2.done(
        "POST", "/campaigns/send", {"campaignId": made["id"], "addressBookIds": [list_id]}, 202
    )
    assert sending["status"] == "Sent"
    rows = await v2.done("GET", f"/campaigns/{made['id']}/activities")
    assert [row["email"] for row in rows] == ["ann@b.example"]
    refused = await v2.refused("PUT", f"/campaigns/{made['id']}", BODY)
    assert refused == (400, "Error: ERROR_CAMPAIGN_READONLY")


async def test_scheduled_campaign_goes_out_when_its_time_has_come(v2: V2) -> None:
    v2.control.generate_contacts(1)
    campaign = v2.control.campaigns.add()
    order = {"campaignId": campaign.id, "sendDate": "2027-03-01T10:00:00Z"}
    sending = await v2.done("POST", "/campaigns/send", order, 202)
    path = f"/campaigns/send/{sending['id'].upper()}"
    v2.control.move_clock(advance_s=3599)
    assert (await v2.done("GET", path))["status"] == "Scheduled"
    assert await v2.done("GET", f"/campaigns/{campaign.id}/activities") == []
    v2.control.move_clock(advance_s=1)
    assert (await v2.done("GET", path))["status"] == "Sent"
    [row] = await v2.done("GET", f"/campaigns/{campaign.id}/activities")
    assert row["dateSent"] == "2027-03-01T10:00:00.000Z"


@pytest.mark.parametrize(
    "method,path,body,answer",
    [
        pytest.param("GET", "/campaigns/7", None, GONE, id="unknown"),
        pytest.param(
            "GET",
            "/address-books/7/campaigns",
            None,
            (404, "Error: ERROR_ADDRESSBOOK_NOT_FOUND"),
            id="unknown list",
        ),
        pytest.param(
            "GET",
            "/campaigns/x",
            None,
            (400, "id is not valid. ERROR_PARAMETER_INVALID"),
            id="id in words",
        ),
        pytest.param(
            "GET",
            "/campaigns?select=1001",
            None,
            (400, "select is not valid. ERROR_PARAMETER_INVALID"),
            id="page too large",
        ),
        pytest.param(
            "GET",
            "/campaigns?skip=-1",
            None,
            (400, "skip is not valid. ERROR_PARAMETER_INVALID"),
            id="skip backwards",
        ),
        pytest.param(
            "GET",
            "/campaigns/with-activity-since/soon",
            None,
            (400, "date is not valid. ERROR_PARAMETER_INVALID"),
            id="no date",
        ),
        pytest.param(
            "POST",
            "/campaigns",
            {"name": "x"},
            (400, "Error: ERROR_CAMPAIGN_INVALID"),
            id="half a campaign",
        ),
        pytest.param("POST", "/campaigns/send", {"campaignId": 7}, GONE, id="sending nothing"),
    ],
)
async def test_what_is_wrong_is_named(
    v2: V2, method: str, path: str, body: object, answer: tuple[int, str]
) -> None:
    assert await v2.refused(method, path, body) == answer
