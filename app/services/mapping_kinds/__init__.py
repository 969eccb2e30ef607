"""The kinds of mapping: one file each, and the line below that lets it in. Nothing else names them.

What a kind has to answer is in `kind`. The API's words, finding and making targets, suggestions,
what is sent, what is read back and what is found gone go by these answers; a kind that isn't known
here, of another version maybe, is passed over.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from app.models import Mapping
from app.schemas import mapping_kinds as shown
from app.services.mapping_kinds.field import FieldKind
from app.services.mapping_kinds.kind import Kind, Part
from app.services.mapping_kinds.preference import PreferenceKind

#: By their words, in the order in which they are shown and asked.
KINDS: Final[dict[str, Kind[Any]]] = {
    kind.word: kind
    for kind in (
        FieldKind(),
        PreferenceKind(),
    )
}
# Shapes know no services, so they are told.
shown.tell(KINDS)


def with_kinds(mappings: Iterable[Mapping]) -> Iterator[tuple[Kind[Any], Mapping]]:
    """Yield the mappings, each behind its kind."""
    for mapping in mappings:
        if (kind := KINDS.get(mapping.kind)) is not None:
            yield kind, mapping


def part_of(word: str) -> Part | None:
    """Return the part of a contact that this kind's values are in."""
    kind = KINDS.get(word)
    return None if kind is None else kind.part
