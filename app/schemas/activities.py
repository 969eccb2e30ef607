"""Online activities as the API gives them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.text import Schema

ActivityType = Literal[
    "email_send",
    "email_open",
    "email_click",
    "email_bounce",
    "email_unsubscribe",
    "form_submission",
    "page_view",
    "download",
]


class ActivityOut(Schema):
    """One online activity."""

    id: int
    type: ActivityType
    occurred_at: datetime
    account_id: int
    mailshot_id: Annotated[int | None, Field(description="Null for what no campaign led to.")]
    person_id: Annotated[int | None, Field(description="Null until it is matched to somebody.")]
    matched_by: Annotated[
        Literal["contact", "email"] | None,
        Field(description="By what the person was found: the contact's link, or the email."),
    ]
    contact_id: int | None
    email: str | None
    details: Annotated[
        dict[str, Any],
        Field(description="By type: link, user agent, bounce type, form answers, url."),
    ]
