"""The kinds of mapping in the API's shapes. Which there are, `services/mapping_kinds` tells."""

from collections.abc import Mapping
from typing import Annotated, Final, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema


class _ShownKind(Protocol):
    @property
    def naming(self) -> str: ...


class _Kinds:
    """The kinds by their words, as they are at the moment."""

    def __init__(self) -> None:
        self.by_word: Mapping[str, _ShownKind] = {}


_KINDS: Final = _Kinds()


def tell(kinds: Mapping[str, _ShownKind]) -> None:
    """Take the kinds by their words; what is added to them later counts too."""
    _KINDS.by_word = kinds


class _Shown:
    """A kind's word, with those there are in the documents."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "enum": list(_KINDS.by_word)}


class _Checked(_Shown):
    """A kind's word as a caller gives it."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_known)


def _known(given: object) -> object:
    if not isinstance(given, str) or given not in _KINDS.by_word:
        words = [repr(word) for word in _KINDS.by_word]
        listed = " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
        raise PydanticKnownError("literal_error", {"expected": listed})
    return given


class _Naming:
    """How a target is named, by its mapping's kind."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        told = "; ".join(kind.naming for kind in _KINDS.by_word.values())
        return {**handler(core), "description": f"{told[:1].upper()}{told[1:]}."}


#: A kind as a caller gives it.
MappingKind = Annotated[str, _Checked()]
#: A kind as it is stored: by another version maybe, that has more of them.
StoredMappingKind = Annotated[str, _Shown()]
#: Describes ``dotdigital_field``.
TARGET_NAMING: Final = _Naming()
