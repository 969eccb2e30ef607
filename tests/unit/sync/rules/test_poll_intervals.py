"""Looks at an import: soon at first, so that short ones cost two at most, then one a minute."""

from itertools import accumulate

import pytest

from app.sync.rules.poll_intervals import wait_before_poll


def test_looks_come_at_growing_intervals() -> None:
    moments = list(accumulate(wait_before_poll(polls) for polls in range(9)))
    assert moments == [1, 5, 10, 20, 40, 80, 140, 200, 260]


@pytest.mark.parametrize(
    "lasts_s, looks",
    [
        pytest.param(0.2, 1, id="at once"),
        pytest.param(1.0, 1, id="one second"),
        pytest.param(1.1, 2, id="a little more"),
        pytest.param(5.0, 2, id="five seconds"),
        pytest.param(5.1, 3, id="longer"),
        pytest.param(600.0, 15, id="ten minutes"),
    ],
)
def test_an_import_costs_few_looks(lasts_s: float, looks: int) -> None:
    moment, polls = 0.0, 0
    while moment < lasts_s:
        moment += wait_before_poll(polls)
        polls += 1
    assert polls == looks


def test_the_wait_stays_a_minute_after_very_many_looks() -> None:
    assert wait_before_poll(1_000_000) == 60
