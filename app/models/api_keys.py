"""API keys of our own callers, and the answers that their idempotency keys replay."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from app.models.columns import identity, instant, number, reference, words

SCOPES = ("read", "write", "sync", "admin")


class ApiKey(SQLModel, table=True):
    """One key, stored as a hash only; ``prefix`` is what tells it apart in lists."""

    __tablename__: ClassVar[Any] = "api_keys"

    id: int = Field(default=None, sa_column=identity())
    name: str = Field(sa_column=words())
    prefix: str = Field(sa_column=words())
    key_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=instant())
    last_used_at: datetime | None = Field(default=None, sa_column=instant())
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    version: int = Field(default=1, sa_column=number(1))


class RevokedKey(SQLModel, table=True):
    """The hash of a key that was revoked: the same value is never made a key again by itself."""

    __tablename__: ClassVar[Any] = "revoked_keys"

    key_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    revoked_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))


class IdempotencyKey(SQLModel, table=True):
    """The answer that a POST under this key got, replayed for 24 hours."""

    __tablename__: ClassVar[Any] = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_created", "created_at"),)

    api_key_id: int = Field(sa_column=reference("api_keys.id", key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int = Field(sa_column=Column(Integer, nullable=False))
    headers: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
