"""Rate buckets: what each Dotdigital account still allows, shared by every replica."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, Column, Double, Integer, text
from sqlmodel import Field, SQLModel

from app.models.columns import instant, words


class RateBucket(SQLModel, table=True):
    """One token bucket, keyed by Dotdigital's own account id and the scope its answers name."""

    __tablename__: ClassVar[Any] = "rate_buckets"

    account_key: str = Field(sa_column=Column(words().type, primary_key=True))
    scope: str = Field(sa_column=Column(words().type, primary_key=True))
    limit: int = Field(sa_column=Column("limit", Integer, nullable=False))
    remaining: float = Field(sa_column=Column(Double, nullable=False))
    window_s: float = Field(sa_column=Column(Double, nullable=False))
    #: End of the window; the bucket is full again after it.
    resets_at: datetime = Field(default=None, sa_column=instant(nullable=False))
    #: Whether the limit was stated by an answer rather than assumed.
    learned: bool = Field(
        default=False,
        sa_column=Column(Boolean, nullable=False, server_default=text("false")),
    )
    blocked_until: datetime | None = Field(default=None, sa_column=instant())
    #: Until when a caller of higher priority is known to wait here; the others hold back.
    opt_out_waits_until: datetime | None = Field(default=None, sa_column=instant())
    manual_waits_until: datetime | None = Field(default=None, sa_column=instant())


class CallScope(SQLModel, table=True):
    """Which scope an account's answers named for a call, such as ``PUT /contacts/v3/import``."""

    __tablename__: ClassVar[Any] = "call_scopes"

    account_key: str = Field(sa_column=Column(words().type, primary_key=True))
    call: str = Field(sa_column=Column(words().type, primary_key=True))
    scope: str = Field(sa_column=words())
