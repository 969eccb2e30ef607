"""Visits to the account's web site, which insight data keeps in its collection `webInsight`."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

COLLECTION: Final = "webInsight"


@dataclass(frozen=True, slots=True)
class Visit:
    """One record; ``number`` counts them over the account."""

    number: int
    contact_id: int
    recorded_ms: int
    #: What stands in it is not documented.
    contents: dict[str, Any]

    @property
    def key(self) -> str:
        """Unique in the collection."""
        return f"visit-{self.number}"


class Visits:
    """The records in the order in which they came, which is that of their dates."""

    def __init__(self) -> None:
        self._visits: list[Visit] = []

    def __len__(self) -> int:
        return len(self._visits)

    def record(self, contact_id: int, contents: dict[str, Any], now_ms: int) -> Visit:
        """Take a visit in."""
        visit = Visit(len(self._visits) + 1, contact_id, now_ms, contents)
        self._visits.append(visit)
        return visit

    def after(self, number: int, since_ms: int | None) -> Iterator[Visit]:
        """Yield the visits with a higher number, recorded at that instant or later."""
        start = 0
        if since_ms is not None:
            start = bisect_left(self._visits, since_ms, key=lambda each: each.recorded_ms)
        for place in range(max(start, number), len(self._visits)):
            yield self._visits[place]
