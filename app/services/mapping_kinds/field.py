"""Mappings to data fields: one value of a person, as the data field's type has it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches

from app.clients.dotdigital import DataField, DotdigitalClient, Rejected
from app.errors import Invalid
from app.models import Mapping
from app.services.field_values import MAX_TEXT, Scalar, typed_value
from app.services.mapping_kinds.contact_values import Absent, There
from app.services.mapping_kinds.kind import Kind, Lost, Offered, Rule, Suggestion, Target
from app.services.mapping_kinds.proposal import Proposal
from app.services.mapping_targets import (
    TYPE_FOR,
    DataFieldThere,
    DataFieldType,
    UnknownTarget,
    agree,
    check_new_data_field,
    find_data_field,
    fitting_types,
)
from app.services.name_likeness import ALIKE, likeness
from app.services.person_fields import FIELDS, Row, parse_path, reader


class FieldKind(Kind[Sequence[DataFieldThere]]):
    """A person field and a data field."""

    word = "field"
    noun = "data field"
    naming = "a data field by name, in any case"
    part = "fields"
    has_type = True

    async def find(
        self, client: DotdigitalClient, proposal: Proposal, *, create_missing: bool
    ) -> Target:
        """Return the data field of this name. One call, one more to make it."""
        there = await client.data_fields.all()
        try:
            found = find_data_field(proposal.wanted.dotdigital_field, there)
        except UnknownTarget:
            if not create_missing:
                raise
            found = await _make(client, proposal, there)
        wanted_type = proposal.data_field_type
        if wanted_type is not None and found.type != wanted_type:
            raise Invalid.at(
                "/body/data_field_type",
                f"{found.name} is a {found.type} data field there, not {wanted_type}, and a data "
                "field keeps its type: leave the type out, or name another data field.",
            )
        _refuse_misfit(proposal, found.type)
        return Target(found.name, data_field_type=found.type)

    def check(self, proposal: Proposal) -> None:
        """Hold the person field against the data field's type."""
        _refuse_misfit(proposal, proposal.wanted.data_field_type)

    async def targets(self, client: DotdigitalClient) -> Sequence[DataFieldThere]:
        """Return the data fields."""
        return await client.data_fields.all()

    def suggest(
        self, offered: Sequence[Offered], targets: Sequence[DataFieldThere]
    ) -> Iterator[Suggestion]:
        """Pair what is named alike and of types that agree."""
        for there in targets:
            for ours in offered:
                if not agree(ours.type, there.type):
                    continue
                confidence = likeness(ours.path, there.name)
                if confidence >= ALIKE:
                    yield Suggestion(self.word, ours.path, there.name, there.type, confidence)

    def rule(self, mapping: Mapping) -> Rule:
        """Type the value as the data field has it."""
        name, data_field_type = mapping.dotdigital_field, mapping.data_field_type or "String"
        upper_name = name.upper()
        read = reader(parse_path(mapping.person_field))

        def text(row: Row) -> Scalar:
            value = read(row)
            # Most values are plain text for text fields, and this runs eight times for each person.
            if value is None:
                return None
            if isinstance(value, str) and value.isascii() and len(value) <= MAX_TEXT:
                return value.strip() or None
            return typed_value(value, "String")

        def typed(row: Row) -> Scalar:
            return typed_value(read(row), data_field_type)

        def theirs(there: There) -> Scalar | Absent:
            return there.field(upper_name, data_field_type)

        return Rule(
            key=name,
            ours=text if data_field_type == "String" else typed,
            theirs=theirs,
            target=f"{name} ({data_field_type})",
        )

    def lost(
        self, mappings: Iterable[Mapping], targets: Sequence[DataFieldThere]
    ) -> Iterator[Lost]:
        """Find by name, in any case; one of another type is lost as well."""
        types = {there.name.casefold(): there.type for there in targets}
        for mapping in mappings:
            name = mapping.dotdigital_field
            there = types.get(name.casefold())
            if there is None:
                near = get_close_matches(name.casefold(), types, n=3, cutoff=0.6)
                yield Lost(mapping.id, "data_field_gone", _gone(mapping, near))
            elif there != mapping.data_field_type:
                yield Lost(mapping.id, "data_field_changed", _changed(mapping, there))


def natural_type(seen: Sequence[object]) -> DataFieldType:
    """Return the type of data field that holds all these values as they are, or String."""
    if not seen:
        return "String"
    if all(isinstance(value, bool) for value in seen):
        return "Boolean"
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in seen):
        return "Numeric"
    return "Date" if all(map(_is_date, seen)) else "String"


async def _make(
    client: DotdigitalClient, proposal: Proposal, there: Sequence[DataField]
) -> DataField:
    name, data_field_type = proposal.wanted.dotdigital_field, _type_to_make(proposal)
    proposal.refuse_slip()
    _refuse_misfit(proposal, data_field_type)
    check_new_data_field(name, data_field_type, there)
    try:
        return await client.data_fields.create(name, data_field_type)
    except Rejected as error:
        raise Invalid.at(
            "/body/dotdigital_field", f"Dotdigital doesn't make it: {error}."
        ) from error


def _type_to_make(proposal: Proposal) -> DataFieldType:
    if proposal.data_field_type is not None:
        return proposal.data_field_type
    if proposal.path.is_custom:
        return natural_type(proposal.seen)
    return TYPE_FOR[FIELDS[proposal.path.field].type]


def _refuse_misfit(proposal: Proposal, data_field_type: str | None) -> None:
    wanted = data_field_type or "String"
    proposal.refuse_misfit(
        f"a {wanted} data field",
        lambda field_type: agree(field_type, wanted),
        lambda value: wanted in fitting_types(value),
    )


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value.strip())
    except ValueError:
        return False
    return True


def _gone(mapping: Mapping, near: Sequence[str]) -> str:
    hint = f" The nearest that it has: {', '.join(each.upper() for each in near)}." if near else ""
    return (
        f"Dotdigital no longer has the data field {mapping.dotdigital_field}, so mapping "
        f"{mapping.id} ({mapping.person_field}) is left out.{hint} Make it there again, or delete "
        "the mapping."
    )


def _changed(mapping: Mapping, data_field_type: str) -> str:
    return (
        f"The data field {mapping.dotdigital_field} is of type {data_field_type} now, and mapping "
        f"{mapping.id} ({mapping.person_field}) was made for {mapping.data_field_type}, so it is "
        "left out. Make the mapping anew."
    )
