"""Suggested mappings: by name, by type, each side once."""

from dataclasses import dataclass

import pytest

from app.services.mapping_kinds.kind import Offered, Suggestion
from app.services.mapping_suggestions import suggest
from app.services.preference_paths import PreferenceThere


@dataclass(frozen=True)
class Field:
    name: str
    type: str = "String"


OFFERED = [
    Offered("first_name", "text"),
    Offered("last_name", "text"),
    Offered("organisation", "text"),
    Offered("postcode", "text"),
    Offered("state", "text"),
    Offered("created_at", "date"),
    Offered("custom.points", "number"),
    Offered("custom.newsletter", "boolean"),
    Offered("custom.address.city", "text"),
    Offered("custom.orders", "json"),
]


@pytest.mark.parametrize(
    "field, expected",
    [
        pytest.param(Field("FIRSTNAME"), ("first_name", 1.0), id="the same but for the spelling"),
        pytest.param(Field("Last_Name"), ("last_name", 1.0), id="the same but for the case"),
        pytest.param(Field("SURNAME"), ("last_name", 0.9), id="another name for it"),
        pytest.param(Field("COMPANY"), ("organisation", 0.9), id="another word for it"),
        pytest.param(Field("ORGANISATIO"), ("organisation", 0.89), id="nearly the same"),
        pytest.param(Field("POINTS", "Numeric"), ("custom.points", 1.0), id="a key of custom"),
        pytest.param(Field("POINTS", "String"), ("custom.points", 1.0), id="text holds numbers"),
        pytest.param(Field("CREATED", "Date"), ("created_at", 0.9), id="a date"),
        pytest.param(Field("ADDRESSCITY"), ("custom.address.city", 1.0), id="a key below a key"),
        pytest.param(Field("NEWSLETTER", "Boolean"), ("custom.newsletter", 1.0), id="a yes or no"),
        pytest.param(Field("POINTS", "Date"), None, id="the same name, another type"),
        pytest.param(Field("FIRSTNAME", "Numeric"), None, id="text in a number"),
        pytest.param(Field("ORDERS"), None, id="arrays go nowhere"),
        pytest.param(Field("GENDER"), None, id="nothing like it"),
        pytest.param(Field("___"), None, id="a name without letters"),
    ],
)
def test_a_data_field_is_suggested_for_the_person_field_it_looks_like(
    field: Field, expected: tuple[str, float] | None
) -> None:
    suggested = suggest(OFFERED, {"field": [field]}, set())
    found = [(each.person_field, each.confidence) for each in suggested]
    assert found == ([] if expected is None else [expected])


def test_each_side_is_suggested_once_and_the_surest_pair_wins() -> None:
    fields = [Field("SURNAME"), Field("LASTNAME"), Field("LAST_NAME_2")]
    assert suggest(OFFERED, {"field": fields}, set()) == [
        Suggestion("field", "last_name", "LASTNAME", "String", 1.0)
    ]


def test_what_is_mapped_already_is_not_suggested() -> None:
    fields = [Field("FIRSTNAME"), Field("POSTCODE")]
    found = suggest(OFFERED, {"field": fields}, {("fields", "firstname")})
    assert [each.dotdigital_field for each in found] == ["POSTCODE"]


def test_a_preference_is_suggested_for_a_yes_or_no_by_either_of_its_names() -> None:
    preferences = [
        PreferenceThere(1, "Our monthly mail", "Newsletter", "Topics", "topics"),
        PreferenceThere(2, "Points", "Points"),
    ]
    assert suggest(OFFERED, {"preference": preferences}, set()) == [
        Suggestion("preference", "custom.newsletter", "Topics > Our monthly mail", None, 1.0)
    ]
