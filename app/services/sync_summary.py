"""How an account's people stand: how many in each state, why, and when those who wait are sent.

The states are those of `sync.person_standing`, so that the sum and the single person agree.
"""

from dataclasses import dataclass
from datetime import datetime

from app.db import PoolConnection

#: As the last run left them, counted by contact_links_by_reason without a look at the rows; then
#: whoever fails or waits is counted as that instead. Of linked people who are not mailed, the link
#: keeps no reason: it is looked up, a row each. failures_open; person_changes_pkey;
#: import_records_account; contact_links_pkey; people_pkey; people_opted_out_emails.
_SUMMARY = """
WITH failing AS (
    SELECT DISTINCT ON (subject_id) subject_id AS person_id, code
    FROM failures
    WHERE account_id = $1 AND subject_type = 'person' AND resolved_at IS NULL
    ORDER BY subject_id, id DESC
), waiting AS (
    SELECT person_id FROM person_changes WHERE account_id = $1
    UNION
    SELECT person_id FROM import_records WHERE account_id = $1
), by_now AS (
    SELECT 'failed' AS state, code AS reason, person_id FROM failing
    UNION ALL
    SELECT 'pending', NULL, person_id FROM waiting
    WHERE NOT EXISTS (SELECT FROM failing WHERE failing.person_id = waiting.person_id)
), unmailed AS (
    SELECT link.person_id, CASE
        WHEN person.no_email OR EXISTS (
            SELECT FROM people AS other
            WHERE other.email_key = person.email_key AND other.no_email
              AND other.deleted_at IS NULL) THEN 'no_email'
        WHEN lower(link.account_status) = 'pendingoptin' THEN 'opt_in_pending'
        ELSE 'suppressed_there' END AS reason
    FROM contact_links AS link JOIN people AS person ON person.id = link.person_id
    WHERE link.account_id = $1 AND link.state = 'suppressed' AND link.reason IS NULL
), noted AS (
    SELECT state, CASE state WHEN 'synced' THEN NULL WHEN 'unlinked' THEN 'unlinked'
                             ELSE reason END AS reason,
           count(*) AS people
    FROM contact_links
    WHERE account_id = $1 AND NOT (state = 'suppressed' AND reason IS NULL)
    GROUP BY 1, 2
    UNION ALL
    SELECT 'suppressed', reason, count(*) FROM unmailed GROUP BY reason
), otherwise AS (
    SELECT link.state,
           CASE link.state WHEN 'synced' THEN NULL WHEN 'unlinked' THEN 'unlinked'
                           ELSE coalesce(link.reason, unmailed.reason) END AS reason,
           -count(*) AS people
    FROM by_now
    JOIN contact_links AS link ON link.account_id = $1 AND link.person_id = by_now.person_id
    LEFT JOIN unmailed ON unmailed.person_id = by_now.person_id
    GROUP BY 1, 2
)
SELECT state, reason, sum(people)::bigint AS people
FROM (SELECT * FROM noted UNION ALL SELECT * FROM otherwise
      UNION ALL SELECT state, reason, count(*) FROM by_now GROUP BY 1, 2) AS counted
GROUP BY state, reason
HAVING sum(people) > 0
ORDER BY people DESC, state, reason
"""
#: person_changes_pkey; who is in flight is sent already.
_WAITING = """
SELECT count(*) FILTER (WHERE next_attempt_at <= $2) AS due,
       count(*) FILTER (WHERE next_attempt_at > $2 AND next_attempt_at < 'infinity') AS later,
       count(*) FILTER (WHERE next_attempt_at = 'infinity') AS held
FROM person_changes AS change
WHERE account_id = $1
  AND NOT EXISTS (SELECT FROM import_records AS flying
                  WHERE flying.account_id = $1 AND flying.person_id = change.person_id)
"""


@dataclass(frozen=True, slots=True)
class StateCount:
    """So many people stand like this."""

    state: str
    reason: str | None
    people: int


@dataclass(frozen=True, slots=True)
class Summary:
    """How an account's people stand."""

    #: The largest first.
    states: list[StateCount]
    #: People whom the next run looks at.
    due: int
    #: People who failed, and are tried again by themselves later.
    retry_later: int
    #: People who failed too often, and wait for a change or a retry by hand.
    waiting_for_change: int


async def summary(connection: PoolConnection, account_id: int, now: datetime) -> Summary:
    """Return how the account's people stand."""
    rows = await connection.fetch(_SUMMARY, account_id)
    waiting = await connection.fetchrow(_WAITING, account_id, now)
    return Summary(
        states=[StateCount(row["state"], row["reason"], row["people"]) for row in rows],
        due=waiting["due"],
        retry_later=waiting["later"],
        waiting_for_change=waiting["held"],
    )
