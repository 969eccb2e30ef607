"""How an account's people stand, as the API gives it."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas.text import Schema

LinkState = Literal["synced", "pending", "not_eligible", "suppressed", "failed", "unlinked"]


class StateCountOut(Schema):
    """So many people stand like this."""

    state: LinkState
    reason: Annotated[
        str | None, Field(description="Why they are not synced: a reason, or a failure's code.")
    ]
    sentence: Annotated[str | None, Field(description="The reason in words, or what to do.")]
    people: int


class SyncSummaryOut(Schema):
    """How an account's people stand."""

    account_id: int
    due: Annotated[int, Field(description="People whom the next run looks at.")]
    states: list[StateCountOut]
