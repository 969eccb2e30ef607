"""Imports from our intent to their end, for whoever watches one: the run itself, or the monitor.

An import is settled once: under a lock on its row, in one transaction that acknowledges what
Dotdigital said yes to, keeps what it refused as failures, and lets go of the rest.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.clients.dotdigital import ImportFailure, ImportReport, ImportStatus
from app.db import PoolConnection
from app.sync.engine import JobContext
from app.sync.failures import PersonFailure, record_people
from app.sync.rules.failure_advice import advice
from app.sync.rules.poll_intervals import wait_before_poll
from app.sync.statements import statements

SQL = statements("imports")
SEND_SQL = statements("send_people")

#: Codes that say the address will not be mailed: a state of the person, not a fault to mend.
_SUPPRESSED_CODES = frozenset({"globallysuppressed", "suppressedbydomain"})
_GONE_CODES = frozenset({"invalidcontactid", "contactnotfound"})


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
            suppressed=self.suppressed,
            failed=self.failed + self.unnamed,
        )


@dataclass(slots=True)
class _Verdicts:
    """The report, sorted by what becomes of each record."""

    contact_ids: list[int] = field(default_factory=list)
    email_keys: list[str] = field(default_factory=list)
    created_ids: list[int] = field(default_factory=list)
    failures: list[tuple[ImportFailure, str, str]] = field(default_factory=list)


async def poll(context: JobContext, import_id: int, dotdigital_id: str, polls: int) -> bool:
    """Look at one open import: one call; settle it if it has ended. Says whether it has."""
    report = await context.client.imports.status(dotdigital_id)
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
    async with context.database.transaction() as connection:
        row = await connection.fetchrow(SQL["claim_unsettled"], import_id)
        if row is None:
            return None
        if report.status is ImportStatus.FINISHED:
            settled = await _take_report(context, connection, import_id, report)
        else:
            settled = await _take_failed_import(context, connection, import_id, report)
        settled.polls = 1
        await _close(context, connection, import_id, settled)
        if row["run_id"] is not None:
            await _bring_run_up_to_date(context, connection, row["run_id"], row["records"], settled)
    return settled


async def release_abandoned(context: JobContext) -> int:
    """Let go of imports whose submission nobody will confirm; their people are due as before."""
    rows = await context.database.pool.fetch(SQL["abandoned"], context.account_id)
    for row in rows:
        await lose(context, row["id"], "The replica that submitted it stopped before the answer.")
    return len(rows)


async def lose(context: JobContext, import_id: int, detail: str) -> None:
    """Close an import that may or may not have been taken; sending its people again is safe."""
    async with context.database.transaction() as connection:
        if await connection.fetchrow(SQL["claim_unsettled"], import_id) is None:
            return
        await _close(context, connection, import_id, Settled("lost", error={"detail": detail}))


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
    verdicts = _sort(report)
    taken = await _taken_elsewhere(context, connection, import_id, verdicts)
    acknowledged = await connection.fetchval(
        SQL["acknowledge"],
        import_id,
        verdicts.contact_ids,
        verdicts.email_keys,
        context.clock.now(),
    )
    created = len(report.created) - len(taken)
    left = await connection.fetch(SQL["records"], import_id)
    failures, suppressed = _match_failures(left, verdicts, taken)
    await record_people(context, connection, failures)
    await _hold_suppressed(context, connection, suppressed)
    await _unlink_gone(context, connection, verdicts)
    await connection.execute(
        SQL["release_people"], context.account_id, [failure.person_id for failure in failures]
    )
    unnamed = sum(failure.code == "not_in_report" for failure in failures)
    return Settled(
        "finished",
        created=created,
        updated=acknowledged - created,
        suppressed=len(suppressed),
        failed=len(failures) - unnamed,
        unnamed=unnamed,
    )


def _sort(report: ImportReport) -> _Verdicts:
    verdicts = _Verdicts()
    # A contact that is in `failures` too was applied in part: it stays due until all of it is.
    partly = {failure.contact_id for failure in report.failures if failure.contact_id}
    for part in (report.created, report.updated):
        for contact in part:
            if contact.contact_id not in partly:
                verdicts.contact_ids.append(contact.contact_id)
                verdicts.email_keys.append((contact.email or "").lower())
    verdicts.created_ids = [contact.contact_id for contact in report.created]
    for failure in report.failures:
        code, text = failure.reasons[0] if failure.reasons else ("unknown", "no reason given")
        verdicts.failures.append((failure, code, text))
    return verdicts


async def _taken_elsewhere(
    context: JobContext, connection: PoolConnection, import_id: int, verdicts: _Verdicts
) -> dict[str, int]:
    """Take reported contacts that another person holds out of the verdicts, by email key.

    An email that was changed in Dotdigital can lead one person's record to another's contact.
    """
    holders = await connection.fetch(
        """
        SELECT link.contact_id, link.person_id FROM contact_links AS link
        WHERE link.account_id = $1 AND link.contact_id = ANY ($2::bigint[])
          AND NOT EXISTS (SELECT FROM import_records AS record
                          WHERE record.import_id = $3 AND record.account_id = $1
                            AND record.person_id = link.person_id)
        """,
        context.account_id,
        verdicts.contact_ids,
        import_id,
    )
    if not holders:
        return {}
    held = {row["contact_id"]: row["person_id"] for row in holders}
    pairs = list(zip(verdicts.contact_ids, verdicts.email_keys, strict=True))
    verdicts.contact_ids = [contact_id for contact_id, _ in pairs if contact_id not in held]
    verdicts.email_keys = [key for contact_id, key in pairs if contact_id not in held]
    return {key: held[contact_id] for contact_id, key in pairs if contact_id in held}


def _match_failures(
    left: Iterable[Any], verdicts: _Verdicts, taken: dict[str, int]
) -> tuple[list[PersonFailure], list[tuple[int, int]]]:
    """Say of each record that was not acknowledged what became of it."""
    by_contact = {
        failure.contact_id: (code, text)
        for failure, code, text in verdicts.failures
        if failure.contact_id
    }
    by_email = {
        failure.email.lower(): (code, text)
        for failure, code, text in verdicts.failures
        if failure.email
    }
    failures: list[PersonFailure] = []
    suppressed: list[tuple[int, int]] = []
    for record in left:
        key = record["email_key"]
        if key in taken:
            code, text = "email_linked_elsewhere", f"Person {taken[key]} holds this contact."
        else:
            code, text = (
                by_contact.get(record["contact_id"])
                or by_email.get(key)
                or ("not_in_report", "Dotdigital took the import but did not report this record.")
            )
        if code.lower() in _SUPPRESSED_CODES:
            suppressed.append((record["person_id"], record["version"]))
        else:
            failures.append(PersonFailure(record["person_id"], record["version"], code, text))
    return failures, suppressed


async def _hold_suppressed(
    context: JobContext, connection: PoolConnection, suppressed: Sequence[tuple[int, int]]
) -> None:
    if not suppressed:
        return
    count = len(suppressed)
    await connection.execute(
        SEND_SQL["hold_back"],
        context.account_id,
        [person_id for person_id, _ in suppressed],
        [version for _, version in suppressed],
        ["suppressed"] * count,
        ["suppressed_there"] * count,
        [None] * count,
    )


async def _unlink_gone(
    context: JobContext, connection: PoolConnection, verdicts: _Verdicts
) -> None:
    gone = [
        int(failure.identifiers.get("contactId") or failure.contact_id or 0)
        for failure, code, _ in verdicts.failures
        if code.lower() in _GONE_CODES
    ]
    if any(gone):
        await connection.execute(SEND_SQL["unlink_contacts"], context.account_id, gone)


async def _take_failed_import(
    context: JobContext, connection: PoolConnection, import_id: int, report: ImportReport
) -> Settled:
    code = "import_failed" if report.status is ImportStatus.FAILED else report.status.value
    text = f"Dotdigital ended the whole import as {report.status.value}."
    left = await connection.fetch(SQL["records"], import_id)
    failures = [
        PersonFailure(record["person_id"], record["version"], code, text) for record in left
    ]
    await record_people(context, connection, failures)
    return Settled(
        "failed",
        failed=len(failures),
        error={"code": code, "detail": f"{text} {advice(code)}"},
    )


async def _bring_run_up_to_date(
    context: JobContext,
    connection: PoolConnection,
    run_id: int,
    records: int,
    settled: Settled,
) -> None:
    """Add the outcome to the run that sent the import: in memory while it lives here, else there."""
    if run_id == context.run.id:
        context.run.counts.update(settled.counts())
        context.run.done += records
        return
    row = await connection.fetchrow(
        "SELECT status, counts FROM runs WHERE id = $1 FOR UPDATE", run_id
    )
    if row is None:
        return
    counts = Counter(row["counts"])
    counts.update(settled.counts())
    counts["pending"] = max(counts["pending"] - records, 0)
    status = row["status"]
    if status == "succeeded" and counts["failed"]:
        status = "partial"
    await connection.execute(
        """
        UPDATE runs SET counts = $2, status = $3,
               progress_done = least(progress_done + $4, coalesce(progress_total, progress_done + $4))
        WHERE id = $1
        """,
        run_id,
        dict(counts),
        status,
        records,
    )
