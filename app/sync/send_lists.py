"""send_lists: keeps Dotdigital's lists in step with ours, and who is on them.

First every list gets its twin. Then whoever leaves goes, list by list, and whoever joins comes, of
all lists together. The run watches what it sent for a while and leaves what takes longer to
monitor_imports; last, statuses are read back where a list asks for them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.job_kinds import JOB_KINDS
from app.sync.engine import JobContext
from app.sync.members.list_returns import ListReturns
from app.sync.members.list_twins import rehearse_twins, settle_twins
from app.sync.members.member_exits import send_exits
from app.sync.members.member_flights import Flights
from app.sync.members.member_joins import join_one_by_one, join_together
from app.sync.members.member_statuses import read_statuses
from app.sync.members.synced_lists import SyncedList, chosen_list, read_lists
from app.sync.people.imports import release_abandoned
from app.sync.queue import ensure_run
from app.sync.rules.failure_advice import with_advice
from app.sync.rules.list_twins import Refuse
from app.sync.rules.member_batches import Queue, due_at, is_due
from app.sync.statements import statements

SQL = statements("send_lists")

_Queues = Mapping[tuple[int, str], Queue]


async def run(context: JobContext) -> None:
    """Send what the lists of the account, or the one that the run is for, have to send."""
    lists = await read_lists(context)
    for name in JOB_KINDS["send_lists"].counts:
        context.run.counts.setdefault(name, 0)
    context.run.counts["lists"] = len(lists)
    if context.run.is_dry:
        await _rehearse(context, lists)
        return
    await release_abandoned(context)
    if chosen_list(context) is not None:
        # By hand a one-time list is sent once more.
        for one in lists:
            one.sent_once_at = None
    standing = await settle_twins(context, lists)
    await _make_ready(context, standing)
    flights = Flights(context)
    await flights.adopt()
    await _send(context, standing, flights)
    await flights.watch()
    for one in standing:
        if one.options.sync_status and one.twin_id is not None:
            await read_statuses(context, one)
    context.run.counts["waiting"] = await _count_waiting(context, lists)
    if flights.pending:
        await _hand_over(context, flights)


async def _make_ready(context: JobContext, lists: Sequence[SyncedList]) -> None:
    """Say of every member whether it can be sent; a full run sends all of them again."""
    ids = [one.id for one in lists]
    once = [one.id for one in lists if one.is_one_time]
    now = context.clock.now()
    is_first = context.run.checkpoint is None
    async with context.run.fenced() as connection:
        await connection.execute(SQL["heal_departed"], context.account_id, now)
        await connection.execute(SQL["wake_failed"], context.account_id, ids, now)
        if is_first:
            await connection.execute(
                SQL["begin_one_time"], once, now, chosen_list(context) is not None
            )
    for one in lists:
        async with context.run.fenced() as connection:
            if context.run.mode == "full" and is_first and not one.is_left_alone:
                await connection.execute(SQL["make_pending"], one.id, now)
            await connection.execute(SQL["wake_linked"], one.id, context.account_id)
            await connection.execute(SQL["hold_unlinked"], one.id, context.account_id)
    if is_first:
        await context.run.save({"made_ready": True})


async def _send(context: JobContext, lists: Sequence[SyncedList], flights: Flights) -> None:
    """Send whoever leaves, then whoever joins; on a schedule, what makes a batch worth a call."""
    singly = [one for one in lists if one.one_by_one]
    queues = await _queues(context, lists)
    context.run.total = sum(queue.count for queue in queues.values())
    await context.run.save()
    held: list[Queue] = []
    for one in lists:
        leaving = queues[one.id, "leaving"]
        if _is_due(context, [leaving]) or not _waits_for_others(one):
            await send_exits(context, one, flights)
            await context.run.save()
        else:
            held.append(leaving)
    returns = ListReturns(context)
    if singly:
        await join_one_by_one(context, singly, returns)
        # Whoever couldn't be added so goes with the others.
        queues = await _queues(context, lists)
    together = [queues[one.id, "pending"] for one in lists]
    if _is_due(context, together):
        await join_together(context, lists, flights, returns)
    else:
        held += together
    await _note_held(context, held)


async def _note_held(context: JobContext, queues: Sequence[Queue]) -> None:
    """Note when those go who wait for a fuller batch, so that a run is there then."""
    wait_s = context.account_settings.batch_wait_seconds
    ends = [end for queue in queues if (end := due_at(queue, wait_s=wait_s)) is not None]
    if ends:
        await context.run.save({"made_ready": True, "held_until": min(ends).isoformat()})


def _waits_for_others(one: SyncedList) -> bool:
    """Say whether leavers of this list share calls, so that it is worth waiting for more."""
    return not one.is_left_alone and (one.is_audience or one.options.exit_action == "remove")


def _is_due(context: JobContext, queues: Sequence[Queue]) -> bool:
    oldest = [queue.oldest_at for queue in queues if queue.oldest_at is not None]
    together = Queue(sum(queue.count for queue in queues), min(oldest, default=None))
    if context.run.trigger == "manual":
        return together.count > 0
    settings = context.account_settings
    return is_due(
        together,
        context.clock.now(),
        size=settings.list_batch_size,
        wait_s=settings.batch_wait_seconds,
    )


async def _queues(context: JobContext, lists: Sequence[SyncedList]) -> _Queues:
    once = [one.id for one in lists if one.is_one_time]
    async with context.database.batch() as connection:
        rows = await connection.fetch(SQL["queues"], [one.id for one in lists], once)
    return {
        (row["list_id"], row["sync_state"]): Queue(row["count"], row["oldest_at"]) for row in rows
    }


async def _count_waiting(context: JobContext, lists: Sequence[SyncedList]) -> int:
    count: int = await context.database.pool.fetchval(
        SQL["count_waiting"], [one.id for one in lists]
    )
    return count


async def _hand_over(context: JobContext, flights: Flights) -> None:
    """See that somebody watches what this run leaves open, the schedule being on or off."""
    await context.run.note("left_to_monitor", members=flights.pending)
    async with context.database.transaction() as connection:
        await ensure_run(
            connection,
            account_id=context.account_id,
            job="monitor_imports",
            at=context.clock.now(),
        )


async def _rehearse(context: JobContext, lists: Sequence[SyncedList]) -> None:
    """Say what a run would do; reads which lists there are, and writes nothing on either side."""
    run = context.run
    steps, run.counts["lists_created"] = await rehearse_twins(context, lists)
    refused = {step.list_id: step for step in steps if isinstance(step, Refuse)}
    run.counts["failed"] = len(refused)
    for step in refused.values():
        await run.note(
            "list_would_fail",
            list_id=step.list_id,
            reason=step.code,
            detail=with_advice(step.text, step.code),
        )
    for one in lists:
        if one.id in refused:
            continue
        async with context.database.batch() as connection:
            row = await connection.fetchrow(
                SQL["outlook"],
                one.id,
                context.account_id,
                _joined_until(context, one),
                run.mode == "full",
            )
        leaves = (
            "removed" if one.options.exit_action == "remove" and not one.is_audience else "exited"
        )
        run.counts["suppressed" if one.is_audience else "added"] += row["joining"]
        run.counts[leaves] += row["leaving"]
        run.counts["waiting"] += row["waiting"]
        run.done += row["joining"] + row["leaving"]
    run.total = run.done


def _joined_until(context: JobContext, one: SyncedList) -> datetime:
    return context.clock.now() if chosen_list(context) is not None else one.joined_until
