"""Conflicts: fields that both sides moved, and which side stood."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.columns import identity, instant, reference, words


class Conflict(SQLModel, table=True):
    """One field of one person that was changed on both sides to different values."""

    __tablename__: ClassVar[Any] = "conflicts"
    __table_args__ = (
        Index("conflicts_by_id", "account_id", text("id DESC")),
        Index("conflicts_person", "person_id", "id"),
        Index(
            "conflicts_mapping", "mapping_id", "id", postgresql_where=text("mapping_id IS NOT NULL")
        ),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    person_id: int = Field(sa_column=reference("people.id"))
    mapping_id: int | None = Field(
        default=None,
        sa_column=reference("mappings.id", nullable=True, on_delete="SET NULL"),
    )
    dotdigital_field: str = Field(sa_column=words())
    base: Any = Field(default=None, sa_column=Column(JSONB, nullable=True))
    ours: Any = Field(default=None, sa_column=Column(JSONB, nullable=True))
    theirs: Any = Field(default=None, sa_column=Column(JSONB, nullable=True))
    conflict_rule: str = Field(sa_column=words())
    winner: str = Field(sa_column=words())
    at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
