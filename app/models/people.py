"""People: our rows, which other services fill over REST."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, CheckConstraint, Column, Computed, Index, SmallInteger, Text, text
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

#: The bits of `Person.facet`.
FACET_NOT_SYNCED = 1
FACET_NO_EMAIL = 2
FACET_LEAD = 4
FACET_DELETED = 8
_FACET = (
    "((NOT sync_with_mailer)::integer + no_email::integer * 2 + (kind = 'lead')::integer * 4"
    " + (deleted_at IS NOT NULL)::integer * 8)::smallint"
)


class Person(SQLModel, table=True):
    """A person or lead of ours.

    ``version``, ``updated_at``, ``opted_out_at`` and ``opted_in_at`` are kept by a trigger, so that
    a change by plain SQL counts like any other; ``email_key`` is the email as it is compared, and
    ``facet`` are the flags that people are listed by, as one number.
    """

    __tablename__: ClassVar[Any] = "people"
    __table_args__ = (
        CheckConstraint(one_of("kind", "person", "lead"), name="people_kind"),
        Index("people_email_key", "email_key", "id"),
        Index("people_facet", "facet", "id"),
        Index("people_facet_updated", "facet", "updated_at", "id"),
        Index("people_opted_out", "id", postgresql_where=text("no_email")),
        Index(
            "people_opted_out_emails",
            "email_key",
            postgresql_where=text("no_email AND deleted_at IS NULL"),
        ),
        Index(
            "people_merged_into",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index(
            "people_search",
            text("search_codes(id, facet, search_text(email, first_name, last_name))"),
            postgresql_using="gin",
            # A search goes through what waits to be put in its place, a part of the people at a
            # time: let little wait.
            postgresql_with={"gin_pending_list_limit": 1024},
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
    facet: int = Field(
        default=None,
        sa_column=Column(SmallInteger, Computed(_FACET, persisted=True), nullable=False),
    )
