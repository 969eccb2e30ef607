"""The fields that a person has, and the paths that name them: what they are, how they are read.

Pure: no database here. What stands in people's ``custom`` is looked at by `custom_values`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Literal

FieldType = Literal["text", "boolean", "number", "date", "json"]
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PersonField:
    """One field of a person."""

    name: str
    type: FieldType
    #: Whether what comes from Dotdigital may be written into it.
    writable: bool
    #: Put together from other fields, so that there is nothing to write.
    computed: bool = False


@dataclass(frozen=True, slots=True)
class EveryElement:
    """The step ``[*]``: every element of an array, joined."""


EVERY_ELEMENT: Final = EveryElement()
Step = str | int | EveryElement


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field by name, or a value inside ``custom`` by the steps that lead to it."""

    text: str
    field: str
    steps: tuple[Step, ...] = ()

    @property
    def is_custom(self) -> bool:
        """Say whether it leads into ``custom``."""
        return self.field == "custom"

    @property
    def joins(self) -> bool:
        """Say whether its value is the joined elements of an array."""
        return any(isinstance(step, EveryElement) for step in self.steps)

    @property
    def is_writable(self) -> bool:
        """Say whether what comes from Dotdigital may be written there."""
        if self.is_custom:
            return all(isinstance(step, str) for step in self.steps)
        return FIELDS[self.field].writable


class FieldPathError(ValueError):
    """The text is no path to a person field; it says what is wrong and what would be right."""


MAX_PATH: Final = 200
_MAX_STEPS: Final = 8
_MAX_INDEX: Final = 9999
#: A key may hold anything but what the grammar itself uses, quotes and control characters.
_STEP: Final = re.compile(r"\.(?P<key>[^.\[\]\"\x00-\x1f\x7f]+)|\[(?P<index>[0-9]{1,9}|\*)\]")
_ADDRESSABLE: Final = re.compile(r"[^.\[\]\"\x00-\x1f\x7f]{1,100}")

#: Written by retrieve_people where a mapping says so; the email and the number are identifiers,
#: and consent has rules of its own, so neither is ever taken through a mapping.
_WRITABLE_TEXT: Final = (
    "first_name",
    "last_name",
    "title",
    "job_title",
    "organisation",
    "address_line_1",
    "address_line_2",
    "city",
    "county",
    "state",
    "postcode",
    "country",
)

FIELDS: Final[Mapping[str, PersonField]] = {
    field.name: field
    for field in (
        PersonField("external_ref", "text", writable=False),
        PersonField("kind", "text", writable=False),
        PersonField("email", "text", writable=False),
        PersonField("mobile_number", "text", writable=False),
        PersonField("full_name", "text", writable=False, computed=True),
        *(PersonField(name, "text", writable=True) for name in _WRITABLE_TEXT),
        PersonField("sync_with_mailer", "boolean", writable=False),
        PersonField("no_email", "boolean", writable=False),
        PersonField("email_undeliverable", "boolean", writable=False),
        PersonField("created_at", "date", writable=False),
        PersonField("updated_at", "date", writable=False),
    )
}


def parse_path(text: str) -> FieldPath:
    """Parse ``first_name``, ``custom.tier``, ``custom.orders[0].sku`` or ``custom.tags[*]``.

    Raises FieldPathError, whose text says what is wrong.
    """
    if len(text) > MAX_PATH:
        raise FieldPathError(f"A path has at most {MAX_PATH} characters.")
    if text in FIELDS:
        return FieldPath(text, text)
    if text != "custom" and not text.startswith(("custom.", "custom[")):
        message = (
            f"There is no person field {_shown(text)}. GET /v1/person-fields lists them; "
            "a value of your own is named like custom.tier."
        )
        raise FieldPathError(message)
    return FieldPath(text, "custom", _steps(text))


def is_addressable(key: str) -> bool:
    """Say whether a key of ``custom`` can stand in a path."""
    return _ADDRESSABLE.fullmatch(key) is not None and key.strip() == key


def read(path: FieldPath, person: Row) -> object:
    """Return the value there, or None where there is none.

    ``[*]`` joins the elements with a comma and a space. Where they are objects or arrays they come
    back unjoined, as a list, since no data field can hold them.
    """
    if path.is_custom:
        return _follow(person.get("custom"), path.steps)
    if path.field == "full_name":
        return full_name(person.get("first_name"), person.get("last_name"))
    return person.get(path.field)


def reader(path: FieldPath) -> Callable[[Row], object]:
    """Return `read` of this path, ready for many people, whose rows have all columns."""
    if path.field == "full_name":
        return lambda person: full_name(person["first_name"], person["last_name"])
    if not path.is_custom:
        return itemgetter(path.field)
    if len(path.steps) == 1 and isinstance(path.steps[0], str):
        return _reader_of_key(path.steps[0])
    return lambda person: read(path, person)


def full_name(first_name: object, last_name: object) -> str | None:
    """Return both names with a blank between them, the one that is there, or None."""
    first = "" if first_name is None else str(first_name).strip()
    last = "" if last_name is None else str(last_name).strip()
    return f"{first} {last}".strip() or None


def _reader_of_key(key: str) -> Callable[[Row], object]:
    def read_key(person: Row) -> object:
        custom = person["custom"]
        # Plain SQL may have put anything there.
        return custom.get(key) if isinstance(custom, dict) else None

    return read_key


def _steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    position = len("custom")
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise FieldPathError(_explained(text, position))
        steps.append(_step(found, text))
        position = found.end()
    if not steps or not isinstance(steps[0], str):
        raise FieldPathError(
            "After custom comes a key: custom.tier, not an element of custom itself."
        )
    if len(steps) > _MAX_STEPS:
        raise FieldPathError(f"A path leads at most {_MAX_STEPS} steps into custom.")
    if sum(isinstance(step, EveryElement) for step in steps) > 1:
        raise FieldPathError("A path joins one array: [*] may stand in it once.")
    return tuple(steps)


def _step(found: re.Match[str], text: str) -> Step:
    if (key := found["key"]) is not None:
        if key.strip() != key:
            raise FieldPathError(
                f"The key {_shown(key)} in {_shown(text)} begins or ends with a blank."
            )
        return key
    if found["index"] == "*":
        return EVERY_ELEMENT
    index = int(found["index"])
    if index > _MAX_INDEX:
        raise FieldPathError(f"An index is a number from 0 to {_MAX_INDEX}: [{index}] is too far.")
    return index


def _explained(text: str, position: int) -> str:
    rest = text[position:]
    if rest.startswith("["):
        return (
            f"{_shown(rest)} in {_shown(text)} is no element: "
            "write [0] for the first one, or [*] for all of them joined."
        )
    if rest.startswith("."):
        return f"A key is missing or not well formed at {_shown(rest)} in {_shown(text)}."
    return (
        f"{_shown(rest)} in {_shown(text)} is out of place: a key follows a dot, as in custom.tier."
    )


def _follow(value: object, steps: tuple[Step, ...]) -> object:
    for position, step in enumerate(steps):
        match step:
            case str():
                value = value.get(step) if isinstance(value, Mapping) else None
            case int():
                inside = isinstance(value, list) and step < len(value)
                value = value[step] if inside and isinstance(value, list) else None
            case EveryElement():
                return _joined(value, steps[position + 1 :])
        if value is None:
            return None
    return value


def _joined(value: object, rest: tuple[Step, ...]) -> object:
    """Join what is found in every element; one lone value counts as an array of one."""
    elements = value if isinstance(value, list) else [value]
    found = [each for each in (_follow(element, rest) for element in elements) if each is not None]
    if any(isinstance(each, (list, dict)) for each in found):
        return found
    words = [each for each in map(_as_text, found) if each]
    return ", ".join(words) or None


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
