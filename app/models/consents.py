"""Consents: what people agreed to, where and when, and which account was told."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.columns import identity, instant, number, reference, words


class Consent(SQLModel, table=True):
    """One consent of one person; it is added and never changed."""

    __tablename__: ClassVar[Any] = "consents"
    __table_args__ = (Index("consents_person", "person_id", "id"),)

    id: int = Field(default=None, sa_column=identity())
    person_id: int = Field(sa_column=reference("people.id"))
    text: str = Field(sa_column=words())
    consented_at: datetime = Field(sa_column=instant(nullable=False))
    url: str = Field(sa_column=words())
    ip_address: str = Field(sa_column=words())
    user_agent: str = Field(sa_column=words())
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))


class ConsentTold(SQLModel, table=True):
    """One consent that an account's contact has."""

    __tablename__: ClassVar[Any] = "consents_told"

    consent_id: int = Field(sa_column=reference("consents.id", key=True))
    #: Without a foreign key: accounts are deleted without a look at every consent.
    account_id: int = Field(sa_column=number(key=True))
