"""The people who are due: counted, read a page at a time, and settled where no import is needed."""

from collections import Counter
from collections.abc import Sequence

from sqlmodel import col, select

from app.db import PoolConnection
from app.models import Mapping
from app.services.account_settings import AccountSettings
from app.sync.engine import JobContext
from app.sync.failures import heal_people, record_people
from app.sync.people.address_opt_outs import keep_opted_out
from app.sync.people.lost_targets import lost_mappings
from app.sync.people.payloads import PayloadPlan
from app.sync.people.people_page import Held, SortedPage
from app.sync.people.person_records import Row, Unchanged
from app.sync.rules.reasons import Reason
from app.sync.statements import statements

SQL = statements("send_people")

_PAGE = 5000
#: Bytes of their own fields after which a page is full: read, they take some times as many.
_PAGE_BYTES = 4_000_000
#: Rows read at one go, so that requests are answered in between.
_AT_ONCE = 250
_OPTED_OUT = frozenset({Reason.OPTED_OUT, Reason.ADDRESS_OPTED_OUT, Reason.SUPPRESSED_THERE})


async def load_plan(context: JobContext) -> tuple[PayloadPlan, str]:
    """Return the account's mappings, compiled, and the generation that they are of."""
    async with context.database.transaction() as connection:
        generation: str = await connection.fetchval(SQL["generation"], context.account_id)
    lost = await lost_mappings(context)
    async with context.database.reading() as session:
        found = await session.execute(
            select(Mapping)
            .where(col(Mapping.account_id) == context.account_id)
            .order_by(col(Mapping.id))
        )
        mappings = [each for each in found.scalars() if each.id not in lost]
        return PayloadPlan(mappings), generation


async def reload_settings(context: JobContext) -> None:
    """Read the account's settings anew."""
    stored = await context.database.pool.fetchval(
        "SELECT settings FROM accounts WHERE id = $1", context.account_id
    )
    context.account_settings = AccountSettings.from_stored(stored)


async def count_due(context: JobContext) -> int:
    """Return how many people are due."""
    count: int = await context.database.pool.fetchval(
        SQL["count_due"], context.account_id, context.clock.now()
    )
    return count


async def due_people(context: JobContext, after_id: int) -> Sequence[Row]:
    """Return the next page of them, after this person's id, with all that a decision needs."""
    async with context.database.batch() as connection:
        reading = connection.cursor(
            SQL["due_people"],
            context.account_id,
            after_id,
            context.clock.now(),
            _PAGE,
            context.account_settings.people == "list_members",
            prefetch=_AT_ONCE,
        )
        rows, has = [], 0
        async for row in reading:
            rows.append(row)
            has += row["custom_bytes"]
            if has > _PAGE_BYTES:
                break
        return rows


def counts_of(page: SortedPage) -> Counter[str]:
    """Return what the page adds to the run's counts, but for what its imports bring."""
    return Counter(unchanged=len(page.unchanged), skipped=len(page.held), failed=len(page.failures))


async def write_settled(context: JobContext, connection: PoolConnection, page: SortedPage) -> None:
    """Write down whoever of a page needs no import."""
    written = [each.person_id for each in page.held]
    written += [each.person_id for each in page.failures]
    settled = [*written, *(each.person_id for each in page.unchanged)]
    if settled:
        await connection.execute(SQL["hold_people"], written)
        await connection.execute(SQL["hold_changes"], context.account_id, settled)
    await _write_held(context, connection, page.held)
    await _write_unchanged(context, connection, page.unchanged)
    await record_people(context, connection, page.failures)
    await _try_sharers(context, connection, page)
    await keep_opted_out(context, connection, page.unknown_opt_outs, "never_a_contact")
    await keep_opted_out(context, connection, page.doubtful_opt_outs, "perhaps_a_contact")


async def _write_held(
    context: JobContext, connection: PoolConnection, held: Sequence[Held]
) -> None:
    """Write down who is not sent, and why."""
    if not held:
        return
    person_ids = [each.person_id for each in held]
    await connection.execute(
        SQL["hold_back"],
        context.account_id,
        person_ids,
        [each.version for each in held],
        ["suppressed" if each.reason in _OPTED_OUT else "not_eligible" for each in held],
        [each.reason.value for each in held],
        [each.detail for each in held],
        [each.changed_at for each in held],
    )
    await heal_people(context, connection, person_ids)


async def _try_sharers(context: JobContext, connection: PoolConnection, page: SortedPage) -> None:
    """Have those tried who wait for an email that these people take from nobody any more.

    A run may have ended between holding them back and sending the one whom they wait for.
    """
    leave_it = [each.person_id for each in page.held if each.reason is not Reason.LINKED_ELSEWHERE]
    leave_it += [
        each.person_id for each in page.failures if each.code != Reason.LINKED_ELSEWHERE.value
    ]
    if leave_it:
        await connection.execute(SQL["try_waiting_sharers"], context.account_id, leave_it)


async def _write_unchanged(
    context: JobContext, connection: PoolConnection, unchanged: Sequence[Unchanged]
) -> None:
    """Write down who stands there as here."""
    if not unchanged:
        return
    person_ids = [each.person_id for each in unchanged]
    await connection.execute(
        SQL["settle_unchanged"],
        context.account_id,
        person_ids,
        [each.version for each in unchanged],
        ["suppressed" if each.suppressed else "synced" for each in unchanged],
        [each.changed_at for each in unchanged],
        [each.note for each in unchanged],
    )
    await heal_people(context, connection, person_ids)
