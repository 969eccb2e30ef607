"""Erasures: emails of people who were erased, as keyed hashes."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from app.models.columns import instant


class Erasure(SQLModel, table=True):
    """One erased address, which only whoever has the key can recognise."""

    __tablename__: ClassVar[Any] = "erasures"

    email_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    erased_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
