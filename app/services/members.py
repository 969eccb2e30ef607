"""Members: who is on a list; joining and leaving, one or two hundred thousand at a time.

A member of whom Dotdigital may know stays as ``leaving`` until it has been told; one who was never
sent is deleted. Every write is one statement over arrays, never a query a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import ReadSession, WriteSession, raw_connection
from app.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Member:
    """One member as the API shows it."""

    person_id: int
    email: str | None
    sync_state: str
    account_status: str | None
    list_status: str | None
    added_at: datetime
    #: Why it waits for its contact: ``pending``, a reason's word, or a failure's code.
    reason: str | None
    #: What the failure says, where it is one.
    failure_message: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """The people that a caller named: those there are, and the names that fit nobody."""

    person_ids: list[int]
    unknown: list[int] | list[str]


@dataclass(frozen=True, slots=True)
class Joined:
    """How an adding went."""

    added: int
    already: int


#: Names of people that are nobody, shown at most.
_SHOWN_UNKNOWN = 20
#: Shown as members unless somebody asks for those that are leaving.
_SHOWN_STATES = ("pending", "synced", "failed", "waiting")

#: Why the person of a member that waits has no contact, as `sync.person_standing` has it; each by
#: primary key, or failures_open_people, and for those that wait alone.
_COLUMNS = """
SELECT member.person_id, person.email, member.sync_state, member.account_status,
       member.list_status, member.added_at, why.reason, why.failure_message
FROM list_members AS member JOIN people AS person ON person.id = member.person_id
LEFT JOIN LATERAL (
    SELECT coalesce(failure.code,
                    CASE WHEN due.person_id IS NOT NULL OR flying.person_id IS NOT NULL
                         THEN 'pending' END,
                    link.reason, 'unlinked') AS reason,
           failure.message AS failure_message
    FROM lists AS list
    LEFT JOIN contact_links AS link
           ON link.account_id = list.account_id AND link.person_id = member.person_id
    LEFT JOIN person_changes AS due
           ON due.account_id = list.account_id AND due.person_id = member.person_id
    LEFT JOIN import_records AS flying
           ON flying.account_id = list.account_id AND flying.person_id = member.person_id
    LEFT JOIN LATERAL (
        SELECT code, message FROM failures
        WHERE failures.account_id = list.account_id AND failures.subject_type = 'person'
          AND failures.subject_id = member.person_id AND failures.resolved_at IS NULL
        ORDER BY failures.id DESC LIMIT 1) AS failure ON true
    WHERE list.id = member.list_id AND member.sync_state = 'waiting'
      AND list.account_id IS NOT NULL AND link.contact_id IS NULL
) AS why ON true
WHERE member.list_id = $1 AND person.deleted_at IS NULL
"""
#: Primary key of list_members, or list_members_unsettled where one state is asked for.
_PAGE = (
    _COLUMNS
    + """
  AND member.person_id > $2 AND member.sync_state = ANY ($3::text[])
ORDER BY member.person_id
LIMIT $4
"""
)
_ONE = _COLUMNS + "  AND member.person_id = $2 AND member.sync_state <> 'leaving'"

#: A closed list, or one that isn't synchronised, has nothing to tell: nobody becomes due by it.
_ACCOUNT_THAT_TAKES_MEMBERS = """
SELECT list.account_id FROM lists AS list JOIN accounts AS account ON account.id = list.account_id
WHERE list.id = $1 AND list.synchronisation_with IS NOT NULL AND list.record_state = 'open'
  AND account.settings ->> 'people' = 'list_members'
"""

_JOIN = """
INSERT INTO list_members AS member (list_id, person_id, sync_state, added_at, changed_at)
SELECT $1, person_id, 'pending', $3, $3 FROM unnest($2::bigint[]) AS given (person_id)
ORDER BY person_id
ON CONFLICT (list_id, person_id) DO UPDATE
    SET sync_state = 'pending', added_at = excluded.added_at, changed_at = excluded.changed_at
    WHERE member.sync_state = 'leaving'
RETURNING person_id
"""

#: Never sent: no twin yet, or no contact yet. All others may be known there; whom a suppression
#: audience has unsubscribed, too, which has no twin.
_LEAVE = """
WITH twin AS (
    SELECT dotdigital_list_id IS NOT NULL
           OR options @> '{"entry_action": "unsubscribe"}'
              AND synchronisation_with IS NOT NULL AS stands
    FROM lists WHERE id = $1
), given AS (
    SELECT DISTINCT person_id FROM unnest($2::bigint[]) AS given (person_id)
), gone AS (
    DELETE FROM list_members AS member USING twin, given
    WHERE member.list_id = $1 AND member.person_id = given.person_id
      AND member.sync_state <> 'leaving' AND (NOT twin.stands OR member.sync_state = 'waiting')
    RETURNING member.person_id
), leaving AS (
    UPDATE list_members AS member SET sync_state = 'leaving', changed_at = $3
    FROM twin, given
    WHERE member.list_id = $1 AND member.person_id = given.person_id
      AND member.sync_state NOT IN ('leaving', 'waiting') AND twin.stands
    RETURNING member.person_id
)
SELECT person_id FROM gone UNION ALL SELECT person_id FROM leaving
"""

#: An anti-join, since a long array in <> ALL would be gone through for every row.
_NOT_AMONG = """
SELECT member.person_id FROM list_members AS member
WHERE member.list_id = $1 AND member.sync_state <> 'leaving'
  AND NOT EXISTS (SELECT FROM unnest($2::bigint[]) AS given (person_id)
                  WHERE given.person_id = member.person_id)
"""

#: Set ``changed_at`` on those that are due already, so that a run that has looked at them before
#: they joined can see that there is news.
_MAKE_DUE = """
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT $1, person.id, person.version, 'changed', clock_timestamp()
FROM unnest($2::bigint[]) AS given (person_id) JOIN people AS person ON person.id = person_id
WHERE person.deleted_at IS NULL
ORDER BY person.id
ON CONFLICT (account_id, person_id) DO UPDATE SET changed_at = excluded.changed_at
"""

_MAKE_ALL_DUE = """
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT $2, person.id, person.version, 'changed', clock_timestamp()
FROM list_members AS member JOIN people AS person ON person.id = member.person_id
WHERE member.list_id = $1 AND member.sync_state <> 'leaving' AND person.deleted_at IS NULL
ORDER BY person.id
ON CONFLICT (account_id, person_id) DO UPDATE SET changed_at = excluded.changed_at
"""

#: list_members_unsettled; the link row by row.
_COUNT_UNSENT = """
SELECT count(*) FROM list_members AS member
JOIN contact_links AS link ON link.account_id = $2 AND link.person_id = member.person_id
WHERE member.list_id = $1 AND member.sync_state NOT IN ('leaving', 'synced')
  AND link.contact_id IS NOT NULL
"""


async def members_after(
    session: ReadSession, list_id: int, after_id: int, limit: int, sync_state: str | None = None
) -> list[Member]:
    """Return the members after this person, ascending; those leaving only where asked for."""
    connection = await raw_connection(session)
    states = list(_SHOWN_STATES) if sync_state is None else [sync_state]
    rows = await connection.fetch(_PAGE, list_id, after_id, states, limit)
    return [Member(**row) for row in rows]


async def get_member(session: AsyncSession, list_id: int, person_id: int) -> Member:
    """Return one member; raises NotFound, also for one that is leaving."""
    connection = await raw_connection(session)
    row = await connection.fetchrow(_ONE, list_id, person_id)
    if row is None:
        raise NotFound(f"Person {person_id} is not on list {list_id}.")
    return Member(**row)


async def people_of_ids(session: AsyncSession, person_ids: Sequence[int]) -> Named:
    """Return which of these ids are people, ascending; a deleted one is unknown."""
    connection = await raw_connection(session)
    wanted = set(person_ids)
    found = await connection.fetch(
        "SELECT id FROM people WHERE id = ANY ($1::bigint[]) AND deleted_at IS NULL ORDER BY id",
        list(wanted),
    )
    known = [row["id"] for row in found]
    return Named(known, sorted(wanted.difference(known)))


async def people_of_refs(session: AsyncSession, external_refs: Sequence[str]) -> Named:
    """Return the people with these external refs, ascending; a deleted one is unknown."""
    connection = await raw_connection(session)
    wanted = set(external_refs)
    found = await connection.fetch(
        """
        SELECT id, external_ref FROM people
        WHERE external_ref = ANY ($1::text[]) AND deleted_at IS NULL ORDER BY id
        """,
        list(wanted),
    )
    known = [row["id"] for row in found]
    return Named(known, sorted(wanted.difference(row["external_ref"] for row in found)))


def all_known(named: Named, pointer: str) -> list[int]:
    """Return the people's ids; raises Invalid at this pointer where a name fits nobody."""
    if named.unknown:
        shown = ", ".join(str(name) for name in named.unknown[:_SHOWN_UNKNOWN])
        rest = len(named.unknown) - _SHOWN_UNKNOWN
        more = f" and {rest} more" if rest > 0 else ""
        raise Invalid.at(
            pointer, f"Nobody has these, so nothing was done: {shown}{more}. Leave them out."
        )
    return named.person_ids


async def join(
    session: WriteSession, list_id: int, person_ids: Sequence[int], at: datetime
) -> Joined:
    """Put these people, who must be there, on the list; idempotent."""
    connection = await _lock(session, list_id)
    return await _join(connection, list_id, person_ids, at)


async def leave(
    session: WriteSession, list_id: int, person_ids: Sequence[int], at: datetime
) -> set[int]:
    """Take these people off the list; return those who were on it. Idempotent."""
    connection = await _lock(session, list_id)
    return await _leave(connection, list_id, person_ids, at)


async def replace(
    session: WriteSession, list_id: int, person_ids: Sequence[int], at: datetime
) -> tuple[Joined, int]:
    """Make these people the members; return how many joined or stayed, and how many left."""
    connection = await _lock(session, list_id)
    rows = await connection.fetch(_NOT_AMONG, list_id, person_ids)
    left = await _leave(connection, list_id, [row["person_id"] for row in rows], at)
    return await _join(connection, list_id, person_ids, at), len(left)


async def start_over(session: WriteSession, list_id: int) -> None:
    """Forget what Dotdigital knew of the list: members are pending, those leaving are gone."""
    connection = await raw_connection(session)
    await connection.execute(
        "DELETE FROM list_members WHERE list_id = $1 AND sync_state = 'leaving'", list_id
    )
    await connection.execute(
        """
        UPDATE list_members
        SET sync_state = 'pending', list_status = NULL, account_status = NULL,
            contact_id = NULL, unsubscribed_at = NULL, changed_at = clock_timestamp()
        WHERE list_id = $1
        """,
        list_id,
    )


async def count_unsent_contacts(session: WriteSession, list_id: int, account_id: int | None) -> int:
    """Return how many members that are contacts in the account still have to be told there."""
    connection = await raw_connection(session)
    count: int = await connection.fetchval(_COUNT_UNSENT, list_id, account_id)
    return count


async def make_due(session: WriteSession, list_id: int) -> None:
    """Make every member due, where the list's account takes list members alone."""
    connection = await raw_connection(session)
    account_id = await connection.fetchval(_ACCOUNT_THAT_TAKES_MEMBERS, list_id)
    if account_id is not None:
        await connection.execute(_MAKE_ALL_DUE, list_id, account_id)


async def _lock(session: WriteSession, list_id: int) -> asyncpg.Connection:
    """Hold the list: a run that binds it to its twin waits, or this sees the twin.

    Other changes of its members wait too, so that two of them never wait for each other.
    """
    connection = await raw_connection(session)
    if not await connection.fetchval(
        "SELECT 1 FROM lists WHERE id = $1 FOR NO KEY UPDATE", list_id
    ):
        raise NotFound(f"There is no list {list_id}.")
    return connection


async def _join(
    connection: asyncpg.Connection, list_id: int, person_ids: Sequence[int], at: datetime
) -> Joined:
    try:
        rows = await connection.fetch(_JOIN, list_id, person_ids, at)
    except asyncpg.ForeignKeyViolationError as error:
        raise Conflict("One of these people was erased just now: try again.") from error
    added = [row["person_id"] for row in rows]
    account_id = await connection.fetchval(_ACCOUNT_THAT_TAKES_MEMBERS, list_id)
    if account_id is not None and added:
        await connection.execute(_MAKE_DUE, account_id, added)
    return Joined(len(added), len(person_ids) - len(added))


async def _leave(
    connection: asyncpg.Connection, list_id: int, person_ids: Sequence[int], at: datetime
) -> set[int]:
    rows = await connection.fetch(_LEAVE, list_id, person_ids, at)
    return {row["person_id"] for row in rows}
