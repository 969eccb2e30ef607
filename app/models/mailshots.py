"""Mailshots: our proxy copies of Dotdigital's campaigns."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.columns import document, identity, instant, number, reference, words


class Mailshot(SQLModel, table=True):
    """One campaign as last read, with its counts."""

    __tablename__: ClassVar[Any] = "mailshots"
    __table_args__ = (
        Index("mailshots_campaign", "account_id", "dotdigital_campaign_id", unique=True),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    dotdigital_campaign_id: int = Field(sa_column=number())
    name: str = Field(sa_column=words())
    subject: str | None = Field(default=None, sa_column=words(nullable=True))
    from_name: str | None = Field(default=None, sa_column=words(nullable=True))
    from_address: str | None = Field(default=None, sa_column=words(nullable=True))
    sent_at: datetime | None = Field(default=None, sa_column=instant())
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
