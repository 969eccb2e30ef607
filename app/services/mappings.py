"""Mappings: made, changed and deleted; who has to be sent again because of it.

What a mapping points at is found by `mapping_proposals`, before any transaction is open.
"""

from collections.abc import Mapping as Values
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, text, update
from sqlmodel import col, select

from app.db import PoolConnection, ReadSession, WriteSession, raw_connection
from app.errors import Conflict, Invalid, NotFound
from app.models import Failure, Mapping
from app.services.mapping_kinds import part_of
from app.services.mapping_kinds.kind import Part, Target
from app.services.person_fields import FieldPath

_SENDS = ("to_dotdigital", "two_way")
_TAKES = ("from_dotdigital", "two_way")
#: A change of these changes what people's payloads are.
_SENT_BY = (
    "person_field",
    "dotdigital_field",
    "data_field_type",
    "preference_id",
    "when_blank",
    "applies_to",
)

_COUNT_LINKED = """
SELECT count(*)
FROM contact_links AS link JOIN people AS person ON person.id = link.person_id
WHERE link.account_id = $1 AND link.contact_id IS NOT NULL AND person.deleted_at IS NULL
  AND ($2 = 'both' OR person.kind = $2)
"""
#: Who is linked, or about to be by an import that is still going, or fails, maybe by this mapping.
#: A person who is due already is marked as changed again, so that a run that took the old mappings
#: can see that there is news; one whose tries are used up is tried anew. failures_open.
_MAKE_LINKED_DUE = """
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT $1, person.id, person.version, 'mapping', clock_timestamp()
FROM (
    SELECT person_id FROM contact_links WHERE account_id = $1 AND contact_id IS NOT NULL
    UNION
    SELECT person_id FROM import_records WHERE account_id = $1
    UNION
    SELECT subject_id FROM failures
    WHERE account_id = $1 AND job = 'send_people' AND subject_type = 'person'
      AND resolved_at IS NULL
) AS linked JOIN people AS person ON person.id = linked.person_id
WHERE person.deleted_at IS NULL AND ($2 = 'both' OR person.kind = $2)
ORDER BY person.id
ON CONFLICT (account_id, person_id) DO UPDATE
    SET changed_at = excluded.changed_at, attempts = 0, next_attempt_at = '-infinity',
        reason = CASE WHEN due.reason = 'full' THEN 'full' ELSE 'mapping' END
"""
#: By the primary keys of person_changes, contact_links and people.
_COUNT_PENDING = """
SELECT count(*)
FROM person_changes AS due
JOIN contact_links AS link
  ON link.account_id = due.account_id AND link.person_id = due.person_id
JOIN people AS person ON person.id = due.person_id
WHERE due.account_id = $1 AND due.reason IN ('mapping', 'full') AND link.contact_id IS NOT NULL
  AND person.deleted_at IS NULL AND ($2 = 'both' OR person.kind = $2)
"""


#: A mapping that is left out, for its target is gone: as `sync.people.lost_targets` notes it.
_LEFT_OUT: Final = (
    col(Failure.subject_type) == "mapping",
    col(Failure.job) == "send_people",
    col(Failure.resolved_at).is_(None),
)


async def get_mapping(session: ReadSession | WriteSession, mapping_id: int) -> Mapping:
    """Return the mapping; raises NotFound."""
    found = await session.get(Mapping, mapping_id)
    if found is None:
        raise NotFound(f"There is no mapping {mapping_id}.")
    return found


async def hold_mapping(session: WriteSession, mapping_id: int) -> Mapping:
    """Return the mapping, which nobody else changes until the session ends; raises NotFound."""
    found = await get_mapping(session, mapping_id)
    # The account first, as its deletion does, so that none waits for the other.
    await _lock_account(session, found.account_id)
    held = await session.get(
        Mapping, mapping_id, populate_existing=True, with_for_update={"key_share": True}
    )
    if held is None:
        raise NotFound(f"There is no mapping {mapping_id}.")
    return held


async def count_pending(session: ReadSession | WriteSession, found: Mapping) -> int:
    """Return how many linked people still have to be sent because of a mapping of theirs.

    All of them while the mapping is left out.
    """
    if found.direction not in _SENDS:
        return 0
    connection = await raw_connection(session)
    counting = _COUNT_LINKED if await left_out(session, [found.id]) else _COUNT_PENDING
    count: int = await connection.fetchval(counting, found.account_id, found.applies_to)
    return count


async def left_out(
    session: ReadSession | WriteSession, mapping_ids: Sequence[int]
) -> dict[int, Failure]:
    """Return why these mappings are left out, by their ids; those that aren't are missing."""
    found = await session.execute(
        select(Failure).where(*_LEFT_OUT, col(Failure.subject_id).in_(mapping_ids))
    )
    return {each.subject_id: each for each in found.scalars()}


async def mappings_after(
    session: ReadSession,
    after_id: int | None,
    limit: int,
    *,
    account_id: int | None = None,
    kind: str | None = None,
    direction: str | None = None,
) -> Sequence[Mapping]:
    """Return the mappings after this id that fit the filters, ascending."""
    conditions: list[ColumnElement[bool]] = []
    if after_id is not None:
        conditions.append(col(Mapping.id) > after_id)
    if account_id is not None:
        conditions.append(col(Mapping.account_id) == account_id)
    if kind is not None:
        conditions.append(col(Mapping.kind) == kind)
    if direction is not None:
        conditions.append(col(Mapping.direction) == direction)
    found = await session.execute(
        select(Mapping).where(*conditions).order_by(col(Mapping.id)).limit(limit)
    )
    return found.scalars().all()


async def mapped_targets(session: ReadSession, account_id: int) -> set[tuple[Part | None, str]]:
    """Return what the account has mappings for, as (part, name in Dotdigital in lower case)."""
    found = await session.execute(
        select(col(Mapping.kind), col(Mapping.dotdigital_field)).where(
            col(Mapping.account_id) == account_id
        )
    )
    return {(part_of(kind), name.lower()) for kind, name in found.all()}


def check_direction(path: FieldPath, direction: str) -> None:
    """Raise Invalid where something is to be taken into a field that can't be written."""
    if direction in _TAKES and not path.is_writable:
        raise Invalid.at(
            "/body/person_field",
            f"{path.text} can't be written from Dotdigital: map it to_dotdigital, or choose a "
            "plain field or a key of custom.",
        )


async def refuse_overlap(
    session: ReadSession | WriteSession, wanted: Mapping, target: str | None = None
) -> None:
    """Raise Conflict where a mapping of the account has the same target for the same people.

    Nor may two of them take from Dotdigital into one field.
    """
    found = await session.execute(
        select(Mapping).where(
            col(Mapping.account_id) == wanted.account_id,
            col(Mapping.id).is_distinct_from(wanted.id),
        )
    )
    part, name = part_of(wanted.kind), (target or wanted.dotdigital_field).lower()
    for other in found.scalars():
        if "both" not in (wanted.applies_to, other.applies_to) and (
            wanted.applies_to != other.applies_to
        ):
            continue
        if part_of(other.kind) == part and other.dotdigital_field.lower() == name:
            raise Conflict(
                f"Mapping {other.id} maps {other.person_field} to {other.dotdigital_field} for "
                f"these people already (applies_to {other.applies_to}): change that one.",
                extensions={"mapping_id": other.id},
            )
        both_take = wanted.direction in _TAKES and other.direction in _TAKES
        if both_take and other.person_field == wanted.person_field:
            raise Conflict(
                f"Mapping {other.id} takes {other.dotdigital_field} into {other.person_field} "
                "already; a field is taken from one place.",
                extensions={"mapping_id": other.id},
            )


async def create_mapping(
    session: WriteSession, values: Values[str, Any], target: Target, at: datetime
) -> tuple[Mapping, int]:
    """Store a new mapping; return it and how many linked people are sent again because of it."""
    made = Mapping(**{**values, **_columns_of(target)}, created_at=at, updated_at=at)
    await _lock_account(session, made.account_id)
    await refuse_overlap(session, made)
    session.add(made)
    await session.flush()
    if made.direction not in _SENDS:
        return made, 0
    return made, await _send_again(session, made.account_id, made.applies_to)


async def change_mapping(
    session: WriteSession,
    found: Mapping,
    values: Values[str, Any],
    target: Target | None,
    at: datetime,
) -> int:
    """Change these fields of the mapping; return how many linked people are sent again.

    A mapping that was left out is in use again where its target was found just now; else the next
    run looks for it.
    """
    before = found.model_dump()
    await _lock_account(session, found.account_id)
    changes = {**values, **(_columns_of(target) if target else {})}
    for name, value in changes.items():
        setattr(found, name, value)
    with session.no_autoflush:
        await refuse_overlap(session, found)
    found.version += 1
    found.updated_at = at
    await session.flush()
    was_left_out = await _let_in_again(session, found.id, at, is_there=target is not None)
    after = found.model_dump()
    sent, sends = before["direction"] in _SENDS, after["direction"] in _SENDS
    if not sent and not sends:
        return 0
    is_there_again = was_left_out and target is not None
    is_same = sent == sends and all(before[name] == after[name] for name in _SENT_BY)
    if is_same and not is_there_again:
        return 0
    kinds = {before["applies_to"], after["applies_to"]}
    applies_to = kinds.pop() if len(kinds) == 1 else "both"
    return await _send_again(session, found.account_id, applies_to)


async def delete_mapping(session: WriteSession, found: Mapping, at: datetime) -> int:
    """Delete the mapping; return how many linked people are looked at again because of it.

    The data field or preference stays in Dotdigital, with the values that contacts have.
    """
    account_id, applies_to = found.account_id, found.applies_to
    sent = found.direction in _SENDS
    await _let_in_again(session, found.id, at, is_there=True)
    await session.delete(found)
    await session.flush()
    return await _send_again(session, account_id, applies_to) if sent else 0


async def _let_in_again(
    session: WriteSession, mapping_id: int, at: datetime, *, is_there: bool
) -> bool:
    """Heal that the mapping is left out, or have it looked at by the next run; says if it was."""
    values: dict[str, datetime | None] = {"next_retry_at": at}
    if is_there:
        values = {"resolved_at": at, "next_retry_at": None}
    changed = await session.execute(
        update(Failure)
        .where(*_LEFT_OUT, col(Failure.subject_id) == mapping_id)
        .values(**values)
        .returning(col(Failure.id))
    )
    return changed.first() is not None


def _columns_of(target: Target) -> dict[str, Any]:
    return {
        "dotdigital_field": target.dotdigital_field,
        "data_field_type": target.data_field_type,
        "preference_id": target.preference_id,
    }


async def _lock_account(session: WriteSession, account_id: int) -> None:
    """Let whoever else changes mappings of this account wait, so that what is found stands."""
    locked = await session.execute(
        text("SELECT 1 FROM accounts WHERE id = :id FOR NO KEY UPDATE"), {"id": account_id}
    )
    if locked.first() is None:
        raise Invalid.at("/body/account_id", f"There is no account {account_id}.")


async def _send_again(session: WriteSession, account_id: int, applies_to: str) -> int:
    return await send_linked_again(await raw_connection(session), account_id, applies_to)


async def send_linked_again(connection: PoolConnection, account_id: int, applies_to: str) -> int:
    """Make due who of this kind is linked, in flight or failing; return how many are linked."""
    count: int = await connection.fetchval(_COUNT_LINKED, account_id, applies_to)
    await connection.execute(_MAKE_LINKED_DUE, account_id, applies_to)
    return count
