"""v2: campaigns, one by one and in listings. Their activity is in rooms of its own."""

from collections.abc import Callable, Iterable
from typing import Any

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.clock import read_instant
from sandbox.state import ContactList, Segment
from sandbox.state.campaigns import FROM_ADDRESS_ID, Campaign
from sandbox.v2.campaign_shapes import (
    campaign_json,
    detailed_campaign_json,
    document_json,
    filtered_campaign_json,
)
from sandbox.v2.refusals import invalid, refused
from sandbox.v2.requests import page, path_id, since_instant
from sandbox.v2.shapes import list_json

Shape = Callable[[Campaign], dict[str, Any]]


def find_campaign(call: Call, name: str = "campaignId") -> Campaign:
    """Return the campaign that the path names; refuses one that is not there, or no longer."""
    campaign = call.account.campaigns.find(path_id(call, name))
    if campaign is None:
        raise refused("CAMPAIGN_NOT_FOUND")
    return campaign


async def list_all(call: Call) -> Response:
    """Return all campaigns."""
    return _listing(call, call.account.campaigns, _brief)


async def list_with_details(call: Call) -> Response:
    """Return all campaigns with their details."""
    return _listing(call, call.account.campaigns, detailed_campaign_json)


async def list_active_since(call: Call) -> Response:
    """Return the campaigns that had activity since a date."""
    account = call.account
    active = account.campaigns.active_since(
        since_instant(call), sends_count=account.settings.sends_are_activity
    )
    return _listing(call, active, _brief)


async def list_of_list(call: Call) -> Response:
    """Return the campaigns that were sent to a list or a segment."""
    list_id, lists = path_id(call, "addressBookId"), call.account.lists
    if lists.find(list_id) is None and list_id not in lists.segments:
        raise refused("ADDRESSBOOK_NOT_FOUND")
    sent = (campaign for campaign in call.account.campaigns if list_id in campaign.list_ids)
    return _listing(call, sent, _brief)


async def list_filtered(call: Call) -> Response:
    """Return the campaigns that fit every filter."""
    types, statuses, tags = (_texts(call, name) for name in ("~type", "~statuses", "~tags"))
    sent_from, from_ms, until_ms = (
        _instant(call, name) for name in ("~sentDate", "~scheduledDateFrom", "~scheduledDateTo")
    )

    def fits(campaign: Campaign) -> bool:
        sent_ms, scheduled_ms = campaign.sent_ms or 0, campaign.scheduled_ms or 0
        return (
            (not types or campaign.type.lower() in types)
            and (not statuses or campaign.status.lower() in statuses)
            and tags <= {tag.lower() for tag in campaign.tags}
            and (sent_from is None or sent_ms >= sent_from)
            and (from_ms is None or scheduled_ms >= from_ms)
            and (until_ms is None or 0 < scheduled_ms <= until_ms)
        )

    return _listing(call, filter(fits, call.account.campaigns), filtered_campaign_json)


async def get(call: Call) -> Response:
    """Return one campaign."""
    return json_answer(campaign_json(find_campaign(call, "id"), contents=True))


async def get_with_details(call: Call) -> Response:
    """Return one campaign with its details."""
    return json_answer(detailed_campaign_json(find_campaign(call)))


async def list_lists(call: Call) -> Response:
    """Return the lists and segments that a campaign was ever sent to."""
    campaign, part, lists = find_campaign(call), page(call), call.account.lists
    found = [lists.find(list_id) or lists.segments.get(list_id) for list_id in campaign.list_ids]
    there = [each for each in found if each is not None]
    return json_answer([_list_json(each) for each in there[part.skip : part.stop]])


async def list_attachments(call: Call) -> Response:
    """Return the documents that a campaign carries."""
    found = map(call.account.documents.find, find_campaign(call).attachment_ids)
    return json_answer([document_json(each) for each in found if each is not None])


async def list_from_addresses(call: Call) -> Response:
    """Return the addresses that campaigns may come from: the account's own."""
    part = page(call)
    addresses = [{"id": FROM_ADDRESS_ID, "email": call.account.main_email}]
    return json_answer(addresses[part.skip : part.stop])


def _brief(campaign: Campaign) -> dict[str, Any]:
    return campaign_json(campaign, contents=False)


def _list_json(each: ContactList | Segment) -> dict[str, Any]:
    if isinstance(each, ContactList):
        return list_json(each)
    count = len(each.contact_ids)
    return {"id": each.id, "name": each.name, "visibility": "Private", "contacts": count}


def _listing(call: Call, campaigns: Iterable[Campaign], shape: Shape) -> Response:
    part = page(call)
    return json_answer([shape(campaign) for campaign in list(campaigns)[part.skip : part.stop]])


def _texts(call: Call, name: str) -> set[str]:
    """Return the texts of a parameter in lower case, given several times or parted by commas."""
    given = [text for key, text in call.query.multi_items() if key.lower() == name.lower()]
    parts = (part.strip().lower() for text in given for part in text.split(","))
    return {part for part in parts if part}


def _instant(call: Call, name: str) -> int | None:
    text = call.parameter(name)
    if not text:
        return None
    try:
        return read_instant(text)
    except (ValueError, OverflowError):
        raise invalid(name) from None


OPERATIONS = (
    Operation("GET", "/v2/campaigns", list_all),
    Operation("GET", "/v2/campaigns/filtered", list_filtered),
    Operation("GET", "/v2/campaigns/with-details", list_with_details),
    Operation("GET", "/v2/campaigns/with-activity-since/{date}", list_active_since),
    Operation("GET", "/v2/address-books/{addressBookId}/campaigns", list_of_list),
    Operation("GET", "/v2/campaigns/{id}", get),
    Operation("GET", "/v2/campaigns/{campaignId}/with-details", get_with_details),
    Operation("GET", "/v2/campaigns/{campaignId}/address-books", list_lists),
    Operation("GET", "/v2/campaigns/{campaignId}/attachments", list_attachments),
    Operation("GET", "/v2/custom-from-addresses", list_from_addresses),
)
