"""Audit log: who changed what, and when."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import document, identity, instant, number, words


class AuditEntry(SQLModel, table=True):
    """One act of a caller; never holds a password or an address."""

    __tablename__: ClassVar[Any] = "audit_log"
    __table_args__ = (Index("audit_log_subject", "subject_type", "subject_id", text("id DESC")),)

    id: int = Field(default=None, sa_column=identity())
    at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    #: The API key's name and id, or the part of the service that acted.
    actor: str = Field(sa_column=words())
    action: str = Field(sa_column=words())
    subject_type: str = Field(sa_column=words())
    subject_id: int | None = Field(default=None, sa_column=number(nullable=True))
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=document())
