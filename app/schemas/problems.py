"""Errors as the API gives them: `application/problem+json` (RFC 9457)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class FieldErrorOut(BaseModel):
    """One fault in a request."""

    pointer: Annotated[str, Field(description="Where: RFC 6901, below /body, /query or /header.")]
    detail: str


class ProblemOut(BaseModel):
    """What went wrong, and what to do about it."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=["http://localhost:8000/problems/not-found"])]
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorOut] | None = None
