from typing import Any

import pytest

from app.openapi_page import as_markdown


def cell(schema: dict[str, Any], *, needed: bool = False) -> str:
    """Return what the page says of a field beside its name and type."""
    shape = {"properties": {"x": schema}, "required": ["x"] if needed else []}
    page = as_markdown(
        {"info": {"title": "T"}, "paths": {}, "components": {"schemas": {"S": shape}}}
    )
    line = next(line for line in page.splitlines() if line.startswith("| `x`"))
    return line.split("|")[3].strip()


@pytest.mark.parametrize(
    "schema, told",
    [
        pytest.param({"type": "string"}, "", id="nothing to say"),
        pytest.param({"type": "integer", "minimum": 1, "maximum": 9.0}, "1 to 9.", id="from, to"),
        pytest.param({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "", id="an id"),
        pytest.param({"type": "number", "minimum": 0.05}, "At least 0.05.", id="from"),
        pytest.param({"type": "number", "exclusiveMinimum": 0}, "More than 0.", id="above"),
        pytest.param({"type": "string", "minLength": 1, "maxLength": 5}, "1 to 5 characters.",
                     id="length"),
        pytest.param({"type": "string", "minLength": 2, "maxLength": 2}, "2 characters.",
                     id="exact length"),
        pytest.param({"type": "array", "maxItems": 10}, "At most 10 items.", id="items"),
        pytest.param({"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
                     "At most 5 characters.", id="or null"),
        pytest.param({"type": "boolean", "default": False}, "Default: `false`.", id="false"),
        pytest.param({"type": "integer", "default": 0}, "Default: `0`.", id="zero"),
        pytest.param({"type": "string", "default": "clear"}, "Default: `clear`.", id="a word"),
        pytest.param({"type": "string", "default": None}, "", id="null is no default"),
        pytest.param({"type": "string", "description": "A | B.", "maxLength": 3, "default": "a"},
                     "A \\", id="a bar is escaped"),
    ],
)  # fmt: skip
def test_limits_and_defaults_are_told(schema: dict[str, Any], told: str) -> None:
    assert cell(schema) == told


def test_needed_field_says_so_first() -> None:
    assert cell({"type": "string", "description": "A name."}, needed=True) == "needed. A name."
