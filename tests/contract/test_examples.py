"""The bodies that the documents offer to try out: real values, and nothing that does harm."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from app.main import create_app
from app.schemas.text import Schema
from app.settings import Settings


def shapes(base: type[Schema] = Schema) -> Iterator[tuple[str, type[Schema]]]:
    for each in base.__subclasses__():
        yield each.__name__, each
        yield from shapes(each)


def bodies() -> Iterator[tuple[str, type[Schema], Any]]:
    """Yield each operation that takes JSON, the shape it takes, and the example that is shown."""
    document = create_app(Settings(_env_file=None)).openapi()
    by_name = dict(shapes())
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            reference = media.get("schema", {}).get("$ref")
            if reference is None:
                continue
            name = reference.rpartition("/")[2]
            shown = document["components"]["schemas"][name].get("examples") or [None]
            yield f"{verb.upper()} {path}", by_name[name], media.get("example", shown[0])


CASES = [pytest.param(shape, example, id=name) for name, shape, example in bodies()]


@pytest.mark.parametrize("shape, example", CASES)
def test_every_body_shows_an_example_that_is_taken(shape: type[Schema], example: Any) -> None:  # noqa: ANN401 - any JSON
    assert example, "give the shape a model_config = shown_as({...})"
    shape.model_validate_json(orjson.dumps(example))
    assert b'"string"' not in orjson.dumps(example)


def test_a_list_that_is_tried_out_is_bound_to_nothing() -> None:
    shown = {name: example for name, _, example in bodies()}
    for name in ("POST /v1/lists", "PUT /v1/lists/{list_id}", "PATCH /v1/lists/{list_id}"):
        assert not {"dotdigital_list_id", "synchronisation_with"} & shown[name].keys()


def test_a_person_that_is_tried_out_in_part_keeps_its_own() -> None:
    shown = {name: example for name, _, example in bodies()}
    assert shown["PATCH /v1/people/{person_id}"].keys().isdisjoint({"email", "external_ref"})
