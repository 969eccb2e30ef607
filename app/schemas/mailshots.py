"""Mailshots as the API gives them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.schemas.text import Schema


class MailshotOut(Schema):
    """Our copy of one Dotdigital campaign."""

    id: int
    account_id: int
    dotdigital_campaign_id: int
    name: str
    subject: str | None
    from_name: str | None
    from_address: str | None
    sent_at: datetime | None
    type: Annotated[
        str | None, Field(description="`Standard` or `Triggered`, where Dotdigital says so.")
    ]
    status: Annotated[str | None, Field(description="In Dotdigital's words, such as `Sent`.")]
    tags: list[str]
    links: Annotated[
        list[str],
        Field(description="What its mail links to, and what else was clicked, each once."),
    ]
    counts: Annotated[dict[str, Any], Field(description="As Dotdigital last stated them.")]
    created_at: datetime
    updated_at: datetime
