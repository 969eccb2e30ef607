"""Online activities: sends, opens, clicks and the rest, each stored once; and which come over.

Beside them what matching has to remember: how far it came, and whose links or emails changed.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    event,
    text,
)
from sqlmodel import Field, SQLModel

from app.activity_types import ACTIVITY_TYPES
from app.models.columns import (
    document,
    instant,
    number,
    one_of,
    reference,
    words,
)

_NEWEST_FIRST = (text("occurred_at DESC"), text("id DESC"))
_ORPHAN = text("person_id IS NULL")
_MATCHED = text("person_id IS NOT NULL")


class OnlineActivity(SQLModel, table=True):
    """One activity; ``activity_key`` is what makes a second reading of it the same.

    Partitioned by the months of ``occurred_at``. Nothing refers to it and it refers to nothing by a
    foreign key, for a check of each row would take longer than all else: triggers on accounts and
    people delete what goes with them. Matched and unmatched ones stand in indexes of their own, so
    that a page of either is read by index alone however many there are of the other.
    """

    __tablename__: ClassVar[Any] = "online_activities"
    __table_args__ = (
        PrimaryKeyConstraint("occurred_at", "id"),
        CheckConstraint(one_of("type", *ACTIVITY_TYPES), name="online_activities_type"),
        CheckConstraint(
            one_of("matched_by", "contact", "email"), name="online_activities_matched_by"
        ),
        Index("online_activities_key", "account_id", "activity_key", "occurred_at", unique=True),
        Index("online_activities_person", "person_id", *_NEWEST_FIRST, postgresql_where=_MATCHED),
        Index(
            "online_activities_of_account",
            *("account_id", "type", *_NEWEST_FIRST),
            postgresql_where=_MATCHED,
        ),
        Index(
            "online_activities_of_account_orphaned",
            *("account_id", "type", *_NEWEST_FIRST),
            postgresql_where=_ORPHAN,
        ),
        Index(
            "online_activities_of_mailshot",
            *("mailshot_id", "type", *_NEWEST_FIRST),
            postgresql_where=_MATCHED,
        ),
        Index(
            "online_activities_of_mailshot_orphaned",
            *("mailshot_id", "type", *_NEWEST_FIRST),
            postgresql_where=_ORPHAN,
        ),
        Index("online_activities_orphans", "account_id", "id", postgresql_where=_ORPHAN),
        Index(
            "online_activities_orphans_contact",
            *("account_id", "contact_id"),
            postgresql_where=_ORPHAN,
        ),
        Index(
            "online_activities_orphans_email",
            text("lower(email)"),
            "account_id",
            postgresql_where=_ORPHAN,
        ),
        Index(
            "online_activities_no_contact",
            *("mailshot_id", "occurred_at"),
            postgresql_where=text("contact_id IS NULL AND mailshot_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )

    id: int = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=False), nullable=False)
    )
    account_id: int = Field(sa_column=number())
    #: Compared byte by byte, for it stands in every index that pages are read by.
    type: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    occurred_at: datetime = Field(default=None, sa_column=instant(nullable=False))
    mailshot_id: int | None = Field(default=None, sa_column=number(nullable=True))
    person_id: int | None = Field(default=None, sa_column=number(nullable=True))
    #: By what the person was found: ``contact`` or ``email``.
    matched_by: str | None = Field(default=None, sa_column=words(nullable=True))
    contact_id: int | None = Field(default=None, sa_column=number(nullable=True))
    email: str | None = Field(default=None, sa_column=words(nullable=True))
    details: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    activity_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


#: Takes what no month was made for yet.
event.listen(
    OnlineActivity.__table__,  # type: ignore[attr-defined]
    "after_create",
    DDL(  # type: ignore[no-untyped-call]
        "CREATE TABLE online_activities_other_months PARTITION OF online_activities DEFAULT"
    ).execute_if(dialect="postgresql"),
)


class ActivityMatching(SQLModel, table=True):
    """How far the activities of one account were matched; no row before they are first read."""

    __tablename__: ClassVar[Any] = "activity_matching"

    account_id: int = Field(sa_column=reference("accounts.id", key=True))
    #: Orphans with a higher id were not held against the links yet.
    matched_up_to: int = Field(default=0, sa_column=number(0))
    #: Transactions before this one may have linked people without a row in `activity_rematches`.
    queued_from_xid: int | None = Field(default=None, sa_column=number(nullable=True))


class ActivityRematch(SQLModel, table=True):
    """One reason to look at orphans again: a contact that was linked, an email that is somebody's.

    Or the activities of somebody who was merged, which are to follow. Kept by triggers.
    """

    __tablename__: ClassVar[Any] = "activity_rematches"
    __table_args__ = (PrimaryKeyConstraint("account_id", "id"),)

    id: int = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=False), nullable=False)
    )
    account_id: int = Field(sa_column=number())
    contact_id: int | None = Field(default=None, sa_column=number(nullable=True))
    email_key: str | None = Field(default=None, sa_column=words(nullable=True))
    merged_id: int | None = Field(default=None, sa_column=number(nullable=True))


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
