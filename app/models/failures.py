"""Failures: records that could not be synced, kept with their reason until they heal."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Integer, text
from sqlmodel import Field, SQLModel

from app.models.columns import identity, instant, number, one_of, reference, words


class Failure(SQLModel, table=True):
    """One failing record: Dotdigital's code and text, and our sentence that says what to do."""

    __tablename__: ClassVar[Any] = "failures"
    __table_args__ = (
        CheckConstraint(
            one_of("subject_type", "person", "list", "member", "import", "mapping"),
            name="failures_subject_type",
        ),
        Index(
            "failures_open",
            "account_id",
            "job",
            "subject_type",
            "subject_id",
            text("COALESCE(list_id, 0)"),
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("failures_by_id", "account_id", text("id DESC")),
        Index("failures_subject", "subject_type", "subject_id"),
        Index("failures_unresolved", "id", postgresql_where=text("resolved_at IS NULL")),
        Index(
            "failures_open_people",
            "account_id",
            "subject_id",
            postgresql_where=text("subject_type = 'person' AND resolved_at IS NULL"),
        ),
        Index("failures_code", "code", "id"),
        Index("failures_list", "list_id", "id", postgresql_where=text("list_id IS NOT NULL")),
        Index("failures_run", "run_id", postgresql_where=text("run_id IS NOT NULL")),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    job: str = Field(sa_column=words())
    subject_type: str = Field(sa_column=words())
    subject_id: int = Field(sa_column=number())
    list_id: int | None = Field(
        default=None,
        sa_column=reference("lists.id", nullable=True, on_delete="CASCADE"),
    )
    run_id: int | None = Field(
        default=None,
        sa_column=reference("runs.id", nullable=True, on_delete="SET NULL"),
    )
    code: str = Field(sa_column=words())
    message: str = Field(sa_column=words())
    attempts: int = Field(
        default=1, sa_column=Column(Integer, nullable=False, server_default=text("1"))
    )
    first_seen_at: datetime = Field(
        default=None, sa_column=instant(nullable=False, default_now=True)
    )
    last_seen_at: datetime = Field(
        default=None, sa_column=instant(nullable=False, default_now=True)
    )
    #: Null: it waits for a change of the record or for a retry by hand.
    next_retry_at: datetime | None = Field(default=None, sa_column=instant())
    resolved_at: datetime | None = Field(default=None, sa_column=instant())
