"""The vendor's OpenAPI documents, as a judge of requests and answers.

For v2 there are two documents, one written by hand and one generated, which disagree: what fits
either passes. Where a document contradicts itself, an `Amendment` says so; there are no others.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.contract.vendor_amendments import (
    AMENDMENTS,
    Json,
    followed,
    objects_in,
    operations_of,
)
from tests.contract.vendor_formats import ANSWERED_FORMATS, REQUESTED_FORMATS

#: First part of a path to the documents that describe it.
_FILES = {
    "/contacts/v3": "contacts-v3.json",
    "/configuration/v3": "custom-identifiers-v3.json",
    "/data-firehose/v3": "data-firehose-v3.json",
    "/events/v3": "events-v3.json",
    "/insightData/v3": "insight-data-v3.json",
    "/v2": "v2-*",
}
#: Answers of whatever stands before the services; no v3 document describes them everywhere.
_GATEWAY = {403, 413, 429, 500, 502, 503, 504}
_ERROR_CODE = re.compile(r"ERROR_[A-Z_]+")


def _allow_null(document: Json) -> None:
    """Turn OpenAPI 3.0's ``nullable`` into the JSON Schema that 3.1 would have."""
    for schema in objects_in(document):
        if schema.get("nullable") is True:
            wanted = {name: value for name, value in schema.items() if name != "nullable"}
            schema.clear()
            schema["anyOf"] = [wanted, {"type": "null"}]


@dataclass(frozen=True)
class Document:
    """One OpenAPI document, amended, with its schemas ready to be used."""

    name: str
    contents: Json
    _validators: dict[tuple[str, bool], Validator] = field(default_factory=dict)

    @cached_property
    def operations(self) -> list["Operation"]:
        return [
            Operation(self, verb.upper(), path)
            for path, item in self.contents["paths"].items()
            for verb, _ in operations_of(item)
        ]

    @cached_property
    def _registry(self) -> Registry[Json]:
        resource = Resource.from_contents(self.contents, default_specification=DRAFT202012)
        registry: Registry[Json] = Registry().with_resource("vendor:document", resource)
        return registry.crawl()

    def schema_faults(self, pointer: str, value: Json, *, answered: bool) -> list[str]:
        """Return what is wrong with the value by the schema at the pointer."""
        validator = self._validators.get((pointer, answered))
        if validator is None:
            formats: FormatChecker = ANSWERED_FORMATS if answered else REQUESTED_FORMATS
            validator = Draft202012Validator(
                {"$ref": f"vendor:document#{pointer}"},
                registry=self._registry,
                format_checker=formats,
            )
            self._validators[pointer, answered] = validator
        return [
            f"{self.name}: {error.json_path}: {error.validator}: {error.message[:300]}"
            for error in validator.iter_errors(value)
        ]


def _pointer(*names: str) -> str:
    escaped = (name.replace("~", "~0").replace("/", "~1").replace("%", "%25") for name in names)
    return "".join(f"/{name.replace('{', '%7B').replace('}', '%7D')}" for name in escaped)


@dataclass(frozen=True)
class Operation:
    """One verb on one path template, as one document has it."""

    document: Document
    method: str
    template: str

    @cached_property
    def _contents(self) -> Json:
        return self.document.contents["paths"][self.template][self.method.lower()]

    @cached_property
    def _segments(self) -> list[str]:
        return self.template.strip("/").split("/")

    @cached_property
    def generality(self) -> tuple[bool, ...]:
        """Which segments are parameters: the smallest of the matching templates is meant."""
        return tuple(segment.startswith("{") for segment in self._segments)

    def matches(self, segments: list[str]) -> bool:
        """Tell whether the path of these segments is one of this template."""
        return len(segments) == len(self._segments) and all(
            is_parameter or own == given
            for own, given, is_parameter in zip(
                self._segments, segments, self.generality, strict=True
            )
        )

    @cached_property
    def _parameters(self) -> list[tuple[str, Json]]:
        item = self.document.contents["paths"][self.template]
        places = [
            (_pointer("paths", self.template, "parameters"), item.get("parameters", [])),
            (
                _pointer("paths", self.template, self.method.lower(), "parameters"),
                self._contents.get("parameters", []),
            ),
        ]
        found = []
        for place, parameters in places:
            for index, parameter in enumerate(parameters):
                pointer = parameter.get("$ref", f"#{place}/{index}").removeprefix("#")
                found.append((pointer, followed(self.document.contents, parameter)))
        return found

    def query_names(self) -> set[str]:
        """Return the names of the query parameters this document knows."""
        return {one["name"] for _, one in self._parameters if one["in"] == "query"}

    def parameter_faults(self, segments: list[str], query: Mapping[str, str]) -> list[str]:
        """Return what is wrong with the values in the path and in the query."""
        in_path = {
            own.strip("{}"): unquote(given)
            for own, given in zip(self._segments, segments, strict=True)
            if own.startswith("{")
        }
        faults = []
        for pointer, parameter in self._parameters:
            given = {"path": in_path, "query": query}.get(parameter["in"], {})
            name = parameter["name"]
            label = f"{parameter['in']} parameter {name}"
            if name in given:
                value = _typed(given[name], parameter)
                found = self.document.schema_faults(f"{pointer}/schema", value, answered=False)
                faults += [f"{label}: {fault}" for fault in found]
            elif parameter.get("required") and parameter["in"] != "header":
                faults.append(f"{self.document.name}: {label} is missing")
        return faults

    def request_faults(self, body: object | None) -> list[str]:
        """Return what is wrong with the body of a request."""
        described = self._contents.get("requestBody")
        if described is None:
            return [] if body is None else [f"{self.document.name}: a body where none is described"]
        if body is None:
            required = described.get("required") or "v2" in self.document.name
            return [f"{self.document.name}: no body"] if required else []
        pointer = ("paths", self.template, self.method.lower(), "requestBody", "content")
        schema = _pointer(*pointer, "application/json", "schema")
        return self.document.schema_faults(schema, body, answered=False)

    def answers(self, status: int) -> bool:
        """Tell whether the document describes this status."""
        return str(status) in self._contents["responses"]

    def is_silent(self, status: int) -> bool:
        """Tell whether the document knows the status and says nothing of its body.

        The generator writes bytes where the code declares no type, the hand an object without
        properties where it has only an example.
        """
        content = self._contents["responses"][str(status)].get("content", {})
        return bool(content) and all(
            kind == "application/octet-stream"
            or described["schema"] == {"type": "object", "properties": {}}
            for kind, described in content.items()
        )

    def answer_faults(self, status: int, body: object | None) -> list[str]:
        """Return what is wrong with the body of an answer of a status that is described."""
        response = self._contents["responses"][str(status)]
        pointer = _pointer("paths", self.template, self.method.lower(), "responses", str(status))
        if "$ref" in response:
            pointer = response["$ref"].removeprefix("#")
            response = followed(self.document.contents, response)
        content = response.get("content", {})
        if status == 204 or not content:
            return [] if body is None else [f"{self.document.name}: a body where none is described"]
        if self.is_silent(status):
            return []
        if body is None:
            return [f"{self.document.name}: no body"]
        faults: list[str] = []
        for kind in content:
            schema = f"{pointer}/content{_pointer(kind)}/schema"
            found = self.document.schema_faults(schema, body, answered=True)
            if not found:
                return []
            faults += found
        return faults


def _typed(text: str, parameter: Json) -> object:
    """Return the value that a parameter's text stands for, or the text where it is no such."""
    match parameter["schema"].get("type"):
        case "integer" if re.fullmatch(r"-?\d+", text):
            return int(text)
        case "number" if re.fullmatch(r"-?\d+(\.\d+)?", text):
            return float(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
        case "array":
            return text.split("|" if parameter.get("style") == "pipeDelimited" else ",")
    return text


@cache
def _document(path: Path) -> Document:
    text = path.read_text(encoding="utf-8")
    # Most of the YAML files hold JSON, which is read a hundred times faster as what it is.
    as_json = text.startswith("{")
    contents = json.loads(text) if as_json else yaml.load(text, yaml.CSafeLoader)
    for amendment in AMENDMENTS:
        if Path(path.name).match(amendment.document):
            amendment.change(contents)
    _allow_null(contents)
    return Document(path.name, contents)


@cache
def _error_codes(path: Path) -> frozenset[str]:
    return frozenset(_ERROR_CODE.findall(path.read_text(encoding="utf-8")))


class VendorDocuments:
    """Judges requests and answers; documents are read when first needed, once a process."""

    def __init__(self, shared_dir: Path) -> None:
        self._folder = shared_dir / "reference" / "dotdigital-openapi"

    def operations(self) -> list[tuple[str, str]]:
        """Return every method and path template that any of the documents has."""
        found = {
            (operation.method, operation.template.rstrip("/"))
            for start in _FILES
            for operation in self._operations_under(start)
        }
        return sorted(found)

    def request_faults(
        self, method: str, path: str, query: Mapping[str, str], body: object | None
    ) -> list[str]:
        """Return what no document allows in a request; path without host and query."""
        candidates = self._matching(method, path)
        if not candidates:
            return [f"no document has {method} {path}"]
        known = {name for candidate in candidates for name in candidate.query_names()}
        unknown = [f"unknown query parameter {name}" for name in query if name not in known]
        segments = _segments(path)
        return unknown + _agreed(
            candidate.parameter_faults(segments, query) + candidate.request_faults(body)
            for candidate in candidates
        )

    def answer_faults(self, method: str, path: str, status: int, body: object | None) -> list[str]:
        """Return what no document allows in an answer; None is no body."""
        candidates = self._matching(method, path)
        if not candidates:
            return [f"no document has {method} {path}"]
        describing = [candidate for candidate in candidates if candidate.answers(status)]
        telling = [candidate for candidate in describing if not candidate.is_silent(status)]
        if describing:
            return _agreed(one.answer_faults(status, body) for one in telling or describing)
        if status < 400:
            return [f"no document has status {status} for {method} {path}"]
        if path.startswith("/v2/"):
            return self._v2_error_faults(status, body)
        if status in _GATEWAY:
            return []
        return [f"no document has status {status} for {method} {path}"]

    def _v2_error_faults(self, status: int, body: object | None) -> list[str]:
        # The generated document has successes alone, and the other hardly more: the shape of a
        # refusal is the one that the vendor's guides show.
        if not isinstance(body, dict) or set(body) != {"message"}:
            return [f"status {status} without just a message: {body!r}"]
        message = body["message"]
        if not isinstance(message, str):
            return [f"the message is no text: {message!r}"]
        known = _error_codes(self._folder / "error-codes.yml")
        return [
            f"unknown code {code}" for code in _ERROR_CODE.findall(message) if code not in known
        ]

    def _matching(self, method: str, path: str) -> list[Operation]:
        segments = _segments(path)
        start = next(
            (start for start in _FILES if path.startswith(f"{start}/") or path == start), ""
        )
        matching = [one for one in self._operations_under(start) if one.matches(segments)]
        meant = min((one.generality for one in matching), default=())
        return [one for one in matching if one.generality == meant and one.method == method.upper()]

    def _operations_under(self, start: str) -> Iterator[Operation]:
        if start:
            for path in sorted(self._folder.glob(_FILES[start])):
                yield from _document(path).operations


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def _agreed(found: Iterable[list[str]]) -> list[str]:
    """Return no faults where one document is content, else what each of them finds."""
    judgements = list(found)
    return [] if [] in judgements else [fault for faults in judgements for fault in faults]
