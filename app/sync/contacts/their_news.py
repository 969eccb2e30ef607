"""What was changed in Dotdigital, which a send reads before it writes over it.

An import has no condition, so what is changed there between the reading and the import's landing is
written over. That is kept short: what was read minutes ago is read again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from app.clients.dotdigital import DotdigitalError, NotPermitted, ProtocolError, Rejected
from app.sync.contacts.taking_contacts import take_before_sending
from app.sync.engine import JobContext
from app.sync.people.person_records import Entry

#: As often as retrieve_people reads by itself.
_GOOD_FOR: Final = timedelta(minutes=5)


class TheirNews:
    """What a send by one plan has read of its contacts."""

    def __init__(self, context: JobContext) -> None:
        """Begin with nothing read."""
        self._context = context
        #: Contacts with news that is still to be read; None where none of it is known.
        self._unread: frozenset[int] | None = None
        self._asked_at: datetime | None = None
        #: Why it couldn't be read the last time.
        self.fault: DotdigitalError | None = None

    def try_again(self) -> None:
        """Let what couldn't be read be asked for once more."""
        if self._unread is None:
            self._asked_at = None

    async def read_for(self, entries: Iterable[Entry]) -> bool:
        """Read what was changed there, if one of these would write over it; says whether it did.

        What was taken may change what is to be sent: whoever is concerned by it is marked as
        changed. A call for each 5000 contacts, none where it was read a little while ago. Where it
        can't be read, nobody else has to wait for it: ``fault`` says why.
        """
        if self._is_fresh() or not any(entry.overwrites for entry in entries):
            return False
        self._unread = None
        try:
            self._unread = await take_before_sending(self._context)
        except (NotPermitted, ProtocolError, Rejected) as error:
            self.fault = error
        else:
            self.fault = None
        self._asked_at = self._context.clock.now()
        return True

    def lets(self, entry: Entry) -> bool:
        """Say whether the record may go: it writes over nothing that nobody has read."""
        if not entry.overwrites:
            return True
        return self._unread is not None and entry.contact_id not in self._unread

    def _is_fresh(self) -> bool:
        asked_at = self._asked_at
        return asked_at is not None and self._context.clock.now() - asked_at < _GOOD_FOR
