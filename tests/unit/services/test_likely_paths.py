"""Which path was likely meant by one that nobody has."""

import pytest

from app.services.likely_paths import likely_meant

SEEN = ["custom.tier", "custom.phone1", "custom.orders[*]", "custom.signup_date"]


@pytest.mark.parametrize(
    "path, meant",
    [
        pytest.param("custom.tire", "custom.tier", id="two letters changed places"),
        pytest.param("custom.Tier", "custom.tier", id="another case"),
        pytest.param("custom.signupdate", "custom.signup_date", id="a mark left out"),
        pytest.param("custom.phone2", None, id="another number"),
        pytest.param("custom.colour", None, id="another word"),
        pytest.param("custom.x", None, id="a letter"),
    ],
)
def test_a_slip_is_told_from_another_name(path: str, meant: str | None) -> None:
    assert likely_meant(path, SEEN) == meant


def test_nothing_seen_is_nothing_meant() -> None:
    assert likely_meant("custom.tier", []) is None
