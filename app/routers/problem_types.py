"""Problem types as callers see them: the URLs under which this service says what they mean."""

from fastapi import Request

from app.routers.dependencies import parts_of
from app.schemas.runs import RunOut

_PATH = "/problems/"


def problem_type(request: Request, slug: str) -> str:
    """Return the URL of the problem type with this slug."""
    return f"{_root(request)}{_PATH}{slug}"


def name_problems(request: Request, *runs: RunOut | None) -> None:
    """Give the problems of these runs the types that they have in answers.

    A run keeps its problem's type as a path: whoever executed it knows no host.
    """
    for run in runs:
        if run is not None and run.error is not None and run.error.type.startswith(_PATH):
            run.error.type = _root(request) + run.error.type


def _root(request: Request) -> str:
    public_url = parts_of(request).settings.public_url
    return (public_url or str(request.base_url)).rstrip("/")
