"""Reads visits to the account's web site that no campaign led to, where it is tracked."""

from datetime import timedelta

from app.clients.dotdigital import NotFound, NotPermitted, ProtocolError, Rejected
from app.sync.activities.activity_places import Place, stream_of
from app.sync.activities.activity_reading import Reading, ahead
from app.sync.activities.activity_rows import tells_of_visit
from app.sync.activities.activity_store import SQL
from app.sync.rules.activities import Source
from app.sync.rules.activity_window import utc

#: An account that has no such collection is asked again so much later.
_ASKED_AGAIN_AFTER = timedelta(days=1)


async def read_visits(reading: Reading) -> None:
    """Read the visits since the last reading."""
    if "page_view" not in reading.chosen:
        return
    place = await reading.begin("visits")
    if place is None or await _is_untracked(reading, place):
        return
    source = Source("v", None, place.floor, tells_of_visit)
    resume = place
    records = reading.client.insight_data.contact_records(
        modified_since=place.since, marker=place.marker
    )
    try:
        async for rows in ahead(records):
            page = source.page(rows.items)
            if rows.next_marker is not None:
                resume = place.source(0, marker=rows.next_marker)
            await reading.store.add(page.activities, resume)
            await reading.note_undated("visits", 0, page.undated)
        await reading.end(place)
    except (NotFound, NotPermitted):
        await _note_untracked(reading, place)
    except (ProtocolError, Rejected) as error:
        await reading.note_unread("visits", 0, error)


async def _is_untracked(reading: Reading, place: Place) -> bool:
    context = reading.context
    row = await context.database.pool.fetchrow(
        SQL["watermark"], context.account_id, stream_of("visits")
    )
    if row is None or "untracked_at" not in row["detail"]:
        return False
    return place.began - utc(row["detail"]["untracked_at"]) < _ASKED_AGAIN_AFTER


async def _note_untracked(reading: Reading, place: Place) -> None:
    if not reading.context.run.is_dry:
        await reading.context.database.pool.execute(
            SQL["keep_detail"],
            reading.context.account_id,
            stream_of("visits"),
            {"untracked_at": place.began.isoformat()},
            reading.context.clock.now(),
        )
