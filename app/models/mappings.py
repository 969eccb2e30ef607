"""Mappings: which person field goes with which data field or marketing preference."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import identity, instant, number, one_of, reference, words


class Mapping(SQLModel, table=True):
    """One rule; ``data_field_type`` or ``preference_id`` is what Dotdigital said of its target."""

    __tablename__: ClassVar[Any] = "mappings"
    __table_args__ = (
        CheckConstraint(one_of("applies_to", "person", "lead", "both"), name="mappings_applies_to"),
        CheckConstraint(
            one_of("direction", "to_dotdigital", "from_dotdigital", "two_way"),
            name="mappings_direction",
        ),
        CheckConstraint(
            one_of("when_blank", "clear", "keep", "only_if_blank_there"),
            name="mappings_when_blank",
        ),
        CheckConstraint(
            one_of("conflict_rule", "prefer_dotsync", "prefer_dotdigital", "latest"),
            name="mappings_conflict_rule",
        ),
        CheckConstraint(
            one_of("data_field_type", "String", "Numeric", "Date", "Boolean"),
            name="mappings_data_field_type",
        ),
        Index(
            "mappings_target",
            "account_id",
            "kind",
            text("lower(dotdigital_field)"),
            "applies_to",
            unique=True,
        ),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    #: A word of `services/mapping_kinds`.
    kind: str = Field(default="field", sa_column=words("field"))
    applies_to: str = Field(default="both", sa_column=words("both"))
    person_field: str = Field(sa_column=words())
    dotdigital_field: str = Field(sa_column=words())
    data_field_type: str | None = Field(default=None, sa_column=words(nullable=True))
    preference_id: int | None = Field(default=None, sa_column=number(nullable=True))
    direction: str = Field(default="to_dotdigital", sa_column=words("to_dotdigital"))
    when_blank: str = Field(default="clear", sa_column=words("clear"))
    conflict_rule: str = Field(default="prefer_dotsync", sa_column=words("prefer_dotsync"))
    #: Made by the service when the account was.
    standard: bool = Field(
        default=False,
        sa_column=Column(Boolean, nullable=False, server_default=text("false")),
    )
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    version: int = Field(default=1, sa_column=number(1))
