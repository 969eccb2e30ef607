"""The shapes of campaigns in v2's answers; `campaign_reports` has their figures."""

from typing import Any

from sandbox.clock import text_of
from sandbox.inferred import NEVER
from sandbox.state.campaigns import FROM_ADDRESS_ID, Campaign
from sandbox.state.documents import Document


def campaign_json(campaign: Campaign, *, contents: bool) -> dict[str, Any]:
    """Return a campaign; listings leave its contents null [spec examples]."""
    return {
        "id": campaign.id,
        "name": campaign.name,
        "subject": campaign.subject,
        "fromName": campaign.from_name,
        "fromAddress": {"id": FROM_ADDRESS_ID, "email": campaign.from_address},
        "htmlContent": campaign.html if contents else None,
        "plainTextContent": campaign.plain if contents else None,
        "replyAction": campaign.reply_action,
        "replyToAddress": campaign.reply_to,
        "isSplitTest": False,
        "status": campaign.status,
    }


def typed_campaign_json(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign that was just made."""
    return campaign_json(campaign, contents=True) | {"type": campaign.type}


def filtered_campaign_json(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign of the filtered listing.

    With its contents: the generated document wants them, and the one written by hand forbids the
    null dates that its own example has.
    """
    return typed_campaign_json(campaign) | {
        "tags": campaign.tags,
        "sentDate": None if campaign.sent_ms is None else text_of(campaign.sent_ms),
        "scheduledDate": None if campaign.scheduled_ms is None else text_of(campaign.scheduled_ms),
    }


def detailed_campaign_json(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign with its details; the date of one that was not sent may not be null."""
    return typed_campaign_json(campaign) | {
        "tags": [{"name": tag} for tag in campaign.tags],
        "splitTestOptions": [],
        "sentDate": NEVER if campaign.sent_ms is None else text_of(campaign.sent_ms),
    }


def document_json(document: Document) -> dict[str, Any]:
    """Return a document."""
    return {
        "id": document.id,
        "name": document.name,
        "fileName": document.file_name,
        "fileSize": document.size,
        "dateCreated": text_of(document.created_ms),
        "dateModified": text_of(document.modified_ms),
    }
