"""Finds contacts that are gone: a deleted contact shows only by what a whole reading leaves out.

Pages of a whole reading ascend by contact id [inferred]. So of the linked contacts between the
highest ids of two pages, those that the later page does not hold are gone. That is looked at once
more before anybody is unlinked, for a page may leave rows out.
"""

from collections.abc import Sequence

from app.clients.dotdigital import Contact
from app.sync.contacts.page_batches import SQL
from app.sync.engine import JobContext
from app.sync.readings import Reading

#: Ids are 64-bit numbers.
_LAST_ID = 2**63 - 1


async def gone_among(
    context: JobContext,
    reading: Reading,
    contacts: Sequence[Contact],
    marker: str | None,
    *,
    is_last: bool,
    is_whole_page: bool,
) -> list[int]:
    """Return the linked contacts that this page of a whole reading shows to be gone.

    ``marker``: of the page; ``is_last``: no further page follows, so nor does a higher id. A call
    more where there are any. Moves ``reading.last_id``; of a page that does not ascend, or that has
    rows which can't be read (not ``is_whole_page``), nothing is concluded.
    """
    ids = [contact.contact_id for contact in contacts]
    after, until = reading.last_id, max([reading.last_id, *ids])
    ascends = not ids or min(ids) > after
    reading.last_id = until
    if not ascends:
        await context.run.note("contacts_out_of_order", after=after)
        return []
    if not is_whole_page:
        return []
    missing = await _missing(context, after, _LAST_ID if is_last else until, set(ids))
    if missing:
        missing = await _still_missing(context, marker, missing)
    return sorted(missing)


async def _missing(context: JobContext, after: int, until: int, seen: set[int]) -> set[int]:
    rows = await context.database.pool.fetch(
        SQL["linked_between"], context.account_id, after, until
    )
    return {row["contact_id"] for row in rows} - seen


async def _still_missing(context: JobContext, marker: str | None, missing: set[int]) -> set[int]:
    """Read the ids from this page on until the highest of those that are missing."""
    highest = max(missing)
    async for page in context.client.contacts.ids(marker=marker):
        if page.unread:
            return set()
        missing = missing.difference(page.items)
        if max(page.items) >= highest:
            break
    return missing
