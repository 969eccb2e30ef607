"""What a full run will take, said before it begins."""

import pytest

from app.sync.rules.call_estimate import Estimate, estimate


@pytest.mark.parametrize(
    "records, batch_size, calls_a_minute, expected",
    [
        pytest.param(0, 10_000, 75, Estimate(0, 0), id="nobody"),
        pytest.param(1, 10_000, 75, Estimate(3, 1), id="one"),
        pytest.param(10_001, 10_000, 75, Estimate(6, 1), id="a second import for one more"),
        pytest.param(1_000_000, 10_000, 75, Estimate(300, 2), id="a million"),
        pytest.param(1_000_000, 10_000, 33.3, Estimate(300, 4), id="by the flat limit"),
    ],
)
def test_a_run_will_take(
    records: int, batch_size: int, calls_a_minute: float, expected: Estimate
) -> None:
    assert estimate(records, batch_size, calls_a_minute) == expected
