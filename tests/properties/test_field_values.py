"""Whatever JSON holds, a data field gets a scalar of its own type, or the value is refused."""

import contextlib
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.field_values import ValueMismatchError, boolean, typed_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
#: What people write into text that is meant to be a number, a date or a yes.
WRITTEN = (
    st.from_regex(r"[-+]?[0-9.,eE_ ]{1,30}", fullmatch=True)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,12}([-+][0-9]{2}:[0-9]{2}|Z)?)?")
    | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
    | st.decimals().map(str)
    | st.sampled_from(["yes", "NO", "1", "on", "Off", "true ", "f"])
)
VALUES = JSON | WRITTEN | st.text(min_size=990, max_size=1010) | st.integers(10**17, 10**5000)
TYPES = st.sampled_from(["String", "Numeric", "Date", "Boolean"])


@given(VALUES, TYPES)
def test_a_value_fits_its_data_field_or_is_refused(value: object, data_field_type: str) -> None:
    try:
        taken = typed_value(value, data_field_type)
    except ValueMismatchError:
        return
    orjson.dumps(taken)
    if taken is None:
        assert value is None or (isinstance(value, str) and not value.strip())
        return
    match data_field_type:
        case "String":
            assert isinstance(taken, str)
            assert 1 <= len(taken) <= 1000
        case "Numeric":
            assert type(taken) in {int, float}
            assert -1e18 < float(taken) < 1e18 or abs(int(taken)) < 10**18
        case "Date":
            assert isinstance(taken, str)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", taken)
        case _:
            assert type(taken) is bool


@given(VALUES, TYPES)
def test_what_a_data_field_took_it_takes_again_unchanged(
    value: object, data_field_type: str
) -> None:
    try:
        taken = typed_value(value, data_field_type)
    except ValueMismatchError:
        return
    assert typed_value(taken, data_field_type) == taken


@given(VALUES)
def test_a_preference_is_yes_or_no_or_blank_or_refused(value: object) -> None:
    with contextlib.suppress(ValueMismatchError):
        assert boolean(value) in {True, False, None}


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_a_number_comes_through_whether_written_or_not(number: int) -> None:
    assert typed_value(number, "Numeric") == number
    assert typed_value(str(number), "Numeric") == number
    assert typed_value(f"{number:,}", "Numeric") == number


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_blank_text_never_becomes_a_value(blank: str) -> None:
    assert typed_value(blank, "Numeric") is None
