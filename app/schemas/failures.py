"""Failures as the API gives them, and which of them to retry."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.schemas.runs import JobName
from app.schemas.text import Id, Schema, refuse_unstorable, shown_as

SubjectType = Literal["person", "list", "member", "import", "mapping"]
Code = Annotated[str, Field(max_length=200), AfterValidator(refuse_unstorable)]


class Subject(Schema):
    """What could not be synced."""

    type: SubjectType
    id: int
    email: Annotated[str | None, Field(description="Of the person, or the member, as it is now.")]
    external_ref: Annotated[str | None, Field(description="Of the person, or the member.")]


class FailureOut(Schema):
    """One record that could not be synced, with its reason and what to do."""

    id: int
    account_id: int
    job: JobName
    subject: Subject
    list_id: int | None
    list_name: Annotated[
        str | None, Field(description="Of the list that failed, or whose member did.")
    ]
    run_id: int | None
    code: Annotated[str, Field(description="Dotdigital's own code, or ours.")]
    message: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int
    next_retry_at: Annotated[
        datetime | None, Field(description="Null: it waits for a change, or for a retry by hand.")
    ]
    resolved_at: datetime | None


class FailureFilter(Schema):
    """Which failures; what is left out asks nothing."""

    account_id: Id | None = None
    job: JobName | None = None
    code: Code | None = None
    subject_type: SubjectType | None = None
    subject_id: Id | None = None
    list_id: Id | None = None


class RetryIn(Schema):
    """The open failures to retry; an empty filter takes them all."""

    model_config = shown_as({"filter": {"account_id": 1, "code": "invalidEmail"}})

    filter: FailureFilter


class RetryOut(Schema):
    """What is due at once now.

    A mapping whose target was gone is looked up by the next run of send_people: where the target is
    there again, everyone linked gets its value.
    """

    retried: Annotated[int, Field(description="Open failures that were marked.")]
    people: Annotated[int, Field(description="People who are due at once because of it.")]
    members: Annotated[int, Field(description="List members that are due at once because of it.")]
