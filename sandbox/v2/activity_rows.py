"""The rows of what came of a campaign, as v2 answers them.

Thousands a page, so each kind of row is made in one loop without calls that it can do without.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox import inferred
from sandbox.clock import text_of
from sandbox.state import Account
from sandbox.state.activity import Conversion, Is, Reply
from sandbox.state.campaigns import Campaign

Row = dict[str, Any]


class Reader(NamedTuple):
    """What a recipient reads mail with."""

    client: str
    version: str
    agent: str


READERS = (
    Reader(
        "Thunderbird",
        "Thunderbird 128",
        "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
    ),
    Reader(
        "Apple Mail",
        "Apple Mail 16",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
    ),
    Reader("Gmail", "Gmail", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"),
    Reader(
        "Outlook",
        "Outlook 2021",
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    ),
)


def _address(place: int) -> str:
    """Return the address that a recipient's machine has; from the range for documentation."""
    return f"198.51.100.{place % 254 + 1}"


def email_of(account: Account, contact_id: int) -> str | None:
    """Return a contact's address of today [inferred]; null once it was deleted for good."""
    contact = account.contacts.by_id(contact_id)
    return None if contact is None else contact.email


@lru_cache(maxsize=8192)
def _in_hundredths(at_ms: int) -> str:
    return f"{text_of(at_ms)[:-2]}Z"


@lru_cache(maxsize=8192)
def _with_offset(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03}000+00:00"


_WRITERS: dict[str, Callable[[int], str]] = {
    "milliseconds": text_of,
    "hundredths": _in_hundredths,
    "offset": _with_offset,
}


def writer(account: Account) -> Callable[[int], str]:
    """Return how this account's rows write an instant."""
    return _WRITERS[account.settings.activity_dates]


def activity_rows(account: Account, campaign: Campaign, places: Iterable[int]) -> list[Row]:
    """Return a row a recipient: how often it did what, over all time [doc]."""
    activity, date, by_id = campaign.activity, writer(account), account.contacts.by_id
    never, no_address = inferred.never_opened(account.settings.never)
    forwards = activity.forward_counts
    replies: dict[int, int] = {}
    for reply in activity.replies:
        replies[reply.place] = replies.get(reply.place, 0) + 1
    rows = []
    for place in places:
        contact_id, flags = activity.contact_ids[place], activity.flags[place]
        contact, opened_ms = by_id(contact_id), activity.first_open_ms[place]
        rows.append(
            {
                "contactId": contact_id,
                "email": None if contact is None else contact.email,
                "numOpens": activity.open_counts[place],
                "numPageViews": activity.view_counts[place],
                "numClicks": activity.click_counts[place],
                "numForwards": forwards.get(place, 0),
                "numEstimatedForwards": forwards.get(place, 0),
                "numReplies": replies.get(place, 0),
                "dateSent": date(activity.sent_ms[place]),
                "dateFirstOpened": date(opened_ms) if opened_ms else never,
                "dateLastOpened": date(activity.last_open_ms[place]) if opened_ms else never,
                "firstOpenIp": _address(place) if opened_ms else no_address,
                "unsubscribed": flags & Is.UNSUBSCRIBED != 0,
                "softBounced": flags & Is.SOFT_BOUNCED != 0,
                "hardBounced": flags & Is.HARD_BOUNCED != 0,
            }
        )
    return rows


def open_rows(account: Account, campaign: Campaign, entries: Iterable[int]) -> list[Row]:
    """Return a row an open."""
    activity, date, by_id = campaign.activity, writer(account), account.contacts.by_id
    stream, rows = activity.opens, []
    for entry in entries:
        place = stream.places[entry]
        contact_id, reader = activity.contact_ids[place], READERS[place % len(READERS)]
        contact = by_id(contact_id)
        rows.append(
            {
                "contactId": contact_id,
                "email": None if contact is None else contact.email,
                "mailClient": reader.client,
                "mailClientVersion": reader.version,
                "ipAddress": _address(place),
                "userAgent": reader.agent,
                "isHtml": not activity.flags[place] & Is.TEXT,
                "isForward": stream.whats[entry] == 1,
                "dateOpened": date(stream.times[entry]),
            }
        )
    return rows


def click_rows(
    account: Account, campaign: Campaign, entries: Iterable[int], *, groups: bool = False
) -> list[Row]:
    """Return a row a click; with ``groups`` with the groups of its link."""
    activity, date, by_id = campaign.activity, writer(account), account.contacts.by_id
    stream, rows = activity.clicks, []
    for entry in entries:
        place, link = stream.places[entry], campaign.links[stream.whats[entry]]
        contact_id = activity.contact_ids[place]
        contact = by_id(contact_id)
        row: Row = {
            "contactId": contact_id,
            "email": None if contact is None else contact.email,
            "url": link.url,
            "ipAddress": _address(place),
            "userAgent": READERS[place % len(READERS)].agent,
            "dateClicked": date(stream.times[entry]),
            "keyword": link.keyword,
        }
        if groups:
            made = text_of(campaign.created_ms)
            row["groups"] = [{"name": link.group, "dateCreated": made}] if link.group else []
        rows.append(row)
    return rows


def view_rows(account: Account, campaign: Campaign, entries: Iterable[int]) -> list[Row]:
    """Return a row a page view."""
    activity, date, by_id = campaign.activity, writer(account), account.contacts.by_id
    stream, rows = activity.views, []
    for entry in entries:
        contact_id = activity.contact_ids[stream.places[entry]]
        contact = by_id(contact_id)
        rows.append(
            {
                "contactId": contact_id,
                "email": None if contact is None else contact.email,
                "url": campaign.pages[stream.whats[entry]],
                "dateViewed": date(stream.times[entry]),
            }
        )
    return rows


def reply_rows(account: Account, campaign: Campaign, replies: Sequence[Reply]) -> list[Row]:
    """Return a row a reply."""
    rows = []
    for reply in replies:
        contact_id = campaign.activity.contact_ids[reply.place]
        email = email_of(account, contact_id)
        rows.append(
            {
                "contactId": contact_id,
                "email": email,
                "fromAddress": email,
                "toAddress": campaign.from_address,
                "subject": f"RE: {campaign.subject}",
                "message": reply.message,
                "isHtml": False,
                "dateReplied": writer(account)(reply.at_ms),
                "replyType": reply.kind,
            }
        )
    return rows


def conversion_rows(
    account: Account, campaign: Campaign, conversions: Sequence[Conversion]
) -> list[Row]:
    """Return a row a value that a marker reported; it may be of any type [doc]."""
    return [
        {
            "contactId": campaign.activity.contact_ids[each.place],
            "email": email_of(account, campaign.activity.contact_ids[each.place]),
            "markerName": each.marker,
            "dataType": each.kind,
            "value": each.value,
            "dateEntered": writer(account)(each.at_ms),
        }
        for each in conversions
    ]


def bookmark_rows(
    account: Account, campaign: Campaign, views: Iterable[tuple[tuple[int, str], int]]
) -> list[Row]:
    """Return a row a recipient and bookmark."""
    return [
        {
            "contactId": campaign.activity.contact_ids[place],
            "email": email_of(account, campaign.activity.contact_ids[place]),
            "bookmarkName": name,
            "numViews": view_count,
        }
        for (place, name), view_count in views
    ]
