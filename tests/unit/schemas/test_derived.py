"""Shapes that follow from another one."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field, ValidationError

from app.schemas.derived import changes_to, shown_of
from app.schemas.text import Schema


def upper(given: str) -> str:
    return given.upper()


class Tea(Schema):
    name: Annotated[str, Field(max_length=5), AfterValidator(upper)]
    note: Annotated[str, Field(max_length=5), AfterValidator(upper)] | None = None
    kind: Annotated[Literal["green", "black"], Field(description="What it is.")] = "green"
    cups: Annotated[int | None, Field(ge=1, description="At most.")] = 3
    tags: list[str] = Field(default_factory=list)


Change = changes_to(Tea)
Shown = shown_of(Tea)

FULL = {"name": "OOLON", "note": None, "kind": "black", "cups": None, "tags": ["x"]}


@pytest.mark.parametrize(
    "given, kept",
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"name": "mint"}, {"name": "MINT"}, id="validated as in the shape"),
        pytest.param({"note": None, "cups": None}, {"note": None, "cups": None}, id="nulls"),
        pytest.param({"note": "dry"}, {"note": "DRY"}, id="beside null, too"),
        pytest.param({"kind": "black", "tags": []}, {"kind": "black", "tags": []}, id="values"),
    ],
)
def test_a_change_keeps_what_was_sent(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert Change.model_validate(given).model_dump(exclude_unset=True) == kept


@pytest.mark.parametrize(
    "given, complaint",
    [
        pytest.param({"name": None}, "name can't be null: leave it out to keep it", id="needed"),
        pytest.param({"kind": None}, "kind can't be null: leave it out to keep it", id="defaulted"),
        pytest.param({"tags": None, "kind": None}, "kind can't be null", id="the first by name"),
        pytest.param({"name": "oolong"}, "at most 5 characters", id="too long"),
        pytest.param({"note": "longer"}, "at most 5 characters", id="too long beside null"),
        pytest.param({"cups": 0}, "greater than or equal to 1", id="too little"),
        pytest.param({"kind": "white"}, "'green' or 'black'", id="another word"),
        pytest.param({"milk": True}, "Extra inputs are not permitted", id="unknown"),
    ],
)
def test_a_change_refuses_what_the_shape_refuses(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Change.model_validate(given)


def test_a_change_is_documented_by_the_words_of_the_shape_without_its_defaults() -> None:
    document = Change.model_json_schema()
    assert "required" not in document
    assert document["properties"]["kind"] == {
        "anyOf": [{"enum": ["green", "black"], "type": "string"}, {"type": "null"}],
        "default": None,
        "description": "What it is.",
        "title": "Kind",
    }
    assert document["properties"]["cups"]["description"] == "At most."
    assert {each.get("default") for each in document["properties"].values()} == {None}


def test_what_is_shown_is_shown_whole() -> None:
    assert Shown.model_validate(FULL).model_dump() == FULL
    assert Shown.model_json_schema(mode="serialization")["required"] == list(FULL)
    for name in FULL:
        with pytest.raises(ValidationError, match="Field required"):
            Shown.model_validate({key: value for key, value in FULL.items() if key != name})


def test_the_shape_stays_as_it_is() -> None:
    assert Tea(name="mint").model_dump() == {
        "name": "MINT",
        "note": None,
        "kind": "green",
        "cups": 3,
        "tags": [],
    }
