"""v2: what came of a campaign: rows of all recipients, rows since a date, rows of one contact.

None of the rows has an id, and their order is not promised [doc]: the account's settings say
whether they come as they happened.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from starlette.responses import Response

from sandbox import inferred
from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Account
from sandbox.state.activity import Activity, Is, Stream
from sandbox.state.campaigns import Campaign
from sandbox.v2.activity_rows import (
    Row,
    activity_rows,
    bookmark_rows,
    click_rows,
    conversion_rows,
    open_rows,
    reply_rows,
    view_rows,
)
from sandbox.v2.campaigns import find_campaign
from sandbox.v2.refusals import refused
from sandbox.v2.requests import Page, page, path_id, since_instant, with_full_data
from sandbox.v2.shapes import contacts_json

#: Rows of `activities/since-date` when ``select`` is left out; other listings give 1000 [doc].
SINCE_PAGE = 2000
#: Most replies a page, and how many there are when ``select`` is left out [doc].
REPLIES_PAGE = 5

Rows = Callable[[Account, Campaign, Iterable[int]], list[Row]]
Picked = Callable[[Activity], Stream]


def find_recipient(call: Call, campaign: Campaign) -> int:
    """Return the place of the contact in the path; refuses one that was not sent to."""
    place = campaign.activity.place_of(path_id(call, "contactId"))
    if place is None:
        raise refused("CONTACT_NOT_FOUND")
    return place


async def list_activities(call: Call) -> Response:
    """Return a row for each contact that a campaign was sent to."""
    campaign, part = find_campaign(call), page(call)
    places = _arranged(call, range(len(campaign.activity)), part)
    return json_answer(activity_rows(call.account, campaign, places))


async def list_activities_since(call: Call) -> Response:
    """Return a row for each contact that did something since a date, with all that it ever did."""
    campaign, since_ms = find_campaign(call), since_instant(call)
    part = page(call, default=SINCE_PAGE)
    found = campaign.activity.places_since(
        since_ms, sends_count=call.account.settings.sends_are_activity
    )
    return json_answer(activity_rows(call.account, campaign, _arranged(call, found, part)))


async def get_activity(call: Call) -> Response:
    """Return the row of one contact."""
    campaign = find_campaign(call)
    [row] = activity_rows(call.account, campaign, [find_recipient(call, campaign)])
    return json_answer(row)


async def _list_events(call: Call, rows: Rows, picked: Picked) -> Response:
    """Return a row an event."""
    campaign, part = find_campaign(call), page(call)
    entries = range(len(picked(campaign.activity)))
    return json_answer(rows(call.account, campaign, _arranged(call, entries, part)))


async def _list_events_since(call: Call, rows: Rows, picked: Picked) -> Response:
    """Return a row an event since a date."""
    campaign, since_ms, part = find_campaign(call), since_instant(call), page(call)
    entries = picked(campaign.activity).within(since_ms)
    return json_answer(rows(call.account, campaign, _arranged(call, entries, part)))


async def _list_events_of_contact(call: Call, rows: Rows, picked: Picked) -> Response:
    """Return a row an event of one contact."""
    campaign, part = find_campaign(call), page(call)
    entries = picked(campaign.activity).of(find_recipient(call, campaign))
    return json_answer(rows(call.account, campaign, _arranged(call, entries, part)))


async def list_replies_of_contact(call: Call) -> Response:
    """Return what one contact answered; at most five a page [doc]."""
    campaign = find_campaign(call)
    part = page(call, default=REPLIES_PAGE, most=REPLIES_PAGE)
    place = find_recipient(call, campaign)
    found = [reply for reply in campaign.activity.replies if reply.place == place]
    return json_answer(reply_rows(call.account, campaign, found[part.skip : part.stop]))


async def list_conversions_since(call: Call) -> Response:
    """Return what markers reported since a date."""
    campaign, since_ms, part = find_campaign(call), since_instant(call), page(call)
    found = [each for each in campaign.activity.conversions if each.at_ms >= since_ms]
    return json_answer(conversion_rows(call.account, campaign, found[part.skip : part.stop]))


async def list_conversions_of_contact(call: Call) -> Response:
    """Return what markers reported of one contact."""
    campaign, part = find_campaign(call), page(call)
    place = find_recipient(call, campaign)
    found = [each for each in campaign.activity.conversions if each.place == place]
    return json_answer(conversion_rows(call.account, campaign, found[part.skip : part.stop]))


async def list_bookmark_views(call: Call) -> Response:
    """Return how often what recipients shared was looked at."""
    campaign, part = find_campaign(call), page(call)
    found = list(campaign.activity.bookmark_views.items())[part.skip : part.stop]
    return json_answer(bookmark_rows(call.account, campaign, found))


async def list_bookmark_views_of_contact(call: Call) -> Response:
    """Return how often what one contact shared was looked at."""
    campaign, part = find_campaign(call), page(call)
    place = find_recipient(call, campaign)
    views = campaign.activity.bookmark_views.items()
    found = [(key, count) for key, count in views if key[0] == place]
    return json_answer(bookmark_rows(call.account, campaign, found[part.skip : part.stop]))


async def list_hard_bouncing(call: Call) -> Response:
    """Return the contacts to whom a campaign bounced for good."""
    campaign, part, full = find_campaign(call), page(call), with_full_data(call)
    activity, by_id = campaign.activity, call.account.contacts.by_id
    bounced = [
        by_id(contact_id)
        for contact_id, flags in zip(activity.contact_ids, activity.flags, strict=True)
        if flags & Is.HARD_BOUNCED
    ]
    there = [each for each in bounced if each is not None and each.email is not None]
    return json_answer(contacts_json(call.account, there[part.skip : part.stop], full=full))


def _arranged(call: Call, items: Sequence[int], part: Page) -> Sequence[int]:
    """Return the page's part of a listing, in the order that the account's rows have."""
    if call.account.settings.activity_order == "time":
        return items[part.skip : part.stop]
    count = len(items)
    return [
        items[inferred.scrambled(number, count)]
        for number in range(part.skip, min(part.stop, count))
    ]


_ONE = "/v2/campaigns/{campaignId}"
_CONTACT = f"{_ONE}/activities/{{contactId}}"


def _events(name: str, rows: Rows, picked: Picked, *, is_listed: bool) -> tuple[Operation, ...]:
    """Return the operations on events of one kind."""
    kinds = (
        (_list_events, f"{_ONE}/{name}"),
        (_list_events_since, f"{_ONE}/{name}/since-date/{{date}}"),
        (_list_events_of_contact, f"{_CONTACT}/{name}"),
    )
    return tuple(
        Operation("GET", path, partial(handler, rows=rows, picked=picked))
        for handler, path in (kinds if is_listed else kinds[1:])
    )


OPERATIONS = (
    Operation("GET", f"{_ONE}/activities", list_activities),
    Operation("GET", f"{_ONE}/activities/since-date/{{date}}", list_activities_since),
    Operation("GET", _CONTACT, get_activity),
    *_events("opens", open_rows, lambda activity: activity.opens, is_listed=True),
    *_events("clicks", click_rows, lambda activity: activity.clicks, is_listed=True),
    *_events(
        "clicks-with-groups",
        partial(click_rows, groups=True),
        lambda activity: activity.clicks,
        is_listed=True,
    ),
    # There is no listing of all page views [doc].
    *_events("page-views", view_rows, lambda activity: activity.views, is_listed=False),
    Operation("GET", f"{_CONTACT}/replies", list_replies_of_contact),
    Operation("GET", f"{_ONE}/roi-details/since-date/{{date}}", list_conversions_since),
    Operation("GET", f"{_CONTACT}/roi-details", list_conversions_of_contact),
    Operation("GET", f"{_ONE}/social-bookmark-views", list_bookmark_views),
    Operation("GET", f"{_CONTACT}/social-bookmark-views", list_bookmark_views_of_contact),
    Operation("GET", f"{_ONE}/hard-bouncing-contacts", list_hard_bouncing),
)
