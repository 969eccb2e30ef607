"""Failures as they stand: found, shown, and made due again by hand.

Recording and healing them is the jobs'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import CTE, ColumnElement, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import col

from app.db import ReadSession, WriteSession
from app.errors import Conflict, NotFound
from app.models import Failure, ListMember, Person, PersonChange
from app.schemas.failures import FailureFilter, FailureOut, RetryOut
from app.services.failure_subjects import NamedFailure, named


@dataclass(frozen=True, slots=True)
class WantedFailures:
    """What a caller asks for; ``is_resolved`` None asks for open and healed ones."""

    filter: FailureFilter = field(default_factory=FailureFilter)
    is_resolved: bool | None = None


async def get_failure(session: ReadSession | WriteSession, failure_id: int) -> Failure:
    """Return the failure; raises NotFound."""
    found = await session.get(Failure, failure_id)
    if found is None:
        raise NotFound(f"There is no failure {failure_id}.")
    return found


async def newest_failures(
    session: ReadSession, wanted: WantedFailures, before_id: int | None, limit: int
) -> list[NamedFailure]:
    """Return the failures with ids below this one that fit, the newest first."""
    conditions = _conditions(wanted.filter)
    if wanted.is_resolved is not None:
        resolved_at = col(Failure.resolved_at)
        conditions.append(resolved_at.is_not(None) if wanted.is_resolved else resolved_at.is_(None))
    if before_id is not None:
        conditions.append(col(Failure.id) < before_id)
    found = await session.execute(
        select(Failure).where(*conditions).order_by(col(Failure.id).desc()).limit(limit)
    )
    return await named(session, found.scalars().all())


async def known_codes(session: WriteSession) -> Sequence[str]:
    """Return the codes that failures have, open ones and healed ones, in their order."""
    found = await session.execute(select(col(Failure.code)).distinct().order_by(col(Failure.code)))
    return found.scalars().all()


async def retry_one(session: WriteSession, failure_id: int, at: datetime) -> RetryOut:
    """Make the subject of one failure due at once; raises NotFound, Conflict for a healed one."""
    found = await get_failure(session, failure_id)
    if found.resolved_at is not None:
        raise Conflict(f"Failure {failure_id} has healed, so there is nothing to retry.")
    return await _retry(session, [col(Failure.id) == failure_id], at)


async def retry_all(session: WriteSession, wanted: FailureFilter, at: datetime) -> RetryOut:
    """Make the subjects of all open failures that fit due at once."""
    return await _retry(session, _conditions(wanted), at)


async def _retry(
    session: WriteSession, conditions: Sequence[ColumnElement[bool]], at: datetime
) -> RetryOut:
    """One statement: mark the failures, and make their people and members due.

    A list or an import needs no more than the mark: its job looks at it in every run. So does a
    mapping: its target is looked up by the next run, and everyone gets it where it is there.
    """
    marked = (
        update(Failure)
        .where(col(Failure.resolved_at).is_(None), *conditions)
        .values(next_retry_at=at)
        .returning(
            col(Failure.account_id),
            col(Failure.subject_type),
            col(Failure.subject_id),
            col(Failure.list_id),
        )
        .cte("marked")
    )
    parts = (marked, _people_made_due(marked), _members_made_pending(marked, at))
    counted = await session.execute(
        select(*[select(func.count()).select_from(part).scalar_subquery() for part in parts])
    )
    retried, people, members = counted.one()
    return RetryOut(retried=retried, people=people, members=members)


def _people_made_due(marked: CTE) -> CTE:
    """Return the people of these failures, made due at once.

    Each once, though it may have failed in several jobs, and in the order of their ids, as every
    writer of person_changes takes them.
    """
    values = {
        "account_id": marked.c.account_id,
        "person_id": col(Person.id),
        "version": col(Person.version),
        "reason": literal("retry"),
        "changed_at": func.clock_timestamp(),
        "attempts": literal(0),
        "next_attempt_at": text("'-infinity'::timestamptz"),
    }
    subjects = (
        select(*values.values())
        .join(Person, col(Person.id) == marked.c.subject_id)
        .where(marked.c.subject_type == "person")
        .ext(distinct_on(marked.c.account_id, col(Person.id)))
        .order_by(marked.c.account_id, col(Person.id))
    )
    due = insert(PersonChange).from_select(list(values), subjects)
    return (
        due.on_conflict_do_update(
            index_elements=["account_id", "person_id"],
            set_={"attempts": 0, "next_attempt_at": due.excluded.next_attempt_at},
        )
        .returning(col(PersonChange.person_id))
        .cte("people_due")
    )


def _members_made_pending(marked: CTE, at: datetime) -> CTE:
    """Return the list members of these failures that had failed, made pending."""
    return (
        update(ListMember)
        .where(
            marked.c.subject_type == "member",
            col(ListMember.list_id) == marked.c.list_id,
            col(ListMember.person_id) == marked.c.subject_id,
            col(ListMember.sync_state) == "failed",
        )
        .values(sync_state="pending", changed_at=at)
        .returning(col(ListMember.person_id))
        .cte("members_pending")
    )


def shown(each: NamedFailure) -> FailureOut:
    """Return the failure as the API gives it."""
    failure = each.failure
    values = failure.model_dump(include=set(FailureOut.model_fields) - {"subject"})
    subject = {
        "type": failure.subject_type,
        "id": failure.subject_id,
        "email": each.email,
        "external_ref": each.external_ref,
    }
    return FailureOut.model_validate({**values, "subject": subject, "list_name": each.list_name})


def _conditions(wanted: FailureFilter) -> list[ColumnElement[bool]]:
    return [
        getattr(Failure, name) == value
        for name, value in wanted.model_dump(exclude_none=True).items()
    ]
