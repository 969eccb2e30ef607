"""Lists and their members as the API takes and gives them.

The options of a list are not in here: they come from `list_options.ListOptions`.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from app.list_options import ListOptions
from app.schemas.derived import changes_to, shown_of
from app.schemas.runs import RunMode
from app.schemas.text import Id, Name, Schema, Text, refuse_unstorable, shown_as

ListKind = Literal["static", "campaign", "audience"]
RecordState = Literal["open", "closed"]
MemberState = Literal["pending", "synced", "leaving", "failed", "waiting"]
SynchronisationWith = Literal["dotdigital"]

#: More than this in one call is a wrong call; 16 MB hold about two million ids.
MOST_NAMED = 1_000_000

SLUG = "^[A-Za-z0-9][A-Za-z0-9_.-]*$"

_SynchronisationWith = Annotated[
    SynchronisationWith | None,
    Field(
        description="`dotdigital`: the list has a twin in Dotdigital, in `account_id`, and "
        "send_lists keeps it in step. Null: it is kept here alone, and its members stay `pending`."
    ),
]
_Slug = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=SLUG,
        description="A short name of your own, unique among all lists.",
        examples=["newsletter"],
    ),
]
_Twin = Annotated[
    Id | None,
    Field(
        description="Dotdigital's list that this one is bound to; unset, one of the same name is "
        "taken or made."
    ),
]


class _Given(Schema):
    name: Name
    description: Text | None = None
    slug: _Slug | None = None
    kind: ListKind = "static"
    synchronisation_with: _SynchronisationWith = None
    account_id: Id | None = None
    record_state: RecordState = "open"


class ListIn(ListOptions, _Given):
    """A list, whole: what is left out stands at its default."""

    model_config = ConfigDict(
        **shown_as({"name": "Newsletter", "description": "Who asked for it", "slug": "newsletter"}),
        extra="forbid",
    )

    dotdigital_list_id: _Twin = None


class ListChange(changes_to(ListIn)):  # type: ignore[misc] # a base that is made on import
    """Changes to a list; what is left out stays."""

    model_config = shown_as({"description": "Who asked for the newsletter"})


class _Shown(Schema):
    id: int
    name: str
    description: str | None
    slug: str | None
    kind: ListKind
    synchronisation_with: SynchronisationWith | None
    account_id: int | None
    record_state: RecordState


class ListOut(shown_of(ListOptions), _Shown):  # type: ignore[misc] # the same
    """A list."""

    dotdigital_list_id: int | None
    created_at: datetime
    updated_at: datetime
    version: int


class ListChanged(ListOut):
    """A list that was changed, and what follows from it."""

    members_to_suppress: Annotated[
        int,
        Field(
            description="Members whose contacts the next run suppresses in the whole account, for "
            "the list is a suppression audience (`entry_action: unsubscribe`); nobody else brings "
            "them back. Those who are no contacts yet come on top once they are."
        ),
    ]


class ListWithCounts(ListOut):
    """A list, and how many members it has in each sync state."""

    members: dict[MemberState, int]


class ListSyncIn(Schema):
    """How to synchronise one list."""

    mode: Annotated[
        RunMode,
        Field(
            description="`full` puts every member on the list again; `dry_run` writes nothing and "
            "says what it would do."
        ),
    ] = "changes"


class ListDeleted(Schema):
    """What went with a list, and what stays."""

    id: int
    dotdigital_list_id: int | None
    detail: Annotated[str, Field(description="What becomes of the list in Dotdigital.")]


class MembersIn(Schema):
    """People, named by their ids or by your own references: exactly one of the two."""

    model_config = shown_as({"external_refs": ["CRM-1001", "CRM-1002"]})

    person_ids: Annotated[list[Id] | None, Field(max_length=MOST_NAMED)] = None
    external_refs: Annotated[
        list[Annotated[str, Field(max_length=255), AfterValidator(refuse_unstorable)]] | None,
        Field(max_length=MOST_NAMED),
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.person_ids is None) == (self.external_refs is None):
            message = "name people by person_ids or by external_refs: exactly one of the two"
            raise ValueError(message)
        return self


class MembersOutcome(Schema):
    """How many of the people named did what."""

    added: Annotated[int, Field(description="Joined by this call.")] = 0
    already: Annotated[int, Field(description="Stood as asked for before this call.")] = 0
    removed: Annotated[int, Field(description="Left by this call.")] = 0
    unknown: Annotated[
        int, Field(description="Named, but nobody: always 0, since such a call is refused whole.")
    ] = 0


class MemberOut(Schema):
    """A person on a list; the statuses are filled where the list has `sync_status`."""

    person_id: int
    email: str | None
    sync_state: MemberState
    account_status: str | None
    list_status: str | None
    added_at: datetime
    reason: Annotated[
        str | None,
        Field(
            description="Why a `waiting` member has no contact: `pending` while the person is yet "
            "to be sent, a reason as `sync-summary` has it, or a failure's code."
        ),
    ]
    detail: Annotated[
        str | None, Field(description="The reason in words, with what to do; else null.")
    ]
