"""Imports as the API gives them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.text import Schema

ImportKind = Literal["people", "members", "removal", "deletion", "resubscription"]
ImportStatus = Literal["submitting", "open", "finished", "failed", "lost"]


class ImportOut(Schema):
    """One bulk job that Dotdigital runs for us."""

    id: int
    account_id: int
    run_id: int | None
    import_id: Annotated[
        str | None,
        Field(validation_alias="dotdigital_import_id", description="Dotdigital's own id of it."),
    ]
    kind: ImportKind
    status: Annotated[
        ImportStatus,
        Field(
            description="`submitting`: about to be sent; `lost`: whether Dotdigital took it is not "
            "known, and its people are sent again."
        ),
    ]
    records: int
    created: int
    updated: int
    failed: int
    polls: Annotated[int, Field(description="How often its state was asked for.")]
    next_poll_at: datetime | None
    error: dict[str, Any] | None
    created_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
