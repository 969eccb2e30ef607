"""Email campaigns, how they did, and what each contact did; v2-email-campaigns.yaml [spec].

What happened comes a kind at a time: there is no list of sends, soft bounces or unsubscribes but
the rows of `CampaignsResource.activities`. Rows come in no promised order, and shift while they
are read [doc]; pages are read with an overlap for that.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BeforeValidator, Field

from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.paging import SkipPage
from app.clients.dotdigital.resources.campaign_rows import (
    CampaignActivity,
    CampaignClick,
    CampaignOpen,
    CampaignPageView,
    read_activities,
    read_clicks,
    read_opens,
    read_page_views,
)
from app.clients.dotdigital.resources.documents import Document
from app.clients.dotdigital.resources.suppressions import V2Contact
from app.clients.dotdigital.resources.v2_pages import MAX_ROWS, v2_pages
from app.clients.dotdigital.transport import Answer
from app.clients.dotdigital.wire import Count, Incoming, Instant, Text, in_query, many, one

Row = TypeVar("Row")


def _tags(given: Any) -> list[str]:  # noqa: ANN401 - it is what JSON is
    """Read text, as metrics have it, and ``{"name"}``, as the details have it [spec]."""
    names = [each.get("name") if isinstance(each, dict) else each for each in given or ()]
    return [str(name) for name in names if name]


def _address(given: Any) -> Any:  # noqa: ANN401 - it is what JSON is
    """Read ``{"id", "email"}``, as campaigns have it, and text, as metrics have it [spec]."""
    return given.get("email") if isinstance(given, dict) else given


Tags = Annotated[list[str], BeforeValidator(_tags)]
Address = Annotated[Text, BeforeValidator(_address)]


class Campaign(Incoming):
    """A campaign; what its call doesn't give is None."""

    id: int
    name: Text = None
    subject: Text = None
    from_name: Text = None
    #: The address alone.
    from_address: Address = None
    reply_to_address: Text = None
    #: Such as ``Sent``, ``Sending``, ``Triggered``, ``Unsent``.
    status: Text = None
    is_split_test: bool | None = None
    #: Only by `CampaignsResource.get` and `details`: listings have null.
    html_content: Text = None
    plain_text_content: Text = None
    #: ``Standard`` or ``Triggered``; this one and what follows by `details` and `sent_since`.
    type: Text = None
    tags: Tags = Field(default_factory=list)
    sent_at: Instant = None
    #: As it was given: beside a None it is a date that can't be read.
    sent_at_text: Text = None

    spellings: ClassVar = {"sentdate": "sent_at"}


class CampaignCounts(Incoming):
    """How a campaign did, of all its messages, HTML and plain text."""

    sent: Count = 0
    delivered: Count = 0
    opens: Count = 0
    unique_opens: Count = 0
    clicks: Count = 0
    #: Contacts that clicked.
    unique_clicks: Count = 0
    page_views: Count = 0
    replies: Count = 0
    hard_bounces: Count = 0
    soft_bounces: Count = 0
    unsubscribes: Count = 0
    complaints: Count = 0
    mail_blocks: Count = 0
    #: When it was first sent.
    sent_at: Instant = None
    #: As it was given: beside a None it is a date that can't be read.
    sent_at_text: Text = None

    spellings: ClassVar = {"datesent": "sent_at"}


class CampaignSummary(CampaignCounts):
    """How one campaign did until now."""

    spellings: ClassVar = {
        **CampaignCounts.spellings,
        "numtotalsent": "sent",
        "numtotaldelivered": "delivered",
        "numtotalopens": "opens",
        "numtotaluniqueopens": "unique_opens",
        "numtotalclicks": "clicks",
        "numrecipientsclicked": "unique_clicks",
        "numtotalpageviews": "page_views",
        "numtotalreplies": "replies",
        "numtotalhardbounces": "hard_bounces",
        "numtotalsoftbounces": "soft_bounces",
        "numtotalunsubscribes": "unsubscribes",
        "numtotalispcomplaints": "complaints",
        "numtotalmailblocks": "mail_blocks",
    }


class CampaignMetrics(CampaignCounts):
    """How one campaign did between two instants."""

    campaign_id: int
    campaign_name: Text = None
    #: ``Standard``, ``Triggered``, ``Template`` or ``AiTemplate``.
    campaign_type: Text = None
    subject_line: Text = None
    from_name: Text = None
    from_address: Address = None
    tags: Tags = Field(default_factory=list)
    forwards: Count = 0
    #: Messages that could not be sent.
    send_status_fails: Count = 0
    #: When it was last sent; the swagger lacks it [spec].
    last_sent_at: Instant = None
    last_sent_at_text: Text = None

    spellings: ClassVar = {**CampaignCounts.spellings, "lastdatesent": "last_sent_at"}


class CampaignsResource:
    """Reads campaigns and what became of them; makes and sends none.

    Every method that yields pages goes on from a page's ``next_skip``, given the same bound.
    Whether a bound is inclusive isn't stated. Each raises ValueError for a page of more than 1000
    rows, and NotFound for a campaign that is gone.
    """

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    def pages(self, *, select: int = MAX_ROWS, skip: int = 0) -> AsyncIterator[SkipPage[Campaign]]:
        """Yield pages of every campaign, whatever its status. A call each."""
        call = Call("GET", _ALL, read=many(Campaign))
        return v2_pages(self._caller, call, select=select, skip=skip)

    def sent_since(
        self, since: datetime, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[Campaign]]:
        """Yield pages of campaigns sent then or later, with type, tags and date. A call each."""
        call = Call(
            "GET",
            f"{_ALL}/filtered",
            read=many(Campaign),
            query={"~sentDate": in_query(since)},
        )
        return v2_pages(self._caller, call, select=select, skip=skip)

    def with_activity_since(
        self, since: datetime, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[Campaign]]:
        """Yield pages of sent campaigns with any activity, such as a click, since then.

        A call each.
        """
        call = Call(
            "GET",
            f"{_ALL}/with-activity-since/{{date}}",
            read=many(Campaign),
            path={"date": in_query(since)},
        )
        return v2_pages(self._caller, call, select=select, skip=skip)

    def metrics(
        self, start: datetime, end: datetime, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[CampaignMetrics]]:
        """Yield pages of how each campaign with activity did between two instants. A call each.

        One call thus says of 1000 campaigns which have anything new, and of what kind. ``start``
        is rounded down to the second, ``end`` up. That counts are of this window alone, and not
        of all time, is how the vendor's words read; they aren't plain.
        """
        call = Call(
            "GET",
            f"{_ALL}/metrics",
            read=many(CampaignMetrics),
            query={
                "startDate": in_query(start),
                "endDate": in_query(end + timedelta(microseconds=999_999)),
            },
        )
        return v2_pages(self._caller, call, select=select, skip=skip)

    async def get(self, campaign_id: int) -> Campaign:
        """Return one campaign with its contents. One call. Raises NotFound."""
        return await self._caller.send(self._of(campaign_id, "", one(Campaign)))

    async def details(self, campaign_id: int) -> Campaign:
        """Return one campaign with its contents, type, tags and date. One call. Raises NotFound."""
        return await self._caller.send(self._of(campaign_id, "/with-details", one(Campaign)))

    async def summary(self, campaign_id: int) -> CampaignSummary:
        """Return how a campaign did until now. One call. Raises NotFound."""
        return await self._caller.send(self._of(campaign_id, "/summary", one(CampaignSummary)))

    async def attachments(self, campaign_id: int) -> list[Document]:
        """Return the documents that a campaign is sent with. One call. Raises NotFound."""
        return await self._caller.send(self._of(campaign_id, "/attachments", many(Document)))

    def activities(
        self,
        campaign_id: int,
        *,
        since: datetime | None = None,
        select: int = MAX_ROWS,
        skip: int = 0,
    ) -> AsyncIterator[SkipPage[CampaignActivity]]:
        """Yield pages of those it was sent to, a row a contact. A call each.

        With ``since`` of those alone who did anything since then; their counts are of all time.
        Whether having been sent to is a doing isn't stated: read sends without a bound [inferred].
        """
        call = self._of(campaign_id, _since("/activities", since), read_activities, since)
        return v2_pages(self._caller, call, select=select, skip=skip)

    def opens(
        self,
        campaign_id: int,
        *,
        since: datetime | None = None,
        select: int = MAX_ROWS,
        skip: int = 0,
    ) -> AsyncIterator[SkipPage[CampaignOpen]]:
        """Yield pages of opens, each time a row, all or since then. A call each."""
        call = self._of(campaign_id, _since("/opens", since), read_opens, since)
        return v2_pages(self._caller, call, select=select, skip=skip)

    def clicks(
        self,
        campaign_id: int,
        *,
        since: datetime | None = None,
        select: int = MAX_ROWS,
        skip: int = 0,
    ) -> AsyncIterator[SkipPage[CampaignClick]]:
        """Yield pages of clicks, each one a row, all or since then. A call each."""
        call = self._of(campaign_id, _since("/clicks", since), read_clicks, since)
        return v2_pages(self._caller, call, select=select, skip=skip)

    def page_views(
        self, campaign_id: int, since: datetime, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[CampaignPageView]]:
        """Yield pages of page views since then; there is no call for all [spec]. A call each."""
        call = self._of(campaign_id, _since("/page-views", since), read_page_views, since)
        return v2_pages(self._caller, call, select=select, skip=skip)

    def hard_bounces(
        self, campaign_id: int, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[V2Contact]]:
        """Yield pages of contacts that bounced hard, without a date. A call each."""
        call = self._of(campaign_id, "/hard-bouncing-contacts", many(V2Contact))
        return v2_pages(self._caller, call, select=select, skip=skip)

    def _of(
        self,
        campaign_id: int,
        what: str,
        read: Callable[[Answer], Row],
        since: datetime | None = None,
    ) -> Call[Row]:
        path: dict[str, str | int] = {"campaignId": campaign_id}
        if since is not None:
            path["date"] = in_query(since)
        return Call("GET", f"{_ALL}/{{campaignId}}{what}", read=read, path=path)


_ALL: Final = "/v2/campaigns"


def _since(what: str, since: datetime | None) -> str:
    return what if since is None else f"{what}/since-date/{{date}}"
