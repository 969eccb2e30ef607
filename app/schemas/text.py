"""Text as we take it, and the base that every shape of the API stands on."""

import math
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

#: What jsonb and every JSON reader hold exactly.
_MOST = 2**63 - 1
_DEEPEST = 32


class Schema(BaseModel):
    """Base of all shapes: unknown members are refused, attributes of rows are read."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


def shown_as(example: dict[str, Any]) -> ConfigDict:
    """Return the config of a shape whose documents show this example, ready to be sent.

    What "Try it out" offers is sent by whoever clicks on: it names things by real values, binds
    nothing and empties nothing.
    """
    return ConfigDict(json_schema_extra={"examples": [example]})


def refuse_unstorable(given: str) -> str:
    """Return the text; raises ValueError for what Postgres can't hold as text."""
    if "\x00" in given:
        message = "holds a NUL byte, which can't be stored: remove it"
        raise ValueError(message)
    if not given.isascii():
        try:
            given.encode()
        except UnicodeEncodeError as error:
            message = "holds half a surrogate pair, which is no character: write it as UTF-8"
            raise ValueError(message) from error
    return given


def refuse_unstorable_value(given: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value; raises ValueError for one that jsonb can't hold exactly."""
    if depth > _DEEPEST:
        message = f"is nested more than {_DEEPEST} deep"
        raise ValueError(message)
    match given:
        case str():
            refuse_unstorable(given)
        case bool() | None:
            pass
        case int() if not -_MOST <= given <= _MOST:
            message = "holds a whole number of more than 64 bits: send it as text"
            raise ValueError(message)
        case float() if not math.isfinite(given):
            message = "holds NaN or an infinity, which JSON has no number for"
            raise ValueError(message)
        case dict():
            for key, value in given.items():
                refuse_unstorable(key)
                refuse_unstorable_value(value, depth + 1)
        case list():
            for value in given:
                refuse_unstorable_value(value, depth + 1)
    return given


#: Text of at most 1000 characters without what can't be stored.
Text = Annotated[str, StringConstraints(max_length=1000), AfterValidator(refuse_unstorable)]
#: A name: 1 to 200 characters once blanks around it are gone.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(refuse_unstorable),
]


def _in_utc(given: datetime) -> datetime:
    try:
        return given.astimezone(UTC)
    except OverflowError as error:
        message = "is before the year 1 or after 9999 in UTC"
        raise ValueError(message) from error


#: An instant with its zone, kept in UTC.
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
#: One of our ids.
Id = Annotated[int, Field(strict=True, ge=1, le=_MOST)]
