"""Failing members and lists: kept with Dotdigital's reason and ours, tried again, healed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db import PoolConnection
from app.sync.engine import JobContext
from app.sync.rules.backoff import next_attempt
from app.sync.rules.failure_advice import with_advice
from app.sync.statements import statements

SQL = statements("send_lists")


@dataclass(frozen=True, slots=True)
class MemberFailure:
    """One member who could not be moved, as it stood when that was tried."""

    list_id: int
    person_id: int
    changed_at: datetime
    code: str
    #: Dotdigital's own text, or ours where it never came so far.
    text: str


@dataclass(frozen=True, slots=True)
class ListFailure:
    """Why a list of ours has no twin."""

    code: str
    text: str
    attempts: int
    last_seen_at: datetime
    next_retry_at: datetime | None


async def record_members(
    context: JobContext, connection: PoolConnection, failures: Sequence[MemberFailure]
) -> None:
    """Keep these failures, and put each member's next try off as often as it has failed."""
    if not failures:
        return
    lists = [failure.list_id for failure in failures]
    people = [failure.person_id for failure in failures]
    rows = await connection.fetch(SQL["member_attempts"], context.account_id, lists, people)
    tries = {(row["list_id"], row["subject_id"]): row["attempts"] for row in rows}
    now, limit = context.clock.now(), context.settings.max_attempts
    await connection.execute(
        SQL["record_members"],
        context.account_id,
        lists,
        people,
        [failure.changed_at for failure in failures],
        [failure.code for failure in failures],
        [with_advice(failure.text, failure.code) for failure in failures],
        [
            next_attempt(
                failure.code, tries.get((failure.list_id, failure.person_id), 0) + 1, limit, now
            )
            for failure in failures
        ],
        context.run.id,
        now,
    )


async def heal_members(
    context: JobContext, connection: PoolConnection, members: Iterable[tuple[int, int]]
) -> None:
    """Close the failures of these members, each by its list and person."""
    pairs = list(members)
    if pairs:
        await connection.execute(
            SQL["heal_members"],
            context.account_id,
            [list_id for list_id, _ in pairs],
            [person_id for _, person_id in pairs],
            context.clock.now(),
        )


async def open_list_failures(context: JobContext) -> dict[int, ListFailure]:
    """Return the lists of the account that fail, by their ids."""
    rows = await context.database.pool.fetch(SQL["list_failures"], context.account_id)
    return {
        row["list_id"]: ListFailure(
            row["code"],
            row["message"],
            row["attempts"],
            row["last_seen_at"],
            row["next_retry_at"],
        )
        for row in rows
    }


async def record_list(
    context: JobContext, list_id: int, code: str, text: str, *, attempts: int
) -> None:
    """Keep why a list fails; ``attempts`` counts the tries made, this one included."""
    now, limit = context.clock.now(), context.settings.max_attempts
    await context.database.pool.execute(
        SQL["record_list"],
        context.account_id,
        list_id,
        context.run.id,
        code,
        with_advice(text, code),
        now,
        next_attempt(code, attempts, limit, now),
    )


async def heal_lists(context: JobContext, list_ids: Sequence[int]) -> None:
    """Close the failures of lists that stand well."""
    if list_ids:
        await context.database.pool.execute(
            SQL["heal_lists"], context.account_id, list(list_ids), context.clock.now()
        )
