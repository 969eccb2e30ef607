"""When contacts unsubscribed: a campaign's rows say that they did, and not when."""

from datetime import datetime

from app.clients.dotdigital import NotPermitted, ProtocolError, Rejected
from app.sync.activities.activity_reading import Reading

#: Some tens of megabytes; whoever is beyond is dated by the send.
_MOST = 300_000


class UnsubscribeDates:
    """The dates of those who unsubscribed since a reading's bound."""

    def __init__(self, reading: Reading, since: datetime) -> None:
        """Take the run; nothing is asked for before `load`."""
        self._reading = reading
        self._since = since
        self._by_contact: dict[int, datetime] | None = None

    async def load(self) -> None:
        """Ask Dotdigital for them, once a run: a call for each 1000."""
        if self._by_contact is not None:
            return
        self._by_contact = {}
        try:
            async for page in self._reading.client.suppressions.unsubscribed_since(self._since):
                for each in page.items:
                    if each.contact.id is not None and each.date_removed is not None:
                        self._by_contact[each.contact.id] = each.date_removed
                if len(self._by_contact) >= _MOST:
                    return
        except (NotPermitted, ProtocolError, Rejected):
            return

    def of(self, contact_id: int | None) -> datetime | None:
        """Return when a contact unsubscribed, where that is known."""
        return (self._by_contact or {}).get(contact_id or 0)
