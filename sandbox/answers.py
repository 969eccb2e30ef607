"""Answers in the two shapes that Dotdigital has, v2's and v3's, errors included."""

import orjson
from starlette.responses import Response

from sandbox import inferred

_JSON = "application/json; charset=utf-8"


class Refusal(Exception):  # noqa: N818 - an answer, thrown from wherever it becomes clear
    """A call ends with this answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def json_answer(body: object, status: int = 200) -> Response:
    """Answer JSON."""
    return Response(orjson.dumps(body), status, media_type=_JSON)


def raw_answer(body: bytes, status: int = 200) -> Response:
    """Answer JSON that is bytes already."""
    return Response(body, status, media_type=_JSON)


def empty(status: int = 204) -> Response:
    """Answer without a body."""
    return Response(b"", status)


def v2_refusal(code: str, text: str = "Error:", status: int | None = None) -> Refusal:
    """Refuse the way of v2: ``code`` without its prefix; the status follows if not given."""
    status = inferred.v2_status(code) if status is None else status
    return Refusal(json_answer({"message": f"{text} ERROR_{code}"}, status))


def v3_refusal(
    status: int, code: str, description: str, details: list[tuple[str, str]] | None = None
) -> Refusal:
    """Refuse the way of v3: ``code`` with its service, details as (item, description)."""
    body: dict[str, object] = {"errorCode": code, "description": description}
    if details:
        body["details"] = [{"item": item, "description": text} for item, text in details]
    return Refusal(json_answer(body, status))
