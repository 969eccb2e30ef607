"""How an account's people stand: how many in each state, and why the rest are not synced."""

from dataclasses import dataclass

from app.db import PoolConnection

#: contact_links_by_reason gives the counts without a look at the rows.
_SUMMARY = """
SELECT state, CASE WHEN state = 'synced' THEN NULL ELSE reason END AS reason, count(*) AS people
FROM contact_links WHERE account_id = $1
GROUP BY 1, 2 ORDER BY count(*) DESC, state, reason
"""
_DUE = "SELECT count(*) FROM person_changes WHERE account_id = $1"


@dataclass(frozen=True, slots=True)
class StateCount:
    """So many people stand like this."""

    state: str
    reason: str | None
    people: int


async def summary(connection: PoolConnection, account_id: int) -> tuple[list[StateCount], int]:
    """Return the counts, the largest first, and how many people are due to be looked at."""
    rows = await connection.fetch(_SUMMARY, account_id)
    due: int = await connection.fetchval(_DUE, account_id)
    return [StateCount(row["state"], row["reason"], row["people"]) for row in rows], due
