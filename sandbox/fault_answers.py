"""What faults do to answers, and to what a handler is given."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.faults import Fault, FaultKind, Spoil
from sandbox.state.jobs import USUAL, Fate

#: An id that no campaign of the sandbox has.
UNKNOWN_CAMPAIGN_ID = 99_999_999
#: As one of the vendor's examples has it [spec].
MALFORMED_DATE = "2020-01-021T09:40:18.527Z"

Striking = Mapping[FaultKind, Fault]
Row = dict[str, Any]


def status_answer(fault: Fault) -> Response:
    """Return what is answered instead of the call."""
    body = fault.body
    if body is None and fault.status == 503:
        body = {"message": "Error: ERROR_SYSTEM_SERVICETEMPORARILYUNAVAILABLE"}
    if body is None:
        return Response(b"", fault.status, fault.headers)
    if isinstance(body, str):
        return Response(body, fault.status, fault.headers)
    answer = json_answer(body, fault.status)
    answer.headers.update(fault.headers)
    return answer


def fate(striking: Striking) -> Fate:
    """Return how the job ends that the call submits."""
    if (ending := striking.get(FaultKind.JOB_ENDS)) is not None:
        return Fate(status=ending.job_status)
    return Fate(hangs=True) if FaultKind.JOB_HANGS in striking else USUAL


def row_shift(striking: Striking) -> int:
    """Return by how many rows the page begins too late; negative for too early."""
    repeated, skipped = (
        striking.get(kind) for kind in (FaultKind.REPEATED_ROWS, FaultKind.SKIPPED_ROWS)
    )
    return (skipped.rows if skipped else 0) - (repeated.rows if repeated else 0)


def changed_answer(answer: Response, striking: Striking) -> Response:
    """Return the answer with its listing as the faults have it."""
    changes = [
        change(fault)
        for kind, change in _CHANGES.items()
        if (fault := striking.get(kind)) is not None
    ]
    if not changes or answer.status_code >= 400:
        return answer
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return answer
    is_v3 = isinstance(body, dict) and isinstance(body.get("_items"), list)
    rows = body["_items"] if is_v3 else body
    if not isinstance(rows, list):
        return answer
    for change in changes:
        rows = change(rows)
    return json_answer(body | {"_items": rows} if is_v3 else rows, answer.status_code)


def _duplicates(fault: Fault) -> Callable[[list[Any]], list[Any]]:
    del fault
    return lambda rows: [row for row in rows for _ in range(2)]


def _spoilt(fault: Fault) -> Callable[[list[Any]], list[Any]]:
    spoil = _SPOILS[fault.spoil]

    def change(rows: list[Any]) -> list[Any]:
        for row in rows[: fault.rows]:
            for part in (row, row.get("identifiers"), row.get("suppressedContact")):
                if isinstance(part, dict):
                    spoil(part)
        return rows

    return change


def _unknown_campaign(fault: Fault) -> Callable[[list[Any]], list[Any]]:
    del fault
    return lambda rows: [*rows, {**(rows[-1] if rows else _UNSEEN), **_renamed(rows)}]


def _renamed(rows: list[Any]) -> Row:
    """Return the unknown id under the name that a campaign's id has in this listing."""
    is_metrics = bool(rows) and "campaignId" in rows[-1]
    return {"campaignId" if is_metrics else "id": UNKNOWN_CAMPAIGN_ID}


def _lose_contact_id(row: Row) -> None:
    if "contactId" in row:
        row["contactId"] = None


def _lose_email(row: Row) -> None:
    if "email" in row:
        row["email"] = None


def _shout_email(row: Row) -> None:
    if isinstance(row.get("email"), str):
        row["email"] = row["email"].upper()


def _malform_dates(row: Row) -> None:
    for name, value in row.items():
        is_date = name.startswith("date") or name in {"created", "updated"}
        if is_date and isinstance(value, str):
            row[name] = MALFORMED_DATE


_SPOILS: dict[Spoil, Callable[[Row], None]] = {
    Spoil.NO_CONTACT_ID: _lose_contact_id,
    Spoil.NO_EMAIL: _lose_email,
    Spoil.EMAIL_CASE: _shout_email,
    Spoil.MALFORMED_DATE: _malform_dates,
}
_CHANGES: dict[FaultKind, Callable[[Fault], Callable[[list[Any]], list[Any]]]] = {
    FaultKind.DUPLICATES: _duplicates,
    FaultKind.SPOILT_ROWS: _spoilt,
    FaultKind.UNKNOWN_CAMPAIGN: _unknown_campaign,
}
#: A campaign, where there is none to be copied.
_UNSEEN: Row = {
    "name": "Unseen",
    "subject": "Unseen",
    "fromName": "Nobody",
    "fromAddress": {"id": 12, "email": "nobody@mail.example"},
    "htmlContent": None,
    "plainTextContent": None,
    "replyAction": "Unset",
    "replyToAddress": "",
    "isSplitTest": False,
    "status": "Sent",
}
