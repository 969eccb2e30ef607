"""When members are sent, and how they go together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

#: Lists in one record of an import [spec].
MOST_LISTS = 100


@dataclass(frozen=True, slots=True)
class Queue:
    """Members that wait to be sent the same way."""

    count: int = 0
    #: Since when the one that has waited longest does so.
    oldest_at: datetime | None = None


def is_due(queue: Queue, now: datetime, *, size: int, wait_s: float) -> bool:
    """Say whether these go now: there are enough of them, or one has waited long enough.

    ``size``: members that make a batch full; ``wait_s``: how long the oldest waits, in seconds.
    """
    if queue.count == 0 or queue.oldest_at is None:
        return False
    return queue.count >= size or queue.oldest_at <= now - timedelta(seconds=wait_s)


def due_at(queue: Queue, *, wait_s: float) -> datetime | None:
    """Return when these go at the latest; None where there are none."""
    return None if queue.oldest_at is None else queue.oldest_at + timedelta(seconds=wait_s)


Item = TypeVar("Item")


def in_parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield the items so many at a time, in their order."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def twins_by_contact(memberships: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Return the lists that each contact joins, of pairs of contact and Dotdigital list.

    Two people of ours never stand for one contact, so a pair is there once.
    """
    joined: dict[int, list[int]] = {}
    for contact_id, twin_id in memberships:
        joined.setdefault(contact_id, []).append(twin_id)
    return joined
