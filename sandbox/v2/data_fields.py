"""v2: the data fields of an account."""

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state import DataField
from sandbox.state.data_fields import TYPES, FieldRefusedError
from sandbox.state.records import FieldType, Visibility
from sandbox.v2.refusals import refused
from sandbox.v2.requests import read_fields
from sandbox.v2.shapes import field_json

INVALID = "DATAFIELD_INVALID"

_TYPES: dict[str, FieldType] = {each.lower(): each for each in TYPES}
_VISIBILITIES: dict[str, Visibility] = {"private": "Private", "public": "Public"}


async def list_all(call: Call) -> Response:
    """Return every data field; there are no pages."""
    return json_answer([field_json(field) for field in call.account.data_fields])


async def create(call: Call) -> Response:
    """Make a data field. The generated document has no body for the answer; the YAML has one."""
    body = read_fields(call, INVALID)
    name = body.text("name")
    if name is None:
        raise refused(INVALID)
    default = body.raw("defaultValue")
    if isinstance(default, list | dict):
        raise refused(INVALID)
    try:
        field = call.account.data_fields.define(
            name,
            body.choice("type", _TYPES, TYPES) or "String",
            body.choice("visibility", _VISIBILITIES, ("Private", "Public")) or "Private",
            None if default == "" else default,
            limits=call.account.settings.field_limits,
        )
    except FieldRefusedError as refusal:
        raise refused(refusal.code) from None
    return json_answer(field_json(field), 201)


async def delete(call: Call) -> Response:
    """Delete a data field, or say in what it is used: 409 then."""
    field = call.account.data_fields.find(call.path["name"])
    if field is None:
        raise refused("DATAFIELD_NOTFOUND")
    if field.used_by:
        return json_answer({"dependencies": _dependencies(field), "result": False}, 409)
    call.account.delete_data_field(field.name)
    return json_answer({"dependencies": None, "result": True})


def _dependencies(field: DataField) -> list[dict[str, object]]:
    return [{"type": kind, "objectId": object_id} for kind, object_id in field.used_by]


OPERATIONS = (
    Operation("GET", "/v2/data-fields", list_all),
    Operation("POST", "/v2/data-fields", create),
    Operation("DELETE", "/v2/data-fields/{name}", delete),
)
