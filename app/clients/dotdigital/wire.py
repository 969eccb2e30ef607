"""Reads what Dotdigital answers, leniently, and writes what we send, strictly.

Names are read in any case and spelling (``Id`` and ``id``, ``isPreference2``), unknown ones are
passed over, dates in each spelling that the vendor's documents and clients show.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from app.clients.dotdigital import inferred
from app.clients.dotdigital.errors import ProtocolError, Unreachable
from app.clients.dotdigital.transport import Answer

Model = TypeVar("Model", bound="Incoming")
Read = TypeVar("Read")


def parse_instant(given: object) -> datetime | None:
    """Read a date-time in any of the vendor's spellings; None where it is none.

    Met are ``2020-01-01T09:40:18.527Z``, ``...18.00Z``, ``2020-01-01 09:40:18.527000+00:00``
    [spec], and seven digits without a zone (Magento 2 extension), which are UTC.
    """
    if isinstance(given, datetime):
        return given if given.tzinfo is not None else given.replace(tzinfo=UTC)
    if not isinstance(given, str):
        return None
    try:
        read = datetime.fromisoformat(given.strip())
        if read.tzinfo is UTC:
            return read
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def in_query(instant: datetime) -> str:
    """Write an instant as paths and filters take it, rounded down to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def dated(given: object) -> tuple[datetime | None, str | None]:
    """Return an instant, and its text as it was given; both None where it stands for no date.

    An instant that is None beside a text is one that can't be read: the vendor's own examples have
    ``2020-01-021T09:40:18.00Z`` [spec].
    """
    if given is None or given == "":
        return None, None
    read = parse_instant(given)
    if read is not None and inferred.is_no_date(read.year):
        return None, None
    return read, given if isinstance(given, str) else str(given)


def text_of(given: object) -> str | None:
    """Return a text; None where it is null or empty."""
    if given is None or given == "":
        return None
    return given if isinstance(given, str) else str(given)


def id_of(given: Any) -> int | None:  # noqa: ANN401 - it is what JSON is
    """Return an id; 0 and null stand for none [spec]. Raises ValueError for what is no number."""
    return int(given or 0) or None


Instant = Annotated[datetime | None, BeforeValidator(lambda given: dated(given)[0])]
Id = Annotated[int | None, BeforeValidator(id_of)]
Text = Annotated[str | None, BeforeValidator(text_of)]
Count = Annotated[int, BeforeValidator(lambda given: given or 0)]


class Incoming(BaseModel):
    """What an answer holds. A field ``x_text`` keeps the text of the date in ``x``."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    #: Spellings besides the field's own, in lower case without underscores.
    spellings: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _any_case(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        names, texts = _names_of(cls)
        read: dict[str, Any] = {}
        for key, value in given.items():
            plain = str(key).lower().replace("_", "")
            name = names.get(plain) or cls.spellings.get(plain)
            # A name's own spelling goes before another one that stands for it.
            if name is not None and (name not in read or plain in names):
                read[name] = value
        for text, date in texts:
            read.setdefault(text, dated(read.get(date))[1])
        return read


@cache
def _names_of(model: type[Incoming]) -> tuple[Mapping[str, str], Sequence[tuple[str, str]]]:
    """Return the fields by their plain names, and the texts with the dates that they are of."""
    fields = model.model_fields
    texts = [(name, name.removesuffix("_text")) for name in fields if name.endswith("_text")]
    return {name.replace("_", ""): name for name in fields}, texts


class Outgoing(BaseModel):
    """What a request holds: nothing that the vendor doesn't name, and in its own spelling."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    def encoded(self) -> bytes:
        """Return it as JSON, without what was not given."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


def json_of(answer: Answer) -> Any:  # noqa: ANN401 - it is what JSON is
    """Return the answer's JSON.

    Raises Unreachable for JSON that was cut off, so that it is read again, and ProtocolError for
    what never was JSON.
    """
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        if answer.body.lstrip()[:1] in (b"{", b"["):
            raise Unreachable("the answer was cut off") from None
        raise ProtocolError("the answer is not JSON") from None


def one(model: type[Model]) -> Callable[[Answer], Model]:
    """Return a reader of an answer that is one such object."""

    def read(answer: Answer) -> Model:
        given = json_of(answer)
        return _checked(lambda: model.model_validate(given))

    return read


def many(model: type[Model]) -> Callable[[Answer], list[Model]]:
    """Return a reader of an answer that is an array of these.

    Some documents show one object where the others, and the real answers, have an array.
    """

    def read(answer: Answer) -> list[Model]:
        given = json_of(answer)
        rows = given if isinstance(given, list) else [given]
        return _checked(lambda: [model.model_validate(row) for row in rows])

    return read


def optional(model: type[Model]) -> Callable[[Answer], Model | None]:
    """Return a reader of an answer that is one such object, or has no body."""
    read = one(model)
    return lambda answer: read(answer) if answer.body.strip() else None


def nothing(answer: Answer) -> None:
    """Read an answer whose body says nothing: deletes are 204, or 200 without a body [sdk]."""


def lowered(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object by its names in lower case, the outermost ones alone."""
    return {name.lower(): value for name, value in given.items()}


def next_marker(given: Mapping[str, Any]) -> str | None:
    """Return the marker of the page after this one of v3; None where it names none."""
    following = (given.get("_links") or {}).get("next") or {}
    marker: str | None = following.get("marker")
    return marker


def reading(read: Callable[[Any], Read]) -> Callable[[Answer], Read]:
    """Return a reader that hands the JSON to a function written by hand, for what comes in bulk."""

    def read_answer(answer: Answer) -> Read:
        given = json_of(answer)
        return _checked(lambda: read(given))

    return read_answer


def rows(read: Callable[[Mapping[str, Any]], Read], *names: str) -> Callable[[Answer], list[Read]]:
    """Return a reader of an array whose rows a function written by hand reads, for bulk.

    ``names`` are those that it looks for, as documented; the first one tells by its absence that a
    row spells them in another case. One object is an array of one, as in `many`.
    """
    first = names[0]
    documented = {name.lower(): name for name in names}

    def documented_row(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {documented.get(name.lower(), name): value for name, value in row.items()}

    def read_rows(given: Any) -> list[Read]:  # noqa: ANN401 - it is what JSON is
        found = given if isinstance(given, list) else [given]
        return [read(row if first in row else documented_row(row)) for row in found]

    return reading(read_rows)


def _checked(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise ProtocolError(f"the answer is not as documented, at {where or 'its top'}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The text of a KeyError is the name that is missing; the others' may hold a value.
        missing = f", {error} is missing" if isinstance(error, KeyError) else ""
        raise ProtocolError(f"the answer is not as documented{missing}") from None
