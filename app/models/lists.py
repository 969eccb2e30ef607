"""Mailing lists of ours, and who is on them."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Dialect, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from app.list_options import ListOptions
from app.models.columns import identity, instant, number, one_of, reference, words

LIST_KINDS = ("static", "campaign", "audience")
MEMBER_STATES = ("pending", "synced", "leaving", "failed", "waiting")


class _StoredOptions(TypeDecorator[ListOptions]):
    """Options as jsonb."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: ListOptions | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> ListOptions | None:  # noqa: ANN401, ARG002
        return None if value is None else ListOptions.readable(value)


class MailingList(SQLModel, table=True):
    """A list of ours; ``dotdigital_list_id`` is its twin once it is synchronised."""

    __tablename__: ClassVar[Any] = "lists"
    __table_args__ = (
        CheckConstraint(one_of("kind", *LIST_KINDS), name="lists_kind"),
        CheckConstraint(one_of("synchronisation_with", "dotdigital"), name="lists_sync_with"),
        CheckConstraint(
            "synchronisation_with IS NULL OR account_id IS NOT NULL",
            name="lists_account",
        ),
        CheckConstraint(one_of("record_state", "open", "closed"), name="lists_record_state"),
        CheckConstraint("jsonb_typeof(options) = 'object'", name="lists_options"),
        Index("lists_account_id", "account_id"),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int | None = Field(
        default=None,
        sa_column=reference("accounts.id", nullable=True, on_delete="RESTRICT"),
    )
    name: str = Field(sa_column=words())
    description: str | None = Field(default=None, sa_column=words(nullable=True))
    slug: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    kind: str = Field(default="static", sa_column=words("static"))
    synchronisation_with: str | None = Field(default=None, sa_column=words(nullable=True))
    record_state: str = Field(default="open", sa_column=words("open"))
    #: What was chosen for the list, each at its default until it was.
    options: ListOptions = Field(
        default_factory=ListOptions,
        sa_column=Column(_StoredOptions, nullable=False, server_default=text("'{}'::jsonb")),
    )
    dotdigital_list_id: int | None = Field(default=None, sa_column=number(nullable=True))
    #: When a run first saw the twin stand; until then an id is only what somebody said.
    bound_at: datetime | None = Field(default=None, sa_column=instant())
    #: When a one-time list was sent: who joined later is left alone.
    sent_once_at: datetime | None = Field(default=None, sa_column=instant())
    #: When members' statuses were read last, and when all of them were.
    status_read_at: datetime | None = Field(default=None, sa_column=instant())
    status_swept_at: datetime | None = Field(default=None, sa_column=instant())
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    version: int = Field(default=1, sa_column=number(1))


class ListMember(SQLModel, table=True):
    """One person on one list; a member that left stays as ``leaving`` until Dotdigital knows."""

    __tablename__: ClassVar[Any] = "list_members"
    __table_args__ = (
        CheckConstraint(one_of("sync_state", *MEMBER_STATES), name="list_members_sync_state"),
        Index("list_members_person", "person_id"),
        Index(
            "list_members_unsettled",
            "list_id",
            "sync_state",
            "person_id",
            postgresql_where=text("sync_state <> 'synced'"),
        ),
    )

    list_id: int = Field(sa_column=reference("lists.id", key=True))
    person_id: int = Field(sa_column=reference("people.id", key=True))
    sync_state: str = Field(default="pending", sa_column=words("pending"))
    #: The contact's status in the list and in the account, where the list syncs status back.
    list_status: str | None = Field(default=None, sa_column=words(nullable=True))
    account_status: str | None = Field(default=None, sa_column=words(nullable=True))
    #: The contact that was put on Dotdigital's list for this member; None: never, as far as known.
    contact_id: int | None = Field(default=None, sa_column=number(nullable=True))
    #: When a suppression audience suppressed the contact, by Dotdigital's clock.
    unsubscribed_at: datetime | None = Field(default=None, sa_column=instant())
    added_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    changed_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
