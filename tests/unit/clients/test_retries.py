"""Whether a failed call is tried again, as a table."""

from datetime import timedelta

import pytest

from app.clients.dotdigital import (
    BadCredentials,
    CircuitOpen,
    DotdigitalError,
    HostNotAllowed,
    NotFound,
    NotPermitted,
    ProtocolError,
    RateLimited,
    Rejected,
    RetryPolicy,
    ServerFault,
    Unreachable,
    WaitForSlot,
    WrongRegion,
)
from app.clients.dotdigital.retries import wait_before_retry
from tests.clock import START

POLICY = RetryPolicy(max_attempts=4, first_wait_s=1, longest_wait_s=3, patience_s=100)


def wait(
    error: DotdigitalError, attempt: int = 1, roll: float = 1, *, is_idempotent: bool = True
) -> float | None:
    return wait_before_retry(
        error, attempt=attempt, is_idempotent=is_idempotent, policy=POLICY, now=START, roll=roll
    )


@pytest.mark.parametrize(
    "error, idempotent, once_only",
    [
        pytest.param(Unreachable("x", may_have_arrived=False), 1, 1, id="never connected"),
        pytest.param(Unreachable("x"), 1, None, id="no answer"),
        pytest.param(ServerFault(500, ""), 1, None, id="500"),
        pytest.param(ServerFault(501, ""), None, None, id="501"),
        pytest.param(ServerFault(502, ""), 1, None, id="502"),
        pytest.param(ServerFault(503, ""), 1, None, id="503"),
        pytest.param(ServerFault(504, ""), 1, None, id="504"),
        pytest.param(ServerFault(400, "", "ERROR_SYSTEM..."), 1, None, id="maintenance"),
        pytest.param(ServerFault(503, "", None, 9), 9, None, id="503 that says when"),
        pytest.param(ServerFault(503, "", None, 101), None, None, id="503, but not soon"),
        pytest.param(RateLimited("low", START + timedelta(seconds=42)), 42, 42, id="limited"),
        pytest.param(RateLimited("low", START - timedelta(seconds=1)), 0, 0, id="limited before"),
        pytest.param(
            RateLimited("flat", START + timedelta(seconds=101)), None, None, id="limited for long"
        ),
        pytest.param(CircuitOpen(START), None, None, id="circuit"),
        pytest.param(WaitForSlot("c", ""), None, None, id="no slot: the caller's to wait for"),
        pytest.param(Rejected("c", ""), None, None, id="rejected"),
        pytest.param(NotFound("c", ""), None, None, id="not found"),
        pytest.param(BadCredentials(), None, None, id="credentials"),
        pytest.param(NotPermitted(""), None, None, id="permission"),
        pytest.param(WrongRegion(), None, None, id="region"),
        pytest.param(HostNotAllowed("h"), None, None, id="host"),
        pytest.param(ProtocolError(), None, None, id="protocol"),
    ],
)
def test_what_is_tried_again_after_how_long(
    error: DotdigitalError, idempotent: float | None, once_only: float | None
) -> None:
    assert wait(error) == idempotent
    assert wait(error, is_idempotent=False) == once_only


def test_waits_double_up_to_the_longest() -> None:
    error = ServerFault(503, "")
    assert [wait(error, attempt) for attempt in (1, 2, 3)] == [1, 2, 3]


def test_the_last_attempt_is_the_last() -> None:
    assert wait(ServerFault(503, ""), 4) is None
    assert wait(RateLimited("low", START), 4) is None


def test_jitter_takes_off_half_at_most() -> None:
    error = ServerFault(503, "")
    assert [wait(error, 2, roll) for roll in (0, 0.5, 1)] == [1, 1.5, 2]
