"""The type that a data field is made with, and preferences as mappings name them."""

import pytest

from app.clients.dotdigital import PreferenceNode
from app.services.mapping_kinds.field import natural_type
from app.services.preference_paths import PreferenceThere, preferences_there


@pytest.mark.parametrize(
    "seen, expected",
    [
        pytest.param([], "String", id="nothing seen yet"),
        pytest.param([True, False], "Boolean", id="booleans"),
        pytest.param([1, 2.5], "Numeric", id="numbers"),
        pytest.param([1, True], "String", id="numbers and booleans"),
        pytest.param(["2026-01-05", "2026-01-05T09:00:00Z"], "Date", id="dates"),
        pytest.param(["2026-01-05", "soon"], "String", id="a date and words"),
        pytest.param(["1", "0"], "String", id="digits as text stay text"),
    ],
)
def test_a_data_field_is_made_of_the_type_that_holds_all_values(
    seen: list[object], expected: str
) -> None:
    assert natural_type(seen) == expected


def test_the_tree_of_preferences_reads_as_paths() -> None:
    events = PreferenceNode(id=61, public_name="Events", private_name="ev", category_id=60)
    tree = [
        PreferenceNode(
            id=60,
            public_name="Topics",
            private_name="tp",
            is_preference=False,
            preferences=[events],
        ),
        PreferenceNode(id=63, public_name="Print magazine", private_name="pm"),
    ]

    assert preferences_there(tree) == [
        PreferenceThere(61, "Events", "ev", "Topics", "tp"),
        PreferenceThere(63, "Print magazine", "pm"),
    ]
