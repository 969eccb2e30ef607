"""`openapi.md`: the API on one page, written from the OpenAPI document of the code."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

_VERBS = ("get", "post", "put", "patch", "delete")
_Schema = Mapping[str, Any]
#: Members of a schema that bound a value from below and above, and what they count.
_BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)
#: What only an id of ours is bounded by, which goes without saying.
_NO_LIMIT = 2**63 - 1


def as_markdown(document: _Schema) -> str:
    """Return the page for this OpenAPI document; the same document gives the same page."""
    lines = [
        f"# {document['info']['title']} API",
        "",
        "Made from the code by `python -m app openapi`; `make check` fails when it is out of step.",
        "As JSON: `python -m app openapi --json`, or `/openapi.json` of a running service.",
        "",
        *document["info"].get("description", "").strip().splitlines(),
        "",
    ]
    for tag, operations in _by_tag(document).items():
        lines += [f"## {tag}", ""]
        for verb, path, operation in operations:
            lines += [*_operation(verb, path, operation), ""]
    lines += ["## Shapes", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += [*_shape(name, schema), ""]
    return "\n".join(lines).rstrip() + "\n"


def _by_tag(document: _Schema) -> dict[str, list[tuple[str, str, _Schema]]]:
    grouped: dict[str, list[tuple[str, str, _Schema]]] = defaultdict(list)
    for path, item in document["paths"].items():
        for verb in _VERBS:
            if verb in item:
                tag = (item[verb].get("tags") or ["other"])[0]
                grouped[tag].append((verb.upper(), path, item[verb]))
    return grouped


def _operation(verb: str, path: str, operation: _Schema) -> Iterator[str]:
    yield f"### `{verb} {path}`"
    yield ""
    yield from (operation.get("description") or operation.get("summary", "")).strip().splitlines()
    if parameters := operation.get("parameters"):
        yield ""
        yield "| parameter | in | type | |"
        yield "| --- | --- | --- | --- |"
        for each in parameters:
            told = _told(each["schema"], each.get("description", ""), each.get("required", False))
            yield f"| `{each['name']}` | {each['in']} | {_type(each['schema'])} | {told} |"
    if body := operation.get("requestBody"):
        kinds = ", ".join(
            f"`{media}`: {_type(content.get('schema', {}))}"
            for media, content in body["content"].items()
        )
        yield ""
        yield f"Takes {kinds}"
    yield ""
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        shapes = {_type(each.get("schema", {})) for each in content.values()} - {"any"}
        shape = f" {' or '.join(sorted(shapes))}" if shapes else ""
        yield f"- **{status}**{shape}: {answer['description']}"


def _shape(name: str, schema: _Schema) -> Iterator[str]:
    yield f"### {name}"
    if told := schema.get("description"):
        yield ""
        yield from told.strip().splitlines()
    if "enum" in schema:
        yield ""
        yield ", ".join(f"`{value}`" for value in schema["enum"])
    if properties := schema.get("properties"):
        required = set(schema.get("required", ()))
        yield ""
        yield "| field | type | |"
        yield "| --- | --- | --- |"
        for field, each in properties.items():
            told = _told(each, each.get("description", ""), field in required)
            yield f"| `{field}` | {_type(each)} | {told} |"


def _told(schema: _Schema, description: str, required: bool) -> str:  # noqa: FBT001 - from the document
    """Return a table's last cell: whether it is needed, what it is, its limits and default."""
    parts = ["needed."] if required else []
    parts += [description] if description else []
    if limits := ", ".join(_limits(schema)):
        parts.append(f"{limits[0].upper()}{limits[1:]}.")
    if (default := schema.get("default")) is not None:
        shown = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
        parts.append(f"Default: `{shown}`.")
    return _cell(" ".join(parts))


def _limits(schema: _Schema) -> Iterator[str]:
    """Yield the limits of a value, of whichever type it may be beside null."""
    for each in schema.get("anyOf", (schema,)):
        for lowest, highest, of in _BOUNDS:
            least, most = (_plain_number(each.get(bound)) for bound in (lowest, highest))
            if most is not None and most >= _NO_LIMIT:
                continue
            if least is not None and most is not None:
                yield f"{least} to {most}{of}" if least != most else f"{most}{of}"
            elif most is not None:
                yield f"at most {most}{of}"
            elif least:
                yield f"at least {least}{of}"
        if (above := each.get("exclusiveMinimum")) is not None:
            yield f"more than {_plain_number(above)}"


def _plain_number(bound: float | None) -> float | None:
    """Return a bound without the point that a whole number doesn't need."""
    return int(bound) if bound is not None and float(bound).is_integer() else bound


def _type(schema: _Schema) -> str:
    """Return a schema in a few words."""
    if reference := schema.get("$ref"):
        name = str(reference).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(each) for each in choices))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    return _plain_type(schema)


def _plain_type(schema: _Schema) -> str:
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
