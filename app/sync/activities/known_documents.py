"""The documents that the account has in Dotdigital, so that a click on one is a download.

Listing them costs a call a folder, so they are remembered, and listed again where a campaign went
out since; at most once a run.
"""

from datetime import datetime, timedelta

from app.clients.dotdigital import NotPermitted, ProtocolError, Rejected
from app.sync.activities.activity_reading import Reading
from app.sync.activities.activity_store import SQL
from app.sync.rules.activity_window import utc
from app.sync.rules.document_links import DocumentLinks

_STREAM = "documents"
_REMEMBERED_FOR = timedelta(days=1)
#: More than a row should hold; the endings tell the rest.
_MOST = 5000


class KnownDocuments:
    """The documents, as one run sees them."""

    def __init__(self, reading: Reading, began: datetime) -> None:
        """Take the run, and when it began; nothing is asked for before `links`."""
        self._reading = reading
        self._began = began
        self._links: DocumentLinks | None = None
        self._listed_at: datetime | None = None

    async def links(self, sent_at: datetime | None) -> DocumentLinks:
        """Return how links to documents are recognised in a campaign that was sent then."""
        if self._links is None:
            await self._recall()
        if self._links is None or self._is_old(sent_at):
            await self._list()
        return self._links or DocumentLinks()

    def _is_old(self, sent_at: datetime | None) -> bool:
        began, listed_at = self._began, self._listed_at
        if listed_at is None or listed_at >= began:
            return listed_at is None
        return began - listed_at > _REMEMBERED_FOR or sent_at is None or sent_at > listed_at

    async def _recall(self) -> None:
        context = self._reading.context
        row = await context.database.pool.fetchrow(SQL["watermark"], context.account_id, _STREAM)
        if row is not None and "paths" in row["detail"]:
            self._links = DocumentLinks(row["detail"]["paths"])
            self._listed_at = utc(row["detail"]["listed_at"])

    async def _list(self) -> None:
        context, self._listed_at = self._reading.context, self._began
        try:
            documents = await self._reading.client.documents.all()
        except (NotPermitted, ProtocolError, Rejected):
            # Their endings and Dotdigital's own folder tell nearly all of them.
            self._links = self._links or DocumentLinks()
            return
        paths = [each.file_name for each in documents if each.file_name][:_MOST]
        self._links = DocumentLinks(paths)
        if not context.run.is_dry:
            await context.database.pool.execute(
                SQL["keep_detail"],
                context.account_id,
                _STREAM,
                {"paths": paths, "listed_at": self._listed_at.isoformat()},
                context.clock.now(),
            )
