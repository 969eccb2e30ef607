"""When members are sent, and how they go together."""

from datetime import datetime, timedelta

import pytest

from app.sync.rules.member_batches import Queue, due_at, in_parts, is_due, twins_by_contact
from tests.clock import START

MINUTE = timedelta(minutes=1)

CASES = [
    pytest.param(0, None, False, id="nobody"),
    pytest.param(1, START, False, id="one who has just come"),
    pytest.param(1, START - 19 * MINUTE, False, id="one who has waited a while"),
    pytest.param(1, START - 20 * MINUTE, True, id="one who has waited long enough"),
    pytest.param(999, START, False, id="not quite full"),
    pytest.param(1000, START, True, id="full"),
]


@pytest.mark.parametrize("count, oldest_at, expected", CASES)
def test_batch_goes_when_it_is_full_or_its_oldest_has_waited(
    count: int, oldest_at: datetime | None, *, expected: bool
) -> None:
    assert is_due(Queue(count, oldest_at), START, size=1000, wait_s=1200) is expected


def test_batch_goes_at_the_latest_when_its_oldest_has_waited() -> None:
    assert due_at(Queue(3, START), wait_s=1200) == START + 20 * MINUTE
    assert due_at(Queue(), wait_s=1200) is None


def test_items_go_so_many_at_a_time() -> None:
    assert list(in_parts([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]


def test_contact_joins_all_its_lists_at_once() -> None:
    assert twins_by_contact([(7, 1), (8, 1), (7, 2)]) == {7: [1, 2], 8: [1]}
