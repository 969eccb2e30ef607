"""Runs as the API gives them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from app.job_kinds import JOB_KINDS
from app.schemas.text import Schema


class _JobName:
    """Words for the documents of the names there are."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), "enum": list(JOB_KINDS)}


def _known(given: str) -> str:
    if given not in JOB_KINDS:
        message = f"There is no such job. There are {', '.join(JOB_KINDS)}"
        raise PydanticCustomError("unknown_job", "{message}", {"message": message})
    return given


#: The name of a job.
JobName = Annotated[str, AfterValidator(_known), _JobName()]
RunMode = Literal["changes", "full", "dry_run"]
RunTrigger = Literal["schedule", "manual"]
RunStatus = Literal["queued", "running", "succeeded", "partial", "failed", "cancelled"]


class Progress(Schema):
    """How far a run is; the total is null while nobody knows it."""

    done: int
    total: int | None


class RunProblem(Schema):
    """Why a run failed, as a problem of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


class RunOut(Schema):
    """One execution of a job for one account."""

    id: int
    job: JobName
    account_id: int
    mode: RunMode
    trigger: RunTrigger
    status: Annotated[
        RunStatus,
        Field(description="`partial`: it went through, and some records failed."),
    ]
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    progress: Progress
    counts: dict[str, int]
    calls: Annotated[dict[str, int], Field(description="Calls made to Dotdigital, by scope.")]
    error: RunProblem | None
    attempt: Annotated[int, Field(description="Goes up when another replica takes the run over.")]


class RunEventOut(Schema):
    """One line of a run's timeline."""

    id: int
    at: datetime
    event: str
    detail: dict[str, Any]


class RunWithEvents(RunOut):
    """A run with its timeline, the oldest line first; the newest 1000 lines at most."""

    events: list[RunEventOut]


class RehearsedPerson(Schema):
    """One person whom a run would deal with."""

    person_id: int
    email: Annotated[str | None, Field(description="As it is now; null for an erased person too.")]
    external_ref: str | None
    reason: Annotated[str | None, Field(description="Why it would be held back, or fail.")]
    detail: Annotated[str | None, Field(description="The reason in words, and what to do.")]


class RehearsedKind(Schema):
    """What would become of some people."""

    what: Literal[
        "create",
        "update",
        "suppress",
        "resubscribe",
        "delete",
        "hand_over",
        "relink",
        "skip",
        "fail",
    ]
    people: Annotated[int, Field(description="How many they are.")]
    named: Annotated[list[RehearsedPerson], Field(description="The first 100 of them.")]


class RehearsalOut(Schema):
    """Whom a dry run of send_people would deal with, by what would become of them."""

    items: list[RehearsedKind]
