"""v2: figures of campaigns: the summary of one, metrics of many, revenue."""

from typing import Any

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.clock import read_instant, text_of
from sandbox.inferred import NEVER
from sandbox.state.campaigns import Campaign
from sandbox.state.reports import Figures, count
from sandbox.v2.campaign_activity import find_recipient
from sandbox.v2.campaigns import find_campaign
from sandbox.v2.refusals import invalid
from sandbox.v2.requests import page, since_instant


async def get_summary(call: Call) -> Response:
    """Return all counts of a campaign: as HTML, as text, and both together."""
    campaign = find_campaign(call)
    return json_answer(_summary_json(campaign))


async def list_metrics(call: Call) -> Response:
    """Return the figures of the campaigns that had activity between two dates."""
    since_ms, until_ms = _date(call, "startDate"), _date(call, "endDate")
    if until_ms < since_ms:
        raise invalid("endDate")
    settings, part = call.account.settings, page(call)
    in_range = settings.metrics_count == "range"
    shapes = []
    for campaign in call.account.campaigns:
        if campaign.sent_ms is None or not _has_activity(call, campaign, since_ms, until_ms):
            continue
        span = (since_ms, until_ms) if in_range else (None, None)
        shapes.append((campaign, span))
    return json_answer(
        [
            _metrics_json(campaign, count(campaign.activity, *span))
            for campaign, span in shapes[part.skip : part.stop]
        ]
    )


async def get_revenue_since(call: Call) -> Response:
    """Return what a campaign earned since a date: the sandbox has no orders, so nothing."""
    campaign = find_campaign(call)
    since_instant(call)
    return json_answer(_revenue_json(campaign))


async def get_revenue_of_contact(call: Call) -> Response:
    """Return what a campaign earned from one contact: nothing."""
    campaign = find_campaign(call)
    find_recipient(call, campaign)
    return json_answer(_revenue_json(campaign))


def _date(call: Call, name: str) -> int:
    try:
        return read_instant(call.parameter(name) or "")
    except (ValueError, OverflowError):
        raise invalid(name) from None


def _has_activity(call: Call, campaign: Campaign, since_ms: int, until_ms: int) -> bool:
    activity = campaign.activity
    streams = (activity.opens, activity.clicks, activity.views, activity.marks)
    if any(len(stream.within(since_ms, until_ms)) for stream in streams):
        return True
    return call.account.settings.sends_are_activity and any(
        since_ms <= at_ms <= until_ms for at_ms in activity.sent_ms
    )


def _sent_text(campaign: Campaign) -> str:
    return NEVER if campaign.sent_ms is None else text_of(campaign.sent_ms)


def _summary_json(campaign: Campaign) -> dict[str, Any]:
    both = count(campaign.activity)
    text = count(campaign.activity, only_text=True)
    shape: dict[str, Any] = {"dateSent": _sent_text(campaign)}
    shape |= {
        "numUniqueOpens": both.unique_opens - text.unique_opens,
        "numUniqueTextOpens": text.unique_opens,
        "numTotalUniqueOpens": both.unique_opens,
    }
    for name, total, as_text in (
        ("Opens", both.opens, text.opens),
        ("Clicks", both.clicks, text.clicks),
        ("PageViews", both.page_views, text.page_views),
        ("EstimatedForwards", both.forwards, text.forwards),
        ("Replies", both.replies, text.replies),
        ("HardBounces", both.hard_bounces, text.hard_bounces),
        ("SoftBounces", both.soft_bounces, text.soft_bounces),
        ("Unsubscribes", both.unsubscribes, text.unsubscribes),
        ("IspComplaints", both.complaints, text.complaints),
        ("MailBlocks", 0, 0),
        ("Sent", both.sent, text.sent),
        ("Delivered", both.delivered, text.delivered),
    ):
        shape[f"num{name}"] = total - as_text
        shape[f"numText{name}"] = as_text
        shape[f"numTotal{name}"] = total
    shape["numForwards"], shape["numTextForwards"] = both.forwards - text.forwards, text.forwards
    return shape | _summary_shares(both)


def _summary_shares(both: Figures) -> dict[str, Any]:
    """Return the shares, from 0 to 1; that of opens may be more [doc]."""
    return {
        "numRecipientsClicked": both.unique_clicks,
        "percentageDelivered": _share(both.delivered, both.sent),
        "percentageUniqueOpens": _share(both.unique_opens, both.delivered),
        "percentageOpens": _share(both.opens, both.delivered),
        "percentageUnsubscribes": _share(both.unsubscribes, both.delivered),
        "percentageReplies": _share(both.replies, both.delivered),
        "percentageHardBounces": _share(both.hard_bounces, both.sent),
        "percentageSoftBounces": _share(both.soft_bounces, both.sent),
        "percentageUsersClicked": _share(both.unique_clicks, both.delivered),
        "percentageClicksToOpens": _share(both.unique_clicks, both.unique_opens),
        "revenue": "£0.00",
        "conversionRate": 0,
        "assistedRevenue": "£0.00",
        "numOrders": 0,
        "numAssistedOrders": 0,
    }


def _metrics_json(campaign: Campaign, figures: Figures) -> dict[str, Any]:
    """Return a campaign's figures; here percentages go from 0 to 100 [doc]."""
    last_ms = campaign.activity.last_sent_ms
    return {
        "campaignId": campaign.id,
        "dateSent": _sent_text(campaign),
        "lastDateSent": NEVER if last_ms is None else text_of(last_ms),
        "campaignName": campaign.name,
        "campaignType": campaign.type,
        "tags": campaign.tags,
        "subjectLine": campaign.subject,
        "fromName": campaign.from_name,
        "fromAddress": campaign.from_address,
        "isSplitTest": False,
        "sent": figures.sent,
        "delivered": figures.delivered,
        "opens": figures.opens,
        "uniqueOpens": figures.unique_opens,
        "clicks": figures.clicks,
        "uniqueClicks": figures.unique_clicks,
        "replies": figures.replies,
        "hardBounces": figures.hard_bounces,
        "softBounces": figures.soft_bounces,
        "unsubscribes": figures.unsubscribes,
        "forwards": figures.forwards,
        "sendStatusFails": 0,
        "mailBlocks": 0,
        "complaints": figures.complaints,
        "pageViews": figures.page_views,
        "orders": 0,
        "assistedOrders": 0,
        "percentageDelivered": _percentage(figures.delivered, figures.sent),
        "percentageUniqueOpens": _percentage(figures.unique_opens, figures.delivered),
        "percentageHardBounces": _percentage(figures.hard_bounces, figures.sent),
        "percentageSoftBounces": _percentage(figures.soft_bounces, figures.sent),
        "percentageReplies": _percentage(figures.replies, figures.delivered),
        "percentageUnsubscribes": _percentage(figures.unsubscribes, figures.delivered),
        "percentageUniqueClicks": _percentage(figures.unique_clicks, figures.delivered),
        "percentageUniqueClicksToOpens": _percentage(figures.unique_clicks, figures.unique_opens),
        "revenue": 0,
        "assistedRevenue": 0,
        "conversionRate": 0,
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _percentage(part: int, whole: int) -> float:
    return min(100.0, round(100 * part / whole, 2)) if whole else 0.0


def _revenue_json(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaignID": campaign.id,
        "dateLastSent": _sent_text(campaign),
        "currency": "GBP",
        "revenue": 0,
        "numOrders": 0,
        "conversionRate": 0,
    }


_ONE = "/v2/campaigns/{campaignId}"

OPERATIONS = (
    Operation("GET", "/v2/campaigns/metrics", list_metrics),
    Operation("GET", f"{_ONE}/summary", get_summary),
    Operation("GET", f"{_ONE}/revenue/since-date/{{date}}", get_revenue_since),
    Operation("GET", f"{_ONE}/activities/{{contactId}}/revenue", get_revenue_of_contact),
)
