"""Answers in the two shapes that Dotdigital has, v2's and v3's, errors included."""

import re

import orjson
from starlette.responses import Response

_JSON = "application/json; charset=utf-8"

#: Statuses of v2 codes; no document gives them, see `dotdigital-api.md` section 3 [inferred].
_V2_STATUSES: tuple[tuple[str, int], ...] = (
    (r"\w+_(NOT_?FOUND|DOES_NOT_EXIST)", 404),
    (r"FEATURENOTACTIVE|CANNOT_PERFORM_OPERATION_ON_ACCOUNT", 403),
    (r"INVALID_LOGIN|OAUTH_TOKEN_INVALID|UNKNOWN_ACCOUNT", 401),
    (r"SYSTEM_SERVICETEMPORARILYUNAVAILABLE|\w+_IS_RESTORING", 503),
    (r"PROGRAM_NOT_ACTIVE", 422),
)


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
    if status is None:
        fits = (known for pattern, known in _V2_STATUSES if re.fullmatch(pattern, code))
        status = next(fits, 400)
    return Refusal(json_answer({"message": f"{text} ERROR_{code}"}, status))


def v3_refusal(
    status: int, code: str, description: str, details: list[tuple[str, str]] | None = None
) -> Refusal:
    """Refuse the way of v3: ``code`` with its service, details as (item, description)."""
    body: dict[str, object] = {"errorCode": code, "description": description}
    if details:
        body["details"] = [{"item": item, "description": text} for item, text in details]
    return Refusal(json_answer(body, status))
