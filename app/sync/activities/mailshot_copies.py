"""Our copies of campaigns: made when first met, and brought up to date whenever they are read."""

from dataclasses import dataclass
from datetime import datetime

from app.clients.dotdigital import (
    Campaign,
    CampaignCounts,
    CampaignSummary,
    NotPermitted,
    ProtocolError,
    Rejected,
)
from app.sync.activities.activity_store import SQL
from app.sync.engine import JobContext
from app.sync.rules.activity_window import Moved
from app.sync.rules.html_links import links_in

_COUNTS = (
    *("sent", "delivered", "opens", "unique_opens", "clicks", "unique_clicks", "page_views"),
    *("replies", "hard_bounces", "soft_bounces", "unsubscribes", "complaints", "mail_blocks"),
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A mailshot as reading its campaign needs it."""

    #: None in a dry run, where it is not there yet.
    id: int | None
    links: list[str]
    sends_read: int | None
    sent_at: datetime | None
    is_triggered: bool
    #: What Dotdigital counts over all time.
    counts: Moved


def moved_of(counts: CampaignCounts) -> Moved:
    """Return what the counts say of a campaign's listings."""
    return Moved(
        sent=counts.sent,
        opens=counts.opens,
        clicks=counts.clicks,
        page_views=counts.page_views,
        bounces=counts.hard_bounces + counts.soft_bounces,
        unsubscribes=counts.unsubscribes,
    )


async def copy_campaign(context: JobContext, campaign: Campaign) -> Copy:
    """Bring the campaign's mailshot up to date, and return it.

    A call for its counts, and one more for its links and tags where it is new. Raises NotFound
    where the campaign is gone.
    """
    summary = await context.client.campaigns.summary(campaign.id)
    row = await context.database.pool.fetchrow(SQL["mailshot"], context.account_id, campaign.id)
    described = campaign
    if row is None or context.run.mode == "full":
        described = await _described(context, campaign)
    if not context.run.is_dry:
        row = await context.database.pool.fetchrow(
            SQL["refresh_mailshot"], *_values(context, campaign, described, summary)
        )
    return Copy(
        id=None if row is None else row["id"],
        links=[] if row is None else row["links"],
        sends_read=None if row is None else row["sends_read"],
        sent_at=summary.sent_at or described.sent_at,
        is_triggered="Triggered" in (campaign.status, described.type),
        counts=moved_of(summary),
    )


async def _described(context: JobContext, campaign: Campaign) -> Campaign:
    """Return the campaign with its contents and tags; as it was listed where that can't be read."""
    try:
        return await context.client.campaigns.details(campaign.id)
    except (ProtocolError, NotPermitted):
        return campaign
    except Rejected as refusal:
        if refusal.status == 404:
            raise
        return campaign


def _values(
    context: JobContext, campaign: Campaign, described: Campaign, summary: CampaignSummary
) -> tuple[object, ...]:
    return (
        context.account_id,
        campaign.id,
        campaign.name or described.name or f"Campaign {campaign.id}",
        campaign.subject or described.subject,
        campaign.from_name or described.from_name,
        campaign.from_address or described.from_address,
        summary.sent_at or described.sent_at,
        {name: getattr(summary, name) for name in _COUNTS},
        campaign.status or described.status,
        described.type,
        described.tags,
        links_in(described.html_content),
        context.clock.now(),
    )
