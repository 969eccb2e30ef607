"""Writes the status that contacts have in a list and in the account back onto its members.

Who is on a list is read 5000 a call. Dotdigital doesn't say whether a status that changes moves a
contact's time of modification, so a large list is read whole once a day, and in between only what
was modified; a list of one page is read whole each time, for that costs the same.
"""

from array import array
from bisect import bisect_left
from datetime import timedelta

from app.clients.dotdigital import MAX_CONTACTS, Contact, NotFound
from app.sync.engine import JobContext
from app.sync.members.list_twins import lose_twin
from app.sync.members.synced_lists import SyncedList
from app.sync.rules.status_reading import is_whole
from app.sync.statements import statements

SQL = statements("send_lists")

#: What is read again: clocks differ, and the bound means whole seconds.
_OVERLAP = timedelta(minutes=10)


async def read_statuses(context: JobContext, one: SyncedList) -> None:
    """Read one list's statuses."""
    is_small = one.contacts_there is not None and one.contacts_there <= MAX_CONTACTS
    is_sweep = is_whole(
        is_full=context.run.mode == "full",
        is_small=is_small,
        read_at=one.status_read_at,
        swept_at=one.status_swept_at,
        now=context.clock.now(),
    )
    try:
        # The time there is wanted only for what is modified from now on.
        read_at = None if is_small else await context.client.account.server_time()
        await (_sweep if is_sweep else _read_modified)(context, one)
        swept_at = context.clock.now() if is_sweep else None
        await context.database.pool.execute(SQL["statuses_read"], one.id, read_at, swept_at)
    except NotFound:
        await lose_twin(context, one)


async def _sweep(context: JobContext, one: SyncedList) -> None:
    """Read all of it; whoever isn't on it is noted as absent."""
    seen = array("q")
    pages = context.client.contacts.pages(
        list_id=one.twin_id, include=("channelProperties", "lists")
    )
    async for page in pages:
        await _write(context, one, page.items)
        seen.extend(contact.contact_id for contact in page.items)
        await context.run.save()
    await _note_absent(context, one, array("q", sorted(seen)))


async def _read_modified(context: JobContext, one: SyncedList) -> None:
    since = (one.status_read_at or context.clock.now()) - _OVERLAP
    pages = context.client.contacts.pages(
        list_id=one.twin_id, modified_since=since, include=("channelProperties", "lists")
    )
    async for page in pages:
        await _write(context, one, page.items)
        await context.run.save()


async def _write(context: JobContext, one: SyncedList, contacts: list[Contact]) -> None:
    async with context.run.fenced() as connection:
        await connection.execute(
            SQL["write_statuses"],
            context.account_id,
            one.id,
            [contact.contact_id for contact in contacts],
            [contact.email_status or contact.status for contact in contacts],
            [_status_in(contact, one.twin_id) for contact in contacts],
        )


def _status_in(contact: Contact, twin_id: int | None) -> str | None:
    return next((each.status for each in contact.lists or () if each.id == twin_id), None)


async def _note_absent(context: JobContext, one: SyncedList, there: "array[int]") -> None:
    after_id = 0
    while True:
        async with context.run.fenced() as connection:
            rows = await connection.fetch(
                SQL["synced_page"], one.id, after_id, MAX_CONTACTS, context.account_id
            )
            absent = [
                row["person_id"]
                for row in rows
                if row["list_status"] != "absent" and not _is_in(there, row["contact_id"])
            ]
            if absent:
                await connection.execute(SQL["note_absent"], one.id, absent)
        if not rows:
            return
        after_id = rows[-1]["person_id"]


def _is_in(there: "array[int]", contact_id: int | None) -> bool:
    if contact_id is None:
        return False
    place = bisect_left(there, contact_id)
    return place < len(there) and there[place] == contact_id
