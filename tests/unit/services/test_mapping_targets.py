"""What a mapping points at: found, ambiguous, refused; and which values its type can hold."""

from dataclasses import dataclass

import pytest

from app.errors import Conflict, Invalid
from app.services.field_values import ValueMismatchError, typed_value
from app.services.mapping_targets import (
    UnknownTarget,
    agree,
    check_new_data_field,
    find_data_field,
    fitting_types,
)
from app.services.person_fields import FieldType
from app.services.preference_paths import PreferenceThere, find_preference


@dataclass(frozen=True)
class Field:
    name: str
    type: str = "String"


FIELDS = [Field("FIRSTNAME"), Field("LASTNAME"), Field("Loyalty_Points", "Numeric")]
PREFERENCES = [
    PreferenceThere(1, "News", "internal news"),
    PreferenceThere(2, "Offers", "offers"),
    PreferenceThere(3, "Offers", "shoe offers", "Shoes", "cat-17"),
    PreferenceThere(4, "Sale", "sale", "Shoes", "cat-17"),
    PreferenceThere(5, "Sale", "sale", "Hats", "cat-18"),
    PreferenceThere(6, "Twice", "twice one", "Hats", "cat-18"),
    PreferenceThere(7, "Twice", "twice two", "Hats", "cat-18"),
    PreferenceThere(8, "Boots > Winter", "boots"),
    PreferenceThere(9, "Plain", "stamps"),
    PreferenceThere(10, "Letters", "stamps", "Post", "cat-19"),
]


@pytest.mark.parametrize(
    "name, expected",
    [
        pytest.param("FIRSTNAME", "FIRSTNAME", id="as it is spelt there"),
        pytest.param("FirstName", "FIRSTNAME", id="in another case"),
        pytest.param(" loyalty_points ", "Loyalty_Points", id="with blanks around it"),
    ],
)
def test_a_data_field_is_found_whatever_the_case(name: str, expected: str) -> None:
    assert find_data_field(name, FIELDS).name == expected


def test_an_unknown_data_field_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(UnknownTarget) as refused:
        find_data_field("FRISTNAME", FIELDS)
    assert "Did you mean 'FIRSTNAME'" in refused.value.detail
    assert [error.pointer for error in refused.value.errors] == ["/body/dotdigital_field"]


@pytest.mark.parametrize("name", ["email", "EMAIL", " contactid "])
def test_a_name_that_dotdigital_keeps_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="keeps for itself"):
        find_data_field(name, [*FIELDS, Field("EMAIL")])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("TWENTY_ONE_CHARACTERS", id="21 characters"),
        pytest.param("A B", id="a blank"),
        pytest.param("ÄRA", id="a letter beyond Z"),
        pytest.param("A\n", id="a line's end"),
    ],
)
def test_a_name_that_dotdigital_would_not_take_is_not_made(name: str) -> None:
    with pytest.raises(Invalid, match="1 to 20 letters"):
        check_new_data_field(name, "String", [])


def test_a_full_account_is_named_with_type_and_count() -> None:
    full = [Field(f"N{number}", "Numeric") for number in range(50)]
    check_new_data_field("ONE_MORE", "Date", full)
    with pytest.raises(Conflict) as refused:
        check_new_data_field("ONE_MORE", "Numeric", full)
    assert refused.value.detail.startswith("The account has 50 Numeric data fields and takes 50.")


@pytest.mark.parametrize(
    "path, expected",
    [
        pytest.param("News", 1, id="alone, by its public name"),
        pytest.param(" news ", 1, id="blanks and case aside"),
        pytest.param("internal news", 1, id="alone, by its private name"),
        pytest.param("Shoes > Sale", 4, id="in a category"),
        pytest.param("Hats>Sale", 5, id="without blanks around the arrow"),
        pytest.param("cat-17 > shoe offers", 3, id="both by their private names"),
        pytest.param("Boots > Winter", 8, id="an arrow inside the name"),
    ],
)
def test_a_preference_is_found_by_its_path(path: str, expected: int) -> None:
    assert find_preference(path, PREFERENCES).id == expected


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("Offers", id="alone and in a category"),
        pytest.param("Hats > Twice", id="two in one category"),
        pytest.param("stamps", id="one alone and one in a category by their private names"),
    ],
)
def test_a_name_that_could_be_two_preferences_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match="could be any of") as refused:
        find_preference(path, PREFERENCES)
    assert not isinstance(refused.value, UnknownTarget)
    assert [error.pointer for error in refused.value.errors] == ["/body/dotdigital_field"]


@pytest.mark.parametrize(
    "path, hint",
    [
        pytest.param("Sale", "'Shoes > Sale', 'Hats > Sale'", id="only in categories"),
        pytest.param("Shoes > Sales", "'Shoes > Sale'", id="nearly right"),
        pytest.param("Gloves > News", "", id="a category that isn't there"),
    ],
)
def test_an_unknown_preference_is_answered_with_the_nearest(path: str, hint: str) -> None:
    with pytest.raises(UnknownTarget) as refused:
        find_preference(path, PREFERENCES)
    assert hint in refused.value.detail
    assert refused.value.detail.count("'Shoes > Sale'") <= 1


@pytest.mark.parametrize(
    "field_type, data_field_type, expected",
    [
        ("text", "String", True),
        ("text", "Numeric", False),
        ("text", "Date", False),
        ("text", "Boolean", False),
        ("boolean", "Boolean", True),
        ("boolean", "String", True),
        ("boolean", "Date", False),
        ("number", "Numeric", True),
        ("number", "Boolean", False),
        ("date", "Date", True),
        ("date", "String", True),
        ("date", "Numeric", False),
        ("json", "String", False),
    ],
)
def test_types_agree_where_every_value_of_the_one_fits_the_other(
    field_type: FieldType, data_field_type: str, expected: bool
) -> None:
    assert agree(field_type, data_field_type) is expected


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param(None, {"String", "Numeric", "Date", "Boolean"}, id="null"),
        pytest.param(" ", {"String", "Numeric", "Date", "Boolean"}, id="blank"),
        pytest.param("gold", {"String"}, id="a word"),
        pytest.param("12,345.5", {"String", "Numeric"}, id="a number as text"),
        pytest.param("nan", {"String"}, id="not a number"),
        pytest.param("9" * 19, {"String"}, id="a number too long"),
        pytest.param("2026-01-31", {"String", "Date"}, id="a date as text"),
        pytest.param("31/01/2026", {"String"}, id="a date in another order"),
        pytest.param("yes", {"String", "Boolean"}, id="a yes"),
        pytest.param("1", {"String", "Boolean", "Numeric"}, id="a one as text"),
        pytest.param(1, {"String", "Boolean", "Numeric"}, id="a one"),
        pytest.param(7, {"String", "Numeric"}, id="a number"),
        pytest.param(True, {"String", "Boolean", "Numeric"}, id="true"),
        pytest.param(["a"], set(), id="an array"),
        pytest.param({"a": 1}, set(), id="an object"),
    ],
)
def test_a_value_fits_the_types_that_can_hold_it(value: object, expected: set[str]) -> None:
    assert fitting_types(value) == expected
    assert expected == {name for name in _ALL_TYPES if _is_taken(value, name)}


_ALL_TYPES = ("String", "Numeric", "Date", "Boolean")


def _is_taken(value: object, data_field_type: str) -> bool:
    """Ask the rule that makes the payload, which must say the same."""
    try:
        typed_value(value, data_field_type)
    except ValueMismatchError:
        return False
    return True
