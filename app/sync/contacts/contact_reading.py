"""Reads Dotdigital's contacts, page by page, to the end."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal

import structlog

from app.clients.dotdigital import Contact, ContactPage, NotFound, Rejected
from app.db import PoolConnection
from app.sync.contacts.contact_page import ContactPages, counts_of, unlink_gone
from app.sync.contacts.contact_sweep import gone_among
from app.sync.contacts.contact_work import Plans, Work
from app.sync.contacts.page_batches import committed_by_now, in_one_batch
from app.sync.engine import JobContext
from app.sync.readings import Reading, Stream

log = structlog.get_logger(__name__)

_CHANNELS: Final[tuple[Literal["channelProperties"]]] = ("channelProperties",)
_WITH_PREFERENCES: Final[tuple[Literal["channelProperties"], Literal["preferences"]]] = (
    "channelProperties",
    "preferences",
)
#: Contacts looked up one by one in a run; the weekly reading finds the rest.
_MOST_LOOKS: Final = 20
#: Contacts that can't be read and are named.
_EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class _Page:
    contacts: Sequence[Contact]
    #: The marker of the page after it; None at the end.
    following: str | None
    #: What was committed when it was asked for.
    snapshot: str
    #: Linked contacts that it shows to be gone.
    gone: Sequence[int] = ()


class ContactReader:
    """Takes a reading of the contacts to its end."""

    def __init__(
        self,
        context: JobContext,
        stream: Stream,
        plans: Plans,
        counts: Counter[str],
        counted: Collection[int] = (),
    ) -> None:
        """Take the stream that keeps where the reading stands, and where to count what it brings.

        ``counted``: people whose consent was counted, though in a dry run it was not written.
        """
        self._context = context
        self._stream = stream
        self._plans = plans
        self._pages = ContactPages(context, plans)
        self._counts = counts
        self._counted = counted if context.run.is_dry else ()
        self._looks = 0
        #: Contacts whose news is left for another time.
        self.left: set[int] = set()

    async def read(self, reading: Reading) -> None:
        """Go on with a reading, until all of it is written. A call for each 5000.

        Raises ReadElsewhere where another run reads on.
        """
        try:
            await self._read_on(reading)
        except Rejected:
            if reading.place is None:
                raise
            # How long a marker holds is not stated: from the start, then.
            log.warning("contacts_are_read_from_the_start", account_id=self._context.account_id)
            reading.place, reading.last_id = None, 0
            await self._read_on(reading)

    async def _read_on(self, reading: Reading) -> None:
        context, taking = self._context, self._plans.taking
        marker = reading.place if isinstance(reading.place, str) else None
        pages = context.client.contacts.pages(
            modified_since=reading.since,
            include=_WITH_PREFERENCES if taking.has_preferences else _CHANNELS,
            data_fields=taking.data_fields,
            marker=marker,
        )
        while True:
            snapshot = await committed_by_now(context)
            given: ContactPage | None = await anext(pages, None)
            contacts = [] if given is None else given.items
            following = None if given is None else given.next_marker
            began_at = context.client.answered_at or _newest(contacts, reading)
            reading.began_at = reading.began_at or began_at
            gone: Sequence[int] = ()
            if reading.is_whole:
                is_last = following is None
                gone = await gone_among(
                    context,
                    reading,
                    contacts,
                    marker,
                    is_last=is_last,
                    is_whole_page=given is None or not given.unread,
                )
            if given is not None and given.unread:
                await self._note_unread(given.unread)
            await self._take(reading, _Page(contacts, following, snapshot, gone))
            marker = following
            if following is None:
                return

    async def _take(self, reading: Reading, page: _Page) -> None:
        context, run = self._context, self._context.run

        async def take(connection: PoolConnection) -> Sequence[Work]:
            if not run.is_dry:
                await self._stream.hold(context, connection)
            works = await self._pages.take(connection, page.contacts, page.snapshot)
            deferred = {work.contact_id for work in works if work.is_deferred}
            for contact in page.contacts:
                if contact.contact_id in deferred:
                    reading.hold(contact.updated_at)
            reading.place = page.following
            if not run.is_dry:
                await unlink_gone(context, connection, page.gone)
                await self._stream.advance(context, connection, reading)
            return works

        works = await in_one_batch(context, take)
        self.left.difference_update(work.contact_id for work in works)
        self.left.update(work.contact_id for work in works if work.is_deferred)
        self._counts.update(counts_of(works, self._counted))
        self._counts["unlinked"] += len(page.gone)
        await self._look_after(page, works)
        if self._counts is run.counts:
            run.done += len(page.contacts)
        await run.save()

    async def _note_unread(self, unread: Sequence[int | None]) -> None:
        """Say in the run's timeline which contacts can't be read; the others are."""
        self._counts["failed"] += len(unread)
        known = [contact_id for contact_id in unread if contact_id is not None]
        await self._context.run.note(
            "contacts_that_cannot_be_read", rows=len(unread), contact_ids=known[:_EXAMPLES]
        )

    async def _look_after(self, page: _Page, works: Sequence[Work]) -> None:
        """Look for contacts that new ones with the same email have taken the place of. A call each.

        One that Dotdigital doesn't know any more is unlinked, and its person takes the new one.
        """
        doubts = {work.contact_id: work.doubted for work in works if work.doubted is not None}
        for contact in page.contacts:
            doubted = doubts.get(contact.contact_id)
            if doubted is None or self._looks >= _MOST_LOOKS:
                continue
            self._looks += 1
            snapshot = await committed_by_now(self._context)
            if await self._is_gone(doubted):
                replaced = _Page([contact], page.following, snapshot, gone=[doubted])
                await in_one_batch(self._context, partial(self._replace, replaced))

    async def _is_gone(self, contact_id: int) -> bool:
        try:
            await self._context.client.contacts.get("contactId", contact_id)
        except NotFound:
            return True
        return False

    async def _replace(self, page: _Page, connection: PoolConnection) -> None:
        counts = self._counts
        if not self._context.run.is_dry:
            await unlink_gone(self._context, connection, page.gone)
            works = await self._pages.take(connection, page.contacts, page.snapshot)
            counts.update(works[0].counts)
        counts["unlinked"] += 1


def _newest(contacts: Sequence[Contact], reading: Reading) -> datetime | None:
    """Return the newest change of a page that came without the server's time."""
    changed = [contact.updated_at for contact in contacts if contact.updated_at is not None]
    return max(changed, default=reading.since)
