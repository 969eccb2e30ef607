"""Reads the settings; says of those that can't be used what to write, and names misspelt ones."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from dotenv import dotenv_values
from pydantic import ValidationError

from app.settings import Settings
from app.start_errors import StartError

PREFIX: Final = "DOTSYNC_"
_DOTENV: Final = Path(".env")
#: Their values are shown to nobody.
_SECRET: Final = frozenset({"database_url", "bootstrap_api_key", "credentials_keys"})
#: Read by the tests and by what runs them.
_OTHERS: Final = (f"{PREFIX}TEST_", f"{PREFIX}SHARED", f"{PREFIX}REQUIRE_")
_UNITS: Final = {"bytes": " of bytes", "seconds": " of seconds"}


class UnknownSetting(NamedTuple):
    """A variable with our prefix that is no setting."""

    name: str
    #: The setting that it looks like.
    nearest: str | None


def read_settings() -> Settings:
    """Read the settings from the environment and `.env`; raises StartError, a line a fault."""
    try:
        return Settings()
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise StartError("\n".join(map(_sentence, faults))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The file {_DOTENV.resolve()} can't be read: {error}.") from None


def unknown_settings(environment: Mapping[str, str] | None = None) -> Iterator[UnknownSetting]:
    """Yield the variables with our prefix that nobody reads, by name; those of `.env` as well."""
    given = os.environ if environment is None else environment
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    from_file = dotenv_values(_DOTENV) if _DOTENV.is_file() else {}
    for name in sorted({*given, *from_file}):
        shouted = name.upper()
        if shouted in known or not shouted.startswith(PREFIX) or shouted.startswith(_OTHERS):
            continue
        near = get_close_matches(shouted, known, n=1, cutoff=0.8)
        yield UnknownSetting(name, near[0] if near else None)


def _sentence(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with a setting and what to write, on one line."""
    own = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else ""
    if not fault["loc"]:
        # It is about several settings, and names them.
        return own
    name = str(fault["loc"][0])
    variable = f"{PREFIX}{name.upper()}"
    if own:
        return f"{variable}: {own}"
    wrong = "its value" if name in _SECRET else _shown(str(fault["input"]))
    return f"{variable}: {wrong} can't be used. Write {_taken(_properties()[name])}."


@cache
def _properties() -> Mapping[str, Any]:
    properties = Settings.model_json_schema()["properties"]
    return {name: {**schema, "name": name} for name, schema in properties.items()}


def _taken(schema: Mapping[str, Any]) -> str:
    """Return in words what a setting takes."""
    if "enum" in schema:
        return " or ".join(schema["enum"])
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "integer" | "number" as kind:
            what = "a whole number" if kind == "integer" else "a number"
            unit = _UNITS.get(schema["name"].rpartition("_")[2], "")
            return f"{what}{unit} {_bounds(schema)}, such as {schema['default']}"
    return f"text, such as {schema.get('default')}"


def _bounds(schema: Mapping[str, Any]) -> str:
    lowest, highest = schema["minimum"], schema.get("maximum")
    return f"of at least {lowest}" if highest is None else f"from {lowest} to {highest}"


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
