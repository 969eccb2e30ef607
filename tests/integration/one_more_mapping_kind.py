"""One more kind of mapping, as its file in `app/services/mapping_kinds/` would be."""

from collections.abc import Iterable, Iterator, Sequence

from app.clients.dotdigital import DataField, DotdigitalClient
from app.models import Mapping
from app.services.field_values import Scalar, boolean
from app.services.mapping_kinds.contact_values import ABSENT, Absent, There
from app.services.mapping_kinds.kind import Kind, Lost, Offered, Rule, Suggestion, Target
from app.services.mapping_kinds.proposal import Proposal
from app.services.mapping_targets import UnknownTarget, find_data_field, fitting_types
from app.services.person_fields import Row, parse_path, reader

_LETTERS: dict[Scalar, Scalar] = {True: "Y", False: "N", None: None}
_MEANT: dict[Scalar, Scalar] = {letter: value for value, letter in _LETTERS.items()}


class LetterKind(Kind[Sequence[DataField]]):
    """A yes or no of a person, as the letter Y or N in a text data field."""

    word = "letter"
    noun = "text data field"
    naming = "a text data field that holds Y or N by name"
    part = "fields"
    has_type = False

    async def find(
        self, client: DotdigitalClient, proposal: Proposal, *, create_missing: bool
    ) -> Target:
        self.check(proposal)
        name = proposal.wanted.dotdigital_field
        try:
            found = find_data_field(name, await self.targets(client))
        except UnknownTarget:
            if not create_missing:
                raise
            proposal.refuse_slip()
            found = await client.data_fields.create(name, "String")
        return Target(found.name, data_field_type="String")

    def check(self, proposal: Proposal) -> None:
        proposal.refuse_misfit(
            "a letter",
            lambda field_type: field_type == "boolean",
            lambda value: "Boolean" in fitting_types(value),
        )

    async def targets(self, client: DotdigitalClient) -> Sequence[DataField]:
        return [each for each in await client.data_fields.all() if each.type == "String"]

    def suggest(
        self, offered: Sequence[Offered], targets: Sequence[DataField]
    ) -> Iterator[Suggestion]:
        paths = {each.path.removeprefix("custom.").upper(): each.path for each in offered}
        for there in targets:
            name, _, ending = there.name.rpartition("_")
            if ending == "YN" and name in paths:
                yield Suggestion(self.word, paths[name], there.name, "String", 0.9)

    def rule(self, mapping: Mapping) -> Rule:
        read = reader(parse_path(mapping.person_field))
        upper_name = mapping.dotdigital_field.upper()

        def ours(row: Row) -> Scalar:
            return _LETTERS[boolean(read(row))]

        def theirs(there: There) -> Scalar | Absent:
            letter = there.field(upper_name, "String")
            return letter if letter in _MEANT else ABSENT

        return Rule(
            key=mapping.dotdigital_field,
            ours=ours,
            theirs=theirs,
            target=f"{mapping.dotdigital_field} (Y or N)",
            taken=_MEANT.__getitem__,
        )

    def lost(self, mappings: Iterable[Mapping], targets: Sequence[DataField]) -> Iterator[Lost]:
        known = {there.name for there in targets}
        for mapping in mappings:
            if mapping.dotdigital_field not in known:
                yield Lost(mapping.id, "letter_gone", f"{mapping.dotdigital_field} is gone.")
