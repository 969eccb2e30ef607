"""Mappings, suggestions and person fields as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.schemas.accounts import DataFieldType
from app.schemas.mapping_kinds import TARGET_NAMING, MappingKind, StoredMappingKind
from app.schemas.text import Id, Schema, refuse_unstorable, shown_as

AppliesTo = Literal["person", "lead", "both"]
Direction = Literal["to_dotdigital", "from_dotdigital", "two_way"]
WhenBlank = Literal["clear", "keep", "only_if_blank_there"]
ConflictRule = Literal["prefer_dotsync", "prefer_dotdigital", "latest"]
PersonFieldType = Literal["text", "boolean", "number", "date", "json"]


PersonFieldPath = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(
        description="A person field, or a path into `custom`: `custom.tier`, "
        "`custom.orders[0].sku`, `custom.tags[*]` (joined).",
        examples=["first_name"],
    ),
    AfterValidator(refuse_unstorable),
]
DotdigitalName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Field(examples=["FIRSTNAME"]),
    TARGET_NAMING,
    AfterValidator(refuse_unstorable),
]
_AppliesTo = Annotated[AppliesTo, Field(description="Whom it is for, by `kind`.")]
_WhenBlank = Annotated[
    WhenBlank,
    Field(
        description="What a blank of ours does: `clear` theirs, `keep` theirs; with "
        "`only_if_blank_there` our value only fills a blank of theirs."
    ),
]
_ConflictRule = Annotated[
    ConflictRule, Field(description="Which side stands when both were changed.")
]
_TypeToMake = Annotated[
    DataFieldType | None,
    Field(
        description="The data field's type. Null: whichever is there; for one to be made, the "
        "type that goes with the person field."
    ),
]


class MappingIn(Schema):
    """A new mapping."""

    model_config = shown_as(
        {"account_id": 1, "person_field": "organisation", "dotdigital_field": "COMPANY"}
    )

    account_id: Id
    kind: MappingKind = "field"
    applies_to: _AppliesTo = "both"
    person_field: PersonFieldPath
    dotdigital_field: DotdigitalName
    data_field_type: _TypeToMake = None
    direction: Direction = "to_dotdigital"
    when_blank: _WhenBlank = "clear"
    conflict_rule: _ConflictRule = "prefer_dotsync"


class MappingChange(Schema):
    """Changes to a mapping; what is left out stays. The account and the kind never change."""

    model_config = shown_as({"when_blank": "keep"})

    applies_to: _AppliesTo | None = None
    person_field: PersonFieldPath | None = None
    dotdigital_field: DotdigitalName | None = None
    data_field_type: _TypeToMake = None
    direction: Direction | None = None
    when_blank: _WhenBlank | None = None
    conflict_rule: _ConflictRule | None = None

    @model_validator(mode="after")
    def _no_nulls(self) -> Self:
        for name in self.model_fields_set - {"data_field_type"}:
            if getattr(self, name) is None:
                message = f"{name} can't be null: leave it out to keep it"
                raise ValueError(message)
        return self


class LeftOut(Schema):
    """Why nothing goes by a mapping: Dotdigital no longer has what it points at, as it was."""

    failure_id: Annotated[
        int,
        Field(
            description="`POST /v1/failures/{id}/retry` has the next run of send_people look again."
        ),
    ]
    code: str
    message: str
    since: datetime
    looked_at_again_at: Annotated[
        datetime | None, Field(description="The first run after this instant looks again.")
    ]


class MappingOut(Schema):
    """A mapping, with what Dotdigital has at its other end."""

    id: int
    account_id: int
    kind: StoredMappingKind
    applies_to: AppliesTo
    person_field: str
    dotdigital_field: Annotated[str, Field(description="As Dotdigital spells it.")]
    data_field_type: DataFieldType | None
    preference_id: int | None
    direction: Direction
    when_blank: WhenBlank
    conflict_rule: ConflictRule
    standard: Annotated[bool, Field(description="Made along with the account.")]
    left_out: Annotated[
        LeftOut | None,
        Field(
            description="Null while the mapping is in use; else why no value goes by it: people "
            "are sent without it."
        ),
    ] = None
    created_at: datetime
    updated_at: datetime
    version: int


class MappingWithProgress(MappingOut):
    """A mapping, and how far its values have gone out."""

    pending_people: Annotated[
        int,
        Field(
            description="Linked people who still have to be sent because of a mapping; all of them "
            "while it is left out."
        ),
    ]


_LinkedPeopleToSend = Annotated[
    int, Field(description="Linked people who are sent again because of it, in the background.")
]


class MappingStored(MappingOut):
    """A mapping that was made or changed, and what follows from it."""

    linked_people_to_send: _LinkedPeopleToSend
    warning: Annotated[str | None, Field(description="That nobody has what is mapped; else null.")]


class MappingDeleted(Schema):
    """What follows from a mapping's end; what contacts have in Dotdigital stays."""

    id: int
    linked_people_to_send: _LinkedPeopleToSend


class SuggestionOut(Schema):
    """A likely pair that has no mapping yet."""

    kind: StoredMappingKind
    person_field: str
    dotdigital_field: str
    data_field_type: str | None
    confidence: Annotated[float, Field(description="1 where the names are the same.")]


class PersonFieldOut(Schema):
    """A field that a person has, or a path seen in people's `custom`."""

    name: Annotated[str, Field(description="What a mapping calls it.")]
    type: PersonFieldType
    writable: Annotated[bool, Field(description="Whether it can be taken from Dotdigital.")]
    computed: Annotated[bool, Field(description="Put together from other fields.")]
    seen: Annotated[
        int | None,
        Field(description="Values of it among the latest people; null for a field of our own."),
    ]
