"""Data fields: as both of the vendor's documents show them."""

from typing import Any

import orjson
import pytest
import respx
from pydantic import ValidationError

from app.clients.dotdigital import DotdigitalClient, NotFound, ProtocolError, Rejected
from tests.factories.dotdigital import example


async def test_every_field_is_read_with_its_type_and_default(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/data-fields").respond(json=example("v2-data-fields"))
    fields = {each.name: each for each in await client.data_fields.all()}
    assert len(fields) == 8
    assert (fields["SEATS"].type, fields["SEATS"].default_value) == ("Numeric", 0)
    assert (fields["VIP"].type, fields["VIP"].default_value) == ("Boolean", False)
    assert (fields["FIRSTNAME"].visibility, fields["FIRSTNAME"].default_value) == ("Public", None)


@pytest.mark.parametrize(
    "given, type_, default",
    [
        ({"type": "numeric", "defaultValue": 1.5}, "Numeric", 1.5),
        ({"type": "STRING", "defaultValue": "x"}, "String", "x"),
        ({"type": "Date", "defaultValue": {"odd": 1}}, "Date", "{'odd': 1}"),
    ],
)
async def test_a_field_is_read_leniently(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    given: dict[str, Any],
    type_: str,
    default: object,
) -> None:
    dotdigital.get("/v2/data-fields").respond(json=[{"name": "A", **given}])
    [field] = await client.data_fields.all()
    assert (field.type, field.default_value) == (type_, default)


@pytest.mark.parametrize("body", [b"", b'{"name": "RENEWAL", "type": "Date"}'], ids=["no", "yes"])
async def test_a_field_is_made_whether_or_not_it_comes_back(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: bytes
) -> None:
    route = dotdigital.post("/v2/data-fields").respond(201, content=body)
    made = await client.data_fields.create("RENEWAL", "Date")
    assert (made.name, made.type) == ("RENEWAL", "Date")
    assert orjson.loads(route.calls.last.request.content) == {
        "name": "RENEWAL",
        "type": "Date",
        "visibility": "Private",
    }


@pytest.mark.parametrize("name", ["", "x" * 21, "a b", "a>b", "é", "a\n"])
async def test_a_name_that_no_field_can_have_is_not_sent(
    client: DotdigitalClient, name: str
) -> None:
    with pytest.raises(ValidationError):
        await client.data_fields.create(name, "String")


async def test_a_name_that_is_taken_is_rejected_with_its_code(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    body = example("error-v2-400-datafield-duplicate")
    dotdigital.post("/v2/data-fields").respond(400, json=body)
    with pytest.raises(Rejected) as met:
        await client.data_fields.create("A", "String")
    assert met.value.code == "ERROR_NON_UNIQUE_DATAFIELD"


@pytest.mark.parametrize(
    "status, body, is_deleted, dependencies",
    [
        pytest.param(200, {"dependencies": None, "result": True}, True, [], id="deleted"),
        pytest.param(
            200,
            {"dependencies": ["Used in program 12345"], "result": False},
            False,
            ["Used in program 12345"],
            id="in use, as the YAML says it",
        ),
        pytest.param(
            200,
            {"dependencies": [{"type": "Campaign", "objectId": 5501}], "result": False},
            False,
            ["Campaign 5501"],
            id="in use, as the swagger says it",
        ),
        pytest.param(
            409,
            {"dependencies": [{"type": "Campaign", "objectId": 5501}, "a form"], "result": False},
            False,
            ["Campaign 5501", "a form"],
            id="in use, with the status for it",
        ),
    ],
)
async def test_a_field_is_deleted_unless_something_uses_it(
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    status: int,
    body: dict[str, Any],
    is_deleted: bool,
    dependencies: list[str],
) -> None:
    dotdigital.delete("/v2/data-fields/A").respond(status, json=body)
    deletion = await client.data_fields.delete("A")
    assert (deletion.is_deleted, deletion.dependencies) == (is_deleted, dependencies)


async def test_a_field_that_is_not_there_is_not_found(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    body = {"message": "Error: ERROR_DATAFIELD_NOTFOUND"}
    dotdigital.delete("/v2/data-fields/A").respond(404, json=body)
    with pytest.raises(NotFound):
        await client.data_fields.delete("A")


async def test_a_deletion_that_says_nothing_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.delete("/v2/data-fields/A").respond(200, json={})
    with pytest.raises(ProtocolError):
        await client.data_fields.delete("A")
