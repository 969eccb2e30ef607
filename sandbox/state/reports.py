"""Figures of a campaign, counted from its activity."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.state.activity import Activity, Is, Mark, Stream


@dataclass(frozen=True, slots=True)
class Figures:
    """How often each thing happened, and to how many recipients."""

    sent: int
    opens: int
    unique_opens: int
    clicks: int
    unique_clicks: int
    page_views: int
    soft_bounces: int
    hard_bounces: int
    unsubscribes: int
    complaints: int
    forwards: int
    replies: int

    @property
    def delivered(self) -> int:
        """Mails that did not bounce; what bounced may have been sent before the span."""
        return max(0, self.sent - self.soft_bounces - self.hard_bounces)


def count(
    activity: Activity,
    since_ms: int | None = None,
    until_ms: int | None = None,
    *,
    only_text: bool = False,
) -> Figures:
    """Count what happened in a span of time, both ends included, or ever.

    With ``only_text`` that of recipients who got it as plain text.
    """
    flags = activity.flags

    def of(stream: Stream) -> Sequence[int]:
        span = stream.within(since_ms, until_ms)
        places = stream.places[span.start : span.stop]
        return [place for place in places if flags[place] & Is.TEXT] if only_text else places

    opens, clicks = of(activity.opens), of(activity.clicks)
    span = activity.marks.within(since_ms, until_ms)
    marks = [0] * len(Mark)
    for entry in span:
        if not only_text or flags[activity.marks.places[entry]] & Is.TEXT:
            marks[activity.marks.whats[entry]] += 1
    return Figures(
        sent=_sent(activity, since_ms, until_ms, only_text=only_text),
        opens=len(opens),
        unique_opens=len(set(opens)),
        clicks=len(clicks),
        unique_clicks=len(set(clicks)),
        page_views=len(of(activity.views)),
        soft_bounces=marks[Mark.SOFT_BOUNCE],
        hard_bounces=marks[Mark.HARD_BOUNCE],
        unsubscribes=marks[Mark.UNSUBSCRIBE],
        complaints=marks[Mark.COMPLAINT],
        forwards=marks[Mark.FORWARD],
        replies=marks[Mark.REPLY],
    )


def _sent(
    activity: Activity, since_ms: int | None, until_ms: int | None, *, only_text: bool
) -> int:
    if only_text:
        return sum(1 for flag in activity.flags if flag & Is.TEXT)
    if since_ms is None and until_ms is None:
        return activity.send_count
    return _count_within(activity.sent_ms, since_ms, until_ms)


def _count_within(times: Iterable[int], since_ms: int | None, until_ms: int | None) -> int:
    return sum(
        1
        for at_ms in times
        if (since_ms is None or at_ms >= since_ms) and (until_ms is None or at_ms <= until_ms)
    )
