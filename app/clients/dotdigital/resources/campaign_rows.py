"""What contacts did with a campaign, row by row; v2-email-campaigns.yaml, v2-swagger.json [spec].

No row has an id: two that are equal may both have happened. Addresses are those of today, and the
contact may be gone since [inferred]. Read by hand, for they come by the million.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.clients.dotdigital.wire import dated, id_of, rows, text_of


@dataclass(slots=True)
class CampaignActivity:
    """One contact that was sent a campaign, with what it did in all the time since.

    Its flags have no date of their own: when it bounced or unsubscribed isn't said.
    """

    contact_id: int | None
    email: str | None
    opens: int
    page_views: int
    clicks: int
    forwards: int
    estimated_forwards: int
    replies: int
    #: The latest send to this contact, where a triggered campaign goes out again [inferred].
    sent_at: datetime | None
    #: Each text is a date as it was given: beside a None it is one that can't be read.
    sent_at_text: str | None
    #: None where it was never opened; the vendor has a date in the year 1 for it [inferred].
    first_opened_at: datetime | None
    first_opened_at_text: str | None
    last_opened_at: datetime | None
    last_opened_at_text: str | None
    first_open_ip: str | None
    unsubscribed: bool
    soft_bounced: bool
    hard_bounced: bool


@dataclass(slots=True)
class CampaignOpen:
    """One time that a contact, or whom it was forwarded to, opened a campaign."""

    contact_id: int | None
    email: str | None
    opened_at: datetime | None
    opened_at_text: str | None
    #: Such as ``Thunderbird``, and ``Thunderbird 128``.
    mail_client: str | None
    mail_client_version: str | None
    ip_address: str | None
    user_agent: str | None
    is_html: bool
    is_forward: bool


@dataclass(slots=True)
class CampaignClick:
    """One click on a link in a campaign; a document's link makes it a download [inferred]."""

    contact_id: int | None
    email: str | None
    clicked_at: datetime | None
    clicked_at_text: str | None
    url: str | None
    #: The link's own words, or what stands for them.
    keyword: str | None
    ip_address: str | None
    user_agent: str | None


@dataclass(slots=True)
class CampaignPageView:
    """One page of the sender's site that a contact saw after a click in a campaign."""

    contact_id: int | None
    email: str | None
    viewed_at: datetime | None
    viewed_at_text: str | None
    url: str | None


def _activity(row: Mapping[str, Any]) -> CampaignActivity:
    sent_at, sent_at_text = dated(row.get("dateSent"))
    first_opened_at, first_opened_at_text = dated(row.get("dateFirstOpened"))
    last_opened_at, last_opened_at_text = dated(row.get("dateLastOpened"))
    return CampaignActivity(
        contact_id=id_of(row.get("contactId")),
        email=text_of(row.get("email")),
        opens=int(row.get("numOpens") or 0),
        page_views=int(row.get("numPageViews") or 0),
        clicks=int(row.get("numClicks") or 0),
        forwards=int(row.get("numForwards") or 0),
        estimated_forwards=int(row.get("numEstimatedForwards") or 0),
        replies=int(row.get("numReplies") or 0),
        sent_at=sent_at,
        sent_at_text=sent_at_text,
        first_opened_at=first_opened_at,
        first_opened_at_text=first_opened_at_text,
        last_opened_at=last_opened_at,
        last_opened_at_text=last_opened_at_text,
        first_open_ip=text_of(row.get("firstOpenIp")),
        unsubscribed=bool(row.get("unsubscribed")),
        soft_bounced=bool(row.get("softBounced")),
        hard_bounced=bool(row.get("hardBounced")),
    )


def _open(row: Mapping[str, Any]) -> CampaignOpen:
    opened_at, opened_at_text = dated(row.get("dateOpened"))
    return CampaignOpen(
        contact_id=id_of(row.get("contactId")),
        email=text_of(row.get("email")),
        opened_at=opened_at,
        opened_at_text=opened_at_text,
        mail_client=text_of(row.get("mailClient")),
        mail_client_version=text_of(row.get("mailClientVersion")),
        ip_address=text_of(row.get("ipAddress")),
        user_agent=text_of(row.get("userAgent")),
        is_html=bool(row.get("isHtml")),
        is_forward=bool(row.get("isForward")),
    )


def _click(row: Mapping[str, Any]) -> CampaignClick:
    clicked_at, clicked_at_text = dated(row.get("dateClicked"))
    return CampaignClick(
        contact_id=id_of(row.get("contactId")),
        email=text_of(row.get("email")),
        clicked_at=clicked_at,
        clicked_at_text=clicked_at_text,
        url=text_of(row.get("url")),
        keyword=text_of(row.get("keyword")),
        ip_address=text_of(row.get("ipAddress")),
        user_agent=text_of(row.get("userAgent")),
    )


def _page_view(row: Mapping[str, Any]) -> CampaignPageView:
    viewed_at, viewed_at_text = dated(row.get("dateViewed"))
    return CampaignPageView(
        contact_id=id_of(row.get("contactId")),
        email=text_of(row.get("email")),
        viewed_at=viewed_at,
        viewed_at_text=viewed_at_text,
        url=text_of(row.get("url")),
    )


_WHO = ("contactId", "email")

read_activities = rows(
    _activity,
    *_WHO,
    *("numOpens", "numPageViews", "numClicks", "numForwards", "numEstimatedForwards"),
    *("numReplies", "dateSent", "dateFirstOpened", "dateLastOpened", "firstOpenIp"),
    *("unsubscribed", "softBounced", "hardBounced"),
)
read_opens = rows(
    _open,
    *_WHO,
    *("dateOpened", "mailClient", "mailClientVersion", "ipAddress", "userAgent"),
    *("isHtml", "isForward"),
)
read_clicks = rows(_click, *_WHO, "dateClicked", "url", "keyword", "ipAddress", "userAgent")
read_page_views = rows(_page_view, *_WHO, "dateViewed", "url")
