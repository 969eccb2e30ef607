"""Paths to person fields: what parses, what is refused and why, what is read."""

import pytest

from app.models.people import PERSON_TEXT_FIELDS
from app.services.person_fields import FIELDS, FieldPathError, parse_path, read, reader

PERSON = {
    "first_name": " Ada ",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "no_email": False,
    "custom": {
        "tier": "gold",
        "points": 12,
        "ratio": 0.5,
        "Loyalty tier": "old",
        "vip": True,
        "nothing": None,
        "tags": ["a", " b ", "", None, 3, True],
        "orders": [{"sku": "X1", "lines": [1, 2]}, {"sku": "X2"}, {}],
        "address": {"city": "London"},
        "lone": "one",
        "empty": [],
    },
}


@pytest.mark.parametrize(
    "path, expected",
    [
        pytest.param("email", "ada@example.com", id="a column"),
        pytest.param("no_email", False, id="a column that is false"),
        pytest.param("job_title", None, id="a column that the row lacks"),
        pytest.param("full_name", "Ada Lovelace", id="first and last name"),
        pytest.param("custom.tier", "gold", id="a key"),
        pytest.param("custom.Loyalty tier", "old", id="a key with a blank inside"),
        pytest.param("custom.points", 12, id="a number stays one"),
        pytest.param("custom.vip", True, id="a boolean stays one"),
        pytest.param("custom.nothing", None, id="a null"),
        pytest.param("custom.missing", None, id="a key that isn't there"),
        pytest.param("custom.address.city", "London", id="a key of an object"),
        pytest.param("custom.tier.city", None, id="a key of a text"),
        pytest.param("custom.orders[0].sku", "X1", id="an element's key"),
        pytest.param("custom.orders[7].sku", None, id="an element beyond the end"),
        pytest.param("custom.tier[0]", None, id="an element of a text is no character"),
        pytest.param("custom.address[0]", None, id="an element of an object"),
        pytest.param("custom.tags[*]", "a, b, 3, true", id="every element, blanks left out"),
        pytest.param("custom.orders[*].sku", "X1, X2", id="a key of every element"),
        pytest.param("custom.lone[*]", "one", id="a lone value counts as an array of one"),
        pytest.param("custom.empty[*]", None, id="an empty array"),
        pytest.param("custom.missing[*]", None, id="no array at all"),
        pytest.param("custom.orders[*].lines", [[1, 2]], id="arrays inside stay a list"),
        pytest.param("custom.tags", ["a", " b ", "", None, 3, True], id="an array as it stands"),
    ],
)
def test_a_path_reads_the_value_it_leads_to(path: str, expected: object) -> None:
    assert read(parse_path(path), PERSON) == expected
    assert reader(parse_path(path))({"job_title": None, **PERSON}) == expected


@pytest.mark.parametrize(
    "first_name, last_name, expected",
    [
        pytest.param("Ada", None, "Ada", id="only a first name"),
        pytest.param(None, "Lovelace", "Lovelace", id="only a last name"),
        pytest.param("  ", "", None, id="both blank"),
        pytest.param(None, None, None, id="neither"),
    ],
)
def test_full_name_is_what_there_is_of_it(
    first_name: str | None, last_name: str | None, expected: str | None
) -> None:
    person = {"first_name": first_name, "last_name": last_name}
    assert read(parse_path("full_name"), person) == expected


@pytest.mark.parametrize(
    "path, message",
    [
        pytest.param("", "There is no person field ''", id="nothing"),
        pytest.param("firstname", "There is no person field 'firstname'", id="unknown field"),
        pytest.param("First_Name", "There is no person field 'First_Name'", id="another case"),
        pytest.param("search_grams", "There is no person field", id="not for mapping"),
        pytest.param("first_name.x", "There is no person field", id="a step into a column"),
        pytest.param("custom", "After custom comes a key", id="custom as a whole"),
        pytest.param("custom.", "A key is missing", id="a dot and nothing"),
        pytest.param("custom..tier", "A key is missing", id="two dots"),
        pytest.param("custom[0]", "After custom comes a key", id="custom is no array"),
        pytest.param("custom[*]", "After custom comes a key", id="nor to be joined"),
        pytest.param("custom.tags[", "is no element", id="an open bracket"),
        pytest.param("custom.tags[]", "is no element", id="no index"),
        pytest.param("custom.tags[-1]", "is no element", id="a negative index"),
        pytest.param("custom.tags[one]", "is no element", id="a word for an index"),
        pytest.param("custom.tags[10000]", "from 0 to 9999", id="an index too far"),
        pytest.param("custom.tags[0]sku", "is out of place", id="no dot after a bracket"),
        pytest.param("custom.a]b", "is out of place", id="a bracket inside a key"),
        pytest.param("custom. tier", "begins or ends with a blank", id="a blank before the key"),
        pytest.param("custom.a\x00b", "is out of place", id="a NUL"),
        pytest.param("custom.a[*].b[*]", "[*] may stand in it once", id="two arrays"),
        pytest.param("custom.a.b.c.d.e.f.g.h.i", "at most 8 steps", id="too deep"),
        pytest.param("custom." + "a" * 200, "at most 200 characters", id="too long"),
    ],
)
def test_what_is_no_path_is_refused_with_a_reason(path: str, message: str) -> None:
    with pytest.raises(FieldPathError) as refused:
        parse_path(path)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "path, expected",
    [
        pytest.param("first_name", True, id="a text field"),
        pytest.param("custom.tier", True, id="a key"),
        pytest.param("custom.address.city", True, id="a key of an object"),
        pytest.param("custom.tags[0]", False, id="an element"),
        pytest.param("custom.tags[*]", False, id="a joined array"),
        pytest.param("full_name", False, id="a computed field"),
        pytest.param("email", False, id="an identifier"),
        pytest.param("no_email", False, id="consent"),
        pytest.param("created_at", False, id="kept by the service"),
    ],
)
def test_only_plain_values_are_writable(path: str, expected: object) -> None:
    assert parse_path(path).is_writable is expected


def test_every_column_that_a_caller_may_set_is_a_field() -> None:
    assert set(PERSON_TEXT_FIELDS) <= set(FIELDS)
