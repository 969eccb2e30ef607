"""Opt-outs of linked people: suppressed at once, before anything else is sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.clients.dotdigital import Priority
from app.services.contacts_let_go import let_go
from app.sync.engine import JobContext
from app.sync.rules.mailability import SUPPRESSED_STATUSES
from app.sync.statements import statements

SQL = statements("send_people")

#: Ids in one call; the vendor states no most, and deletes take 5000.
_IN_ONE_CALL = 5000
_LAST_ID = 2**63 - 1


async def send_opt_outs(context: JobContext, after_id: int = 0, until_id: int = _LAST_ID) -> None:
    """Suppress the contacts of linked people who must not be mailed. A call for 5000 of them.

    Only of those after one person and up to another, if told so. The change stays due: the fields
    follow. A contact that Dotdigital doesn't know is unlinked.
    """
    client = context.client.with_priority(Priority.OPT_OUT)
    while rows := await _due(context, after_id, until_id):
        after_id = rows[-1]["person_id"]
        opted_out_at = {row["contact_id"]: row["opted_out_at"] for row in rows}
        answer = await client.suppressions.suppress_contacts(contact_ids=list(opted_out_at))
        missing = {each.id for each in answer.not_found if each.id}
        told = [contact_id for contact_id in opted_out_at if contact_id not in missing]
        async with context.run.fenced() as connection:
            await connection.execute(
                SQL["note_opt_outs_told"],
                context.account_id,
                told,
                context.clock.now(),
                [opted_out_at[contact_id] for contact_id in told],
                sorted(SUPPRESSED_STATUSES),
            )
            if missing:
                gone = await connection.fetch(
                    SQL["unlink_contacts"], context.account_id, sorted(missing)
                )
                await let_go(
                    connection,
                    [context.account_id],
                    emails=[row["email_key"] for row in gone],
                    numbers=[row["mobile_sent"] for row in gone],
                )
        context.run.counts["suppressed"] += len(told)
        await context.run.save()


async def _due(context: JobContext, after_id: int, until_id: int) -> Sequence[Mapping[str, Any]]:
    async with context.database.batch() as connection:
        rows: Sequence[Mapping[str, Any]] = await connection.fetch(
            SQL["due_opt_outs"],
            context.account_id,
            after_id,
            context.clock.now(),
            _IN_ONE_CALL,
            sorted(SUPPRESSED_STATUSES),
            until_id,
        )
    return rows
