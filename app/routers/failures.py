"""`/v1/failures`: records that could not be synced, why, and trying them again."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from app.errors import Conflict, Invalid, NotFound
from app.routers.dependencies import Reader, ServiceParts, Syncer, Writing
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import FilterId, FilterText, PathId
from app.routers.problem_handlers import problems
from app.schemas.failures import FailureFilter, FailureOut, RetryIn, RetryOut, SubjectType
from app.schemas.pages import Page
from app.schemas.runs import JobName
from app.services import audit, failures
from app.services.failure_export import csv_chunks
from app.services.failures import WantedFailures

router = APIRouter(prefix="/v1/failures", tags=["failures"], route_class=IdempotentRoute)

_CSV = "text/csv"


@router.get(
    "",
    response_model=Page[FailureOut],
    responses={
        200: {"content": {_CSV: {"schema": {"type": "string"}}}},
        **problems(),
    },
)
async def list_failures(
    _caller: Reader,
    parts: ServiceParts,
    account_id: FilterId = None,
    job: JobName | None = None,
    code: FilterText = None,
    subject_type: SubjectType | None = None,
    subject_id: FilterId = None,
    list_id: FilterId = None,
    resolved: Annotated[
        bool | None, Query(description="Healed ones, or open ones; both when left out.")
    ] = None,
    format: Annotated[  # noqa: A002 - the parameter's name in the API
        Literal["json", "csv"] | None,
        Query(description="`csv`: all that fit in one file, also by `Accept: text/csv`."),
    ] = None,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[FailureOut] | Response:
    """List the failures, the newest first; as CSV, all of them in one file."""
    wanted = WantedFailures(
        FailureFilter(
            account_id=account_id,
            job=job,
            code=code,
            subject_type=subject_type,
            subject_id=subject_id,
            list_id=list_id,
        ),
        resolved,
    )
    if format == "csv" or (format is None and _asks_for_csv(accept)):
        return StreamingResponse(
            csv_chunks(parts.database, wanted),
            media_type=_CSV,
            headers={"Content-Disposition": 'attachment; filename="failures.csv"'},
        )
    filters = [wanted.filter.model_dump(), resolved]
    before_id = decode_id("failures", filters, cursor)
    async with parts.database.reading() as session:
        found = await failures.newest_failures(session, wanted, before_id, limit)
    items = [failures.shown(each) for each in found]
    return page_of("failures", filters, items, limit, [items[-1].id] if items else None)


@router.post("/retry", responses=problems())
async def retry_failures(
    caller: Syncer, parts: ServiceParts, session: Writing, body: RetryIn
) -> RetryOut:
    """Make the subjects of all open failures that fit due at once; the next run takes them.

    A `code` that no failure has, and that is nearly one that some have, is refused as a slip.
    """
    outcome = await failures.retry_all(session, body.filter, parts.clock.now())
    if not outcome.retried and body.filter.code is not None:
        _refuse_slip(body.filter.code, await failures.known_codes(session))
    detail = body.filter.model_dump(exclude_none=True) | {"retried": outcome.retried}
    audit.record(session, caller.actor, "failures_retried", "failure", None, detail)
    return outcome


@router.post("/{failure_id}/retry", responses=problems(NotFound, Conflict))
async def retry_failure(
    caller: Syncer, parts: ServiceParts, session: Writing, failure_id: PathId
) -> RetryOut:
    """Make the subject of one failure due at once; the next run takes it."""
    outcome = await failures.retry_one(session, failure_id, parts.clock.now())
    audit.record(session, caller.actor, "failures_retried", "failure", failure_id)
    return outcome


def _refuse_slip(code: str, known: Sequence[str]) -> None:
    if code not in known and (near := get_close_matches(code, known, n=3, cutoff=0.7)):
        meant = " or ".join(near)
        raise Invalid.at(
            "/body/filter/code", f"No failure has the code {code!r}. Did you mean {meant}?"
        )


def _asks_for_csv(accept: str | None) -> bool:
    """Say whether CSV is named in Accept before JSON is."""
    for each in (accept or "").lower().split(","):
        media_type = each.partition(";")[0].strip()
        if media_type in {_CSV, "application/json", "*/*", "application/*"}:
            return media_type == _CSV
    return False
