"""Erasures: emails of people who were erased, as keyed hashes, and who of them had opted out."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from app.models.columns import instant


class Erasure(SQLModel, table=True):
    """One erased address, which only whoever has the key can recognise."""

    __tablename__: ClassVar[Any] = "erasures"
    __table_args__ = (
        Index(
            "erasures_opted_out",
            "email_hash",
            postgresql_where=text("opted_out_at IS NOT NULL"),
        ),
    )

    email_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    erased_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    #: Whoever is made again with the address starts opted out; null where it never was.
    opted_out_at: datetime | None = Field(default=None, sa_column=instant())
