"""Conflicts as the API gives them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.text import Schema


class ConflictOut(Schema):
    """One field of one person that both sides changed, to different values."""

    id: int
    account_id: int
    person_id: int
    mapping_id: Annotated[int | None, Field(description="Null once the mapping is gone.")]
    dotdigital_field: str
    base: Annotated[Any, Field(description="What both sides last agreed on.")]
    ours: Any
    theirs: Any
    conflict_rule: Literal["prefer_dotsync", "prefer_dotdigital", "latest"]
    winner: Annotated[str, Field(description="Whose value stood.")]
    at: datetime
