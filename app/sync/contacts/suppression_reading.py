"""Reads Dotdigital's suppressions, page by page, to the end."""

from collections.abc import Sequence

from app.clients.dotdigital import SkipPage, Suppression
from app.db import PoolConnection
from app.sync.contacts.page_batches import committed_by_now, in_one_batch, their_time
from app.sync.contacts.suppression_page import SuppressionNews, take_suppressions
from app.sync.engine import JobContext
from app.sync.readings import Reading, Stream
from app.sync.rules.read_window import BEGINNING


class SuppressionReader:
    """Takes a reading of the suppressions to its end."""

    def __init__(self, context: JobContext, stream: Stream) -> None:
        """Take the stream that keeps where the reading stands."""
        self._context = context
        self._stream = stream
        #: People to whom something happened: a dry run meets them once more among the contacts.
        self.concerned: set[int] = set()

    async def read(self, reading: Reading) -> None:
        """Go on with a reading, until all of it is written. A call for each 1000."""
        client = self._context.client
        skip = reading.place if isinstance(reading.place, int) else 0
        pages = client.suppressions.suppressed_since(reading.since or BEGINNING, skip=skip)
        while True:
            snapshot = await committed_by_now(self._context)
            page: SkipPage[Suppression] | None = await anext(pages, None)
            reading.began_at = reading.began_at or client.answered_at
            if page is None:
                return
            await self._take(reading, page.items, page.next_skip, snapshot)
            if page.next_skip is None:
                return

    async def _take(
        self,
        reading: Reading,
        rows: Sequence[Suppression],
        next_skip: int | None,
        snapshot: str,
    ) -> None:
        context = self._context

        async def take(connection: PoolConnection) -> SuppressionNews:
            now = their_time(context)
            news = await take_suppressions(context, connection, rows, snapshot, now)
            for at in news.held:
                reading.hold(at)
            reading.place = next_skip
            if not context.run.is_dry:
                await self._stream.advance(context, connection, reading)
            return news

        news = await in_one_batch(context, take)
        self.concerned.update(news.people)
        context.run.counts.update(news.counts)
        await context.run.save()
