"""Opt-outs made in Dotdigital and not read yet, looked for before contacts go or get another email.

For nothing shows them any more afterwards. Nothing of it is written here: what retrieve_people is
about to read, it reads all the same.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.clients.dotdigital import NotFound
from app.sync.engine import JobContext
from app.sync.readings import Stream
from app.sync.rules.mailability import is_suppressed
from app.sync.rules.read_window import BEGINNING
from app.sync.statements import statements

SQL = statements("departures")

#: Up to so many contacts are looked at by a call each, whatever was read before.
_FEW: Final = 2
#: As many are, of whom nothing can have been read yet; of more, all suppressions are read.
_NEW: Final = 100


async def off_there(context: JobContext, contact_ids: Sequence[int]) -> dict[int, datetime]:
    """Return which of these contacts aren't mailed there, each with when at the latest it went off.

    Of a few, and of some that were linked since suppressions were last read, a call for each; of
    the others a call for each 1000 suppressions since then.
    """
    if len(contact_ids) <= _FEW:
        return await _looked_at(context, contact_ids)
    since = (await Stream.load(context, "suppressions")).next_reading(whole=False).since
    if since is None:
        return await _suppressed(context, frozenset(contact_ids), BEGINNING)
    rows = await context.database.pool.fetch(
        SQL["linked_since"], context.account_id, list(contact_ids), since
    )
    new = [row["contact_id"] for row in rows]
    if len(new) > _NEW:
        return await _suppressed(context, frozenset(contact_ids), BEGINNING)
    found = await _looked_at(context, new)
    others = frozenset(contact_ids).difference(new)
    if others:
        found |= await _suppressed(context, others, since)
    return found


async def _looked_at(context: JobContext, contact_ids: Sequence[int]) -> dict[int, datetime]:
    off = {}
    for contact_id in contact_ids:
        try:
            found = await context.client.contacts.get("contactId", contact_id)
        except NotFound:
            continue
        if is_suppressed(found.email_status):
            off[contact_id] = found.updated_at or context.clock.now()
    return off


async def _suppressed(
    context: JobContext, sought: frozenset[int], since: datetime
) -> dict[int, datetime]:
    off: dict[int, datetime] = {}
    async for page in context.client.suppressions.suppressed_since(since):
        for each in page.items:
            contact_id = each.contact.id
            if contact_id in sought and is_suppressed(each.reason):
                at = each.date_removed or context.clock.now()
                off[contact_id] = max(off.get(contact_id, at), at)
        await context.run.save()
    return off
