"""Where the vendor's documents can't mean what they say, and how they are read instead.

Nothing else is excused. (Not waived either: a preference in an answer must have the `name` that v3
requires without describing it, and requests spell `html` as the enumeration does.)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

#: A part of a document.
Json: TypeAlias = Any

VERBS = ("get", "put", "post", "delete", "patch")


def objects_in(node: Json) -> Iterator[dict[str, Json]]:
    """Yield every object in the document, the inner ones first."""
    if isinstance(node, list):
        for item in node:
            yield from objects_in(item)
    elif isinstance(node, dict):
        for value in node.values():
            yield from objects_in(value)
        yield node


def followed(document: Json, node: Json) -> Json:
    """Return what a reference within the document points at; anything else as it is."""
    if "$ref" not in node:
        return node
    found = document
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def operations_of(item: Json) -> Iterator[tuple[str, Json]]:
    for verb, operation in item.items():
        if verb in VERBS:
            yield verb, operation


@dataclass(frozen=True)
class Amendment:
    """A place where a document can't mean what it says, and how it is read instead."""

    document: str
    reason: str
    change: Callable[[Json], None]


def _any_identifier(contacts: Json) -> None:
    schema = contacts["components"]["schemas"]["contactIdentifier"]
    schema["anyOf"] = schema.pop("oneOf")


def _numeric_contact_id(contacts: Json) -> None:
    identifiers = contacts["components"]["schemas"]["identifiers"]
    identifiers["properties"]["contactId"] = {"type": ["integer", "string"]}


def _resubscribe_options(contacts: Json) -> None:
    schemas = contacts["components"]["schemas"]
    options = "channelPropertiesWithResubscribe_channelProperties_email_resubscribeOptions"
    email = schemas["channelProperties_channelProperties_email"]
    email["properties"]["resubscribeOptions"] = {"$ref": f"#/components/schemas/{options}"}


def _merge_closed(document: Json) -> None:
    for schema in list(objects_in(document)):
        parts = [followed(document, part) for part in schema.get("allOf", ())]
        if any(part.get("additionalProperties") is False for part in parts):
            del schema["allOf"]
            schema["type"] = "object"
            schema["additionalProperties"] = False
            schema["required"] = [name for part in parts for name in part.get("required", ())]
            schema["properties"] = {k: v for part in parts for k, v in part["properties"].items()}


def _page_sizes(document: Json) -> None:
    for path, item in document["paths"].items():
        largest = 500 if path.startswith("/v2/surveys") else 1000
        for _, operation in operations_of(item):
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "select":
                    parameter["schema"] |= {"minimum": 1, "maximum": largest}
                elif parameter["name"] == "skip" and parameter["schema"]["type"] == "integer":
                    parameter["schema"].setdefault("minimum", 0)


AMENDMENTS = (
    Amendment(
        "contacts-v3.json",
        "a contact's identifier is `oneOf`, of which the branch for emails and the one for custom "
        'identifiers both fit {"email": ...}',
        _any_identifier,
    ),
    Amendment(
        "contacts-v3.json",
        "`identifiers` allows only text beside email and mobile number, while the document's own "
        "example of an import has a numeric contactId there",
        _numeric_contact_id,
    ),
    Amendment(
        "contacts-v3.json",
        "the email channel of a request is closed, while `allOf` adds `resubscribeOptions` to it",
        _resubscribe_options,
    ),
    Amendment(
        "contacts-v3.json",
        "a consent record is closed, while `allOf` adds `dateTimeCreated` to it in answers",
        _merge_closed,
    ),
    Amendment(
        "insight-data-v3.json",
        "a record is closed, while `allOf` adds its dates and its owner to it in answers",
        _merge_closed,
    ),
    Amendment(
        "v2-email-campaigns.yaml",
        "a campaign's metrics are an `allOf` of two closed objects, which nothing can satisfy",
        _merge_closed,
    ),
    Amendment(
        "v2-swagger.json",
        "the same: the generator writes inheritance as an `allOf` of closed objects",
        _merge_closed,
    ),
    Amendment(
        "v2-*",
        "the size of a page, 1 to 1000 (surveys: 500), stands in the descriptions alone",
        _page_sizes,
    ),
)
