"""How one person stands in each account, as the API gives it, and what ties it to a contact."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.schemas.people_bulk import SyncStatus
from app.schemas.text import Id, Schema, shown_as


class LinkIn(Schema):
    """The contact that this person is, by Dotdigital's own id."""

    model_config = shown_as({"contact_id": 10000001})

    contact_id: Id


class MergeIn(Schema):
    """Whom to merge into."""

    model_config = shown_as({"into_id": 2})

    into_id: Id


class ConditionOut(Schema):
    """One condition of being synced."""

    name: str
    holds: bool
    detail: Annotated[
        str | None,
        Field(description="Why it doesn't hold, and what to do next or what happens by itself."),
    ]


class PersonFailureOut(Schema):
    """What failed; `GET /v1/failures` has it as well."""

    id: int
    code: str
    message: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int
    next_retry_at: datetime | None


class PersonSyncOut(Schema):
    """How a person stands in one account, and every condition of being synced with its outcome."""

    account_id: int
    contact_id: int | None
    state: Annotated[
        SyncStatus,
        Field(
            description="As `sync-summary` counts it: `failed` while a failure stands, `pending` "
            "while a change waits or is in flight, else as the last run left it. `synced` speaks "
            "of the mappings in use: the condition `no_mapping_left_out` says whether one isn't."
        ),
    ]
    account_status: Annotated[
        str | None, Field(description="Of the contact's email in Dotdigital, as last read.")
    ]
    last_sent_at: datetime | None
    pending_change: Annotated[
        bool, Field(description="A change waits for the next run, or is in flight.")
    ]
    pending_since: datetime | None
    failure: PersonFailureOut | None
    conditions: list[ConditionOut]


class PersonSyncs(Schema):
    """How a person stands in every account."""

    items: list[PersonSyncOut]
