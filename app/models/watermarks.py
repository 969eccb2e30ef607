"""Watermarks: how far each retrieve stream has been read."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from app.models.columns import document, instant, reference, words


class Watermark(SQLModel, table=True):
    """One stream of one account; ``position`` is by Dotdigital's clock."""

    __tablename__: ClassVar[Any] = "watermarks"

    account_id: int = Field(sa_column=reference("accounts.id", key=True))
    stream: str = Field(sa_column=Column(words().type, primary_key=True))
    position: datetime | None = Field(default=None, sa_column=instant())
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
