"""The circuit: when it opens, whom it lets through, when it closes."""

import asyncio
from datetime import timedelta

import pytest

from app.clients.dotdigital import (
    Circuit,
    CircuitOpen,
    DotdigitalError,
    NotFound,
    RateLimited,
    ServerFault,
    Unreachable,
)
from tests.clock import START, FakeClock


def pass_one(circuit: Circuit, error: BaseException | None = None) -> None:
    with circuit.watching():
        if error is not None:
            raise error


def fail(circuit: Circuit, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(ServerFault):
            pass_one(circuit, ServerFault(503, ""))


@pytest.fixture
def circuit(clock: FakeClock) -> Circuit:
    return Circuit(clock, failures_to_open=3, rest_s=10, longest_rest_s=30)


def test_it_opens_after_so_many_failures_in_a_row(circuit: Circuit, clock: FakeClock) -> None:
    fail(circuit, 2)
    assert not circuit.is_open
    clock.advance(5)
    fail(circuit)
    assert circuit.is_open
    assert circuit.opened_at == START + timedelta(seconds=5)
    with pytest.raises(CircuitOpen) as refused:
        circuit.check()
    assert refused.value.until == START + timedelta(seconds=15)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(None, id="success"),
        pytest.param(NotFound(None, "", status=404), id="not found"),
        pytest.param(RateLimited("low", START), id="rate limit"),
    ],
)
def test_any_answer_breaks_the_row(circuit: Circuit, error: DotdigitalError | None) -> None:
    fail(circuit, 2)
    if error is None:
        pass_one(circuit)
    else:
        with pytest.raises(type(error)):
            pass_one(circuit, error)
    fail(circuit, 2)
    assert not circuit.is_open


def test_while_it_rests_no_call_is_made(circuit: Circuit, clock: FakeClock) -> None:
    fail(circuit, 3)
    clock.advance(9.9)
    made = False
    with pytest.raises(CircuitOpen), circuit.watching():
        made = True
    assert not made


def test_after_the_rest_one_call_goes_through_and_closes_it(
    circuit: Circuit, clock: FakeClock
) -> None:
    fail(circuit, 3)
    clock.advance(10)
    circuit.check()
    with circuit.watching():
        assert circuit.is_open
        with pytest.raises(CircuitOpen):
            circuit.check()
    assert not circuit.is_open
    assert circuit.opened_at is None
    circuit.check()


def test_a_probe_that_fails_doubles_the_rest_up_to_the_longest(
    circuit: Circuit, clock: FakeClock
) -> None:
    fail(circuit, 3)
    for rest_s in (10, 20, 30, 30):
        clock.advance(rest_s - 0.1)
        with pytest.raises(CircuitOpen):
            circuit.check()
        clock.advance(0.2)
        fail(circuit)
    assert circuit.opened_at == START
    clock.advance(31)
    pass_one(circuit)
    fail(circuit, 3)
    with pytest.raises(CircuitOpen) as refused:
        circuit.check()
    assert refused.value.until == clock.now() + timedelta(seconds=10), "rests are short again"


def test_a_cancelled_probe_leaves_the_way_to_the_next(circuit: Circuit, clock: FakeClock) -> None:
    fail(circuit, 3)
    clock.advance(10)
    with pytest.raises(asyncio.CancelledError):
        pass_one(circuit, asyncio.CancelledError())
    assert circuit.is_open
    pass_one(circuit)
    assert not circuit.is_open


def test_calls_under_way_when_it_opens_do_not_lengthen_the_rest(
    circuit: Circuit, clock: FakeClock
) -> None:
    late = Unreachable("late")

    def late_call() -> None:
        with circuit.watching():
            fail(circuit, 3)
            clock.advance(5)
            raise late

    with pytest.raises(Unreachable):
        late_call()
    with pytest.raises(CircuitOpen) as refused:
        circuit.check()
    assert refused.value.until == START + timedelta(seconds=10)
