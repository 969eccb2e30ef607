"""What a caller wants mapped, checked against our side and Dotdigital's, and found there.

All of it goes before the transaction that stores the mapping: Dotdigital is called in here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.clients.dotdigital import DotdigitalClient, PreferenceNode, Rejected
from app.db import Database
from app.errors import Invalid
from app.models import Account, Mapping
from app.services.account_calls import ask
from app.services.custom_values import seen_paths, values_at
from app.services.dotdigital import DotdigitalConnector
from app.services.likely_paths import likely_meant
from app.services.mapping_targets import (
    TYPE_FOR,
    DataFieldType,
    PreferenceThere,
    UnknownTarget,
    check_new_data_field,
    find_data_field,
    find_preference,
    split_path,
)
from app.services.mappings import Target, check_direction, check_types, refuse_overlap
from app.services.person_fields import FIELDS, FieldPath, FieldPathError, parse_path

_POINTER = "/body/dotdigital_field"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as it is wanted, with what was found of its person field."""

    wanted: Mapping
    path: FieldPath
    #: Values met at a path into ``custom``.
    seen: Sequence[object]
    #: The type that the caller asks for, if any.
    data_field_type: DataFieldType | None = None
    #: A path that people have, and that one which nobody has is likely a slip of.
    likely_meant: str | None = None

    @property
    def warning(self) -> str | None:
        """Return what is to be known of a path that nobody has; else None."""
        if not self.path.is_custom or self.seen or self.wanted.direction == "from_dotdigital":
            return None
        return (
            f"Nobody among the latest 10,000 people has {self.path.text}: it is sent for whoever "
            "gets it."
        )

    @property
    def type_to_make(self) -> DataFieldType:
        """Return the type that a data field for it would be made with."""
        if self.data_field_type is not None:
            return self.data_field_type
        if self.path.is_custom:
            return natural_type(self.seen)
        return TYPE_FOR[FIELDS[self.path.field].type]


async def examine(
    database: Database,
    wanted: Mapping,
    data_field_type: DataFieldType | None = None,
    *,
    unseen: bool = False,
) -> Proposal:
    """Check what can be checked without Dotdigital. ``wanted`` belongs to no session.

    ``unseen``: a path that nobody has is meant, though it is much like one that somebody has.
    Raises Invalid for a path that is none, or that can't be written where it should be, and for an
    account that isn't there; Conflict for a mapping that stands in the way.
    """
    try:
        path = parse_path(wanted.person_field)
    except FieldPathError as error:
        raise Invalid.at("/body/person_field", str(error)) from error
    check_direction(path, wanted.direction)
    if wanted.kind == "preference" and data_field_type is not None:
        raise Invalid.at("/body/data_field_type", "A preference has no type: leave it out.")
    async with database.reading() as session:
        if await session.get(Account, wanted.account_id) is None:
            raise Invalid.at("/body/account_id", f"There is no account {wanted.account_id}.")
        await refuse_overlap(session, wanted)
        seen = await values_at(session, path) if path.is_custom else []
        meant = None
        if path.is_custom and not seen and not unseen:
            paths = [each.path for each in await seen_paths(session)]
            meant = likely_meant(path.text, paths)
    return Proposal(wanted, path, seen, data_field_type, meant)


def keep_target(proposal: Proposal) -> None:
    """Raise Invalid where the target that the mapping has can't hold its person field."""
    check_types(proposal.path, proposal.wanted.kind, proposal.wanted.data_field_type, proposal.seen)


async def find_target(
    database: Database,
    connector: DotdigitalConnector,
    proposal: Proposal,
    *,
    create_missing: bool,
) -> Target:
    """Return what Dotdigital has at the other end; one call, two more to make it.

    Raises UnknownTarget, Invalid where it can't hold the person field, Conflict where the account
    takes no further data field, and whatever else Dotdigital says no to.
    """
    find = _preference if proposal.wanted.kind == "preference" else _data_field
    return await ask(
        database,
        connector,
        proposal.wanted.account_id,
        lambda client: find(client, proposal, create_missing=create_missing),
    )


def natural_type(seen: Sequence[object]) -> DataFieldType:
    """Return the type of data field that holds all these values as they are, or String."""
    if not seen:
        return "String"
    if all(isinstance(value, bool) for value in seen):
        return "Boolean"
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in seen):
        return "Numeric"
    return "Date" if all(map(_is_date, seen)) else "String"


def preferences_there(tree: Sequence[PreferenceNode]) -> list[PreferenceThere]:
    """Return the tree's preferences, each with its category."""
    return list(_flat(tree))


def _refuse_slip(proposal: Proposal) -> None:
    """Raise Invalid where a field would be made there for a path that is likely a slip."""
    if proposal.likely_meant is not None:
        raise Invalid.at(
            "/body/person_field",
            f"Nobody has {proposal.path.text}, and {proposal.likely_meant} is much like it: did "
            "you mean that? Nothing was made in Dotdigital. If it is meant as written, say so with "
            "unseen=true.",
        )


async def _data_field(
    client: DotdigitalClient, proposal: Proposal, *, create_missing: bool
) -> Target:
    name = proposal.wanted.dotdigital_field
    there = await client.data_fields.all()
    try:
        found = find_data_field(name, there)
    except UnknownTarget:
        if not create_missing:
            raise
        _refuse_slip(proposal)
        field_type = proposal.type_to_make
        check_types(proposal.path, "field", field_type, proposal.seen)
        check_new_data_field(name, field_type, there)
        try:
            found = await client.data_fields.create(name, field_type)
        except Rejected as error:
            raise Invalid.at(_POINTER, f"Dotdigital doesn't make it: {error}.") from error
    wanted_type = proposal.data_field_type
    if wanted_type is not None and found.type != wanted_type:
        raise Invalid.at(
            "/body/data_field_type",
            f"{found.name} is a {found.type} data field there, not {wanted_type}, and a data field "
            "keeps its type: leave the type out, or name another data field.",
        )
    check_types(proposal.path, "field", found.type, proposal.seen)
    return Target(found.name, data_field_type=found.type)


async def _preference(
    client: DotdigitalClient, proposal: Proposal, *, create_missing: bool
) -> Target:
    path = proposal.wanted.dotdigital_field
    check_types(proposal.path, "preference", None, proposal.seen)
    tree = await client.preferences.tree()
    try:
        found = find_preference(path, preferences_there(tree))
    except UnknownTarget:
        if not create_missing:
            raise
        _refuse_slip(proposal)
        found = await _make_preference(client, path, tree)
    return Target(found.path, preference_id=found.id)


async def _make_preference(
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
    return _there(made, category)


def _category(tree: Sequence[PreferenceNode], name: str) -> PreferenceNode | None:
    wanted = name.casefold()
    categories = [node for node in tree if not node.is_preference]
    by_public_name = (node for node in categories if node.public_name.casefold() == wanted)
    by_private_name = (node for node in categories if node.private_name.casefold() == wanted)
    return next(by_public_name, None) or next(by_private_name, None)


def _flat(
    nodes: Sequence[PreferenceNode], category: PreferenceNode | None = None
) -> Iterator[PreferenceThere]:
    for node in nodes:
        if node.is_preference:
            yield _there(node, category)
        else:
            yield from _flat(node.preferences, node)


def _there(node: PreferenceNode, category: PreferenceNode | None) -> PreferenceThere:
    return PreferenceThere(
        id=node.id,
        public_name=node.public_name,
        private_name=node.private_name,
        category_public_name=None if category is None else category.public_name,
        category_private_name=None if category is None else category.private_name,
    )


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value.strip())
    except ValueError:
        return False
    return True
