"""Mailshots: our proxy copies of Dotdigital's campaigns."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import document, identity, instant, number, reference, words


class Mailshot(SQLModel, table=True):
    """One campaign as last read, with its counts."""

    __tablename__: ClassVar[Any] = "mailshots"
    __table_args__ = (
        Index("mailshots_campaign", "account_id", "dotdigital_campaign_id", unique=True),
        Index(
            "mailshots_behind",
            "account_id",
            postgresql_where=text("behind_since IS NOT NULL"),
        ),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    dotdigital_campaign_id: int = Field(sa_column=number())
    name: str = Field(sa_column=words())
    subject: str | None = Field(default=None, sa_column=words(nullable=True))
    from_name: str | None = Field(default=None, sa_column=words(nullable=True))
    from_address: str | None = Field(default=None, sa_column=words(nullable=True))
    sent_at: datetime | None = Field(default=None, sa_column=instant())
    #: ``Standard`` or ``Triggered``; this, tags and links are as they were when it was first met.
    type: str | None = Field(default=None, sa_column=words(nullable=True))
    status: str | None = Field(default=None, sa_column=words(nullable=True))
    tags: list[str] = Field(default_factory=list, sa_column=document("[]"))
    #: Addresses that the campaign's HTML links to, each once.
    links: list[str] = Field(default_factory=list, sa_column=document("[]"))
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    #: Mails that had gone out when its sends were last read whole; null: never.
    sends_read: int | None = Field(default=None, sa_column=number(nullable=True))
    #: A reading that failed left off here, by Dotdigital's clock; null: nothing was left.
    behind_since: datetime | None = Field(default=None, sa_column=instant())
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
