"""People: our rows, which other services fill over REST."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, CheckConstraint, Column, Computed, Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.columns import (
    document,
    identity,
    instant,
    number,
    one_of,
    reference,
    words,
)

#: The columns of `Person` that hold what is known of a person and that a caller may set.
PERSON_TEXT_FIELDS: tuple[str, ...] = (
    "email",
    "mobile_number",
    "first_name",
    "last_name",
    "title",
    "job_title",
    "organisation",
    "address_line_1",
    "address_line_2",
    "city",
    "county",
    "state",
    "postcode",
    "country",
)


class Person(SQLModel, table=True):
    """A person or lead of ours.

    ``version``, ``updated_at``, ``opted_out_at`` and ``opted_in_at`` are kept by a trigger, so that
    a change by plain SQL counts like any other; ``email_key`` is the email as it is compared.
    """

    __tablename__: ClassVar[Any] = "people"
    __table_args__ = (
        CheckConstraint(one_of("kind", "person", "lead"), name="people_kind"),
        Index("people_email_key", "email_key", "id"),
        Index("people_updated_at", "updated_at", "id"),
        Index("people_leads", "id", postgresql_where=text("kind = 'lead'")),
        Index("people_opted_out", "id", postgresql_where=text("no_email")),
        Index(
            "people_opted_out_emails",
            "email_key",
            postgresql_where=text("no_email AND deleted_at IS NULL"),
        ),
        Index("people_not_synced", "id", postgresql_where=text("NOT sync_with_mailer")),
        Index("people_deleted", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        Index(
            "people_merged_into",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index(
            "people_search",
            text("search_codes(search_text(email, first_name, last_name))"),
            postgresql_using="gin",
        ),
    )

    id: int = Field(default=None, sa_column=identity())
    external_ref: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    kind: str = Field(default="person", sa_column=words("person"))
    email: str | None = Field(default=None, sa_column=words(nullable=True))
    #: The email as it is compared; null when blank.
    email_key: str | None = Field(
        default=None,
        sa_column=Column(Text, Computed("nullif(lower(btrim(email)), '')", persisted=True)),
    )
    mobile_number: str | None = Field(default=None, sa_column=words(nullable=True))
    first_name: str | None = Field(default=None, sa_column=words(nullable=True))
    last_name: str | None = Field(default=None, sa_column=words(nullable=True))
    title: str | None = Field(default=None, sa_column=words(nullable=True))
    job_title: str | None = Field(default=None, sa_column=words(nullable=True))
    organisation: str | None = Field(default=None, sa_column=words(nullable=True))
    address_line_1: str | None = Field(default=None, sa_column=words(nullable=True))
    address_line_2: str | None = Field(default=None, sa_column=words(nullable=True))
    city: str | None = Field(default=None, sa_column=words(nullable=True))
    county: str | None = Field(default=None, sa_column=words(nullable=True))
    state: str | None = Field(default=None, sa_column=words(nullable=True))
    postcode: str | None = Field(default=None, sa_column=words(nullable=True))
    country: str | None = Field(default=None, sa_column=words(nullable=True))
    custom: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    sync_with_mailer: bool = Field(
        default=True,
        sa_column=Column(Boolean, nullable=False, server_default=text("true")),
    )
    no_email: bool = Field(
        default=False,
        sa_column=Column(Boolean, nullable=False, server_default=text("false")),
    )
    opted_out_at: datetime | None = Field(default=None, sa_column=instant())
    opted_in_at: datetime | None = Field(default=None, sa_column=instant())
    opt_out_reason: str | None = Field(default=None, sa_column=words(nullable=True))
    email_undeliverable: bool = Field(
        default=False,
        sa_column=Column(Boolean, nullable=False, server_default=text("false")),
    )
    merged_into_id: int | None = Field(
        default=None,
        sa_column=reference("people.id", nullable=True, on_delete="SET NULL"),
    )
    deleted_at: datetime | None = Field(default=None, sa_column=instant())
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    version: int = Field(default=1, sa_column=number(1))
