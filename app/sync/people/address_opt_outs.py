"""Addresses that opted out and that no contact of ours has: kept on Dotdigital's suppression list.

Of who opted out and was never a contact, the old address of an opted out contact that got another
one, and the address of one that was deleted. Telling it again is safe.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from app.clients.dotdigital import (
    MAX_SUPPRESSED,
    ImportContact,
    ImportReport,
    ImportStatus,
    MergeOption,
    NotFound,
    Priority,
    Rejected,
    WaitForSlot,
    encode_contact,
)
from app.db import PoolConnection
from app.sync.engine import JobContext
from app.sync.people.opt_outs_there import off_there
from app.sync.rules.email_match import matched_by
from app.sync.rules.mailability import NOT_A_CONTACT, RESUBSCRIBING
from app.sync.rules.poll_intervals import wait_before_poll
from app.sync.statements import statements

log = structlog.get_logger(__name__)

SQL = statements("address_opt_outs")

#: Up to so many go by a call each, confirmed at once; more by an import, which is looked at twice.
_SINGLES = 3
#: Looks at an import before the next run looks on.
_LOOKS = 4


async def keep_opted_out(
    context: JobContext,
    connection: PoolConnection,
    addresses: Sequence[tuple[str, datetime]],
    source: str,
) -> None:
    """Write down that these addresses, each beside its opt-out, must not be mailed."""
    if addresses:
        await connection.execute(
            SQL["keep"],
            context.account_id,
            [email_key for email_key, _ in addresses],
            [opted_out_at for _, opted_out_at in addresses],
            source,
        )


async def keep_given_up(context: JobContext, giving_up: Sequence[tuple[int, str]]) -> None:
    """Look whether these contacts are off, and keep the emails so that they are about to give up.

    For an opt-out that was made there and isn't read yet goes along with the contact, and whoever
    gets the email here later would be a new one. A call for one or two; see `off_there`.
    """
    if not giving_up:
        return
    off = await off_there(context, [contact_id for contact_id, _ in giving_up])
    if off:
        addresses = [(email_key, off[each]) for each, email_key in giving_up if each in off]
        async with context.run.fenced() as connection:
            await keep_opted_out(context, connection, addresses, "old_address")


async def tell_address_opt_outs(context: JobContext) -> None:
    """Tell Dotdigital of the addresses that it wasn't told of yet.

    An address that Dotdigital refuses is kept with the reason, and not told again. An import that
    takes long is looked at by the next run.
    """
    for row in await context.database.pool.fetch(SQL["under_way"], context.account_id):
        await _look_at(context, row["dotdigital_import_id"])
    size = context.account_settings.batch_size
    while rows := await context.database.pool.fetch(
        SQL["untold"], context.account_id, size, RESUBSCRIBING
    ):
        doubtful = [row["email_key"] for row in rows if row["source"] == "perhaps_a_contact"]
        emails = [row["email_key"] for row in rows if row["source"] != "perhaps_a_contact"]
        for begin in range(0, len(doubtful), MAX_SUPPRESSED):
            await _suppress_contacts(context, doubtful[begin : begin + MAX_SUPPRESSED])
        if len(emails) <= _SINGLES:
            await _tell_each(context, emails)
        elif not await _import(context, emails):
            return
        await context.run.save()


async def _suppress_contacts(context: JobContext, emails: Sequence[str]) -> None:
    """Suppress those of these that are contacts, in one call, and make none of the others."""
    client = context.client.with_priority(Priority.OPT_OUT)
    answer = await client.suppressions.suppress_contacts(emails=emails)
    missing = {matched_by(each.email) for each in answer.not_found if each.email}
    await _note_told(
        context,
        {email: NOT_A_CONTACT if matched_by(email) in missing else None for email in emails},
    )


async def _tell_each(context: JobContext, emails: Sequence[str]) -> None:
    client = context.client.with_priority(Priority.OPT_OUT)
    for email in emails:
        refusal = None
        try:
            await client.suppressions.unsubscribe(email)
        except Rejected as error:
            refusal = str(error)
        await _note_told(context, {email: refusal})


async def _import(context: JobContext, emails: Sequence[str]) -> bool:
    """Tell of many by one import; False where Dotdigital has no slot for it at the moment."""
    client = context.client.with_priority(Priority.OPT_OUT)
    encoded = [
        encode_contact(ImportContact(email=email, status="unsubscribed")) for email in emails
    ]
    try:
        import_id = await client.imports.submit(encoded, MergeOption.OVERWRITE_IF_EMPTY)
    except WaitForSlot:
        return False
    async with context.run.fenced() as connection:
        await connection.execute(SQL["submitted"], context.account_id, list(emails), import_id)
    await context.run.note("addresses_told_by_import", import_id=import_id, addresses=len(emails))
    for polls in range(_LOOKS):
        await context.clock.sleep(wait_before_poll(polls))
        if await _look_at(context, import_id):
            break
    return True


async def _look_at(context: JobContext, import_id: str) -> bool:
    """Look at an import, and write its outcome down if it has ended; says whether it has."""
    try:
        report = await context.client.imports.status(import_id)
    except NotFound:
        report = None
    if report is not None and report.status is ImportStatus.NOT_FINISHED:
        return False
    if report is None or report.status is not ImportStatus.FINISHED:
        log.warning("address_opt_outs_to_be_told_again", import_id=import_id)
        async with context.run.fenced() as connection:
            await connection.execute(SQL["to_be_told_again"], context.account_id, import_id)
        return True
    rows = await context.database.pool.fetch(SQL["of_import"], context.account_id, import_id)
    refusals = _refusals(report)
    await _note_told(
        context, {row["email_key"]: refusals.get(matched_by(row["email_key"])) for row in rows}
    )
    return True


def _refusals(report: ImportReport) -> dict[str, str]:
    """Return why Dotdigital did not take an address; one that it suppresses anyway is well."""
    return {
        matched_by(failure.email): ": ".join(failure.reasons[0])
        for failure in report.failures
        if failure.email
        and failure.reasons
        and failure.reasons[0][0].lower() != "globallysuppressed"
    }


async def _note_told(context: JobContext, refusals: dict[str, str | None]) -> None:
    async with context.run.fenced() as connection:
        await connection.execute(
            SQL["told"],
            context.account_id,
            list(refusals),
            list(refusals.values()),
            context.clock.now(),
        )
    taken = sum(refusal is None for refusal in refusals.values())
    context.run.counts["suppressed"] += taken
