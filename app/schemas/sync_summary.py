"""How an account's people stand, as the API gives it."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas.text import Schema

LinkState = Literal["synced", "pending", "not_eligible", "suppressed", "failed", "unlinked"]


class StateCountOut(Schema):
    """So many people stand like this."""

    state: Annotated[
        LinkState,
        Field(
            description="As `GET /v1/people/{id}/sync` shows it: `failed` while a failure stands, "
            "`pending` while a change waits or is in flight, else as the last run left it."
        ),
    ]
    reason: Annotated[
        str | None, Field(description="Why they are not synced: a reason, or a failure's code.")
    ]
    sentence: Annotated[str | None, Field(description="The reason in words, or what to do.")]
    people: int


class SyncSummaryOut(Schema):
    """How an account's people stand."""

    account_id: int
    due: Annotated[int, Field(description="People whom the next run of send_people looks at.")]
    retry_later: Annotated[
        int, Field(description="People who failed, and are tried again by themselves later.")
    ]
    waiting_for_change: Annotated[
        int,
        Field(
            description="People who failed for good or too often: they wait for a change, or for "
            "`POST /v1/failures/retry`."
        ),
    ]
    states: list[StateCountOut]
