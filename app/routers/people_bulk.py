"""`/v1/people/bulk` and `/v1/people/bulk-update`: many people in one call."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Response

from app.errors import Conflict
from app.routers.dependencies import ServiceParts, Writer, WritingConnection
from app.routers.idempotent import IdempotentRoute
from app.routers.problem_handlers import problems
from app.schemas.people import given_values
from app.schemas.people_bulk import BulkIn, BulkOut, BulkUpdateIn, BulkUpdateOut
from app.services import people_bulk, people_bulk_update
from app.services.people_bulk import RowOutcome
from app.services.people_filter import PersonFilter

router = APIRouter(prefix="/v1/people", tags=["people"], route_class=IdempotentRoute)


@router.post("/bulk", response_model=BulkOut, responses=problems(Conflict))
async def upsert_people(
    caller: Writer, parts: ServiceParts, connection: WritingConnection, body: BulkIn
) -> Response:
    """Make or change up to 10,000 people, in one transaction; each row has an outcome.

    A row names its person by `id`, else by `external_ref`; one that names nobody makes somebody.
    What a row leaves out stays, null clears. A bad row is an `error` and leaves the others alone.
    A deleted person is restored by its `external_ref`. Rows that name the same person are applied
    in their order. `"no_email": false` lifts an opt-out, so send it for who opted in alone; an
    import lifts none unless it is told to.
    """
    rows: list[Any] = list(body.people)
    outcomes = await people_bulk.upsert_raw(
        connection, rows, parts.settings.default_phone_region, caller.actor
    )
    return Response(orjson.dumps(_answer(outcomes)), media_type="application/json")


def _answer(outcomes: list[RowOutcome]) -> Mapping[str, Any]:
    counts = Counter(outcome.outcome for outcome in outcomes)
    return {
        "results": [_result(index, outcome) for index, outcome in enumerate(outcomes)],
        "created": counts["created"],
        "updated": counts["updated"],
        "unchanged": counts["unchanged"],
        "errors": counts["error"],
    }


def _result(index: int, outcome: RowOutcome) -> dict[str, Any]:
    result: dict[str, Any] = {"index": index, "id": outcome.person_id, "outcome": outcome.outcome}
    if outcome.error is not None:
        result["error"] = outcome.error
    return result


@router.post("/bulk-update", responses=problems())
async def update_people(
    caller: Writer, connection: WritingConnection, body: BulkUpdateIn
) -> BulkUpdateOut:
    """Set the same values for everyone that the filter finds; `{}` finds everyone.

    Deleted people are never found. Who has the values already counts as matched, not as updated,
    and is not sent again. `"no_email": false` lifts the opt-out of everyone who is found.
    """
    wanted = PersonFilter(**dict(body.filter))
    values = given_values(body.set)
    matched, updated = await people_bulk_update.update_people(
        connection, wanted, values, caller.actor
    )
    return BulkUpdateOut(matched=matched, updated=updated)
