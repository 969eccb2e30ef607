"""monitor_imports: watches every import in flight to its end, with few looks.

It takes the imports that no living run watches, looks at each when its time has come (the waits
grow to one a minute), and ends when none is left or the rest are not due for a while.
"""

from datetime import datetime

from app.sync.engine import JobContext
from app.sync.imports import SQL, poll, release_abandoned

#: The run waits this long at most for the next look; the schedule starts another one later.
_PATIENCE_S = 20.0


async def run(context: JobContext) -> None:
    """Look at open imports until none is left that is due soon."""
    run = context.run
    if run.is_dry:
        run.counts["open"] = await _count_open(context)
        return
    run.counts["failed"] += await release_abandoned(context)
    while True:
        rows = await context.database.pool.fetch(
            "SELECT id, dotdigital_import_id, polls, next_poll_at FROM ("
            + SQL["open_imports"]
            .rstrip(";")
            .replace("import.records", "import.records, import.next_poll_at")
            + ") AS open ORDER BY next_poll_at NULLS FIRST",
            context.account_id,
        )
        run.counts["open"] = len(rows)
        await run.save()
        if not rows:
            return
        due: datetime = rows[0]["next_poll_at"] or context.clock.now()
        wait_s = (due - context.clock.now()).total_seconds()
        if wait_s > _PATIENCE_S:
            return
        if wait_s > 0:
            await context.clock.sleep(wait_s)
        first = rows[0]
        if await poll(context, first["id"], first["dotdigital_import_id"], first["polls"]):
            run.counts["finished"] += 1


async def _count_open(context: JobContext) -> int:
    rows = await context.database.pool.fetch(SQL["open_imports"], context.account_id)
    return len(rows)
