"""retrieve_activities: brings over what people did with campaigns, forms and the web site.

Campaigns first, then forms, then visits: each asked only for what is new, stored in large batches
with the place that was reached. At the end of each its watermark moves, to when the reading began
by Dotdigital's clock; what has no person yet is left to match_activities.
"""

from app.activity_types import ACTIVITY_TYPES
from app.clients.dotdigital import DotdigitalError
from app.sync.activities.activity_reading import Reading
from app.sync.activities.activity_store import SQL
from app.sync.activities.campaign_reading import read_campaigns
from app.sync.activities.form_reading import read_forms
from app.sync.activities.visit_reading import read_visits
from app.sync.engine import JobContext
from app.sync.queue import ensure_run


async def run(context: JobContext) -> None:
    """Read every activity since the last reading."""
    chosen = await chosen_types(context)
    if not chosen:
        await context.run.note("no_types_chosen")
        return
    if not context.run.is_dry:
        await context.database.pool.execute(SQL["begin_matching"], context.account_id)
        await context.database.pool.execute(SQL["queued_from"], context.account_id)
    reading = Reading(context, chosen)
    try:
        for read in (read_campaigns, read_forms, read_visits):
            await read(reading)
        await reading.store.settle()
    except DotdigitalError:
        # What was read is read: the next run goes on behind it.
        await reading.store.settle()
        raise
    finally:
        await reading.store.close()
        if reading.store.has_orphans and not context.run.is_dry:
            await _hand_over(context)


async def chosen_types(context: JobContext) -> frozenset[str]:
    """Return the types that come over for the account; all where nobody chose."""
    row = await context.database.pool.fetchrow(SQL["chosen_types"], context.account_id)
    return frozenset(type_ for type_ in ACTIVITY_TYPES if row is None or row[type_])


async def _hand_over(context: JobContext) -> None:
    """See that somebody matches what this run could not."""
    async with context.database.transaction() as connection:
        await ensure_run(
            connection,
            account_id=context.account_id,
            job="match_activities",
            at=context.clock.now(),
        )
