"""How members on their way arrive: what Dotdigital says of an import or a removal, in our tables.

Each is settled once, under a lock on its row, by the run that sent it or by the monitor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from app.clients.dotdigital import DeletionStatus, ImportReport, ImportStatus, Rejected
from app.db import PoolConnection
from app.list_options import ListOptions
from app.services.contacts_let_go import let_go
from app.sync.engine import JobContext
from app.sync.members.member_failures import heal_members, record_members
from app.sync.members.member_report import Flight, judge_members
from app.sync.people.imports import SQL as IMPORTS_SQL
from app.sync.people.imports import lose
from app.sync.rules.mailability import PENDING_OPT_IN, SUBSCRIBED
from app.sync.rules.poll_intervals import wait_before_poll
from app.sync.statements import statements

SQL = statements("send_lists")
SEND_SQL = statements("send_people")


class FlightKind(StrEnum):
    """What an import or a removal does with its members; the words of `imports.kind`."""

    JOIN = "members"
    REMOVE = "removal"
    #: Leaving a suppression audience, with no challenge or with one.
    RESUBSCRIBE = "resubscription"


KINDS = frozenset(kind.value for kind in FlightKind)


@dataclass(slots=True)
class Landed:
    """How an import or a removal ended, in members."""

    status: str
    #: What a run adds to its counts.
    counts: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    error: dict[str, Any] | None = None


async def poll(
    context: JobContext, import_id: int, kind: str, dotdigital_id: str, polls: int
) -> bool:
    """Look at one that is open: one call; settle it if it has ended. Says whether it has."""
    try:
        if kind == FlightKind.REMOVE:
            end: DeletionStatus | ImportReport = await context.client.lists.removal_status(
                dotdigital_id
            )
        else:
            end = await context.client.imports.status(dotdigital_id)
    except Rejected as error:
        # Results are kept for a while only; doing it again is safe.
        await lose(context, import_id, f"Dotdigital doesn't know it any more: {error}")
        return True
    if _is_running(end):
        wait = timedelta(seconds=wait_before_poll(polls + 1))
        await context.database.pool.execute(
            IMPORTS_SQL["not_finished"], import_id, context.clock.now() + wait
        )
        return False
    await land(context, import_id, end)
    return True


async def land(context: JobContext, import_id: int, end: DeletionStatus | ImportReport) -> None:
    """Take how it ended into our tables; does nothing where another has done so already."""
    async with context.database.batch() as connection:
        row = await connection.fetchrow(IMPORTS_SQL["claim_unsettled"], import_id)
        if row is None:
            return
        members = await connection.fetch(SQL["flying"], import_id)
        flying = [
            Flight(each["list_id"], each["person_id"], each["contact_id"], each["changed_at"])
            for each in members
        ]
        if isinstance(end, ImportReport):
            challenged = any(
                options.resubscribe_mode == "challenge" for options in _options_of(members)
            )
            landed = await _take_report(
                context, connection, row, flying, end, challenged=challenged
            )
        else:
            landed = await _take_removal(context, connection, flying, end)
        await _close(context, connection, import_id, landed)
        counts = {**landed.counts, "failed": landed.failed}
        is_ours = row["run_id"] == context.run.id
        if row["run_id"] is not None and not is_ours:
            await _credit(connection, row["run_id"], counts, len(flying))
    if is_ours:
        context.run.counts.update(counts)
        context.run.done += len(flying)


def _options_of(members: Sequence[Mapping[str, Any]]) -> list[ListOptions]:
    """Return the options of the members' lists, once a list; a deleted one has none."""
    stored = {each["list_id"]: each["options"] for each in members if each["options"] is not None}
    return [ListOptions.readable(options) for options in stored.values()]


def _is_running(end: DeletionStatus | ImportReport) -> bool:
    if isinstance(end, ImportReport):
        return end.status is ImportStatus.NOT_FINISHED
    return end is DeletionStatus.RUNNING


async def _close(
    context: JobContext, connection: PoolConnection, import_id: int, landed: Landed
) -> None:
    await connection.execute(SQL["land"], import_id)
    await connection.execute(
        IMPORTS_SQL["settle"],
        import_id,
        landed.status,
        0,
        sum(landed.counts.values()),
        landed.failed,
        landed.error,
        context.clock.now(),
        1,
    )


async def _take_removal(
    context: JobContext, connection: PoolConnection, flying: Sequence[Flight], end: DeletionStatus
) -> Landed:
    if end is DeletionStatus.FAILED:
        text = "Dotdigital failed to take the members off."
        failures = [each.failure("removal_failed", text) for each in flying]
        await record_members(context, connection, failures)
        error = {"code": "removal_failed", "detail": text}
        return Landed("failed", failed=len(failures), error=error)
    await _leave(context, connection, flying)
    return Landed("finished", {"removed": len(flying)})


async def _take_report(
    context: JobContext,
    connection: PoolConnection,
    row: Mapping[str, Any],
    flying: Sequence[Flight],
    report: ImportReport,
    *,
    challenged: bool,
) -> Landed:
    judged = judge_members(flying, report)
    await unlink_gone(context, connection, judged.gone)
    if row["kind"] == FlightKind.RESUBSCRIBE:
        # Whom Dotdigital doesn't bring back has left all the same.
        gone = [each for each in flying if each.contact_id in judged.gone]
        left = [*judged.yes, *judged.refused, *gone]
        await _leave(context, connection, left)
        status = PENDING_OPT_IN if challenged else SUBSCRIBED
        await note_status(context, connection, judged.yes, status)
        await connection.execute(SQL["settle_doubts"], row["id"], context.clock.now())
        counts, failures = {"exited": len(left)}, judged.failures
    else:
        await note_joined(context, connection, judged.yes, judged.suppressed)
        counts, failures = {"added": len(judged.yes)}, [*judged.failures, *judged.refusals]
    await record_members(context, connection, failures)
    end = "finished" if report.status is ImportStatus.FINISHED else "failed"
    return Landed(end, counts, len(failures), judged.error)


async def note_joined(
    context: JobContext,
    connection: PoolConnection,
    members: Sequence[Flight],
    suppressed: frozenset[int] = frozenset(),
) -> None:
    """Note these as being on their lists."""
    if not members:
        return
    await connection.execute(
        SQL["joined"],
        [each.list_id for each in members],
        [each.person_id for each in members],
        [each.contact_id for each in members],
        [each.changed_at for each in members],
        ["suppressed" if each.contact_id in suppressed else None for each in members],
    )
    await heal_members(context, connection, [each.key for each in members])


async def _leave(
    context: JobContext, connection: PoolConnection, members: Sequence[Flight]
) -> None:
    """Note these as having left their lists."""
    if not members:
        return
    await connection.execute(
        SQL["left"],
        [each.list_id for each in members],
        [each.person_id for each in members],
        [each.changed_at for each in members],
    )
    await heal_members(context, connection, [each.key for each in members])


async def note_status(
    context: JobContext, connection: PoolConnection, members: Sequence[Flight], status: str
) -> None:
    """Note how the contacts of these stand in the account."""
    contacts = [each.contact_id for each in members]
    await connection.execute(SQL["note_account_status"], context.account_id, contacts, status)
    await connection.execute(
        SQL["note_member_status"],
        [each.list_id for each in members],
        [each.person_id for each in members],
        status,
    )


async def unlink_gone(
    context: JobContext, connection: PoolConnection, contact_ids: Sequence[int]
) -> None:
    """Let go of contacts that are gone there: send_people makes them anew, then they join."""
    if not contact_ids:
        return
    gone = await connection.fetch(
        SEND_SQL["unlink_contacts"], context.account_id, sorted(contact_ids)
    )
    await let_go(
        connection,
        [context.account_id],
        emails=[row["email_key"] for row in gone],
        numbers=[row["mobile_sent"] for row in gone],
    )


async def _credit(
    connection: PoolConnection, run_id: int, counts: Mapping[str, int], members: int
) -> None:
    """Add the outcome to the run that sent it and has ended, or lives elsewhere."""
    row = await connection.fetchrow(IMPORTS_SQL["run_of_import"], run_id)
    if row is not None:
        total = {name: row["counts"].get(name, 0) + count for name, count in counts.items()}
        await connection.execute(
            SQL["credit_run"], run_id, total, counts.get("failed", 0) > 0, members
        )
