"""What a kind of mapping has to answer, and the shapes of its answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from app.clients.dotdigital import DotdigitalClient
from app.models import Mapping
from app.services.field_values import Scalar
from app.services.mapping_kinds.contact_values import Absent, There
from app.services.mapping_kinds.proposal import Proposal
from app.services.person_fields import FieldType, Row

#: What a contact's mapped values are kept in: its data fields by name, its preferences by id. Both
#: are sent with the contact, and asked for when it is read.
Part = Literal["fields", "preferences"]


@dataclass(frozen=True, slots=True)
class Target:
    """What Dotdigital has at the other end of a mapping."""

    #: As Dotdigital spells it.
    dotdigital_field: str
    #: Of a data field.
    data_field_type: str | None = None
    #: Of a preference.
    preference_id: int | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A person field that may be mapped."""

    path: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One likely pair; ``confidence`` is 1 where the names are the same."""

    kind: str
    person_field: str
    dotdigital_field: str
    data_field_type: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Lost:
    """One mapping whose target is gone, and the sentence that says what to do."""

    mapping_id: int
    code: str
    message: str


def _as_it_is(value: Scalar) -> Scalar:
    return value


@dataclass(frozen=True, slots=True)
class Rule:
    """One mapping, compiled once a run: both sides' values, as Dotdigital has them."""

    #: In the kind's part: the data field's name, or the preference's id as text.
    key: str
    #: What the person has; None is blank. Called for each of a million, and raises
    #: ValueMismatchError for a value that Dotdigital couldn't hold.
    ours: Callable[[Row], Any]
    #: What the contact has.
    theirs: Callable[[There], Scalar | Absent]
    #: What a complaint about a value names.
    target: str
    #: What a contact has that nobody ever told anything.
    nothing: Scalar = None
    #: What the person gets of what the contact has.
    taken: Callable[[Scalar], Scalar] = _as_it_is


Targets = TypeVar("Targets")


class Kind(ABC, Generic[Targets]):
    """A kind of mapping; ``Targets`` is what Dotdigital has that its mappings can point at."""

    #: What the API and the table call it.
    word: ClassVar[str]
    #: What its target is called.
    noun: ClassVar[str]
    #: How ``dotdigital_field`` names the target, as the API's documents say it.
    naming: ClassVar[str]
    #: Where its values are. Two mappings to one name in one part are in each other's way.
    part: ClassVar[Part]
    #: Whether a caller may ask for a ``data_field_type``.
    has_type: ClassVar[bool]
    #: Whether an account's package may lack it altogether; it is then passed over.
    is_extra: ClassVar[bool] = False

    # When a mapping is made or changed.

    @abstractmethod
    async def find(
        self, client: DotdigitalClient, proposal: Proposal, *, create_missing: bool
    ) -> Target:
        """Return what Dotdigital has at the other end, or make it there.

        Raises UnknownTarget where it isn't there and is not to be made, Invalid where it can't hold
        the person field, Conflict where the account takes no further one.
        """

    @abstractmethod
    def check(self, proposal: Proposal) -> None:
        """Raise Invalid where the target that the mapping has can't hold its person field."""

    # When a mapping is looked for.

    @abstractmethod
    async def targets(self, client: DotdigitalClient) -> Targets:
        """Return all that Dotdigital has to be mapped to. One call."""

    @abstractmethod
    def suggest(self, offered: Sequence[Offered], targets: Targets) -> Iterator[Suggestion]:
        """Yield the likely pairs, whether they are mapped already or not."""

    # When a run begins.

    @abstractmethod
    def rule(self, mapping: Mapping) -> Rule | None:
        """Return the mapping compiled; None where it can't be followed."""

    @abstractmethod
    def lost(self, mappings: Iterable[Mapping], targets: Targets) -> Iterator[Lost]:
        """Yield those whose target is gone, or is another one than when it was mapped."""
