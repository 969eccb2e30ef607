"""What came of sending one campaign: who it went to, and what they did with it.

Held in columns, so that a million rows over a hundred campaigns take tens of megabytes: a recipient
is a place in some of them, an event an entry in a `Stream` that names such a place.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import repeat
from typing import Final, NamedTuple

from sandbox.state.records import DataValue


class Event(NamedTuple):
    """One thing that a recipient did."""

    at_ms: int
    place: int
    #: A link or a page by its place in the campaign's, a `Mark`, or 1 for an open by forwarding.
    what: int = 0


class Mark(IntEnum):
    """What happens to a recipient apart from opens, clicks and views; none has a listing."""

    SOFT_BOUNCE = 0
    HARD_BOUNCE = 1
    UNSUBSCRIBE = 2
    COMPLAINT = 3
    FORWARD = 4
    REPLY = 5


class Is:
    """What holds for a recipient, as bits; the first four are those of the `Mark`s.

    Plain numbers, since an enumeration's cost a microsecond each on millions of rows.
    """

    SOFT_BOUNCED: Final = 1
    HARD_BOUNCED: Final = 2
    UNSUBSCRIBED: Final = 4
    COMPLAINING: Final = 8
    #: The mail went out as plain text.
    TEXT: Final = 16


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail in answer to the campaign."""

    place: int
    at_ms: int
    message: str
    #: `Reply`, `AutoReply`, `ChallengeResponse` or `Unsafe`, as v2 spells it.
    kind: str = "Reply"


@dataclass(frozen=True, slots=True)
class Conversion:
    """A value that a marker on a web page reported, "ROI" in v2's words."""

    place: int
    at_ms: int
    marker: str
    value: DataValue
    #: `String`, `Numeric`, `Date` or `Boolean`.
    kind: str


class Stream:
    """Events of one kind, ascending by time."""

    def __init__(self) -> None:
        self.times = array("q")
        self.places = array("i")
        self.whats = array("H")

    def __len__(self) -> int:
        return len(self.times)

    def add(self, events: Iterable[Event]) -> None:
        """Put events in their places."""
        fresh = sorted(events)
        if not fresh:
            return
        if self.times and fresh[0].at_ms < self.times[-1]:
            start = bisect_right(self.times, fresh[0].at_ms)
            moved = map(Event, self.times[start:], self.places[start:], self.whats[start:])
            fresh = sorted([*moved, *fresh], key=lambda event: event.at_ms)
            del self.times[start:], self.places[start:], self.whats[start:]
        times, places, whats = zip(*fresh, strict=True)
        self.times.extend(times)
        self.places.extend(places)
        self.whats.extend(whats)

    def within(self, since_ms: int | None = None, until_ms: int | None = None) -> range:
        """Return the entries of a span of time, both ends included; None leaves an end open."""
        start = 0 if since_ms is None else bisect_left(self.times, since_ms)
        stop = len(self.times) if until_ms is None else bisect_right(self.times, until_ms)
        return range(start, stop)

    def of(self, place: int) -> list[int]:
        """Return the entries of one recipient."""
        return [entry for entry, each in enumerate(self.places) if each == place]


class Activity:
    """Recipients by their places, in the order in which they were first sent to, and streams."""

    def __init__(self) -> None:
        self.contact_ids = array("i")
        self.sent_ms = array("q")
        #: The latest thing that a recipient did; 0 for nothing, as in the two after it.
        self.active_ms = array("q")
        self.first_open_ms = array("q")
        self.last_open_ms = array("q")
        self.open_counts = array("i")
        self.click_counts = array("i")
        self.view_counts = array("i")
        #: Of `Is`.
        self.flags = array("B")
        self.opens = Stream()
        self.clicks = Stream()
        self.views = Stream()
        self.marks = Stream()
        self.forward_counts: dict[int, int] = {}
        self.replies: list[Reply] = []
        self.conversions: list[Conversion] = []
        #: By place and the bookmark's name: how often it was looked at.
        self.bookmark_views: dict[tuple[int, str], int] = {}
        self.first_sent_ms: int | None = None
        self.last_sent_ms: int | None = None
        #: The latest thing that any recipient did.
        self.last_active_ms: int | None = None
        #: Mails that went out; more than there are recipients where one got several.
        self.send_count = 0
        #: Moves whenever anything is added.
        self.version = 0
        self._places: dict[int, int] | None = None
        self._since: tuple[tuple[int, bool, int], Sequence[int]] | None = None

    def __len__(self) -> int:
        return len(self.contact_ids)

    def place_of(self, contact_id: int) -> int | None:
        """Return the place of a contact; None where it was not sent to."""
        if self._places is None:
            self._places = {each: place for place, each in enumerate(self.contact_ids)}
        return self._places.get(contact_id)

    def send(self, contact_ids: Sequence[int], at_ms: int, text_ids: Iterable[int] = ()) -> None:
        """Send to these contacts; whoever was sent to before keeps its place and gets the date."""
        fresh = contact_ids
        if self.contact_ids:
            known = [place for each in contact_ids if (place := self.place_of(each)) is not None]
            for place in known:
                self.sent_ms[place] = at_ms
            fresh = [each for each in contact_ids if self.place_of(each) is None]
        count = len(fresh)
        self.contact_ids.extend(fresh)
        self.sent_ms.extend(repeat(at_ms, count))
        for counts in (self.open_counts, self.click_counts, self.view_counts):
            counts.extend(repeat(0, count))
        for times in (self.active_ms, self.first_open_ms, self.last_open_ms):
            times.extend(repeat(0, count))
        self.flags.extend(repeat(0, count))
        self._places = None
        for contact_id in text_ids:
            if (place := self.place_of(contact_id)) is not None:
                self.flags[place] |= Is.TEXT
        self.first_sent_ms = at_ms if self.first_sent_ms is None else self.first_sent_ms
        self.last_sent_ms = max(at_ms, self.last_sent_ms or at_ms)
        self.send_count += len(contact_ids)
        self.version += 1

    def add_opens(self, events: Sequence[Event]) -> None:
        """Let recipients open the mail."""
        self.opens.add(events)
        for at_ms, place, _ in events:
            self.open_counts[place] += 1
            if not self.first_open_ms[place] or at_ms < self.first_open_ms[place]:
                self.first_open_ms[place] = at_ms
            self.last_open_ms[place] = max(self.last_open_ms[place], at_ms)
        self._note(events)

    def add_clicks(self, events: Sequence[Event]) -> None:
        """Let recipients click links, ``what`` of the campaign's."""
        self.clicks.add(events)
        for _, place, _ in events:
            self.click_counts[place] += 1
        self._note(events)

    def add_views(self, events: Sequence[Event]) -> None:
        """Let recipients look at web pages, ``what`` of the campaign's."""
        self.views.add(events)
        for _, place, _ in events:
            self.view_counts[place] += 1
        self._note(events)

    def add_marks(self, events: Sequence[Event]) -> None:
        """Let bounces and the like happen, ``what`` a `Mark`."""
        self.marks.add(events)
        for _, place, what in events:
            if what == Mark.FORWARD:
                self.forward_counts[place] = self.forward_counts.get(place, 0) + 1
            elif what != Mark.REPLY:
                self.flags[place] |= 1 << what
        self._note(events)

    def add_reply(self, reply: Reply) -> None:
        """Let a recipient answer."""
        self.replies.append(reply)
        self.add_marks([Event(reply.at_ms, reply.place, Mark.REPLY)])

    def add_conversion(self, conversion: Conversion) -> None:
        """Let a marker report what a recipient did on a web page."""
        self.conversions.append(conversion)
        self.conversions.sort(key=lambda each: each.at_ms)
        self._note([Event(conversion.at_ms, conversion.place)])

    def add_bookmark_view(self, place: int, name: str, at_ms: int) -> None:
        """Let somebody look at what a recipient shared."""
        self.bookmark_views[place, name] = self.bookmark_views.get((place, name), 0) + 1
        self._note([Event(at_ms, place)])

    def places_since(self, since_ms: int, *, sends_count: bool) -> Sequence[int]:
        """Return the places of recipients who did something from an instant on.

        With ``sends_count`` having been sent to is enough.
        """
        key = (since_ms, sends_count, self.version)
        if self._since is None or self._since[0] != key:
            places = array("i")
            for place, (sent_ms, active_ms) in enumerate(
                zip(self.sent_ms, self.active_ms, strict=True)
            ):
                if (active_ms >= since_ms and active_ms) or (sends_count and sent_ms >= since_ms):
                    places.append(place)
            self._since = (key, places)
        return self._since[1]

    def is_active_since(self, since_ms: int, *, sends_count: bool) -> bool:
        """Say whether anything happened from an instant on."""
        times = (self.last_active_ms, self.last_sent_ms if sends_count else None)
        return any(at_ms is not None and at_ms >= since_ms for at_ms in times)

    def _note(self, events: Sequence[Event]) -> None:
        for at_ms, place, _ in events:
            self.active_ms[place] = max(self.active_ms[place], at_ms)
        if events:
            latest_ms = max(event.at_ms for event in events)
            self.last_active_ms = max(latest_ms, self.last_active_ms or latest_ms)
        self.version += 1
