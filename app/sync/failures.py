"""Failing records: kept with Dotdigital's reason and ours, tried again, healed."""

from collections.abc import Sequence

from app.db import PoolConnection
from app.sync.engine import JobContext
from app.sync.people.person_failures import PersonFailure
from app.sync.rules.backoff import next_attempt
from app.sync.rules.failure_advice import with_advice
from app.sync.statements import statements

SQL = statements("failures")


async def record_people(
    context: JobContext, connection: PoolConnection, failures: Sequence[PersonFailure]
) -> None:
    """Keep these failures, and put each person's next try off as often as it has failed."""
    if not failures:
        return
    ids = [failure.person_id for failure in failures]
    rows = await connection.fetch(SQL["attempts"], context.account_id, ids)
    tries = {row["person_id"]: row["attempts"] for row in rows}
    # Whoever fails twice in a run, by another record or another try, is one who failed.
    again = await connection.fetchval(SQL["failed_in_run"], context.account_id, ids, context.run.id)
    context.run.counts["failed"] -= again
    now, limit = context.clock.now(), context.settings.max_attempts
    await connection.execute(
        SQL["record_people"],
        context.account_id,
        ids,
        [failure.version for failure in failures],
        [failure.changed_at for failure in failures],
        [failure.code for failure in failures],
        [with_advice(failure.text, failure.code) for failure in failures],
        [
            next_attempt(failure.code, tries.get(failure.person_id, 0) + 1, limit, now)
            for failure in failures
        ],
        context.run.id,
        now,
    )


async def heal_people(
    context: JobContext, connection: PoolConnection, person_ids: Sequence[int]
) -> None:
    """Close the failures of people who need nothing any more."""
    if person_ids:
        await connection.execute(
            SQL["heal_people"], context.account_id, list(person_ids), context.clock.now()
        )
