"""v2: segments, which the vendor's people define elsewhere, and an API can only refresh."""

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Segment
from sandbox.v2.refusals import refused
from sandbox.v2.requests import page, path_id
from sandbox.v2.shapes import segment_json

FEATURE = "segments"


async def list_all(call: Call) -> Response:
    """Return the segments."""
    part = page(call)
    segments = list(call.account.lists.segments.values())[part.skip : part.stop]
    return json_answer([segment_json(segment) for segment in segments])


async def start_refresh(call: Call) -> Response:
    """Refresh a segment; the sandbox's are up to date at once."""
    segment = _find(call)
    segment.refreshed_ms = call.account.clock.stamp()
    return json_answer({"id": segment.id, "status": "NotStarted"}, 202)


async def get_refresh(call: Call) -> Response:
    """Return how far the refresh is."""
    segment = _find(call)
    status = "NotStarted" if segment.refreshed_ms is None else "Finished"
    return json_answer({"id": segment.id, "status": status})


def _find(call: Call) -> Segment:
    segment = call.account.lists.segments.get(path_id(call))
    if segment is None:
        raise refused("SEGMENT_NOT_FOUND")
    return segment


OPERATIONS = (
    Operation("GET", "/v2/segments", list_all, feature=FEATURE),
    Operation("POST", "/v2/segments/refresh/{id}", start_refresh, feature=FEATURE),
    Operation("GET", "/v2/segments/refresh/{id}", get_refresh, feature=FEATURE),
)
