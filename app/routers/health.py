"""Whether the process lives, whether it is ready, and its metrics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from app.errors import Forbidden, Unauthenticated
from app.routers.dependencies import ServiceParts, bearer
from app.services.health import refresh_gauges, why_unready

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """How the process does."""

    status: str
    detail: str | None = None


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process lives; asks nothing of anybody."""
    return Health(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready"}})
async def readyz(parts: ServiceParts, response: Response) -> Health:
    """Say whether requests belong here: schema at head, database answering, not draining."""
    if parts.draining:
        why: str | None = "draining: the process is about to stop"
    else:
        why = parts.unready or await why_unready(parts.database)
    if why is None:
        return Health(status="ready")
    response.status_code = 503
    return Health(status="unready", detail=why)


@router.get("/metrics", response_class=Response)
async def metrics(
    parts: ServiceParts,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Response:
    """Return the metrics in Prometheus' text format; needs `read` unless they are public."""
    if not parts.settings.metrics_public:
        caller = credentials and await parts.keys.authenticate(credentials.credentials)
        if not caller:
            raise Unauthenticated(
                "Metrics need a key with the scope read, or DOTSYNC_METRICS_PUBLIC=true."
            )
        if not caller.may("read"):
            raise Forbidden(f"The key {caller.name!r} lacks the scope read.")
    await refresh_gauges(parts.database, parts.metrics, parts.clock)
    return Response(parts.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
