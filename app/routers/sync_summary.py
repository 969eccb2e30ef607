"""`/v1/accounts/{id}/sync-summary`: how an account's people stand, in one look."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.errors import NotFound
from app.routers.dependencies import Reader, ReadingConnection, ServiceParts
from app.routers.idempotent import IdempotentRoute
from app.routers.problem_handlers import problems
from app.schemas.sync_summary import StateCountOut, SyncSummaryOut
from app.services.sync_summary import StateCount, summary
from app.sync.rules.failure_advice import advice
from app.sync.rules.reasons import sentence_of

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=IdempotentRoute)


@router.get("/{account_id}/sync-summary", responses=problems(NotFound))
async def sync_summary(
    _caller: Reader,
    connection: ReadingConnection,
    parts: ServiceParts,
    account_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
) -> SyncSummaryOut:
    """Count the account's people by how they stand, with why those who aren't synced are not."""
    if not await connection.fetchval("SELECT 1 FROM accounts WHERE id = $1", account_id):
        raise NotFound(f"There is no account {account_id}.")
    found = await summary(connection, account_id, parts.clock.now())
    return SyncSummaryOut(
        account_id=account_id,
        due=found.due,
        retry_later=found.retry_later,
        waiting_for_change=found.waiting_for_change,
        states=[
            StateCountOut.model_validate(
                {
                    "state": each.state,
                    "reason": each.reason,
                    "sentence": _sentence(each),
                    "people": each.people,
                }
            )
            for each in found.states
        ],
    )


def _sentence(each: StateCount) -> str | None:
    if each.reason is None:
        return None
    known = None if each.state == "failed" else sentence_of(each.reason)
    return known or advice(each.reason)
