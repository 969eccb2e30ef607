"""Online activities: sends, opens, clicks and the rest, each stored once; and which come over."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, text
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

ACTIVITY_TYPES = (
    "email_send",
    "email_open",
    "email_click",
    "email_bounce",
    "email_unsubscribe",
    "form_submission",
    "page_view",
    "download",
)


class OnlineActivity(SQLModel, table=True):
    """One activity; ``activity_key`` is what makes a second reading of it the same."""

    __tablename__: ClassVar[Any] = "online_activities"
    __table_args__ = (
        CheckConstraint(one_of("type", *ACTIVITY_TYPES), name="online_activities_type"),
        Index("online_activities_key", "account_id", "activity_key", unique=True),
        Index(
            "online_activities_person",
            "person_id",
            text("occurred_at DESC"),
            text("id DESC"),
        ),
        Index(
            "online_activities_mailshot",
            "mailshot_id",
            text("occurred_at DESC"),
            text("id DESC"),
        ),
        Index("online_activities_newest", "type", text("occurred_at DESC"), text("id DESC")),
        Index(
            "online_activities_orphans",
            "account_id",
            "id",
            postgresql_where=text("person_id IS NULL"),
        ),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    type: str = Field(sa_column=words())
    occurred_at: datetime = Field(default=None, sa_column=instant(nullable=False))
    mailshot_id: int | None = Field(
        default=None, sa_column=reference("mailshots.id", nullable=True)
    )
    person_id: int | None = Field(default=None, sa_column=reference("people.id", nullable=True))
    contact_id: int | None = Field(default=None, sa_column=number(nullable=True))
    email: str | None = Field(default=None, sa_column=words(nullable=True))
    details: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    activity_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


def _chosen() -> Any:  # noqa: ANN401 - what sqlmodel's Field takes
    return Column(Boolean, nullable=False, server_default=text("true"))


class ActivitySettings(SQLModel, table=True):
    """Which activity types come over for one account."""

    __tablename__: ClassVar[Any] = "activity_settings"

    account_id: int = Field(sa_column=reference("accounts.id", key=True))
    email_send: bool = Field(default=True, sa_column=_chosen())
    email_open: bool = Field(default=True, sa_column=_chosen())
    email_click: bool = Field(default=True, sa_column=_chosen())
    email_bounce: bool = Field(default=True, sa_column=_chosen())
    email_unsubscribe: bool = Field(default=True, sa_column=_chosen())
    form_submission: bool = Field(default=True, sa_column=_chosen())
    page_view: bool = Field(default=True, sa_column=_chosen())
    download: bool = Field(default=True, sa_column=_chosen())
