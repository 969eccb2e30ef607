"""From when on activities are read, and which of a campaign's listings are worth a call."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: Read again each time: what Dotdigital writes down late, and bounds that may leave out their own
#: instant. The key absorbs what was there already.
OVERLAP = timedelta(minutes=15)
FIRST_READING = timedelta(days=90)

#: A campaign's listings, in the order in which they are read. ``sends`` is ``recipients`` without a
#: bound.
STREAMS = ("sends", "recipients", "opens", "clicks", "page_views")
#: The types that come out of campaigns.
CAMPAIGN_TYPES = frozenset(
    {
        *("email_send", "email_open", "email_click", "email_bounce", "email_unsubscribe"),
        *("page_view", "download"),
    }
)


@dataclass(frozen=True, slots=True)
class Moved:
    """What Dotdigital counts of a campaign, in a window or over all time."""

    sent: int
    opens: int
    clicks: int
    page_views: int
    bounces: int
    unsubscribes: int


def floor_of(
    wanted: datetime | None, stored: datetime | None, keep: timedelta | None, there: datetime
) -> datetime:
    """Return the instant before which nothing is wanted; ``there`` is Dotdigital's time.

    ``wanted`` is the account's setting; without one the floor of the first reading holds on.
    """
    floor = wanted or stored or there - FIRST_READING
    return floor if keep is None else max(floor, there - keep)


def since_of(
    read_to: datetime | None, old_floor: datetime | None, floor: datetime, *, full: bool
) -> datetime:
    """Return from when on to read, where it was read up to ``read_to`` before.

    From the floor on the first time, in a full reading, and where the floor was set further back
    since.
    """
    if full or read_to is None or (old_floor is not None and floor < old_floor):
        return floor
    return max(read_to - OVERLAP, floor)


def streams_to_ask(chosen: AbstractSet[str], moved: Moved | None) -> tuple[str, ...]:
    """Return which listings have anything new of what was chosen; all of it where nobody counts."""

    def has_news(*counts: int) -> bool:
        return moved is None or any(counts)

    asked = []
    if (
        ("email_send" in chosen and has_news(moved.sent if moved else 0))
        or ("email_bounce" in chosen and has_news(moved.bounces if moved else 0))
        or ("email_unsubscribe" in chosen and has_news(moved.unsubscribes if moved else 0))
    ):
        asked.append("recipients")
    if "email_open" in chosen and has_news(moved.opens if moved else 0):
        asked.append("opens")
    if chosen & {"email_click", "download"} and has_news(moved.clicks if moved else 0):
        asked.append("clicks")
    if "page_view" in chosen and has_news(moved.page_views if moved else 0):
        asked.append("page_views")
    return tuple(asked)


def wants_all_sends(
    *, sends_read: int | None, sent_at: datetime | None, is_triggered: bool, floor: datetime
) -> bool:
    """Say whether all recipients of a campaign are to be read, not only who did something.

    Whether having been sent to is a doing isn't stated: so once for each campaign that was sent
    since the floor, or that goes on being sent.
    """
    return sends_read is None and (is_triggered or sent_at is None or sent_at >= floor)


def misses_sends(*, sends_read: int | None, sent: int, recent: int) -> bool:
    """Say whether more mails went out since all sends were read than ``recent`` of them showed."""
    return sends_read is not None and sent - sends_read > recent


def utc(text: str) -> datetime:
    """Read an instant that was written by `datetime.isoformat`."""
    return datetime.fromisoformat(text).astimezone(UTC)
