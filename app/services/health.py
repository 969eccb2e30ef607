"""Whether the database is fit for work, and figures that are read when metrics are asked for."""

import asyncio

import asyncpg

from app.clock import Clock
from app.db import Database, head_revision
from app.errors import DatabaseUnavailable
from app.observability import Metrics

_ANSWERS_WITHIN_S = 2.0

_OVERDUE = """
SELECT job.account_id, count(*) FILTER (
    WHERE job.enabled AND job.interval_seconds IS NOT NULL AND account.state = 'ok'
      AND coalesce((SELECT max(queued_at) FROM runs
                    WHERE runs.account_id = job.account_id AND runs.job = job.job),
                   job.enabled_at)
          < $1::timestamptz - make_interval(secs => 3 * job.interval_seconds + 60)
) AS overdue
FROM jobs AS job JOIN accounts AS account ON account.id = job.account_id
GROUP BY job.account_id
"""


async def why_unready(database: Database) -> str | None:
    """Return why requests can't be answered, or None when they can."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            revision = await database.pool.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return "the schema is not there: run `python -m app migrate`"
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return "the database doesn't answer"
    except DatabaseUnavailable:
        return "the database was not reached yet"
    if revision != head_revision():
        return f"the schema stands at {revision}, not at {head_revision()}: run a migration"
    return None


async def refresh_gauges(database: Database, metrics: Metrics, clock: Clock) -> None:
    """Read what changes by itself: due people, open failures, overdue jobs."""
    metrics.due_people.clear()
    metrics.overdue_jobs.clear()
    for row in await database.pool.fetch(
        "SELECT account_id, count(*) AS n FROM person_changes GROUP BY account_id"
    ):
        metrics.due_people.labels(str(row["account_id"])).set(row["n"])
    metrics.open_failures.clear()
    for row in await database.pool.fetch(
        """
        SELECT account_id, job, count(*) AS n FROM failures
        WHERE resolved_at IS NULL GROUP BY account_id, job
        """
    ):
        metrics.open_failures.labels(str(row["account_id"]), row["job"]).set(row["n"])
    for row in await database.pool.fetch(_OVERDUE, clock.now()):
        metrics.overdue_jobs.labels(str(row["account_id"])).set(row["overdue"])
