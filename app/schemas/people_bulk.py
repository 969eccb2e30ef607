"""Many people in one call, and what became of them."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SkipValidation, StrictBool, model_validator

from app.schemas.people import OWN_FIELDS, PersonKind, PersonRow, PersonValues
from app.schemas.text import Id, Instant, Schema, Text, shown_as

MAX_ROWS: Final = 10_000

SyncStatus = Literal["synced", "pending", "not_eligible", "suppressed", "failed", "unlinked"]


class BulkIn(Schema):
    """Up to 10,000 people. Each row is looked at by itself: a bad one fails, and it alone."""

    model_config = shown_as(
        {
            "people": [
                {"external_ref": "CRM-1001", "email": "anna@example.com", "first_name": "Anna"},
                {"external_ref": "CRM-1002", "email": "ben@example.com", "first_name": "Ben"},
            ]
        }
    )

    people: Annotated[list[SkipValidation[PersonRow]], Field(max_length=MAX_ROWS)]


class BulkResult(Schema):
    """What became of one row."""

    index: Annotated[int, Field(description="The row's place, from 0.")]
    id: int | None
    outcome: Literal["created", "updated", "unchanged", "error"]
    error: Annotated[str | None, Field(description="Why not; only in an `error`.")] = None


class BulkOut(Schema):
    """What became of every row, in their order."""

    results: list[BulkResult]
    created: int
    updated: int
    unchanged: int
    errors: int


class PersonFilterIn(Schema):
    """The filters of `GET /v1/people`; an empty object is everyone."""

    email: Annotated[Text | None, Field(min_length=1)] = None
    q: Annotated[Text | None, Field(min_length=1, max_length=200)] = None
    kind: PersonKind | None = None
    no_email: StrictBool | None = None
    sync_with_mailer: StrictBool | None = None
    list_id: Id | None = None
    updated_since: Instant | None = None
    sync_status: SyncStatus | None = None

    @model_validator(mode="after")
    def _no_nulls(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                message = f"{name} can't be null, which would be everyone: leave it out"
                raise ValueError(message)
        return self


class PersonSet(PersonValues):
    """What to set for many people at once: null clears, what is left out stays."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_own_fields(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if isinstance(given, dict) and (own := [name for name in OWN_FIELDS if name in given]):
            message = (
                f"{own[0]} is one person's own, and can't be set for many at once: "
                "PATCH /v1/people/{id} or POST /v1/people/bulk sets it"
            )
            raise ValueError(message)
        return given


class BulkUpdateIn(Schema):
    """Whom to change, and what to set."""

    model_config = shown_as({"filter": {"email": "anna@example.com"}, "set": {"city": "Leeds"}})

    filter: PersonFilterIn
    set: PersonSet


class BulkUpdateOut(Schema):
    """How many fitted, and how many were changed by it."""

    matched: int
    updated: int
