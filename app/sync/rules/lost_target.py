"""Which mappings point at something that Dotdigital no longer has."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol


class Mapped(Protocol):
    """What is asked of a mapping."""

    id: int
    kind: str
    person_field: str
    dotdigital_field: str
    data_field_type: str | None
    preference_id: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    """One mapping whose target is gone, and the sentence that says what to do."""

    mapping_id: int
    code: str
    message: str


def find_lost(
    mappings: Iterable[Mapped], fields: Mapping[str, str], preferences: Collection[int]
) -> list[Lost]:
    """Return the mappings whose target is gone, or is of another type than when it was mapped.

    ``fields``: type by name, case folded; ``preferences``: ids.
    """
    found = (
        _preference(mapping, preferences)
        if mapping.kind == "preference"
        else _field(mapping, fields)
        for mapping in mappings
    )
    return [each for each in found if each is not None]


def _field(mapping: Mapped, fields: Mapping[str, str]) -> Lost | None:
    name = mapping.dotdigital_field
    there = fields.get(name.casefold())
    if there is None:
        near = get_close_matches(name.casefold(), fields, n=3, cutoff=0.6)
        hint = (
            f" The nearest that it has: {', '.join(each.upper() for each in near)}." if near else ""
        )
        text = (
            f"Dotdigital no longer has the data field {name}, so mapping {mapping.id} "
            f"({mapping.person_field}) is left out.{hint} Make it there again, or delete the "
            "mapping."
        )
        return Lost(mapping.id, "data_field_gone", text)
    if there != mapping.data_field_type:
        text = (
            f"The data field {name} is of type {there} now, and mapping {mapping.id} "
            f"({mapping.person_field}) was made for {mapping.data_field_type}, so it is left out. "
            "Make the mapping anew."
        )
        return Lost(mapping.id, "data_field_changed", text)
    return None


def _preference(mapping: Mapped, preferences: Collection[int]) -> Lost | None:
    if mapping.preference_id in preferences:
        return None
    text = (
        f"Dotdigital no longer has the preference {mapping.dotdigital_field}, so mapping "
        f"{mapping.id} ({mapping.person_field}) is left out. Make it there again and map it anew, "
        "or delete the mapping."
    )
    return Lost(mapping.id, "preference_gone", text)
