"""Reads what came of campaigns: only those with anything new, and of those only what is new.

A campaign that can't be read keeps nobody from the others: it is read from the same instant on by
the next run. One that was deleted is passed over.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from app.clients.dotdigital import (
    Campaign,
    CampaignActivity,
    CampaignClick,
    NotFound,
    NotPermitted,
    ProtocolError,
    Rejected,
    SkipPage,
)
from app.sync.activities.activity_places import Place
from app.sync.activities.activity_reading import Reading, ahead
from app.sync.activities.activity_rows import (
    tells_of_click,
    tells_of_open,
    tells_of_page_view,
    tells_of_recipient,
)
from app.sync.activities.activity_store import SQL, CampaignRead
from app.sync.activities.known_documents import KnownDocuments
from app.sync.activities.mailshot_copies import Copy, copy_campaign, moved_of
from app.sync.activities.unsubscribe_dates import UnsubscribeDates
from app.sync.rules.activities import Activity, Source, Told, Undated
from app.sync.rules.activity_window import (
    CAMPAIGN_TYPES,
    STREAMS,
    Moved,
    misses_sends,
    streams_to_ask,
    wants_all_sends,
)
from app.sync.rules.html_links import MOST_LINKS, with_more_links

Row = TypeVar("Row")

#: What keeps one campaign from being read, and says nothing of the others.
_UNREADABLE = (ProtocolError, Rejected, NotPermitted)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A campaign to be read."""

    campaign: Campaign
    since: datetime
    #: What Dotdigital counts since then; None where it doesn't say.
    moved: Moved | None


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One of a campaign's listings."""

    stream: str
    #: Its pages from a number of rows on.
    pages: Callable[[int], AsyncIterator[SkipPage[Row]]]
    read: Callable[[Row], Iterable[Told]]
    #: Rows that Dotdigital counts in it; 0 where no two rows can be equal and both be real.
    stated: int


async def read_campaigns(reading: Reading) -> None:
    """Read every campaign with activity since the last reading."""
    if not reading.chosen & CAMPAIGN_TYPES:
        return
    place = await reading.begin("campaigns")
    if place is None:
        return
    run = reading.context.run
    wanted = await _wanted(reading, place)
    run.total = run.done + len(wanted)
    reader = _CampaignReader(reading, place)
    for each in wanted:
        begun = place if place.source_id == each.campaign.id else place.source(each.campaign.id)
        await reader.read(each, begun)
        run.done += 1
        await run.save()
    await reading.end(place)


async def _wanted(reading: Reading, place: Place) -> list[Wanted]:
    """Return the campaigns to read, ascending by id, from the place's own on."""
    context, client = reading.context, reading.client
    listed: dict[int, Campaign] = {}
    async for page in client.campaigns.with_activity_since(place.since):
        listed.update((campaign.id, campaign) for campaign in page.items)
    rows = await context.database.pool.fetch(SQL["behind"], context.account_id)
    behind = {row["dotdigital_campaign_id"]: row["behind_since"] for row in rows}
    for campaign_id in behind.keys() - listed.keys():
        try:
            listed[campaign_id] = await client.campaigns.get(campaign_id)
        except NotFound:
            await _forget(reading, campaign_id)
        except _UNREADABLE as error:
            await reading.note_unread("campaign", campaign_id, error)
    left = [listed[each] for each in sorted(listed) if each >= place.source_id]
    moved = await _moved(reading, place) if left else {}
    return [
        Wanted(campaign, min(place.since, behind[campaign.id]), None)
        if campaign.id in behind
        else Wanted(campaign, place.since, moved.get(campaign.id))
        for campaign in left
    ]


async def _moved(reading: Reading, place: Place) -> dict[int, Moved]:
    """Ask in one call what is new of each campaign; empty where the account can't be asked."""
    moved: dict[int, Moved] = {}
    try:
        async for page in reading.client.campaigns.metrics(place.since, place.began):
            moved.update((each.campaign_id, moved_of(each)) for each in page.items)
    except _UNREADABLE:
        return {}
    return moved


async def _forget(reading: Reading, campaign_id: int) -> None:
    """Ask no more for a campaign that is gone; what was read of it stays."""
    await reading.context.run.note("campaign_gone", campaign_id=campaign_id)
    if not reading.context.run.is_dry:
        await reading.context.database.pool.execute(
            SQL["gone"], reading.context.account_id, campaign_id
        )


class _CampaignReader:
    """Reads one campaign after another."""

    def __init__(self, reading: Reading, place: Place) -> None:
        self._reading = reading
        self._documents = KnownDocuments(reading, place.began)
        self._left = UnsubscribeDates(reading, place.since)
        self._undated: list[Undated] = []
        self._clicked: dict[str, None] = {}
        #: Mails of the campaign in hand that went out since the last reading.
        self._recent_sends = 0

    async def read(self, wanted: Wanted, place: Place) -> None:
        """Read a campaign from this place on."""
        campaign_id = wanted.campaign.id
        self._undated, self._clicked, self._recent_sends = [], {}, 0
        try:
            copy = await copy_campaign(self._reading.context, wanted.campaign)
            self._reading.context.run.counts["mailshots"] += place.stream is None
            await self._read_streams(wanted, copy, place)
        except NotFound:
            await _forget(self._reading, campaign_id)
        except _UNREADABLE as error:
            await self._fall_behind(wanted, error)
        else:
            self._end(copy)
        await self._reading.note_undated("campaign", campaign_id, self._undated)

    async def _fall_behind(
        self, wanted: Wanted, error: ProtocolError | Rejected | NotPermitted
    ) -> None:
        context = self._reading.context
        await self._reading.note_unread("campaign", wanted.campaign.id, error)
        if not context.run.is_dry:
            await context.database.pool.execute(
                SQL["fall_behind"], context.account_id, wanted.campaign.id, wanted.since
            )

    def _end(self, copy: Copy) -> None:
        if copy.id is None:
            return
        links = with_more_links(copy.links, list(self._clicked))
        self._reading.store.end_campaign(
            CampaignRead(
                copy.id,
                copy.counts.sent if "email_send" in self._reading.chosen else None,
                None if links == copy.links else links,
            )
        )

    async def _read_streams(self, wanted: Wanted, copy: Copy, place: Place) -> None:
        chosen, asked = self._reading.chosen, streams_to_ask(self._reading.chosen, wanted.moved)
        reads_all = "email_send" in chosen and wants_all_sends(
            sends_read=copy.sends_read,
            sent_at=copy.sent_at,
            is_triggered=copy.is_triggered,
            floor=place.floor,
        )
        if reads_all or place.stream == "sends":
            asked = ("sends", *(stream for stream in asked if stream != "recipients"))
        if place.stream is not None:
            begun = STREAMS.index(place.stream)
            asked = tuple(stream for stream in asked if STREAMS.index(stream) >= begun)
        for stream in asked:
            await self._read_stream(stream, wanted, copy, place)
        recipients_asked = "recipients" in asked and place.stream is None
        if (
            recipients_asked
            and "email_send" in chosen
            and misses_sends(
                sends_read=copy.sends_read, sent=copy.counts.sent, recent=self._recent_sends
            )
        ):
            await self._read_stream("sends", wanted, copy, place.source(wanted.campaign.id))

    async def _read_stream(self, stream: str, wanted: Wanted, copy: Copy, place: Place) -> None:
        campaigns, campaign_id, since = (
            self._reading.client.campaigns,
            wanted.campaign.id,
            wanted.since,
        )
        stated = wanted.moved or copy.counts
        match stream:
            case "sends" | "recipients":
                bound = None if stream == "sends" else since
                if "email_unsubscribe" in self._reading.chosen and stated.unsubscribes:
                    await self._left.load()
                await self._take(
                    Listing(
                        stream,
                        lambda skip: campaigns.activities(campaign_id, since=bound, skip=skip),
                        self._counting_recent(
                            tells_of_recipient(self._reading.chosen, self._left.of), since
                        ),
                        0,
                    ),
                    copy,
                    place,
                )
            case "opens":
                await self._take(
                    Listing(
                        stream,
                        lambda skip: campaigns.opens(campaign_id, since=since, skip=skip),
                        tells_of_open,
                        stated.opens,
                    ),
                    copy,
                    place,
                )
            case "clicks":
                links = await self._documents.links(copy.sent_at)
                await self._take(
                    Listing(
                        stream,
                        lambda skip: campaigns.clicks(campaign_id, since=since, skip=skip),
                        self._noting_links(tells_of_click(self._reading.chosen, links)),
                        stated.clicks,
                    ),
                    copy,
                    place,
                )
            case _:
                await self._take(
                    Listing(
                        stream,
                        lambda skip: campaigns.page_views(campaign_id, since, skip=skip),
                        tells_of_page_view,
                        stated.page_views,
                    ),
                    copy,
                    place,
                )

    async def _take(self, listing: Listing[Any], copy: Copy, place: Place) -> None:
        """Read a listing to its end.

        Rows that are equal to another of their page are set aside until the end: they are real
        unless more rows came than Dotdigital counts. Whoever goes on begins before the first.
        """
        store, campaign_id = self._reading.store, place.source_id
        source = Source(f"c{campaign_id}", copy.id, place.floor, listing.read)
        skip = place.skip if place.stream == listing.stream else 0
        read, equal = skip, list[Activity]()
        resume = place.source(campaign_id, listing.stream, skip)
        async for rows in ahead(listing.pages(skip)):
            page = source.page(rows.items, rows.again)
            read += len(rows.items)
            equal += page.equal
            self._undated += page.undated
            if not equal and rows.next_skip is not None:
                resume = place.source(campaign_id, listing.stream, rows.next_skip)
            await store.add(page.activities, resume)
        if not equal:
            return
        if read > listing.stated:
            self._reading.context.run.counts["duplicates"] += len(equal)
        else:
            await store.add(equal, resume)

    def _counting_recent(
        self, read: Callable[[CampaignActivity], Iterable[Told]], since: datetime
    ) -> Callable[[CampaignActivity], Iterable[Told]]:
        def counting(row: CampaignActivity) -> Iterable[Told]:
            self._recent_sends += row.sent_at is not None and row.sent_at >= since
            return read(row)

        return counting

    def _noting_links(
        self, read: Callable[[CampaignClick], Iterable[Told]]
    ) -> Callable[[CampaignClick], Iterable[Told]]:
        def noting(row: CampaignClick) -> Iterable[Told]:
            if row.url is not None and len(self._clicked) < MOST_LINKS:
                self._clicked[row.url] = None
            return read(row)

        return noting
