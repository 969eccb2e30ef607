"""One value three ways: a table, and what holds of every value."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.rules.three_way_merge import (
    UNKNOWN,
    ConflictRule,
    Merged,
    MergeRule,
    Step,
    Times,
    WhenBlank,
    merge,
)
from tests.clock import START

HOUR = timedelta(hours=1)
SAME = Times(START, START)
AGREED, TAKE, LEAVE = (Merged(step) for step in (Step.AGREED, Step.TAKE, Step.LEAVE))
TAKE_OVER, STAND = (Merged(step, is_conflict=True) for step in (Step.TAKE, Step.LEAVE))


@pytest.mark.parametrize(
    "base, ours, theirs, expected",
    [
        pytest.param("a", "a", "a", AGREED, id="nothing moved"),
        pytest.param("a", "a", "b", TAKE, id="theirs moved"),
        pytest.param("a", "b", "a", LEAVE, id="ours moved"),
        pytest.param("a", "b", "b", AGREED, id="both moved to the same"),
        pytest.param("a", "b", "c", STAND, id="both moved apart"),
        pytest.param("a", "a", None, TAKE, id="cleared there"),
        pytest.param("a", None, "a", LEAVE, id="cleared here"),
        pytest.param("a", None, "b", STAND, id="cleared here, changed there"),
        pytest.param("a", "b", None, STAND, id="changed here, cleared there"),
        pytest.param(None, None, "b", TAKE, id="first value there"),
        pytest.param(None, "b", None, LEAVE, id="first value here"),
        pytest.param(UNKNOWN, "a", "a", AGREED, id="met alike"),
        pytest.param(UNKNOWN, "a", "b", STAND, id="met apart"),
        pytest.param(UNKNOWN, None, "b", TAKE, id="met with a blank here"),
        pytest.param(UNKNOWN, "a", None, LEAVE, id="met with a blank there"),
        pytest.param("a", UNKNOWN, "a", LEAVE, id="ours does not fit the data field"),
        pytest.param("a", UNKNOWN, "b", STAND, id="ours does not fit, and theirs moved"),
        pytest.param(UNKNOWN, UNKNOWN, "b", STAND, id="ours does not fit, and was never met"),
    ],
)
def test_value_goes_by_who_moved(
    base: object, ours: object, theirs: object, expected: Merged
) -> None:
    assert merge(base, ours, theirs, MergeRule(), SAME) == expected


@pytest.mark.parametrize(
    "rule, times, expected",
    [
        pytest.param("prefer_dotsync", Times(START, START + HOUR), STAND, id="ours"),
        pytest.param("prefer_dotdigital", Times(START + HOUR, START), TAKE_OVER, id="theirs"),
        pytest.param("latest", Times(START, START + HOUR), TAKE_OVER, id="theirs is later"),
        pytest.param("latest", Times(START + HOUR, START), STAND, id="ours is later"),
        pytest.param("latest", SAME, STAND, id="at the same time"),
        pytest.param("latest", Times(START, None), STAND, id="theirs at an unknown time"),
        pytest.param("latest", Times(None, START), STAND, id="ours at an unknown time"),
    ],
)
def test_conflict_goes_by_its_rule(rule: ConflictRule, times: Times, expected: Merged) -> None:
    assert merge("a", "b", "c", MergeRule(conflict_rule=rule), times) == expected


@pytest.mark.parametrize(
    "when_blank, base, ours, theirs, expected",
    [
        pytest.param("keep", "a", "a", None, LEAVE, id="their blank is passed over"),
        pytest.param("keep", "a", None, "a", LEAVE, id="cleared here, which clears nothing there"),
        pytest.param("keep", "a", None, "b", TAKE, id="our blank stands in no one's way"),
        pytest.param("keep", "a", "b", "c", STAND, id="two values are a conflict as ever"),
        pytest.param("only_if_blank_there", "a", "b", "c", TAKE, id="ours only fills blanks"),
        pytest.param("only_if_blank_there", "a", "b", "a", LEAVE, id="ours moved alone"),
        pytest.param("only_if_blank_there", UNKNOWN, "b", "c", TAKE, id="met apart"),
        pytest.param("only_if_blank_there", "a", "a", None, LEAVE, id="to be filled again"),
    ],
)
def test_blank_says_what_the_mapping_lets_it(
    when_blank: WhenBlank, base: object, ours: object, theirs: object, expected: Merged
) -> None:
    assert merge(base, ours, theirs, MergeRule(when_blank=when_blank), SAME) == expected


@pytest.mark.parametrize(
    "base, ours, theirs, expected",
    [
        pytest.param(UNKNOWN, "a", "b", TAKE, id="kept there, so theirs is taken when first met"),
        pytest.param(UNKNOWN, "a", None, LEAVE, id="but a blank is no value"),
        pytest.param("a", "a", "b", TAKE, id="theirs moved"),
        pytest.param("a", "b", "a", LEAVE, id="ours moved"),
        pytest.param("a", "b", "c", STAND, id="both moved: the rule decides here too"),
    ],
)
def test_mapping_that_only_takes(
    base: object, ours: object, theirs: object, expected: Merged
) -> None:
    assert merge(base, ours, theirs, MergeRule(only_takes=True), SAME) == expected


VALUES = st.sampled_from([None, "a", "b", "c", 1, 2.5, True, False])
BASES = st.one_of(VALUES, st.just(UNKNOWN))
RULES = st.builds(
    MergeRule,
    conflict_rule=st.sampled_from(["prefer_dotsync", "prefer_dotdigital", "latest"]),
    when_blank=st.sampled_from(["clear", "keep", "only_if_blank_there"]),
    only_takes=st.booleans(),
)
TIMES = st.builds(
    Times,
    ours=st.sampled_from([None, START, START + HOUR]),
    theirs=st.sampled_from([None, START, START + HOUR]),
)


def after(merged: Merged, ours: object, theirs: object) -> object:
    return theirs if merged.step is Step.TAKE else ours


@given(base=BASES, ours=VALUES, theirs=VALUES, rule=RULES, times=TIMES)
def test_second_look_finds_nothing_more_to_take(
    base: object, ours: object, theirs: object, rule: MergeRule, times: Times
) -> None:
    merged = merge(base, ours, theirs, rule, times)
    again = merge(theirs, after(merged, ours, theirs), theirs, rule, times)
    assert again.step is not Step.TAKE
    assert not again.is_conflict, "a conflict is met once"


@given(base=BASES, ours=VALUES, theirs=VALUES, rule=RULES, times=TIMES)
def test_nobodys_value_is_replaced_by_one_that_did_not_move(
    base: object, ours: object, theirs: object, rule: MergeRule, times: Times
) -> None:
    merged = merge(base, ours, theirs, rule, times)
    if theirs == base:
        assert merged.step is not Step.TAKE
    if ours == base and theirs is not None:
        assert merged.step is not Step.LEAVE


@given(base=BASES, ours=VALUES, theirs=VALUES, rule=RULES, times=TIMES)
def test_conflict_needs_two_values_that_moved_apart(
    base: object, ours: object, theirs: object, rule: MergeRule, times: Times
) -> None:
    if merge(base, ours, theirs, rule, times).is_conflict:
        assert len({repr(base), repr(ours), repr(theirs)}) == 3


@given(base=BASES, ours=VALUES, theirs=VALUES, rule=RULES, times=TIMES)
def test_blank_never_wins_over_a_value_that_it_was_never_held_against(
    base: object, ours: object, theirs: object, rule: MergeRule, times: Times
) -> None:
    merged = merge(UNKNOWN, ours, theirs, rule, times)
    if (ours is None) != (theirs is None):
        assert after(merged, ours, theirs) is not None
    del base


@given(ours=VALUES, theirs=VALUES, base=BASES, rule=RULES, times=TIMES)
def test_sides_that_agree_are_left_alone(
    ours: object, theirs: object, base: object, rule: MergeRule, times: Times
) -> None:
    agreed = merge(base, ours, theirs, rule, times).step is Step.AGREED
    assert agreed == (ours == theirs)
