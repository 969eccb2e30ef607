"""Campaigns from outside: making them, sending them, and what recipients then do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.control.errors import UnknownError
from sandbox.control.instants import instant
from sandbox.state import Account
from sandbox.state.activity import Conversion, Event, Mark, Reply
from sandbox.state.campaigns import TYPES, Campaign, Link
from sandbox.state.mailing import Amount, Reactions, mailable, mark_all, react, send, send_out

if TYPE_CHECKING:
    from sandbox.control.control import Control

#: A contact, by its id or its email.
Named: TypeAlias = int | str
#: A number of events; a share of recipients, as a float; or contacts, each as often as named.
HowMany: TypeAlias = int | float | Sequence[Named]

WEBSITE = "https://www.harbour.example/events"
MONTH_S = 30 * 86_400.0

_MARKS = {mark.name.lower(): mark for mark in Mark}
#: Of a hundred rows that are generated, how many are sends, opens and clicks; the rest are views.
_SHARES = (40, 30, 20)


class CampaignControl:
    """Acts on the default account unless another is named."""

    def __init__(self, control: "Control") -> None:
        self._control = control

    def find(self, campaign_id: int, account_id: int | None = None) -> Campaign:
        """Return a campaign; raises UnknownError."""
        campaign = self._control.account(account_id).campaigns.find(campaign_id)
        if campaign is None:
            raise UnknownError(f"there is no campaign {campaign_id}")
        return campaign

    def add(
        self,
        name: str = "March news",
        *,
        type_: str = "Standard",
        tags: Sequence[str] = (),
        links: Sequence[str] = (WEBSITE,),
        pages: Sequence[str] = (WEBSITE,),
        document_ids: Sequence[int] = (),
        account_id: int | None = None,
    ) -> Campaign:
        """Make a campaign with these links, and one to each document; it comes to these pages."""
        account = self._control.account(account_id)
        if type_ not in TYPES:
            raise ValueError(f"there is no type {type_!r}")
        urls = [*links, *(self._document_url(account, each) for each in document_ids)]
        return account.campaigns.add(
            Campaign(
                id=account.campaigns.take_id(),
                name=name,
                subject=f"{name}!",
                from_name=account.name,
                from_address=account.main_email,
                created_ms=account.clock.stamp(),
                type=type_,
                tags=list(tags),
                links=[Link(url, group="events") for url in urls],
                pages=list(pages),
            )
        )

    def send(
        self,
        campaign_id: int,
        *,
        list_ids: Sequence[int] = (),
        contacts: Sequence[Named] = (),
        at: str | None = None,
        within_s: float = 0.0,
        seed: int = 0,
        account_id: int | None = None,
        **reactions: HowMany,
    ) -> int:
        """Send to lists, segments and contacts, or to all; returns how many got it.

        Whoever is suppressed is passed over. ``reactions`` are `opens`, `clicks`, `page_views`,
        `downloads`, `replies`, `forwards`, `soft_bounces`, `hard_bounces`, `unsubscribes` and
        `complaints`; they happen within ``within_s`` of ``at``, chosen by the seed. ``at`` is now
        if it is not given.
        """
        account = self._control.account(account_id)
        campaign = self.find(campaign_id, account_id)
        within_ms = round(within_s * 1000)
        at_ms = instant(account.clock, at, and_within_ms=within_ms)
        amounts = {name: self._amount(account, each) for name, each in reactions.items()}
        try:
            wanted = _reactions(account, campaign, within_ms, seed, amounts)
        except TypeError as unknown:
            raise ValueError(str(unknown)) from None
        for list_id in list_ids:
            if account.lists.find(list_id) is None and list_id not in account.lists.segments:
                raise UnknownError(f"there is no list {list_id}")
        ids = [self._contact_id(account, each) for each in contacts]
        return send_out(account, campaign, list_ids, ids, at_ms, wanted)

    def act(
        self,
        campaign_id: int,
        contact: Named,
        action: str,
        *,
        at: str | None = None,
        account_id: int | None = None,
        **details: Any,  # noqa: ANN401 - they belong to the action
    ) -> None:
        """Let one recipient do something, now unless told when.

        - `open` (``is_forward``), `click` (``url``), `page_view` (``url``)
        - `download` (``document_id``)
        - `reply` (``message``, ``kind``), `bookmark_view` (``name``)
        - `conversion` (``marker``, ``value``, ``kind``): what the API calls ROI
        - `forward`, `soft_bounce`, `hard_bounce`, `unsubscribe`, `complaint`
        - `send`: it gets the campaign, as a triggered one sends it
        """
        account = self._control.account(account_id)
        campaign = self.find(campaign_id, account_id)
        contact_id, at_ms = self._contact_id(account, contact), instant(account.clock, at)
        if action == "send":
            send(campaign, mailable([account.contacts.by_id(contact_id)]), at_ms)
            return
        place = campaign.activity.place_of(contact_id)
        if place is None:
            raise UnknownError(f"campaign {campaign_id} was not sent to {contact}")
        if action in _MARKS and action != "reply":
            mark_all(account, campaign, [Event(at_ms, place, _MARKS[action])])
        else:
            self._do(account, campaign, place, action, at_ms, details)

    def generate(
        self,
        rows: int = 1_000_000,
        campaigns: int = 100,
        *,
        within_s: float = MONTH_S,
        seed: int = 0,
        account_id: int | None = None,
    ) -> list[int]:
        """Make many campaigns with this many rows in all, over a time that ends now.

        Rows are those of recipients, opens, clicks and page views together. Contacts are made
        where there are too few. Returns the campaigns' ids.
        """
        account = self._control.account(account_id)
        each, more = divmod(rows, campaigns)
        needed = (each + 1) * _SHARES[0] // 100 + 1
        readers = mailable(account.contacts)
        if len(readers) < needed:
            missing, pattern = needed - len(readers), f"reader{{n}}-{len(readers)}@mail.example"
            made = self._control.generate_contacts(missing, pattern, account_id=account_id)
            readers += [self._control.contact(one, account_id) for one in made]
        until_ms, span_ms = account.clock.stamp(), round(within_s * 1000)
        ids = []
        for number in range(campaigns):
            campaign = self.add(f"Campaign {number + 1}", account_id=account_id)
            at_ms = until_ms - span_ms + span_ms * number // campaigns
            count = each + (number < more)
            sends, opens, clicks = (max(1, count * share // 100) for share in _SHARES)
            start = number * sends % len(readers)
            chosen = (readers[start:] + readers[:start])[:sends]
            send(campaign, chosen, at_ms)
            wanted = Reactions(
                opens=opens,
                clicks=clicks,
                page_views=max(0, count - sends - opens - clicks),
                within_ms=until_ms - at_ms,
                seed=seed,
            )
            react(account, campaign, range(sends), wanted, at_ms)
            ids.append(campaign.id)
        return ids

    def delete(self, campaign_id: int, account_id: int | None = None) -> None:
        """Delete a campaign, as somebody would by hand: it is gone, with all that came of it."""
        campaign = self.find(campaign_id, account_id)
        self._control.account(account_id).campaigns.delete(campaign)

    def _do(
        self,
        account: Account,
        campaign: Campaign,
        place: int,
        action: str,
        at_ms: int,
        details: dict[str, Any],
    ) -> None:
        activity = campaign.activity
        match action:
            case "open":
                activity.add_opens([Event(at_ms, place, int(details.get("is_forward", False)))])
            case "click":
                link = campaign.link(details.get("url", WEBSITE))
                activity.add_clicks([Event(at_ms, place, link)])
            case "download":
                link = campaign.link(self._document_url(account, details["document_id"]))
                activity.add_clicks([Event(at_ms, place, link)])
            case "page_view":
                page = campaign.page(details.get("url", WEBSITE))
                activity.add_views([Event(at_ms, place, page)])
            case "reply":
                message, kind = details.get("message", "Thank you"), details.get("kind", "Reply")
                activity.add_reply(Reply(place, at_ms, message, kind))
            case "conversion":
                marker, value = details.get("marker", "Gift"), details.get("value", 25.5)
                kind = details.get("kind", "Numeric")
                activity.add_conversion(Conversion(place, at_ms, marker, value, kind))
            case "bookmark_view":
                activity.add_bookmark_view(place, details.get("name", "LinkedIn"), at_ms)
            case _:
                raise ValueError(f"nobody can {action!r}")

    def _document_url(self, account: Account, document_id: int) -> str:
        document = account.documents.find(document_id)
        if document is None:
            raise UnknownError(f"there is no document {document_id}")
        return document.url

    def _contact_id(self, account: Account, named: Named) -> int:
        """Return a contact's id, from the recycle bin too."""
        text = str(named)
        by_email = account.contacts.by_email(text) if "@" in text else None
        contact = by_email if "@" in text else account.contacts.by_id(int(text))
        if contact is None:
            raise UnknownError(f"there is no contact {named}")
        return contact.id

    def _amount(self, account: Account, amount: HowMany) -> Amount:
        if isinstance(amount, int | float):
            return amount
        return [self._contact_id(account, each) for each in amount]


def _reactions(
    account: Account, campaign: Campaign, within_ms: int, seed: int, amounts: dict[str, Amount]
) -> Reactions:
    """Return what recipients do; clicks go to links in turn, downloads to those to documents."""
    known = {document.url for document in account.documents}
    documents = [place for place, link in enumerate(campaign.links) if link.url in known]
    links = [place for place, link in enumerate(campaign.links) if link.url not in known]
    chosen: dict[str, Any] = {**amounts}
    return Reactions(
        links=links,
        documents=documents,
        pages=range(len(campaign.pages)),
        within_ms=within_ms,
        seed=seed,
        **chosen,
    )
