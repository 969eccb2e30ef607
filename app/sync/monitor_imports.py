"""monitor_imports: watches every import in flight to its end, with few looks.

It takes the imports that no living run watches, looks at each when its time has come (the waits
grow to one a minute), and ends when none is left or the rest are not due for a while.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.sync.engine import JobContext
from app.sync.members import member_landings
from app.sync.members.member_landings import KINDS
from app.sync.people.imports import SQL, poll, release_abandoned

#: The run waits this long at most for the next look; the schedule starts another one later.
_PATIENCE_S = 20.0


async def run(context: JobContext) -> None:
    """Look at open imports until none is left that is due soon."""
    run = context.run
    if not run.is_dry:
        await release_abandoned(context)
    while True:
        rows = await context.database.pool.fetch(SQL["open_imports"], context.account_id)
        run.counts["open"] = len(rows)
        run.total = run.done + len(rows)
        await run.save()
        if run.is_dry or not rows or not await _look_at(context, rows[0]):
            return


async def _look_at(context: JobContext, first: Mapping[str, Any]) -> bool:
    """Wait for the import's next look and take it; says whether it was near enough."""
    due: datetime = first["next_poll_at"] or context.clock.now()
    wait_s = (due - context.clock.now()).total_seconds()
    if wait_s > _PATIENCE_S:
        return False
    if wait_s > 0:
        await context.clock.sleep(wait_s)
    before = context.run.counts["failed"]
    looked = (context, first["id"])
    there = (first["dotdigital_import_id"], first["polls"])
    if first["kind"] in KINDS:
        has_ended = await member_landings.poll(*looked, first["kind"], *there)
    else:
        has_ended = await poll(*looked, *there)
    if has_ended:
        await _count(context, first["id"], before)
    return True


async def _count(context: JobContext, import_id: int, failed_before: int) -> None:
    row = await context.database.pool.fetchrow(SQL["outcome"], import_id)
    run = context.run
    run.counts["finished"] += 1
    run.counts["acknowledged"] += row["created"] + row["updated"]
    run.counts["failed"] = failed_before + row["failed"]
    run.done += 1
