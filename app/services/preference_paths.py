"""Preferences by their paths: ``Category > Preference``, or ``Preference`` in no category. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.clients.dotdigital import PreferenceNode
from app.errors import Invalid
from app.services.mapping_targets import UnknownTarget, listed, nearest


@dataclass(frozen=True, slots=True)
class PreferenceThere:
    """One marketing preference, with the category that it is in, if it is in one."""

    id: int
    public_name: str
    private_name: str
    category_public_name: str | None = None
    category_private_name: str | None = None

    @property
    def path(self) -> str:
        """How it is named in a mapping, by its public names."""
        if self.category_public_name is None:
            return self.public_name
        return f"{self.category_public_name} > {self.public_name}"


def preferences_there(tree: Sequence[PreferenceNode]) -> list[PreferenceThere]:
    """Return the tree's preferences, each with its category."""
    return list(_flat(tree))


def preference_there(node: PreferenceNode, category: PreferenceNode | None) -> PreferenceThere:
    """Return the preference with its category."""
    return PreferenceThere(
        id=node.id,
        public_name=node.public_name,
        private_name=node.private_name,
        category_public_name=None if category is None else category.public_name,
        category_private_name=None if category is None else category.private_name,
    )


def find_preference(path: str, there: Sequence[PreferenceThere]) -> PreferenceThere:
    """Return the preference that this path names; public names go before private ones.

    Raises UnknownTarget, and Invalid for a name that more than one preference answers to.
    """
    in_categories = [each for each in there if each.category_public_name is not None]
    twins = [each for each in in_categories if _same(each.public_name, path)]
    for private in (False, True):
        found = _matches(path, there, private=private)
        if private:
            twins += [each for each in in_categories if _same(each.private_name, path)]
        # A name that stands alone and in a category too could mean either.
        if found and found[0].category_public_name is None:
            found += [each for each in twins if each not in found]
        if len(found) > 1:
            raise _ambiguous(path, found)
        if found:
            return found[0]
    twin_paths = list(dict.fromkeys(each.path for each in twins))
    near = twin_paths or nearest(path, [each.path for each in there])
    raise UnknownTarget("preference", path, near[:3])


def split_path(path: str) -> tuple[str | None, str]:
    """Return the category, if there is one, and the preference that a path names."""
    category, arrow, name = path.partition(">")
    if not arrow:
        return None, path.strip()
    return category.strip(), name.strip()


def _flat(
    nodes: Sequence[PreferenceNode], category: PreferenceNode | None = None
) -> Iterator[PreferenceThere]:
    for node in nodes:
        if node.is_preference:
            yield preference_there(node, category)
        else:
            yield from _flat(node.preferences, node)


def _matches(
    path: str, there: Sequence[PreferenceThere], *, private: bool
) -> list[PreferenceThere]:
    """Return what the path fits; a name may hold the arrow itself, so it is tried whole as well."""
    category, name = split_path(path)
    return [
        each
        for each in there
        if (category is not None and _is(each, category, name, private=private))
        or _is(each, None, path, private=private)
    ]


def _is(each: PreferenceThere, category: str | None, name: str, *, private: bool) -> bool:
    own_category = each.category_private_name if private else each.category_public_name
    own_name = each.private_name if private else each.public_name
    return _same(own_category, category) and _same(own_name, name)


def _same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.strip().casefold() == other.strip().casefold()


def _ambiguous(path: str, found: Sequence[PreferenceThere]) -> Invalid:
    return Invalid.at(
        "/body/dotdigital_field",
        f"{path!r} could be any of {listed([each.path for each in found])}. Name it with its "
        "category, like Category > Preference, or give it a name of its own in Dotdigital.",
    )
