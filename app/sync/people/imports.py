"""Imports from the call to their end, for whoever watches one: the run itself, or the monitor.

An import is settled once: under a lock on its row, in one transaction that acknowledges what
Dotdigital said yes to, keeps what it refused as failures, and lets go of the rest.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.clients.dotdigital import ImportReport, ImportStatus, NotFound
from app.db import PoolConnection
from app.services.contacts_let_go import let_go
from app.sync.engine import JobContext
from app.sync.failures import heal_people, record_people
from app.sync.people.address_opt_outs import keep_opted_out
from app.sync.people.import_report import (
    NOT_IN_REPORT,
    TAKEN_CODES,
    all_failed,
    judge,
    reported_contacts,
)
from app.sync.people.person_failures import PersonFailure
from app.sync.rules.failure_advice import advice
from app.sync.rules.mailability import is_suppressed
from app.sync.rules.poll_intervals import wait_before_poll
from app.sync.statements import statements

SQL = statements("imports")
SEND_SQL = statements("send_people")


@dataclass(slots=True)
class Settled:
    """How an import ended, in records."""

    status: str
    created: int = 0
    updated: int = 0
    suppressed: int = 0
    failed: int = 0
    #: In none of the report's three parts; they stay due.
    unnamed: int = 0
    polls: int = 0
    error: dict[str, Any] | None = None

    def counts(self) -> Counter[str]:
        """Return what a run adds to its counts."""
        return Counter(
            created=self.created,
            updated=self.updated,
            skipped=self.suppressed,
            failed=self.failed + self.unnamed,
        )


async def poll(context: JobContext, import_id: int, dotdigital_id: str, polls: int) -> bool:
    """Look at one open import: one call; settle it if it has ended. Says whether it has."""
    try:
        report = await context.client.imports.status(dotdigital_id)
    except NotFound:
        # Results are kept for a while only; sending its people again is safe.
        text = "Dotdigital doesn't know the import any more."
        await lose(context, import_id, text, may_be_taken=True)
        return True
    if report.status is ImportStatus.NOT_FINISHED:
        wait = wait_before_poll(polls + 1)
        await context.database.pool.execute(
            SQL["not_finished"], import_id, context.clock.now() + timedelta(seconds=wait)
        )
        return False
    await settle(context, import_id, report)
    return True


async def settle(context: JobContext, import_id: int, report: ImportReport) -> Settled | None:
    """Take an ended import's report into our tables; None when another has done so already."""
    async with context.database.batch() as connection:
        row = await connection.fetchrow(SQL["claim_unsettled"], import_id)
        if row is None:
            return None
        if report.status is ImportStatus.FINISHED:
            settled = await _take_report(context, connection, import_id, report)
        else:
            settled = await _take_failed_import(context, connection, import_id, report)
        settled.polls = 1
        await _close(context, connection, import_id, settled)
        if row["run_id"] not in (None, context.run.id):
            await _bring_run_up_to_date(connection, row["run_id"], row["records"], settled)
    if row["run_id"] == context.run.id:
        context.run.counts.update(settled.counts())
        context.run.done += row["records"]
    return settled


async def release_abandoned(context: JobContext) -> int:
    """Let go of imports whose submission nobody will confirm; their people are due as before."""
    rows = await context.database.pool.fetch(SQL["abandoned"], context.account_id)
    for row in rows:
        text = "The replica that submitted it stopped before the answer."
        await lose(context, row["id"], text, may_be_taken=True)
    return len(rows)


async def lose(
    context: JobContext, import_id: int, detail: str, *, may_be_taken: bool = False
) -> None:
    """Close an import that was not taken, or may be; sending its people again is safe.

    Who was held back for an email in it is looked at again: its people may not be sent next time.
    """
    async with context.database.transaction() as connection:
        if await connection.fetchrow(SQL["claim_unsettled"], import_id) is None:
            return
        if may_be_taken:
            records = await connection.fetch(SQL["records"], import_id)
            sent = [each["person_id"] for each in records]
            await _note_sent(context, connection, sent)
            await doubt(context, connection, sent)
        returning = await connection.fetch(SQL["returning"], import_id)
        await doubt(context, connection, [each["person_id"] for each in returning])
        await connection.execute(SQL["make_others_due"], import_id, context.account_id)
        await _close(context, connection, import_id, Settled("lost", error={"detail": detail}))


async def doubt(context: JobContext, connection: PoolConnection, person_ids: Sequence[int]) -> None:
    """Note that a call may make or bring back contacts of these, whatever they say here meanwhile.

    `opt_ins.tell_again` sees to it.
    """
    if person_ids:
        now = context.clock.now()
        await connection.execute(SQL["doubt"], context.account_id, person_ids, now)


async def tell_after_all(context: JobContext, person_ids: Sequence[int]) -> None:
    """Have opt-outs told again to who may be a contact by now.

    An import that was given up came late, out of a replica that had stalled: who opted out in
    between was none when Dotdigital was told.
    """
    async with context.database.transaction() as connection:
        await _note_sent(context, connection, person_ids)
        await connection.execute(SQL["tell_after_all"], context.account_id, person_ids)


async def _note_sent(
    context: JobContext, connection: PoolConnection, person_ids: Sequence[int]
) -> None:
    """Write down that these people may have become contacts: their opt-outs are told."""
    await connection.execute(SQL["note_sent"], context.account_id, person_ids, context.clock.now())


async def _keep_what_was_taken(
    context: JobContext, connection: PoolConnection, failures: Sequence[PersonFailure]
) -> None:
    """Have the opt-outs of these told to the contacts that have their emails.

    Where it was the number that another contact has, that is kept.
    """
    taken = [each.person_id for each in failures if each.code.lower() in TAKEN_CODES]
    if taken:
        await connection.execute(SQL["note_refused_numbers"], context.account_id, taken)
        rows = await connection.fetch(SQL["refused_opt_outs"], context.account_id, taken)
        opted_out = [(row["email_key"], row["opted_out_at"]) for row in rows]
        await keep_opted_out(context, connection, opted_out, "perhaps_a_contact")


async def _close(
    context: JobContext, connection: PoolConnection, import_id: int, settled: Settled
) -> None:
    await connection.execute(SQL["drop_records"], import_id)
    await connection.execute(
        SQL["settle"],
        import_id,
        settled.status,
        settled.created,
        settled.updated,
        settled.failed + settled.suppressed + settled.unnamed,
        settled.error,
        context.clock.now(),
        settled.polls,
    )


async def _take_report(
    context: JobContext, connection: PoolConnection, import_id: int, report: ImportReport
) -> Settled:
    records = await connection.fetch(SQL["records"], import_id)
    holders = await _holders(context, connection, report)
    # Some hundredths of a second for ten thousand records: not on the thread that answers requests.
    judged = await asyncio.to_thread(judge, records, report, holders)
    now = context.clock.now()
    given_up = await connection.fetch(SQL["given_up_emails"], context.account_id, judged.person_ids)
    numbers = await connection.fetch(SQL["given_up_numbers"], context.account_id, judged.person_ids)
    await connection.execute(
        SQL["acknowledge"], context.account_id, judged.person_ids, judged.contact_ids, now
    )
    if any(record["consent_ids"] for record in records):
        told = [each for each in judged.person_ids if each not in judged.unconsented]
        await connection.execute(SQL["told_consents"], context.account_id, told)
    if await connection.fetchval(SQL["any_open_failures"], context.account_id):
        await heal_people(context, connection, judged.person_ids)
    if await connection.fetchval(SQL["any_waiting_members"], context.account_id):
        await connection.execute(SQL["wake_members"], judged.person_ids, now)
    await record_people(context, connection, judged.failures)
    unnamed = [each.person_id for each in judged.failures if each.code == NOT_IN_REPORT]
    await _note_sent(context, connection, unnamed)
    await _keep_what_was_taken(context, connection, judged.failures)
    await _hold_suppressed(context, connection, judged.suppressed)
    opted_out = [
        (row["email_key"], row["opted_out_at"] or now)
        for row in given_up
        if row["no_email"] or is_suppressed(row["account_status"])
    ]
    await keep_opted_out(context, connection, opted_out, "old_address")
    gone = []
    if judged.gone:
        gone = await connection.fetch(SEND_SQL["unlink_contacts"], context.account_id, judged.gone)
    failing = {failure.person_id for failure in judged.failures} - judged.unconsented
    await let_go(
        connection,
        [context.account_id],
        emails=[row["email_key"] for row in (*given_up, *gone)],
        numbers=[row["mobile_sent"] for row in (*numbers, *gone)],
        apart_from=failing,
    )
    refused = [row["email_key"] for row in records if row["person_id"] in failing]
    if refused:
        await connection.execute(SQL["make_sharers_due"], context.account_id, refused)
    return Settled(
        "finished",
        created=judged.created,
        updated=len(judged.person_ids) - judged.created,
        suppressed=len(judged.suppressed),
        failed=len(judged.failures) - judged.unnamed,
        unnamed=judged.unnamed,
    )


async def _holders(
    context: JobContext, connection: PoolConnection, report: ImportReport
) -> dict[int, int]:
    """Return the reported contacts that somebody is linked to, with that person."""
    rows = await connection.fetch(SQL["holders"], context.account_id, reported_contacts(report))
    return {row["contact_id"]: row["person_id"] for row in rows}


async def _hold_suppressed(
    context: JobContext, connection: PoolConnection, suppressed: Sequence[tuple[int, int, datetime]]
) -> None:
    if not suppressed:
        return
    count = len(suppressed)
    await connection.execute(
        SEND_SQL["hold_back"],
        context.account_id,
        [person_id for person_id, _, _ in suppressed],
        [version for _, version, _ in suppressed],
        ["suppressed"] * count,
        ["suppressed_there"] * count,
        [None] * count,
        [changed_at for _, _, changed_at in suppressed],
    )


async def _take_failed_import(
    context: JobContext, connection: PoolConnection, import_id: int, report: ImportReport
) -> Settled:
    code = "import_failed" if report.status is ImportStatus.FAILED else report.status.value
    text = f"Dotdigital ended the whole import as {report.status.value}."
    failures = all_failed(await connection.fetch(SQL["records"], import_id), code, text)
    await record_people(context, connection, failures)
    await connection.execute(SQL["make_others_due"], import_id, context.account_id)
    await _note_sent(context, connection, [each.person_id for each in failures])
    return Settled(
        "failed",
        failed=len(failures),
        error={"code": code, "detail": f"{text} {advice(code)}"},
    )


async def _bring_run_up_to_date(
    connection: PoolConnection, run_id: int, records: int, settled: Settled
) -> None:
    """Add the outcome to the run that sent the import and has ended, or lives elsewhere."""
    row = await connection.fetchrow(SQL["run_of_import"], run_id)
    if row is None:
        return
    counts = Counter(row["counts"])
    counts.update(settled.counts())
    counts["pending"] = max(counts["pending"] - records, 0)
    status = row["status"]
    if status == "succeeded" and counts["failed"]:
        status = "partial"
    await connection.execute(SQL["bring_run_up_to_date"], run_id, dict(counts), status, records)
