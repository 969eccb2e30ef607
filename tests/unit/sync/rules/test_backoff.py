"""When a failed record is tried again: doubling waits, up to a day, and not for ever."""

from datetime import timedelta

import pytest

from app.sync.rules.backoff import next_attempt
from tests.clock import START


@pytest.mark.parametrize(
    "attempts, minutes",
    [
        pytest.param(1, 5, id="the first try failed"),
        pytest.param(2, 10, id="the second"),
        pytest.param(3, 20, id="the third"),
        pytest.param(9, 1280, id="the last one under a day"),
        pytest.param(10, 1440, id="a day is the longest"),
        pytest.param(11, 1440, id="and stays it"),
        pytest.param(99_999, 1440, id="after very many"),
    ],
)
def test_the_wait_doubles_up_to_a_day(attempts: int, minutes: int) -> None:
    after = next_attempt("import_failed", attempts, 100_000, START)
    assert after == START + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "attempts, is_tried_again",
    [
        pytest.param(7, True, id="one before the limit"),
        pytest.param(8, False, id="at the limit"),
        pytest.param(9, False, id="beyond it"),
    ],
)
def test_after_so_many_tries_it_waits_for_a_hand(attempts: int, is_tried_again: bool) -> None:
    assert (next_attempt("not_in_report", attempts, 8, START) is not None) is is_tried_again


@pytest.mark.parametrize(
    "code",
    [
        "invalidEmail",
        "InvalidEmail",
        "INVALIDEMAIL",
        "InvalidDomain",
        "InvalidPhoneNumber",
        "Blocker",
        "SuppressedByDomain",
        "NoValidIdentifiers",
        "RejectedByWatchdog",
        "value_mismatch",
        "unsendable",
    ],
)
def test_what_only_a_change_can_heal_is_not_tried_again(code: str) -> None:
    assert next_attempt(code, 1, 10, START) is None


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("duplicateIdentifier", id="the other contact may change"),
        pytest.param("mobile_number_taken", id="the other person may change"),
        pytest.param("email_linked_elsewhere", id="the other person may go"),
        pytest.param("invalidContactId", id="it goes as a new one"),
        pytest.param("ExceedsAllowedContactLimit", id="the allowance may be raised"),
        pytest.param("somethingNew", id="a code that nobody knows"),
        pytest.param("", id="no code"),
    ],
)
def test_what_may_heal_by_itself_is_tried_again(code: str) -> None:
    assert next_attempt(code, 1, 10, START) == START + timedelta(minutes=5)
