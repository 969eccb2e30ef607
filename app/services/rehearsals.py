"""Whom a dry run would deal with, as its timeline has it, with the names that people have now."""

from typing import Any, Final

from sqlmodel import col, select

from app.db import ReadSession, raw_connection
from app.errors import Conflict
from app.models import Run, RunEvent
from app.schemas.runs import RehearsalOut, RehearsedKind, RehearsedPerson

#: people_pkey.
_NAMES: Final = "SELECT id, email, external_ref FROM people WHERE id = ANY ($1::bigint[])"


async def rehearsal_of(session: ReadSession, run: Run) -> RehearsalOut:
    """Return whom this run would deal with; raises Conflict for one that is no dry run."""
    if run.mode != "dry_run" or run.job != "send_people":
        raise Conflict(
            f"Run {run.id} is no dry run of send_people. Start one with "
            'POST /v1/jobs/send_people/runs and {"mode": "dry_run"}.'
        )
    found = await session.execute(
        select(col(RunEvent.detail))
        .where(col(RunEvent.run_id) == run.id, col(RunEvent.event) == "would")
        .order_by(col(RunEvent.id))
    )
    kinds: list[dict[str, Any]] = list(found.scalars())
    person_ids = {each["person_id"] for kind in kinds for each in kind["named"]}
    connection = await raw_connection(session)
    rows = await connection.fetch(_NAMES, list(person_ids))
    names = {row["id"]: (row["email"], row["external_ref"]) for row in rows}
    return RehearsalOut(items=[_shown(kind, names) for kind in kinds])


def _shown(kind: dict[str, Any], names: dict[int, tuple[str | None, str | None]]) -> RehearsedKind:
    named = []
    for each in kind["named"]:
        email, external_ref = names.get(each["person_id"], (None, None))
        named.append(RehearsedPerson(**each, email=email, external_ref=external_ref))
    return RehearsedKind(what=kind["what"], people=kind["people"], named=named)
