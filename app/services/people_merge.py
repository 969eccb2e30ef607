"""Two people who are one: what the second has goes to the first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.db import PoolConnection
from app.errors import Conflict, Invalid, NotFound

#: people_pkey; in the order of ids, so that two merges never wait for each other.
_HOLD: Final = """
SELECT id, version, deleted_at, merged_into_id FROM people WHERE id = ANY ($1::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""
#: The strictest opt-out of both holds; where the survivor was opted in after the other one's
#: opt-out, it is opted out anew (by the trigger, at this moment), so that nothing opts it in again.
_SURVIVE: Final = """
UPDATE people AS survivor
SET no_email = survivor.no_email OR loser.no_email,
    opted_out_at = CASE
        WHEN loser.no_email AND NOT survivor.no_email
             AND loser.opted_out_at > coalesce(survivor.opted_in_at, '-infinity')
        THEN loser.opted_out_at ELSE survivor.opted_out_at END,
    opt_out_reason = CASE
        WHEN loser.no_email AND NOT survivor.no_email THEN loser.opt_out_reason
        ELSE survivor.opt_out_reason END,
    email_undeliverable = survivor.email_undeliverable
        OR (loser.email_undeliverable AND loser.email_key = survivor.email_key)
FROM people AS loser
WHERE survivor.id = $2 AND loser.id = $1
"""
#: Those merged into the loser before go along, so that nobody has to follow a chain.
#: people_pkey and people_merged_into.
_LOSE: Final = """
UPDATE people SET merged_into_id = $2, deleted_at = coalesce(deleted_at, $3)
WHERE id = $1 OR merged_into_id = $1
"""
#: Held as by whoever adds members: a run that binds a list to its twin waits.
_HOLD_LISTS: Final = """
SELECT id FROM lists
WHERE id IN (SELECT list_id FROM list_members WHERE person_id = $1)
ORDER BY id FOR NO KEY UPDATE
"""
#: list_members_person.
_JOIN_LISTS: Final = """
INSERT INTO list_members AS member (list_id, person_id, sync_state, added_at, changed_at)
SELECT list_id, $2, 'pending', added_at, $3 FROM list_members
WHERE person_id = $1 AND sync_state <> 'leaving'
ON CONFLICT (list_id, person_id) DO UPDATE
    SET sync_state = 'pending', added_at = excluded.added_at, changed_at = excluded.changed_at
    WHERE member.sync_state = 'leaving'
"""
_LEAVE_LISTS: Final = "DELETE FROM list_members WHERE person_id = $1"
#: online_activities_person.
_MOVE_ACTIVITIES: Final = "UPDATE online_activities SET person_id = $2 WHERE person_id = $1"
#: conflicts_person.
_MOVE_CONFLICTS: Final = "UPDATE conflicts SET person_id = $2 WHERE person_id = $1"
#: consents_person.
_MOVE_CONSENTS: Final = "UPDATE consents SET person_id = $2 WHERE person_id = $1"
#: failures_subject. Nobody tries to send the loser again.
_END_FAILURES: Final = """
UPDATE failures SET resolved_at = $2
WHERE subject_type = 'person' AND subject_id = $1 AND resolved_at IS NULL
"""
_NOTE: Final = """
INSERT INTO audit_log (actor, action, subject_type, subject_id, detail)
VALUES ($1, 'person_merged', 'person', $2, $3)
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people held for a merge."""

    loser_id: int
    loser_version: int
    survivor_id: int


async def hold_pair(connection: PoolConnection, loser_id: int, survivor_id: int) -> Pair:
    """Lock both; raises Invalid, NotFound or Conflict where they can't be merged."""
    if loser_id == survivor_id:
        raise Invalid.at("/body/into_id", "A person can't be merged into itself.")
    found = {row["id"]: row for row in await connection.fetch(_HOLD, [loser_id, survivor_id])}
    loser, survivor = found.get(loser_id), found.get(survivor_id)
    if loser is None:
        raise NotFound(f"There is no person {loser_id}.")
    if loser["merged_into_id"] is not None:
        raise Conflict(f"Person {loser_id} was merged into {loser['merged_into_id']} already.")
    if loser["deleted_at"] is not None:
        raise NotFound(f"Person {loser_id} is deleted.")
    if survivor is None:
        raise Invalid.at("/body/into_id", f"There is no person {survivor_id}.")
    if survivor["merged_into_id"] is not None:
        raise Conflict(
            f"Person {survivor_id} was merged into {survivor['merged_into_id']} itself: "
            "merge into that one."
        )
    if survivor["deleted_at"] is not None:
        raise Conflict(f"Person {survivor_id} is deleted, so nobody can be merged into it.")
    return Pair(loser_id, loser["version"], survivor_id)


async def merge_people(connection: PoolConnection, pair: Pair, at: datetime, actor: str) -> None:
    """Merge a held pair: memberships and activities go to the survivor, opt-outs hold for it.

    The survivor keeps its own fields. The loser is deleted softly; its contact goes the way of a
    deleted person's, and the survivor is sent again.
    """
    ids = (pair.loser_id, pair.survivor_id)
    await connection.fetch(_HOLD_LISTS, pair.loser_id)
    await connection.execute(_SURVIVE, *ids)
    await connection.execute(_LOSE, *ids, at)
    await connection.execute(_JOIN_LISTS, *ids, at)
    await connection.execute(_LEAVE_LISTS, pair.loser_id)
    await connection.execute(_MOVE_ACTIVITIES, *ids)
    await connection.execute(_MOVE_CONFLICTS, *ids)
    await connection.execute(_MOVE_CONSENTS, *ids)
    await connection.execute(_END_FAILURES, pair.loser_id, at)
    await connection.execute(_NOTE, actor, pair.loser_id, {"into_id": pair.survivor_id})
