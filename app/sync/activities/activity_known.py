"""What of a batch of activities is there already, and whose the rest is.

Postgres is asked for a whole batch at once, and each contact and email once; what is left goes into
the table by COPY.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.db import PoolConnection
from app.services.erasure import EmailHashes, erased_among
from app.sync.rules.activities import Activity
from app.sync.statements import statements

SQL = statements("activities")
MATCH_SQL = statements("match_activities")

COLUMNS: Final = (
    *("account_id", "type", "occurred_at", "mailshot_id", "person_id", "matched_by"),
    *("contact_id", "email", "details", "activity_key"),
)
#: Places in a `Stored`.
TYPE: Final = COLUMNS.index("type")
PERSON: Final = COLUMNS.index("person_id")

#: A row as it is stored, by `COLUMNS`; a plain tuple, for they come by the million.
Stored = tuple[Any, ...]

#: Mailshot, type, instant, email and url: what tells an activity apart without a contact.
_Alike = tuple[int | None, str, datetime, str, str | None]


@dataclass(frozen=True, slots=True)
class Sorted:
    """What is left of a batch."""

    fresh: list[Stored]
    #: Rows of people who were erased, and that nobody else has the address of.
    erased: int


async def sort_out(
    connection: PoolConnection, account_id: int, rows: Sequence[Activity], hashes: EmailHashes
) -> Sorted:
    """Return the rows that aren't stored yet, each with its person where that is known."""
    unknown = await _unknown(connection, account_id, rows)
    linked, named = await _people(connection, account_id, unknown)
    fresh = await _not_erased(connection, unknown, linked, named, hashes)
    stored = []
    for type_, at, mailshot_id, contact_id, email, details, key, _ in fresh:
        person_id, matched_by = linked.get(contact_id), "contact"
        if person_id is None and named:
            person_id, matched_by = named.get((email or "").lower()), "email"
        stored.append(
            (
                account_id,
                type_,
                at,
                mailshot_id,
                person_id,
                None if person_id is None else matched_by,
                contact_id,
                email,
                details,
                key,
            )
        )
    return Sorted(stored, len(unknown) - len(fresh))


async def _not_erased(
    connection: PoolConnection,
    rows: list[Activity],
    linked: Mapping[int | None, int],
    named: Mapping[str, int],
    hashes: EmailHashes,
) -> list[Activity]:
    """Leave out whoever was erased here, and may stand in Dotdigital's rows for ever."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM erasures)"):
        return rows
    emails = {row.email.lower() for row in rows if row.email and row.contact_id not in linked}
    erased = await erased_among(connection, emails - named.keys(), hashes)
    if not erased:
        return rows
    return [
        row for row in rows if row.contact_id in linked or (row.email or "").lower() not in erased
    ]


async def _unknown(
    connection: PoolConnection, account_id: int, rows: Sequence[Activity]
) -> list[Activity]:
    """Return the rows that aren't stored yet, each once."""
    once = [row.key for row in rows if row.is_once]
    by_key: dict[tuple[bytes, datetime | None], Activity] = {}
    for row in rows:
        by_key.setdefault((row.key, None if row.is_once else row.occurred_at), row)
    keys = [key for key, at in by_key if at is not None]
    instants = [at for _, at in by_key if at is not None]
    known = await connection.fetch(SQL["known"], account_id, keys, instants) if keys else []
    if once:
        known += await connection.fetch(SQL["known_at_any_time"], account_id, once)
    if not known:
        return list(by_key.values())
    stands = {row["activity_key"] for row in known}
    return [row for row in by_key.values() if row.key not in stands]


async def _people(
    connection: PoolConnection, account_id: int, rows: Sequence[Activity]
) -> tuple[dict[int | None, int], dict[str, int]]:
    """Return whose the contacts are, and whose the emails of those that nobody is linked to."""
    contact_ids = {row.contact_id for row in rows if row.contact_id is not None}
    found = await connection.fetch(SQL["linked"], account_id, list(contact_ids))
    linked: dict[int | None, int] = {row["contact_id"]: row["person_id"] for row in found}
    emails = {row.email.lower() for row in rows if row.email and row.contact_id not in linked}
    if not emails:
        return linked, {}
    found = await connection.fetch(MATCH_SQL["emails_of"], account_id, list(emails))
    return linked, {row["email_key"]: row["person_id"] for row in found}


async def unite(
    connection: PoolConnection, account_id: int, rows: Sequence[Activity]
) -> Sequence[Activity]:
    """Return the rows without those that are stored already, but for their contact.

    A row may come once with its contact and once without. What stands without one gets it.
    """
    lacking = [row for row in rows if row.contact_id is None and row.mailshot_id is not None]
    if lacking:
        twins = await _that_came_with_contact(connection, lacking)
        rows = [row for row in rows if row.key not in twins]
    if await connection.fetchval(SQL["any_without_contact"], account_id):
        return await _adopted(connection, rows)
    return rows


async def _that_came_with_contact(
    connection: PoolConnection, rows: Sequence[Activity]
) -> set[bytes]:
    alike = [_alike(row) for row in rows]
    columns = [list(column) for column in zip(*alike, strict=True)]
    found = await connection.fetch(SQL["with_contact"], *columns)
    return {rows[row["number"] - 1].key for row in found}


async def _adopted(connection: PoolConnection, rows: Sequence[Activity]) -> Sequence[Activity]:
    """Give contacts to what stands without one; return the rows that are left."""
    with_contact = [row for row in rows if row.contact_id is not None and row.mailshot_id]
    if not with_contact:
        return rows
    instants = [row.occurred_at for row in with_contact]
    found = await connection.fetch(
        SQL["without_contact"],
        sorted({row.mailshot_id for row in with_contact if row.mailshot_id is not None}),
        min(instants),
        max(instants),
    )
    stands: dict[_Alike, int] = {
        (each["mailshot_id"], each["type"], each["occurred_at"], each["email_key"], each["url"]): (
            each["id"]
        )
        for each in found
    }
    taken = [(row, id_) for row in with_contact if (id_ := stands.pop(_alike(row), None))]
    if taken:
        await connection.execute(SQL["adopt"], *_columns_of(taken))
    gone = {row.key for row, _ in taken}
    return [row for row in rows if row.key not in gone]


def _columns_of(taken: Iterable[tuple[Activity, int]]) -> list[list[Any]]:
    rows = [(row.occurred_at, id_, row.contact_id, row.key) for row, id_ in taken]
    return [list(column) for column in zip(*rows, strict=True)]


def _alike(row: Activity) -> _Alike:
    email = (row.email or "").lower()
    return row.mailshot_id, row.type, row.occurred_at, email, row.details.get("url")
