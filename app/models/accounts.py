"""Accounts: one Dotdigital account with its API user, region and settings."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from app.models.columns import document, identity, instant, number, one_of, words

ACCOUNT_STATES = ("ok", "bad_credentials", "unreachable", "paused")


class Account(SQLModel, table=True):
    """One Dotdigital account; the password is only ever stored encrypted."""

    __tablename__: ClassVar[Any] = "accounts"
    __table_args__ = (
        CheckConstraint(one_of("state", *ACCOUNT_STATES), name="accounts_state"),
        Index("accounts_dotdigital", "dotdigital_account_id"),
    )

    id: int = Field(default=None, sa_column=identity())
    name: str = Field(sa_column=words())
    username: str = Field(sa_column=words())
    password_encrypted: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    endpoint: str = Field(sa_column=words())
    region: str | None = Field(default=None, sa_column=words(nullable=True))
    #: Where to ask for the region, where it isn't the usual host.
    region_url: str | None = Field(default=None, sa_column=words(nullable=True))
    state: str = Field(default="ok", sa_column=words("ok"))
    state_detail: str | None = Field(default=None, sa_column=words(nullable=True))
    dotdigital_account_id: int = Field(sa_column=number())
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    #: What Dotdigital last said of itself: calls in the last hour, lists and fields in use.
    usage: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    usage_read_at: datetime | None = Field(default=None, sa_column=instant())
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    version: int = Field(default=1, sa_column=number(1))
