"""Addresses of erased people who had opted out: whoever is made again with one starts opted out.

All that is left of them is a keyed hash, so an address is recognised when it is about to be sent.
"""

from collections.abc import Sequence
from datetime import datetime

from app.services.erasure import EmailHashes, opted_out_erasures
from app.sync.engine import JobContext
from app.sync.people.address_opt_outs import keep_opted_out
from app.sync.people.person_records import Row
from app.sync.rules.mailability import LEFT
from app.sync.turns import sparingly


async def keep_erased_opt_outs(context: JobContext, rows: Sequence[Row]) -> bool:
    """Write down which of these people's addresses must not be mailed; says whether any was news.

    Looks at addresses that would be new to Dotdigital by them, and costs no call.
    """
    new = [row for row in rows if _is_new_there(row)]
    if not new:
        return False
    hashes = EmailHashes.of(context.settings)
    async with context.database.pool.acquire() as connection:
        if not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM erasures WHERE opted_out_at IS NOT NULL)"
        ):
            return False
        by_hash: dict[bytes, list[Row]] = {}
        async for row in sparingly(context.clock, new):
            for each in hashes.all_of(row["email_key"]):
                by_hash.setdefault(each, []).append(row)
        found = await opted_out_erasures(connection, list(by_hash))
    addresses = [
        (row["email_key"], since)
        for each, since in found.items()
        for row in by_hash[each]
        if not _opted_in_since(row, since)
    ]
    if not addresses:
        return False
    # Where the account doesn't tell of unknown addresses, it is a fact for us alone.
    source = "never_a_contact" if context.account_settings.suppress_unknown else LEFT
    async with context.run.fenced() as connection:
        await keep_opted_out(context, connection, addresses, source)
    return True


def _is_new_there(row: Row) -> bool:
    if not row["email_key"] or row["address_opted_out_at"] is not None:
        return False
    return row["contact_id"] is None or row["email_sent"] != row["email_key"]


def _opted_in_since(row: Row, opted_out_at: datetime) -> bool:
    opted_in_at: datetime | None = row["opted_in_at"]
    return not row["no_email"] and opted_in_at is not None and opted_in_at > opted_out_at
