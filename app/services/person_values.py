"""Raw field values of a person into clean column values: the one way in, for REST and imports.

Null, empty and absent are three things: a field left out is not in the result, null clears it, and
blank text counts as null.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from app.errors import FieldError, Invalid
from app.schemas.people import (
    PHONE_REGION,
    PersonIn,
    PersonOut,
    PersonRow,
    clean_mobile_number,
    given_values,
)
from app.services.field_hints import hint

#: Fields that have no null: one that a row gives as null is a fault, so leave them out instead.
NEVER_NULL: Final = frozenset({"kind", "sync_with_mailer", "no_email", "email_undeliverable"})
FLAGS: Final = ("sync_with_mailer", "no_email", "email_undeliverable")

_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "y", "t", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "f", "off", "0"), False),
}
FLAG_WORDS: Final = (
    "Write true, yes, y, t, on or 1, or else false, no, n, f, off or 0, in any case."
)
_READ_ONLY: Final = PersonOut.model_fields.keys() - PersonRow.model_fields.keys()
_SENTENCES: Final = {
    "extra_forbidden": "There is no such field.",
    "string_unicode": "Holds half a surrogate pair, which is no character: write it as UTF-8.",
}


class PersonFaults(ValueError):  # noqa: N818 - what is wrong with one row, not a program's error
    """A person's values that can't be taken; each fault names its field by pointer (``/email``)."""

    def __init__(self, faults: Sequence[FieldError]) -> None:
        """Keep the faults; the text is all of them in a line."""
        super().__init__("; ".join(f"{fault.pointer[1:]}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)


def clean_person(raw: Mapping[str, object], default_region: str) -> dict[str, Any]:
    """Return the column values that a raw row gives, ``id`` among them where it has one.

    Only the fields of the row are in the result. ``custom`` is what to merge into the one that
    stands (see `people_bulk`). The id and the flags may come as text (``12``, ``yes``), as they do
    from a CSV file. Raises PersonFaults, which names every field and fault.
    """
    try:
        row = PersonRow.model_validate(_from_words(raw), context={PHONE_REGION: default_region})
    except ValidationError as error:
        raise PersonFaults([_fault(fault) for fault in error.errors(include_url=False)]) from None
    values = vars(row)
    return {name: values[name] for name in row.model_fields_set}


def clean_body(body: PersonIn, default_region: str) -> dict[str, Any]:
    """Return the column values that a validated body gives; raises Invalid for a bad number."""
    values = dict(given_values(body))
    if (number := values.get("mobile_number")) is not None:
        try:
            values["mobile_number"] = clean_mobile_number(number, default_region)
        except ValueError as error:
            raise Invalid.at("/body/mobile_number", _sentence(str(error))) from error
    return values


def _from_words(raw: Mapping[str, object]) -> Mapping[str, object]:
    given_id = raw.get("id")
    if isinstance(given_id, str) and given_id.isascii() and given_id.isdecimal():
        raw = {**raw, "id": int(given_id[:20])}
    for flag in FLAGS:
        given = raw.get(flag)
        if isinstance(given, str):
            raw = {**raw, flag: _WORDS.get(given.strip().lower(), given)}
    return raw


def _fault(error: Mapping[str, Any]) -> FieldError:
    pointer = "".join(
        "/" + str(step).encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")
        for step in error["loc"]
    )
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        return FieldError(pointer, _of_unknown(str(error["loc"][0])))
    if known := _SENTENCES.get(error["type"]):
        return FieldError(pointer, known)
    if error["type"] == "value_error":
        return FieldError(pointer, _sentence(str(error["ctx"]["error"])))
    if pointer[1:] in FLAGS and error["type"].startswith("bool"):
        return FieldError(pointer, FLAG_WORDS)
    if error["input"] is None and pointer[1:] in NEVER_NULL:
        return FieldError(pointer, "This can't be null: leave it out to keep it.")
    return FieldError(pointer, _sentence(str(error["msg"])))


def _of_unknown(name: str) -> str:
    if name in _READ_ONLY:
        return f"{name} is read-only: dotsync sets it. Leave it out."
    return f"There is no such field.{hint(name)}"


def _sentence(message: str) -> str:
    message = message[:1].upper() + message[1:]
    return message if message.endswith(".") else f"{message}."
