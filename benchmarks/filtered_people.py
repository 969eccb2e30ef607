"""People of every sort that a filter may find: many, few, or nobody among a million others."""

from app.db import Database
from benchmarks.people_rows import tidy

_WITHIN_S = 900.0

#: One in a hundred is a lead, a fifth opted out, a tenth not ticked; the first fiftieth is deleted,
#: and a few here and there. The last tenth have addresses of their own.
_SORT = """
UPDATE people
SET kind = CASE WHEN id % 100 = 1 THEN 'lead' ELSE 'person' END,
    no_email = id % 5 = 3,
    sync_with_mailer = id % 10 <> 6,
    deleted_at = CASE WHEN id <= $1::bigint / 50 OR id % 500 = 7 THEN now() END,
    email = CASE WHEN id > $1::bigint / 10 * 9 THEN 'late' || id || '@late.example' ELSE email END
WHERE id % 100 = 1 OR id % 5 = 3 OR id % 10 = 6 OR id % 500 = 7
   OR id <= $1::bigint / 50 OR id > $1::bigint / 10 * 9
"""
_ACCOUNT = """
INSERT INTO accounts (name, username, password_encrypted, endpoint, region, dotdigital_account_id)
SELECT 'Account ' || n, 'nobody', '', 'http://127.0.0.1:9', 'r1', n
FROM generate_series(1, $1::int) AS n
"""
_EVERYONE_SETTLED = "DELETE FROM person_changes"
_LINKS = """
INSERT INTO contact_links (account_id, person_id, contact_id, state)
SELECT accounts.id, people.id, people.id,
       CASE WHEN people.deleted_at IS NOT NULL THEN 'unlinked'
            WHEN people.no_email THEN 'suppressed'
            WHEN NOT people.sync_with_mailer THEN 'not_eligible'
            WHEN people.id % 1000 = 11 THEN 'failed' ELSE 'synced' END
FROM people, (SELECT min(id) AS id FROM accounts) AS accounts
"""
#: A list of every other one, of a dozen, of the last thousand; and one that all but those leave.
_LISTS = """
WITH made AS (
    INSERT INTO lists (name) VALUES ('half'), ('dozen'), ('last'), ('left')
    RETURNING id, name
)
INSERT INTO list_members (list_id, person_id, sync_state)
SELECT made.id, people.id,
       CASE WHEN made.name = 'left' AND people.id <= $1::bigint - 1000 THEN 'leaving'
            ELSE 'synced' END
FROM made JOIN people
  ON made.name IN ('half', 'left') AND people.id % 2 = 0
  OR made.name = 'dozen' AND people.id % ($1::bigint / 12) = 0
  OR made.name = 'last' AND people.id > $1::bigint - 1000
"""
_LAST_WAIT = """
DELETE FROM person_changes WHERE person_id <= $1::bigint - 50
"""


async def one_account(database: Database, people: int) -> None:
    """Sort the people, and link them to an account for which nobody waits."""
    await _do(database, _SORT, people)
    await _do(database, _ACCOUNT, 1)
    await _do(database, _EVERYONE_SETTLED)
    async with database.pool.acquire() as connection, connection.transaction():
        # Foreign keys would ask twice for each of the rows.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(_LINKS, timeout=_WITHIN_S)
        await connection.execute(_LISTS, people, timeout=_WITHIN_S)
    await tidy(database)


async def everyone_waits(database: Database) -> None:
    """Make two accounts more, which nobody is linked to yet."""
    await _do(database, _ACCOUNT, 2)
    await tidy(database)


async def the_last_wait(database: Database, people: int) -> None:
    """Let all but the last fifty be dealt with."""
    await _do(database, _LAST_WAIT, people)
    await tidy(database)


async def _do(database: Database, statement: str, *values: int) -> None:
    await database.pool.execute(statement, *values, timeout=_WITHIN_S)
