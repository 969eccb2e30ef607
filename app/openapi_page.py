"""`openapi.md`: the API on one page, written from the OpenAPI document of the code."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

_VERBS = ("get", "post", "put", "patch", "delete")
_Schema = Mapping[str, Any]


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
            needed = "needed. " if each.get("required") else ""
            told = f"{needed}{each.get('description', '')}".strip()
            yield f"| `{each['name']}` | {each['in']} | {_type(each['schema'])} | {_cell(told)} |"
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
            needed = "needed. " if field in required else ""
            told = f"{needed}{each.get('description', '')}".strip()
            yield f"| `{field}` | {_type(each)} | {_cell(told)} |"


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
