"""Jobs and their runs."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
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

RUN_STATUSES = ("queued", "running", "succeeded", "partial", "failed", "cancelled")
RUN_MODES = ("changes", "full", "dry_run")


class Job(SQLModel, table=True):
    """One job of one account: when it runs by itself, and whether it does."""

    __tablename__: ClassVar[Any] = "jobs"
    __table_args__ = (
        CheckConstraint(
            "(interval_seconds IS NULL) <> (cron IS NULL)",
            name="jobs_one_kind_of_schedule",
        ),
    )

    account_id: int = Field(sa_column=reference("accounts.id", key=True))
    job: str = Field(sa_column=Column(words().type, primary_key=True))
    enabled: bool = Field(
        default=False,
        sa_column=Column(Boolean, nullable=False, server_default=text("false")),
    )
    interval_seconds: float | None = Field(default=None, sa_column=Column(Double, nullable=True))
    cron: str | None = Field(default=None, sa_column=words(nullable=True))
    enabled_at: datetime | None = Field(default=None, sa_column=instant())
    updated_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    version: int = Field(default=1, sa_column=number(1))


class Run(SQLModel, table=True):
    """One execution of a job; ``attempt`` fences a stalled predecessor's late writes."""

    __tablename__: ClassVar[Any] = "runs"
    __table_args__ = (
        CheckConstraint(one_of("mode", *RUN_MODES), name="runs_mode"),
        CheckConstraint(one_of("trigger", "schedule", "manual"), name="runs_trigger"),
        CheckConstraint(one_of("status", *RUN_STATUSES), name="runs_status"),
        Index(
            "runs_one_active",
            "account_id",
            "job",
            unique=True,
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
        Index("runs_latest", "account_id", "job", text("id DESC")),
        Index("runs_by_status", "status", "id"),
        Index("runs_queued", "account_id", "job", "trigger", "queued_at"),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    job: str = Field(sa_column=words())
    mode: str = Field(default="changes", sa_column=words("changes"))
    trigger: str = Field(default="schedule", sa_column=words("schedule"))
    status: str = Field(default="queued", sa_column=words("queued"))
    attempt: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    progress_done: int = Field(default=0, sa_column=number(0))
    progress_total: int | None = Field(default=None, sa_column=number(nullable=True))
    counts: dict[str, int] = Field(default_factory=dict, sa_column=document())
    calls: dict[str, int] = Field(default_factory=dict, sa_column=document())
    error: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    #: Where the run goes on when another replica takes it over; a job's own.
    checkpoint: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    #: What the run is narrowed to, such as one list; a job's own.
    scope: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    cancel_requested_at: datetime | None = Field(default=None, sa_column=instant())
    queued_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    started_at: datetime | None = Field(default=None, sa_column=instant())
    finished_at: datetime | None = Field(default=None, sa_column=instant())


class RunEvent(SQLModel, table=True):
    """One line of a run's timeline."""

    __tablename__: ClassVar[Any] = "run_events"
    __table_args__ = (Index("run_events_run", "run_id", "id"),)

    id: int = Field(default=None, sa_column=identity())
    run_id: int = Field(sa_column=reference("runs.id"))
    at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    event: str = Field(sa_column=words())
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=document())
