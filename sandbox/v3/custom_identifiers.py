"""`/configuration/v3/customIdentifiers`: identifiers of the account's own, unique over contacts."""

import re
from typing import Any

from starlette.responses import Response

from sandbox.answers import Refusal, empty, json_answer, v3_refusal
from sandbox.calls import Call, Operation
from sandbox.state import Account, CustomIdentifier
from sandbox.v3.writing import timestamp

MAX_NAME = 50
_NAME = re.compile(r"[-A-Za-z0-9_]+")
#: What every contact has; no custom one can be called so.
_STANDARD = frozenset({"contactid", "email", "mobilenumber"})


async def list_identifiers(call: Call) -> Response:
    """Answer all custom identifiers."""
    account = call.account
    return json_answer([_written(account, one) for one in account.custom_identifiers.values()])


async def create_identifier(call: Call) -> Response:
    """Make a custom identifier."""
    account = call.account
    name = _name(call)
    if name.lower() in _STANDARD or name.lower() in account.custom_identifiers:
        raise v3_refusal(
            409,
            "customIdentifiers:nameAlreadyExists",
            "The custom identifier already exists.",
        )
    if len(account.custom_identifiers) >= account.settings.custom_identifier_limit:
        raise Refusal(empty(412))
    now_ms = account.clock.stamp()
    made = CustomIdentifier(name, now_ms, now_ms)
    account.custom_identifiers[name.lower()] = made
    return json_answer(_written(account, made), 201)


async def delete_identifier(call: Call) -> Response:
    """Take a custom identifier away, and from every contact."""
    account = call.account
    found = account.custom_identifiers.get(call.path["name"].lower())
    if found is None:
        raise v3_refusal(404, "customIdentifiers:notExist", "The custom identifier does not exist.")
    if found.used_by is not None:
        raise v3_refusal(
            400,
            "customIdentifiers:inUse",
            "The custom identifier is in use by another entity.",
            [(found.used_by, f"Custom Identifier is used by {found.used_by}")],
        )
    account.contacts.forget_custom(found.name)
    del account.custom_identifiers[found.name.lower()]
    return empty()


def _name(call: Call) -> str:
    try:
        body = call.json()
    except ValueError:
        raise v3_refusal(
            400, "customIdentifiers:badJson", "The request JSON is badly formed"
        ) from None
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise v3_refusal(
            400, "customIdentifiers:badRequest", "The name takes letters, digits, - and _"
        )
    if len(name) > MAX_NAME:
        raise v3_refusal(
            400,
            "customIdentifiers:nameTooLong",
            "The custom identifier is too long. It must be less than 50 characters.",
        )
    return name


def _written(account: Account, identifier: CustomIdentifier) -> dict[str, Any]:
    quirky = account.settings.quirky_timestamps
    return {
        "name": identifier.name,
        "created": timestamp(identifier.created_ms, quirky=quirky),
        "updated": timestamp(identifier.updated_ms, quirky=quirky),
    }


_FEATURE = "custom-identifiers"
OPERATIONS = (
    Operation("GET", "/configuration/v3/customIdentifiers", list_identifiers, _FEATURE),
    Operation("POST", "/configuration/v3/customIdentifiers", create_identifier, _FEATURE),
    Operation("DELETE", "/configuration/v3/customIdentifiers/{name}", delete_identifier, _FEATURE),
)
