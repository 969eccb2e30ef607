"""From when on activities are read, and which listings are worth a call."""

from datetime import UTC, datetime, timedelta

import pytest

from app.sync.rules.activity_window import (
    OVERLAP,
    Moved,
    floor_of,
    misses_sends,
    since_of,
    streams_to_ask,
    wants_all_sends,
)

THERE = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG_AGO = THERE - timedelta(days=400)
NINETY = THERE - timedelta(days=90)
ALL = frozenset(
    {
        *("email_send", "email_open", "email_click", "email_bounce", "email_unsubscribe"),
        *("form_submission", "page_view", "download"),
    }
)
NOTHING = Moved(0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "wanted, stored, keep_days, expected",
    [
        pytest.param(None, None, None, NINETY, id="ninety days by default"),
        pytest.param(LONG_AGO, None, None, LONG_AGO, id="the account's setting"),
        pytest.param(None, LONG_AGO, None, LONG_AGO, id="the first reading's holds on"),
        pytest.param(NINETY, LONG_AGO, None, NINETY, id="the setting goes before it"),
        pytest.param(LONG_AGO, None, 30, THERE - timedelta(days=30), id="not what is dropped"),
        pytest.param(None, None, 300, NINETY, id="kept for longer than read"),
    ],
)
def test_where_reading_begins(
    wanted: datetime | None, stored: datetime | None, keep_days: int | None, expected: datetime
) -> None:
    keep = None if keep_days is None else timedelta(days=keep_days)
    assert floor_of(wanted, stored, keep, THERE) == expected


@pytest.mark.parametrize(
    "read_to, old_floor, full, expected",
    [
        pytest.param(None, None, False, NINETY, id="never read"),
        pytest.param(THERE, NINETY, False, THERE - OVERLAP, id="read before"),
        pytest.param(THERE, NINETY, True, NINETY, id="in full"),
        pytest.param(NINETY, NINETY, False, NINETY, id="not before the floor"),
        pytest.param(
            THERE, NINETY + timedelta(days=1), False, NINETY, id="the floor was set further back"
        ),
        pytest.param(THERE, LONG_AGO, False, THERE - OVERLAP, id="the floor was set nearer"),
    ],
)
def test_since_when_a_reading_asks(
    read_to: datetime | None, old_floor: datetime | None, full: bool, expected: datetime
) -> None:
    assert since_of(read_to, old_floor, NINETY, full=full) == expected


@pytest.mark.parametrize(
    "chosen, moved, expected",
    [
        pytest.param(ALL, None, ("recipients", "opens", "clicks", "page_views"), id="unknown"),
        pytest.param(ALL, NOTHING, (), id="nothing is new"),
        pytest.param(ALL, Moved(1, 0, 0, 0, 0, 0), ("recipients",), id="sends"),
        pytest.param(ALL, Moved(0, 1, 0, 0, 0, 0), ("opens",), id="opens"),
        pytest.param(ALL, Moved(0, 0, 1, 0, 0, 0), ("clicks",), id="clicks"),
        pytest.param(ALL, Moved(0, 0, 0, 1, 0, 0), ("page_views",), id="page views"),
        pytest.param(ALL, Moved(0, 0, 0, 0, 1, 0), ("recipients",), id="bounces"),
        pytest.param(ALL, Moved(0, 0, 0, 0, 0, 1), ("recipients",), id="unsubscribes"),
        pytest.param({"download"}, Moved(9, 9, 9, 9, 9, 9), ("clicks",), id="only downloads"),
        pytest.param({"email_bounce"}, Moved(9, 9, 9, 9, 0, 9), (), id="no bounces"),
        pytest.param({"form_submission"}, None, (), id="nothing of campaigns"),
    ],
)
def test_only_listings_with_news_are_asked(
    chosen: set[str], moved: Moved | None, expected: tuple[str, ...]
) -> None:
    assert streams_to_ask(frozenset(chosen), moved) == expected


@pytest.mark.parametrize(
    "sends_read, sent_at, is_triggered, expected",
    [
        pytest.param(None, THERE, False, True, id="sent since"),
        pytest.param(None, None, False, True, id="no date"),
        pytest.param(None, LONG_AGO, False, False, id="sent before"),
        pytest.param(None, LONG_AGO, True, True, id="goes on being sent"),
        pytest.param(3, THERE, True, False, id="read already"),
    ],
)
def test_sends_are_read_whole_once(
    sends_read: int | None, sent_at: datetime | None, is_triggered: bool, expected: bool
) -> None:
    assert (
        wants_all_sends(
            sends_read=sends_read, sent_at=sent_at, is_triggered=is_triggered, floor=NINETY
        )
        is expected
    )


@pytest.mark.parametrize(
    "sends_read, sent, recent, expected",
    [
        pytest.param(10, 12, 2, False, id="all of them showed"),
        pytest.param(10, 12, 1, True, id="one did not"),
        pytest.param(10, 10, 4, False, id="none went out"),
        pytest.param(None, 12, 0, False, id="never read"),
    ],
)
def test_sends_that_do_not_show_are_missed(
    sends_read: int | None, sent: int, recent: int, expected: bool
) -> None:
    assert misses_sends(sends_read=sends_read, sent=sent, recent=recent) is expected
