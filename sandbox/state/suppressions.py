"""Who is suppressed, why and since when, in the order in which it happened."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from sandbox.state.records import Contact, Suppression
from sandbox.statuses import V2_STATUS


class Suppressions:
    """The suppression records of one account."""

    def __init__(self) -> None:
        self._order: list[Suppression] = []
        self._standing: dict[int, Suppression] = {}

    def __len__(self) -> int:
        return len(self._standing)

    def of(self, contact_id: int) -> Suppression | None:
        """Return the record that stands for this contact."""
        return self._standing.get(contact_id)

    def record(self, contact: Contact, at_ms: int) -> Suppression:
        """Write down that the contact is suppressed since then, its status being the reason."""
        self.lift(contact.id)
        suppression = Suppression(
            contact.id, contact.email, V2_STATUS[contact.email_status], removed_ms=at_ms
        )
        if self._order and at_ms < self._order[-1].removed_ms:
            insort(self._order, suppression, key=lambda each: each.removed_ms)
        else:
            self._order.append(suppression)
        self._standing[contact.id] = suppression
        return suppression

    def lift(self, contact_id: int) -> None:
        """Strike the record that stands for this contact, if one does."""
        if (suppression := self._standing.pop(contact_id, None)) is not None:
            suppression.is_lifted = True

    def since(self, since_ms: int, *, reason: str | None = None) -> Iterator[Suppression]:
        """Yield standing records from an instant on (it included), ascending by ``removed_ms``."""
        start = bisect_left(self._order, since_ms, key=lambda each: each.removed_ms)
        for place in range(start, len(self._order)):
            suppression = self._order[place]
            if not suppression.is_lifted and reason in {None, suppression.reason}:
                yield suppression
