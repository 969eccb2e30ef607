"""Turns whatever went wrong into `application/problem+json` (RFC 9457)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.errors import (
    Conflict,
    DatabaseUnavailable,
    FieldError,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from app.routers import body_hints
from app.routers.idempotent import replay_of_twin
from app.routers.problem_types import problem_type
from app.schemas.accounts import PRINTABLE, USERNAME
from app.schemas.lists import SLUG
from app.services.idempotency import TakenMeanwhile

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
#: Faults of a request that its detail names, of all that `errors` has.
_MOST_NAMED = 6

#: What asyncpg and SQLAlchemy raise when Postgres is gone, refuses, has no connection left, or ends
#: one of two transactions that wait for each other.
DATABASE_GONE = (
    OSError,
    PoolTimeoutError,
    InterfaceError,
    OperationalError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.DeadlockDetectedError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCatalogNameError,
)

_Responses = dict[int | str, dict[str, Any]]


def problems(*kinds: type[Problem]) -> _Responses:
    """Return the ``responses=`` of a route that answers with these problems.

    The ones that every route may answer with come along: no key, too little scope, a dead database.
    """
    by_status: dict[int, list[str]] = {}
    everywhere: tuple[type[Problem], ...] = (
        Unauthenticated,
        Forbidden,
        Invalid,
        DatabaseUnavailable,
    )
    for kind in (*kinds, *everywhere):
        titles = by_status.setdefault(kind.status, [])
        entry = f"{kind.title} (`{kind.slug}`)"
        if entry not in titles:
            titles.append(entry)
    return {
        status: {
            "description": "; ".join(titles),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
        for status, titles in sorted(by_status.items())
    }


def render(request: Request, problem: Problem) -> Response:
    """Return the answer that shows this problem to the caller."""
    body: dict[str, Any] = {
        "type": problem_type(request, problem.slug),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
    }
    if problem.errors:
        body["errors"] = [
            {"pointer": error.pointer, "detail": error.detail} for error in problem.errors
        ]
    body |= problem.extensions
    return Response(
        orjson.dumps(body), problem.status, dict(problem.headers), media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Register the handlers."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> Response:
        return render(request, problem)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return render(request, _of_validation(request, error.errors()))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return render(request, _of_http(request, error))

    @app.exception_handler(TakenMeanwhile)
    async def _twin(request: Request, _error: TakenMeanwhile) -> Response:
        return await replay_of_twin(request)

    @app.exception_handler(DBAPIError)
    async def _database(request: Request, error: DBAPIError) -> Response:
        if error.connection_invalidated or isinstance(error.orig, DATABASE_GONE):
            return _database_gone(request, error)
        return _unexpected(request, error)

    async def _gone(request: Request, error: Exception) -> Response:
        return _database_gone(request, error)

    for kind in DATABASE_GONE:
        app.add_exception_handler(kind, _gone)

    @app.exception_handler(Exception)
    async def _anything(request: Request, error: Exception) -> Response:
        return _unexpected(request, error)


def _database_gone(request: Request, error: Exception) -> Response:
    # asyncpg's word for a value that it can't encode is of the same family, and a fault of ours.
    if isinstance(error, ValueError):
        return _unexpected(request, error)
    log.warning("database_unavailable", error=type(error).__name__, path=request.url.path)
    return render(request, DatabaseUnavailable())


def _unexpected(request: Request, error: Exception) -> Response:
    error_id = uuid.uuid4().hex
    log.error("request_failed", error_id=error_id, path=request.url.path, exc_info=error)
    return render(
        request,
        Problem(
            f"This is our fault, not yours. The log has it under {error_id}.",
            extensions={"error_id": error_id},
        ),
    )


def _of_http(request: Request, error: HTTPException) -> Problem:
    """Return the problem for what FastAPI and Starlette raise themselves."""
    match error.status_code:
        case 404:
            return NotFound(f"There is nothing at {request.url.path}. GET /docs lists the paths.")
        case 405:
            allowed = ", ".join(_verbs_at(request))
            return MethodNotAllowed(
                f"{request.method} is not possible here; these are: {allowed}.",
                headers={"Allow": allowed},
            )
        case 413:
            return TooLarge(too_large_detail(request.app.state.parts.settings.max_body_bytes))
        case 400 | 422:
            # FastAPI's 400 has nothing to say; see `json_bodies` for what comes as 422.
            unread = "The body can't be read: send JSON in UTF-8."
            return Invalid.at("/body", str(error.detail) if error.status_code == 422 else unread)
        case 409:
            return Conflict(str(error.detail))
        case _:
            return Problem(str(error.detail))


def _verbs_at(request: Request) -> list[str]:
    """Return every verb of this path: each has a route of its own."""
    at_path = [
        route
        for route in iter_route_contexts(request.app.routes)
        if route.methods and route.path_regex.match(request.url.path)
    ]
    # `/v1/people/bulk` looks like a person's path as well.
    fewest = min((len(route.param_convertors) for route in at_path), default=0)
    verbs = {
        verb
        for route in at_path
        if len(route.param_convertors) == fewest
        for verb in route.methods or ()
    }
    # The docs' files are in no route.
    return sorted(verbs) or ["GET", "HEAD"]


def too_large_detail(limit: int) -> str:
    """Return the sentence for a body over this many bytes."""
    return (
        f"The body is over the limit of {limit} bytes. Send fewer rows a call, or stream them to "
        "POST /v1/people/import."
    )


def _of_validation(request: Request, errors: Sequence[Mapping[str, Any]]) -> Problem:
    if not _is_json(request) and any(error["loc"] == ("body",) for error in errors):
        given = request.headers.get("content-type")
        return UnsupportedMediaType(
            f"This takes application/json; the body came as {given or 'no type at all'}."
        )
    faults = [_fault(request, error) for error in errors[:100]]
    detail = faults[0].detail if faults else "The request is not valid."
    if len(faults) > 1:
        others = ", ".join(fault.pointer for fault in faults[1:_MOST_NAMED])
        others += ", ..." if len(faults) > _MOST_NAMED else ""
        detail = f"{detail} (and {len(errors) - 1} more, see errors: {others})"
    return Invalid(f"{faults[0].pointer}: {detail}" if faults else detail, errors=faults)


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _fault(request: Request, error: Mapping[str, Any]) -> FieldError:
    if error["type"] == "json_invalid":
        context = error.get("ctx", {}).get("error", "")
        return FieldError("/body", f"Not well-formed JSON at byte {error['loc'][-1]}: {context}.")
    location = error["loc"]
    in_body = bool(location) and location[0] == "body"
    if error["type"] == "extra_forbidden" and in_body:
        sentence = body_hints.of_unknown(request, location)
    elif in_body and isinstance(error["input"], list) and error["type"].startswith("model_"):
        sentence = _of_list(request, location)
    else:
        sentence = _sentence(error, in_body=in_body)
    return FieldError(_pointer(location), sentence)


def _of_list(request: Request, location: Sequence[str | int]) -> str:
    """Return what to say of a list where one object is taken."""
    if location == ("body",) and request.url.path == "/v1/people":
        return (
            "This takes one person, an object. POST /v1/people/bulk takes many: "
            '{"people": [...]}; and POST /v1/people/import a file.'
        )
    return "This takes an object, not a list."


def _pointer(location: Iterable[str | int]) -> str:
    """Return the RFC 6901 pointer of where pydantic saw the fault."""
    return "".join(
        "/" + str(step).encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")
        for step in location
    )


_SENTENCES = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no such field; check its spelling in /docs.",
    "string_unicode": "Holds half a surrogate pair, which is no character: write it as UTF-8.",
    **dict.fromkeys(
        (
            "timezone_aware",
            "datetime_type",
            "datetime_parsing",
            "datetime_from_date_parsing",
            "datetime_object_invalid",
        ),
        "Write an instant with its zone, such as 2026-11-25T00:00:00Z (in a query, a + before the "
        "zone is %2B).",
    ),
}
#: What a pattern asks for, in words.
_PATTERNS = {
    SLUG: "Write letters, digits, dots, hyphens and underscores, beginning with a letter or a "
    "digit.",
    USERNAME: "A user name has no colon in it.",
    PRINTABLE: "Write it without blanks, in plain characters.",
}


def _sentence(error: Mapping[str, Any], *, in_body: bool) -> str:
    if known := _SENTENCES.get(error["type"]):
        return known
    if error["type"] == "string_pattern_mismatch":
        pattern = error.get("ctx", {}).get("pattern")
        if words := _PATTERNS.get(pattern):
            return words
    if error["type"].startswith("bool_"):
        quotes = ", without quotes" if in_body and isinstance(error["input"], str) else ""
        return f"Write true or false{quotes}."
    message = str(error["msg"])
    if error["type"] == "value_error":
        message = str(error.get("ctx", {}).get("error", message))
    message = message[:1].upper() + message[1:]
    return message if message.endswith(".") else f"{message}."
