"""Jobs as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.schemas.runs import JobName, RunMode, RunOut
from app.schemas.text import Id, Schema, shown_as

JobState = Literal["idle", "queued", "running", "overdue", "paused"]


class ScheduleIn(Schema):
    """When a job runs by itself: exactly one of the two."""

    interval_seconds: Annotated[
        float | None,
        Field(
            strict=True,
            ge=1,
            le=30 * 86_400,
            allow_inf_nan=False,
            examples=[300],
            description="At least 10 for a job that calls Dotdigital: all but `match_activities`.",
        ),
    ] = None
    cron: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=100,
            description="Minute, hour, day of month, month, day of week (0 or 7 is Sunday), in "
            "UTC.",
        ),
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.interval_seconds is None) == (self.cron is None):
            message = 'give {"interval_seconds": 300} or {"cron": "30 2 * * *"}: one of the two'
            raise ValueError(message)
        return self


class IntervalSchedule(Schema):
    """Every so many seconds."""

    interval_seconds: int | float


class CronSchedule(Schema):
    """By a cron expression, in UTC."""

    cron: str


class JobChange(Schema):
    """Changes to one job of one account; what is left out stays."""

    model_config = shown_as({"account_id": 1, "schedule": {"interval_seconds": 300}})

    account_id: Id
    schedule: ScheduleIn | None = None
    enabled: Annotated[bool | None, Field(strict=True)] = None

    @model_validator(mode="after")
    def _no_nulls(self) -> Self:
        for name in ("schedule", "enabled"):
            if name in self.model_fields_set and getattr(self, name) is None:
                message = f"{name} can't be null: leave it out to keep it"
                raise ValueError(message)
        return self


class JobOut(Schema):
    """One job of one account, and how it stands."""

    account_id: int
    job: JobName
    schedule: IntervalSchedule | CronSchedule
    enabled: bool
    available: Annotated[bool, Field(description="Whether this version of the service runs it.")]
    state: JobState
    why: Annotated[
        str | None,
        Field(
            description="Why it is paused, overdue or still queued, that the replica of its run "
            "is silent, or why its last run failed."
        ),
    ]
    heartbeat_at: Annotated[
        datetime | None,
        Field(
            description="When the replica that has its run in hand last gave a sign of life; null "
            "where none has one."
        ),
    ]
    takeover_at: Annotated[
        datetime | None,
        Field(description="From when another replica takes the run over, without a further sign."),
    ]
    waiting: Annotated[
        int | None,
        Field(
            description="People whose change waits for send_people, those of a new mapping among "
            "them; null for the other jobs."
        ),
    ]
    last_run: RunOut | None
    next_run_at: Annotated[
        datetime | None, Field(description="By its schedule; null while it is paused or active.")
    ]
    updated_at: datetime
    version: int


class TriggerIn(Schema):
    """A run to start by hand."""

    model_config = shown_as({"account_id": 1, "mode": "dry_run"})

    account_id: Id
    mode: Annotated[
        RunMode,
        Field(
            description="`full` looks at everything again; `dry_run` changes nothing and counts "
            "what it would do; of `send_people`, `GET /v1/runs/{id}/rehearsal` says for whom and "
            "why."
        ),
    ] = "changes"
    list_id: Annotated[
        Id | None, Field(description="Of `send_lists`: one list alone; null is all of them.")
    ] = None


class SyncIn(Schema):
    """The account whose sync starts or stops."""

    model_config = shown_as({"account_id": 1})

    account_id: Id


class SyncOut(Schema):
    """How an account's jobs stand now."""

    account_id: int
    account_state: Literal["ok", "bad_credentials", "unreachable", "paused"]
    why: Annotated[
        str | None,
        Field(description="Why jobs won't run in spite of being enabled, and what to do."),
    ]
    jobs: list[JobOut]
    active_runs: Annotated[
        list[int], Field(description="Runs in hand, which go on to their end unless cancelled.")
    ]
