"""A walk over campaigns, forms and documents of v2: each operation goes well, and fails."""

from typing import Any

from tests.contract.sandbox_calls import SINCE, UNKNOWN_GUID, Json, Walk

CAMPAIGN = {
    "name": "March news",
    "subject": "March news!",
    "fromName": "Harbour Trust",
    "fromAddress": {"id": 12},
    "htmlContent": "<p>Hello</p>",
    "plainTextContent": "Hello",
    "replyAction": "Webmail",
    "replyToAddress": "",
}
#: What came of a campaign, with what else it can be asked by.
EVENTS = ("opens", "clicks", "clicks-with-groups", "page-views")


async def _sent_campaign(go: Walk) -> tuple[int, list[int]]:
    """Send a campaign, of which all that can come comes."""
    document = go.control.documents.add()
    campaign = go.control.campaigns.add(tags=["news"], document_ids=[document.id])
    ids = list(go.control.generate_contacts(6, "reader{n}@b.example"))
    go.account.contacts.by_email("reader2@b.example").email_type = "PlainText"  # type: ignore[union-attr]
    reactions: dict[str, Any] = dict.fromkeys(
        ("opens", "clicks", "downloads", "page_views", "forwards"), 2
    )
    reactions |= dict.fromkeys(("hard_bounces", "soft_bounces", "unsubscribes"), 1)
    go.control.campaigns.send(campaign.id, contacts=ids, **reactions)
    for action in ("reply", "conversion", "bookmark_view", "complaint"):
        go.control.campaigns.act(campaign.id, ids[0], action)
    return campaign.id, ids


async def walk_campaigns(go: Walk) -> None:
    """Make, change, copy, send and delete campaigns; list them in every way."""
    made = await go.good("POST", "/v2/campaigns", CAMPAIGN)
    faulty: list[Json] = [{}, [], CAMPAIGN | {"name": "x" * 256}]
    for body in [*faulty, CAMPAIGN | {"replyAction": "Shred"}]:
        await go.bad("POST", "/v2/campaigns", body)
    path = f"/v2/campaigns/{made['id']}"
    await go.good("PUT", path, CAMPAIGN | {"name": "April news"})
    await go.bad("PUT", path, {})
    copied = await go.good("POST", f"{path}/copy")
    await go.bad("POST", "/v2/campaigns/7/copy")
    news = await go.good("POST", "/v2/address-books", {"name": "Readers"})
    await go.good("POST", f"/v2/address-books/{news['id']}/contacts", {"email": "ed@b.example"})
    wanted = {"campaignId": made["id"], "addressBookIds": [news["id"]], "contactIds": []}
    sending = await go.good("POST", "/v2/campaigns/send", wanted)
    await go.good("POST", "/v2/campaigns/send", wanted | {"sendDate": "2100-01-01T00:00:00Z"})
    faulty = [{"campaignId": 7}, wanted | {"contactIds": ["x"]}, {"campaignId": "x"}]
    for body in faulty:
        await go.bad("POST", "/v2/campaigns/send", body)
    await go.good("GET", f"/v2/campaigns/send/{sending['id']}")
    await go.bad("GET", f"/v2/campaigns/send/{UNKNOWN_GUID}")
    await go.bad("PUT", path, CAMPAIGN)
    for listing in ("", "/filtered", "/with-details", f"/with-activity-since/{SINCE}"):
        await go.good("GET", f"/v2/campaigns{listing}?select=10&skip=0")
        await go.bad("GET", f"/v2/campaigns{listing}?select=0")
    await go.bad("GET", "/v2/campaigns/with-activity-since/then")
    await go.good("GET", "/v2/campaigns/filtered?~type=Standard&~statuses=Sent,Unsent&~tags=news")
    await go.bad("GET", "/v2/campaigns/filtered?~sentDate=then")
    await go.good("GET", f"/v2/address-books/{news['id']}/campaigns")
    await go.bad("GET", "/v2/address-books/7/campaigns")
    await go.good("GET", "/v2/custom-from-addresses")
    await go.bad("GET", "/v2/custom-from-addresses?select=0")
    await go.good("GET", path)
    await go.bad("GET", "/v2/campaigns/7")
    for part in ("with-details", "address-books"):
        await go.good("GET", f"{path}/{part}")
        await go.good("GET", f"/v2/campaigns/{copied['id']}/{part}")
        await go.bad("GET", f"/v2/campaigns/7/{part}")
    await go.good("DELETE", path)
    await go.bad("DELETE", path)


async def walk_activity(go: Walk) -> None:
    """Read what came of a campaign: as figures, as rows, and of one contact."""
    campaign_id, ids = await _sent_campaign(go)
    path = f"/v2/campaigns/{campaign_id}"
    await go.good("GET", f"{path}/summary")
    await go.bad("GET", "/v2/campaigns/7/summary")
    await go.good("GET", f"/v2/campaigns/metrics?startDate={SINCE}&endDate=2100-01-01T00:00:00Z")
    await go.bad("GET", "/v2/campaigns/metrics")
    await go.bad("GET", f"/v2/campaigns/metrics?startDate={SINCE}&endDate=2019-01-01")
    everybody = [
        "activities",
        f"activities/since-date/{SINCE}",
        *(f"{name}/since-date/{SINCE}" for name in (*EVENTS, "roi-details")),
        *EVENTS[:3],
        "social-bookmark-views",
        "hard-bouncing-contacts",
    ]
    for part in everybody:
        assert await go.good("GET", f"{path}/{part}?select=10"), part
        await go.bad("GET", f"{path}/{part}?select=1001")
        await go.bad("GET", f"/v2/campaigns/7/{part}")
    await go.good("GET", f"{path}/hard-bouncing-contacts?withFullData=true")
    await go.good("GET", f"{path}/revenue/since-date/{SINCE}")
    await go.bad("GET", f"{path}/revenue/since-date/then")
    await go.good("GET", f"{path}/activities/{ids[0]}")
    await go.bad("GET", f"{path}/activities/7")
    for part in (*EVENTS, "replies", "roi-details", "social-bookmark-views", "revenue"):
        for contact_id in ids:
            await go.good("GET", f"{path}/activities/{contact_id}/{part}")
        await go.bad("GET", f"{path}/activities/7/{part}")
    await go.bad("GET", f"{path}/activities/{ids[0]}/replies?select=6")
    for dates in ("hundredths", "offset"):
        go.control.set_settings({"activity_dates": dates, "activity_order": "scrambled"})
        for part in everybody:
            await go.good("GET", f"{path}/{part}")
    go.control.set_settings({"activity_dates": "milliseconds"})


async def walk_forms(go: Walk) -> None:
    """Read forms and what was answered to them."""
    survey = go.control.forms.add()
    go.control.forms.submit(survey.id, "eva@b.example", {"Which class?": "Keelboat"})
    go.control.forms.submit(survey.id, complete=False)
    go.control.forms.add("Poll", questions=[{"text": "Well?"}], makes_contacts=False)
    for listing in ("", f"/with-activity-since/{SINCE}"):
        await go.good("GET", f"/v2/surveys{listing}?select=500")
        await go.good("GET", f"/v2/surveys{listing}?assignedToAddressBookOnly=true")
        await go.bad("GET", f"/v2/surveys{listing}?select=501")
        await go.bad("GET", f"/v2/surveys{listing}?assignedToAddressBookOnly=2")
    await go.bad("GET", "/v2/surveys/with-activity-since/then")
    for part in ("", "/fields", "/responses", f"/responses/with-activity-since/{SINCE}"):
        await go.good("GET", f"/v2/surveys/{survey.id}{part}")
        await go.bad("GET", f"/v2/surveys/7{part}")
    await go.bad("GET", f"/v2/surveys/{survey.id}/responses/with-activity-since/then")


async def walk_documents(go: Walk) -> None:
    """Put documents into folders and onto campaigns."""
    folder = go.control.documents.add_folder("Reports")
    path = f"/v2/document-folders/{folder.id}"
    inner = await go.good("POST", path, {"name": "2026"})
    await go.bad("POST", path, {})
    await go.bad("POST", "/v2/document-folders/7", {"name": "2026"})
    await go.good("GET", "/v2/document-folders")
    within = f"/v2/document-folders/{inner['id']}/documents"
    document = await go.good("POST", within, {"fileName": "a.pdf", "data": "RW1haWw="})
    await go.good("POST", within, files={"file": ("b.pdf", b"%PDF-", "application/pdf")})
    faulty: list[Json] = [{}, {"fileName": "a", "data": "RW1haWw="}, {"fileName": "a.pdf"}]
    for body in faulty:
        await go.bad("POST", within, body)
    await go.good("GET", within)
    await go.bad("GET", "/v2/document-folders/7/documents")
    campaign = go.control.campaigns.add()
    path = f"/v2/campaigns/{campaign.id}/attachments"
    await go.good("POST", path, {"id": document["id"]})
    await go.bad("POST", path, {"id": document["id"]})
    await go.good("GET", path)
    await go.bad("GET", "/v2/campaigns/7/attachments")
    await go.good("DELETE", f"{path}/{document['id']}")
    await go.bad("DELETE", f"{path}/{document['id']}")


async def walk_visits(go: Walk) -> None:
    """Read which web pages contacts visited."""
    await go.good("POST", "/v2/contacts", {"email": "zoe@b.example"})
    for page in ("a", "b", "c"):
        go.control.visit("zoe@b.example", f"https://a.example/{page}", seconds=3)
    of_contact = "/insightData/v3/contacts/email/zoe@b.example/webInsight"
    for path in ("/insightData/v3/contacts/webInsight", of_contact):
        page = await go.good("GET", f"{path}?limit=2&~modified=gte::{SINCE}")
        marker = page["_links"]["next"]["marker"]
        last = await go.good("GET", path, params={"limit": 2, "marker": marker})
        assert (len(page["_items"]), len(last["_items"])) == (2, 1)
        for query in ("limit=0", "limit=x", "~modified=then", "marker=x"):
            await go.bad("GET", f"{path}?{query}")
        await go.bad("GET", path.replace("webInsight", "orders"))
        await go.bad("GET", path.replace("webInsight", "1"))
    await go.bad("GET", of_contact.replace("zoe", "nobody"))


#: In the order in which they build on each other.
PARTS = (walk_campaigns, walk_activity, walk_forms, walk_documents, walk_visits)
