"""People who leave their contacts: the deleted and merged ones, and those who take another one.

A contact goes in bulk with up to 5000 others, or over to somebody else who has the email. Right
before, whoever has moved on since being read is left out, and stays due. Asking again for what is
gone is safe, so a run that dies in between costs a call and nothing else.
"""

from collections.abc import Mapping, Sequence

from app.clients.dotdigital import DeletionReport, DeletionStatus, NotFound
from app.db import PoolConnection
from app.services.contacts_let_go import let_go
from app.sync.engine import JobContext
from app.sync.failures import heal_people, record_people
from app.sync.people.address_opt_outs import keep_opted_out
from app.sync.people.import_report import GONE_CODES
from app.sync.people.opt_outs_there import off_there
from app.sync.people.people_page import Departure, Leaving
from app.sync.people.person_failures import PersonFailure
from app.sync.rules.poll_intervals import wait_before_poll
from app.sync.statements import statements

SQL = statements("departures")
SEND_SQL = statements("send_people")

#: contacts-v3.json: references of a bulk delete, at most [spec].
MOST_AT_ONCE = 5000
#: Up to so many go by a call each, which is no more than a bulk delete with its look.
_SINGLES = 2
#: Looks at a bulk delete before it is left to the next run.
_LOOKS = 6


async def hand_over(context: JobContext, departures: Sequence[Departure]) -> int:
    """Give the contacts of these people to their heirs; costs no call. Returns how many went.

    Where an heir can't take a contact any more, its person stays due.
    """
    by_heir = {each.heir: each for each in departures if each.heir is not None}
    if not by_heir:
        return 0
    async with context.run.fenced() as connection:
        rows = await connection.fetch(SQL["hold_heirs"], context.account_id, list(by_heir))
        going = await _still_go(context, connection, [by_heir[row["id"]] for row in rows])
        await _unlink(context, connection, going)
        await connection.execute(
            SQL["take_over"],
            context.account_id,
            [each.heir for each in going],
            [each.contact_id for each in going],
            [each.row["account_status"] for each in going],
            [each.row["suppressed_at"] for each in going],
            [each.row["email_sent"] for each in going],
            [each.row["mobile_sent"] for each in going],
            context.clock.now(),
            [each.row["opt_out_told"] for each in going],
        )
        await connection.execute(
            SQL["take_over_doubt"],
            context.account_id,
            [each.heir for each in going],
            [each.person_id for each in going],
        )
    return len(going)


async def delete_contacts(context: JobContext, departures: Sequence[Departure]) -> None:
    """Delete the contacts of these people, up to 5000 of them; of an opted out one, keep it so.

    Also of one that opted out there, unread so far; see `off_there` for what that costs. A deletion
    that takes long is asked for again by the next run.
    """
    if not departures:
        return
    departures = await _about_to_go(context, departures)
    if len(departures) <= _SINGLES:
        for each in departures:
            await _delete_one(context, each)
        return
    contacts = context.client.contacts
    delete_id = await contacts.delete_many(contact_ids=[each.contact_id for each in departures])
    for looks in range(_LOOKS):
        await context.clock.sleep(wait_before_poll(looks))
        report = await contacts.deletion(delete_id)
        if report.status is not DeletionStatus.RUNNING:
            await _settle(context, departures, report)
            return
        await context.run.save()
    await context.run.note("deletion_takes_long", delete_id=delete_id, contacts=len(departures))


async def _about_to_go(context: JobContext, departures: Sequence[Departure]) -> Sequence[Departure]:
    """Return those who go still, once the opt-outs that are known there alone are written down."""
    unknown = [each.contact_id for each in departures if not each.opted_out]
    off = await off_there(context, unknown)
    async with context.run.fenced() as connection:
        going = await _still_go(context, connection, departures)
        opted_out = [
            (each.row["email_sent"], off[each.contact_id])
            for each in going
            if each.contact_id in off and each.row["email_sent"]
        ]
        await keep_opted_out(context, connection, opted_out, "deleted")
    return going


async def _still_go(
    context: JobContext, connection: PoolConnection, departures: Sequence[Departure]
) -> Sequence[Departure]:
    """Return those who stand as they were read: nobody who lives again loses the contact."""
    rows = await connection.fetch(
        SQL["still_go"],
        context.account_id,
        [each.person_id for each in departures],
        [each.version for each in departures],
        [each.contact_id for each in departures],
    )
    going = {row["id"] for row in rows}
    return [each for each in departures if each.person_id in going]


async def _delete_one(context: JobContext, departure: Departure) -> None:
    try:
        await context.client.contacts.delete("contactId", departure.contact_id)
    except NotFound:
        await context.run.note("contact_was_gone", person_id=departure.person_id)
    async with context.run.fenced() as connection:
        await _gone(context, connection, [departure])


async def _settle(
    context: JobContext, departures: Sequence[Departure], report: DeletionReport
) -> None:
    refusals = _refusals(report)
    if report.status is DeletionStatus.FAILED and not refusals:
        reason = ("deletion_failed", "Dotdigital ended the whole deletion as failed.")
        done = {str(each.get("contactId")) for each in report.deleted}
        refusals = {
            each.contact_id: reason for each in departures if str(each.contact_id) not in done
        }
    failures = [
        PersonFailure(each.person_id, each.version, each.changed_at, *refusals[each.contact_id])
        for each in departures
        if each.contact_id in refusals
    ]
    async with context.run.fenced() as connection:
        await record_people(context, connection, failures)
        await _gone(
            context, connection, [each for each in departures if each.contact_id not in refusals]
        )
    context.run.counts["failed"] += len(failures)


def _refusals(report: DeletionReport) -> Mapping[int, tuple[str, str]]:
    """Return why a contact was not deleted, by its id; one that was gone already is well."""
    refusals = {}
    for failure in report.failures:
        code, text = failure.reasons[0] if failure.reasons else ("unknown", "No reason was given.")
        named = str(failure.identifier.get("contactId", ""))
        if named.isdecimal() and code.lower() not in GONE_CODES:
            refusals[int(named)] = (code, text)
    return refusals


async def _gone(
    context: JobContext, connection: PoolConnection, departures: Sequence[Departure]
) -> None:
    opted_out = [
        (each.row["email_sent"], each.opted_out_at or context.clock.now())
        for each in departures
        if each.opted_out and each.row["email_sent"]
    ]
    await keep_opted_out(context, connection, opted_out, "deleted")
    await _unlink(context, connection, departures)
    context.run.counts["deleted"] += len(departures)


async def _unlink(
    context: JobContext, connection: PoolConnection, departures: Sequence[Departure]
) -> None:
    if not departures:
        return
    person_ids = [each.person_id for each in departures]
    freed = await connection.fetch(
        SQL["unlink_departed"],
        context.account_id,
        person_ids,
        [each.version for each in departures],
        [each.changed_at for each in departures],
        [each.contact_id for each in departures],
        [each.reason.value for each in departures],
    )
    await heal_people(context, connection, person_ids)
    # Whoever has the address may have a contact now.
    await let_go(
        connection,
        [context.account_id],
        emails=[row["email_key"] for row in freed],
        numbers=[row["mobile_sent"] for row in freed],
    )


async def leave_contacts(context: JobContext, leaving: Sequence[Leaving]) -> int:
    """Unlink these people, who are then sent by their new emails. Returns how many were.

    Where a refusal only suggests that another contact has the email, that is looked up: a call
    each. If none has it, the refusal stands as the person's failure.
    """
    going, failures = [], []
    for each in leaving:
        if not each.to_verify or await _is_anothers(context, each):
            going.append(each.contact_id)
        else:
            text = "Dotdigital says that another contact has the email or mobile number."
            failures.append(
                PersonFailure(
                    each.person_id, each.version, each.changed_at, "duplicateIdentifier", text
                )
            )
    async with context.run.fenced() as connection:
        await record_people(context, connection, failures)
        freed = await connection.fetch(SEND_SQL["unlink_contacts"], context.account_id, going)
        await let_go(
            connection,
            [context.account_id],
            emails=[row["email_key"] for row in freed],
            numbers=[row["mobile_sent"] for row in freed],
        )
    context.run.counts["failed"] += len(failures)
    return len(going)


async def _is_anothers(context: JobContext, leaving: Leaving) -> bool:
    try:
        found = await context.client.contacts.get("email", leaving.email)
    except NotFound:
        return False
    return found.contact_id != leaving.contact_id
