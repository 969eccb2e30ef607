"""Likely mappings: person fields and targets whose names and types go together. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.services.mapping_kinds import KINDS
from app.services.mapping_kinds.kind import Offered, Part, Suggestion


def suggest(
    offered: Sequence[Offered],
    targets: Mapping[str, Any],
    mapped: Collection[tuple[Part | None, str]],
) -> list[Suggestion]:
    """Return likely pairs, the surest first; each side stands in one of them at most.

    ``targets``: what Dotdigital has, by the word of the kind that maps to it. ``mapped`` names what
    has a mapping already, as (part, name in Dotdigital in lower case).
    """
    likely = [
        each for word, found in targets.items() for each in KINDS[word].suggest(offered, found)
    ]
    likely.sort(key=lambda each: (-each.confidence, each.person_field, each.dotdigital_field))
    taken_fields: set[str] = set()
    taken_targets = set(mapped)
    chosen = []
    for each in likely:
        target = (KINDS[each.kind].part, each.dotdigital_field.lower())
        if each.person_field in taken_fields or target in taken_targets:
            continue
        taken_fields.add(each.person_field)
        taken_targets.add(target)
        chosen.append(each)
    return chosen
