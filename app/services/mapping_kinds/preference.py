"""Mappings to marketing preferences: a yes or no of a person opts in or out of one."""

from collections.abc import Iterable, Iterator, Sequence

from app.clients.dotdigital import DotdigitalClient, PreferenceNode, Rejected
from app.errors import Invalid
from app.models import Mapping
from app.services.field_values import boolean
from app.services.mapping_kinds.contact_values import There
from app.services.mapping_kinds.kind import Kind, Lost, Offered, Rule, Suggestion, Target
from app.services.mapping_kinds.proposal import Proposal
from app.services.mapping_targets import UnknownTarget, fitting_types
from app.services.name_likeness import ALIKE, likeness
from app.services.person_fields import Row, parse_path, reader
from app.services.preference_paths import (
    PreferenceThere,
    find_preference,
    preference_there,
    preferences_there,
    split_path,
)

_POINTER = "/body/dotdigital_field"


class PreferenceKind(Kind[Sequence[PreferenceThere]]):
    """A yes or no of a person, and a preference."""

    word = "preference"
    noun = "preference"
    naming = "a preference as `Category > Preference`, or `Preference` where it is in no category"
    part = "preferences"
    has_type = False
    is_extra = True

    async def find(
        self, client: DotdigitalClient, proposal: Proposal, *, create_missing: bool
    ) -> Target:
        """Return the preference of this path. One call, one or two more to make it."""
        path = proposal.wanted.dotdigital_field
        self.check(proposal)
        tree = await client.preferences.tree()
        try:
            found = find_preference(path, preferences_there(tree))
        except UnknownTarget:
            if not create_missing:
                raise
            proposal.refuse_slip()
            found = await _make(client, path, tree)
        return Target(found.path, preference_id=found.id)

    def check(self, proposal: Proposal) -> None:
        """Take a yes or no."""
        proposal.refuse_misfit(
            "a preference",
            lambda field_type: field_type == "boolean",
            lambda value: "Boolean" in fitting_types(value),
        )

    async def targets(self, client: DotdigitalClient) -> Sequence[PreferenceThere]:
        """Return the preferences, each with its category."""
        return preferences_there(await client.preferences.tree())

    def suggest(
        self, offered: Sequence[Offered], targets: Sequence[PreferenceThere]
    ) -> Iterator[Suggestion]:
        """Pair a yes or no with a preference that is named like it, publicly or privately."""
        yes_or_no = [each for each in offered if each.type == "boolean"]
        for there in targets:
            for ours in yes_or_no:
                confidence = max(
                    likeness(ours.path, there.public_name), likeness(ours.path, there.private_name)
                )
                if confidence >= ALIKE:
                    yield Suggestion(self.word, ours.path, there.path, None, confidence)

    def rule(self, mapping: Mapping) -> Rule | None:
        """Read a yes or no; a contact that was never asked is not opted in."""
        preference_id = mapping.preference_id
        if preference_id is None:
            return None
        read = reader(parse_path(mapping.person_field))

        def ours(row: Row) -> bool | None:
            return boolean(read(row))

        def theirs(there: There) -> bool:
            return there.preference(preference_id)

        return Rule(
            key=str(preference_id),
            ours=ours,
            theirs=theirs,
            target=f"preference {mapping.dotdigital_field}",
            nothing=False,
        )

    def lost(
        self, mappings: Iterable[Mapping], targets: Sequence[PreferenceThere]
    ) -> Iterator[Lost]:
        """Find by id: a preference that was renamed is the same one."""
        known = {there.id for there in targets}
        for mapping in mappings:
            if mapping.preference_id not in known:
                yield Lost(mapping.id, "preference_gone", _gone(mapping))


async def _make(
    client: DotdigitalClient, path: str, tree: Sequence[PreferenceNode]
) -> PreferenceThere:
    category_name, name = split_path(path)
    if not name or category_name == "":
        raise Invalid.at(_POINTER, f"{path!r} names no preference: write Category > Preference.")
    try:
        category = None
        if category_name is not None:
            category = _category(tree, category_name) or await client.preferences.create(
                category_name, is_preference=False
            )
        made = await client.preferences.create(
            name, category_id=None if category is None else category.id
        )
    except Rejected as error:
        raise Invalid.at(_POINTER, f"Dotdigital doesn't make it: {error}.") from error
    return preference_there(made, category)


def _category(tree: Sequence[PreferenceNode], name: str) -> PreferenceNode | None:
    wanted = name.casefold()
    categories = [node for node in tree if not node.is_preference]
    by_public_name = (node for node in categories if node.public_name.casefold() == wanted)
    by_private_name = (node for node in categories if node.private_name.casefold() == wanted)
    return next(by_public_name, None) or next(by_private_name, None)


def _gone(mapping: Mapping) -> str:
    return (
        f"Dotdigital no longer has the preference {mapping.dotdigital_field}, so mapping "
        f"{mapping.id} ({mapping.person_field}) is left out. Make it there again and map it anew, "
        "or delete the mapping."
    )
