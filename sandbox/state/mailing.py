"""Sends a campaign, and lets those who got it react: so many of them, chosen by a seed.

What a reaction means for the contact is done here too: who unsubscribes by a campaign is
unsubscribed, at the same instant.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias

from sandbox import statuses
from sandbox.state.activity import Activity, Event, Is, Mark, Reply
from sandbox.state.campaigns import Campaign
from sandbox.state.records import Contact

if TYPE_CHECKING:
    from sandbox.state.account import Account

#: How many: a whole number of events; a share of the recipients, as a float; or these contacts, by
#: id, each as often as it is named. Events beyond the recipients begin again with the first.
Amount: TypeAlias = int | float | Sequence[int]

#: Names of the reactions that there can be so many of.
AMOUNTS: Final = (
    *("opens", "clicks", "page_views", "downloads", "replies", "forwards"),
    *("soft_bounces", "hard_bounces", "unsubscribes", "complaints"),
)
#: What a mark makes of the contact.
_STATUS_OF: dict[Mark, str] = {
    Mark.HARD_BOUNCE: statuses.HARD_BOUNCED,
    Mark.UNSUBSCRIBE: statuses.UNSUBSCRIBED,
    Mark.COMPLAINT: "ispComplained",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """What recipients do. Bounces come first, the rest among those whom the mail reached."""

    opens: Amount = 0
    clicks: Amount = 0
    page_views: Amount = 0
    #: Clicks on documents.
    downloads: Amount = 0
    replies: Amount = 0
    forwards: Amount = 0
    soft_bounces: Amount = 0
    hard_bounces: Amount = 0
    unsubscribes: Amount = 0
    complaints: Amount = 0
    #: Links that are clicked, in turn: by their places in the campaign.
    links: Sequence[int] = (0,)
    #: Links to documents, in turn.
    documents: Sequence[int] = ()
    #: Pages that are viewed, in turn.
    pages: Sequence[int] = (0,)
    #: Everything happens within this time after the sending, in milliseconds.
    within_ms: int = 0
    seed: int = 0


def mailable(contacts: Iterable[Contact | None]) -> list[Contact]:
    """Return those of the contacts that Dotdigital would mail, each once."""
    found: dict[int, Contact] = {}
    for contact in contacts:
        if contact is not None and _is_mailable(contact):
            found.setdefault(contact.id, contact)
    return list(found.values())


def members(account: "Account", list_ids: Iterable[int]) -> Iterable[Contact | None]:
    """Yield who is on these lists and segments and has not unsubscribed from them."""
    for list_id in list_ids:
        segment = account.lists.segments.get(list_id)
        the_list = account.lists.find(list_id)
        if segment is not None:
            ids: Iterable[int] = sorted(segment.contact_ids)
        elif the_list is not None:
            gone = the_list.unsubscribed_ms
            ids = [each for each in account.lists.member_ids(the_list) if each not in gone]
        else:
            ids = ()
        for contact_id in ids:
            yield account.contacts.by_id(contact_id)


def send_out(
    account: "Account",
    campaign: Campaign,
    list_ids: Sequence[int],
    contact_ids: Sequence[int],
    at_ms: int,
    reactions: Reactions | None = None,
) -> int:
    """Send a campaign to lists, segments and contacts, with neither to all contacts.

    Whoever is not to be mailed is passed over; says how many the others were. Then they react.
    Raises ValueError, before anything is done, for what they can't do.
    """
    contacts: Iterable[Contact | None] = account.contacts
    if list_ids or contact_ids:
        named = [account.contacts.by_id(contact_id) for contact_id in contact_ids]
        contacts = chain(members(account, list_ids), named)
    recipients = mailable(contacts)
    if reactions is not None:
        _check(campaign, recipients, reactions)
    send(campaign, recipients, at_ms)
    campaign.list_ids += [each for each in list_ids if each not in campaign.list_ids]
    if reactions is not None:
        places = (campaign.activity.place_of(contact.id) for contact in recipients)
        there = [place for place in places if place is not None]
        react(account, campaign, there, reactions, at_ms)
    return len(recipients)


def send(campaign: Campaign, contacts: Sequence[Contact], at_ms: int) -> None:
    """Send a campaign to these contacts; the caller made sure that they may be mailed."""
    text_ids = [contact.id for contact in contacts if contact.email_type == "PlainText"]
    campaign.activity.send([contact.id for contact in contacts], at_ms, text_ids)
    campaign.status = "Triggered" if campaign.type == "Triggered" else "Sent"


def react(
    account: "Account",
    campaign: Campaign,
    places: Sequence[int],
    reactions: Reactions,
    at_ms: int,
) -> None:
    """Let recipients, by their places, do what is asked for."""
    # A seed makes the same choice each time; nothing here is a secret.
    sends = campaign.activity.send_count
    draw = random.Random(f"{reactions.seed}/{campaign.id}/{sends}")  # noqa: S311
    choose = _Choice(campaign.activity, draw, at_ms, reactions.within_ms)
    unreached: set[int] = set()
    for amount, mark in (
        (reactions.hard_bounces, Mark.HARD_BOUNCE),
        (reactions.soft_bounces, Mark.SOFT_BOUNCE),
    ):
        events = choose.once(amount, [each for each in places if each not in unreached], mark)
        unreached.update(event.place for event in events)
        mark_all(account, campaign, events)
    bounced = Is.HARD_BOUNCED | Is.SOFT_BOUNCED
    reached = [each for each in places if not campaign.activity.flags[each] & bounced]
    opens = choose.events(reactions.opens, reached, (0,))
    campaign.activity.add_opens(opens)
    openers = list(dict.fromkeys(event.place for event in opens)) or reached
    clicks = choose.events(reactions.clicks, openers, reactions.links)
    clicks += choose.events(reactions.downloads, openers, reactions.documents)
    campaign.activity.add_clicks(clicks)
    clickers = list(dict.fromkeys(event.place for event in clicks)) or openers
    campaign.activity.add_views(choose.events(reactions.page_views, clickers, reactions.pages))
    for amount, mark in (
        (reactions.unsubscribes, Mark.UNSUBSCRIBE),
        (reactions.complaints, Mark.COMPLAINT),
        (reactions.forwards, Mark.FORWARD),
    ):
        mark_all(account, campaign, choose.once(amount, reached, mark))
    for event in choose.events(reactions.replies, reached, (0,)):
        campaign.activity.add_reply(Reply(event.place, event.at_ms, "Thank you"))


def mark_all(account: "Account", campaign: Campaign, events: Sequence[Event]) -> None:
    """Let these bounces, unsubscribes and the like happen, to the campaign and to the contacts."""
    campaign.activity.add_marks(events)
    now_ms = account.clock.stamp()
    for at_ms, place, what in events:
        status = _STATUS_OF.get(Mark(what))
        if what == Mark.SOFT_BOUNCE and account.settings.soft_bounce_suppresses:
            status = statuses.SOFT_BOUNCED
        contact = account.contacts.by_id(campaign.activity.contact_ids[place])
        if status is not None and contact is not None:
            account.subscriptions.suppress(contact, status, now_ms, since_ms=min(at_ms, now_ms))


class _Choice:
    """Draws who does something, and when."""

    def __init__(self, activity: Activity, draw: random.Random, at_ms: int, within_ms: int) -> None:
        self._activity = activity
        self._draw = draw
        self._at_ms = at_ms
        self._within_ms = within_ms

    def events(self, amount: Amount, among: Sequence[int], whats: Sequence[int]) -> list[Event]:
        """Draw events, ``whats`` going to them in turn; nobody acts before the first open."""
        places = self._places(amount, among)
        if not places:
            return []
        count = len(whats)
        opened = self._activity.first_open_ms
        if not self._within_ms:
            at_ms = self._at_ms
            return [Event(at_ms, place, whats[turn % count]) for turn, place in enumerate(places)]
        delays = self._draw.choices(range(self._within_ms + 1), k=len(places))
        return [
            Event(max(self._at_ms + delay, opened[place]), place, whats[turn % count])
            for turn, (place, delay) in enumerate(zip(places, delays, strict=True))
        ]

    def once(self, amount: Amount, among: Sequence[int], mark: Mark) -> list[Event]:
        """Draw events that happen to nobody twice."""
        drawn = self.events(amount, among, (mark,))
        return list({event.place: event for event in drawn}.values())

    def _places(self, amount: Amount, among: Sequence[int]) -> list[int]:
        if isinstance(amount, Sequence):
            places = map(self._activity.place_of, amount)
            return [place for place in places if place is not None]
        count = round(amount * len(among)) if isinstance(amount, float) else amount
        if not among:
            return []
        rounds, rest = divmod(count, len(among))
        return [*(list(among) * rounds), *self._draw.sample(list(among), rest)]


def _check(campaign: Campaign, recipients: Sequence[Contact], reactions: Reactions) -> None:
    """Raise ValueError for reactions that nobody can have."""
    ids = {contact.id for contact in recipients}
    for name in AMOUNTS:
        amount = getattr(reactions, name)
        if isinstance(amount, Sequence):
            strangers = [
                each
                for each in amount
                if each not in ids and campaign.activity.place_of(each) is None
            ]
            if strangers:
                raise ValueError(f"the campaign does not go to contact {strangers[0]}")
        elif amount < 0:
            raise ValueError(f"there can't be {amount} {name}")
    for amount, whats, missing in (
        (reactions.clicks, reactions.links, "link"),
        (reactions.downloads, reactions.documents, "document"),
        (reactions.page_views, reactions.pages, "page"),
    ):
        if amount and not whats:
            raise ValueError(f"the campaign has no {missing}")


def _is_mailable(contact: Contact) -> bool:
    return (
        contact.email is not None
        and not contact.is_binned
        and contact.email_status == statuses.SUBSCRIBED
    )
