"""Accounts as the API takes and gives them. A password is taken and never given back."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from app.schemas.text import Instant, Name, Schema, refuse_unstorable, shown_as

AccountState = Literal["ok", "bad_credentials", "unreachable", "paused"]
DataFieldType = Literal["String", "Numeric", "Date", "Boolean"]


def _check_password(given: SecretStr) -> SecretStr:
    refuse_unstorable(given.get_secret_value())
    return given


#: Dotdigital decides what a good password is; here it must only be one.
Password = Annotated[
    SecretStr, Field(min_length=1, max_length=200), AfterValidator(_check_password)
]
USERNAME = "^[^:]+$"
PRINTABLE = r"^[\x21-\x7e]+$"

#: Basic authentication ends the user name at a colon.
Username = Annotated[
    Name, Field(pattern=USERNAME, examples=["apiuser-0a1b2c3d4e5f@apiconnector.com"])
]


class AccountSettings(Schema):
    """What can be set for one account; what is left out of a PATCH stays."""

    people: Annotated[
        Literal["all", "list_members"],
        Field(description="Whom the account is for: everyone, or members of its open lists."),
    ] = "all"
    resubscribe_mode: Annotated[
        Literal["never", "challenge", "no_challenge"],
        Field(description="How somebody whose `no_email` was lifted is brought back."),
    ] = "challenge"
    new_contacts: Annotated[
        Literal["person", "lead", "ignore"],
        Field(description="What a contact made in Dotdigital becomes here."),
    ] = "person"
    email_conflict: Annotated[
        Literal["fail", "relink"],
        Field(description="When a linked person's new email belongs to another contact."),
    ] = "fail"
    mobile_conflict: Annotated[
        Literal["fail", "send_without"],
        Field(description="When a person's mobile number belongs to another contact."),
    ] = "fail"
    activities_since: Annotated[
        Instant | None,
        Field(description="Where the first reading of activities starts; null: 90 days back."),
    ] = None
    batch_size: Annotated[
        int, Field(strict=True, ge=10, le=50_000, description="Contacts in one import, at most.")
    ] = 10_000
    batch_megabytes: Annotated[
        int, Field(strict=True, ge=1, le=50, description="Size of one import, at most.")
    ] = 20
    list_batch_size: Annotated[
        int,
        Field(strict=True, ge=1, le=50_000, description="Members that make a batch full."),
    ] = 1000
    batch_wait_seconds: Annotated[
        int,
        Field(strict=True, ge=0, le=86_400, description="How long a batch of members fills up."),
    ] = 1200
    import_wait_seconds: Annotated[
        int,
        Field(strict=True, ge=0, le=3600, description="How long a run watches its own imports."),
    ] = 60
    send_mobile_number: Annotated[
        bool, Field(strict=True, description="Whether the mobile number goes along.")
    ] = True
    suppress_unknown: Annotated[
        bool,
        Field(strict=True, description="Whether `no_email` is told for who was never a contact."),
    ] = True
    lists_limit: Annotated[
        int, Field(strict=True, ge=1, le=1_000_000, description="Lists that the package allows.")
    ] = 1000
    max_open_imports: Annotated[
        int, Field(strict=True, ge=1, le=25, description="Imports that are open at once.")
    ] = 10


class AccountIn(Schema):
    """A new account: the API user made in Dotdigital under Settings > Access > API users."""

    model_config = shown_as(
        {
            "name": "Main account",
            "username": "apiuser-0a1b2c3d4e5f@apiconnector.com",
            "password": "the password of that API user",
        }
    )

    name: Name
    username: Username
    password: Password
    region_url: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=300,
            pattern=PRINTABLE,
            description="Where to ask for the region, in place of the usual host.",
            examples=["https://r1-api.dotdigital.com"],
        ),
    ] = None


class AccountChange(Schema):
    """Changes to an account; the user name and the password go together or apart."""

    model_config = shown_as({"name": "Main account"})

    name: Name | None = None
    username: Username | None = None
    password: Password | None = None
    settings: AccountSettings | None = None

    @model_validator(mode="after")
    def _no_nulls(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                message = f"{name} can't be null: leave it out to keep it"
                raise ValueError(message)
        return self


class Limit(Schema):
    """One of Dotdigital's rate limits, shared by whoever calls for that account."""

    scope: str
    limit: int
    remaining: int
    resets_at: datetime


class AccountOut(Schema):
    """An account with its state, its limits and what is used of them."""

    id: int
    name: str
    username: str
    endpoint: str
    region: str | None
    region_url: Annotated[
        str | None, Field(description="Where the region is asked for; null: at the usual host.")
    ]
    state: AccountState
    state_detail: Annotated[str | None, Field(description="Why the state isn't `ok`.")]
    dotdigital_account_id: int
    limits: list[Limit]
    calls_last_hour: Annotated[
        int,
        Field(
            description="What Dotdigital said when usage was last read, if that was within the "
            "hour, and the calls of runs since, each counted whole."
        ),
    ]
    calls_left: Annotated[
        int | None, Field(description="Under the flat limit an hour; else `limits` says it.")
    ]
    lists_used: int | None
    lists_limit: int
    fields_used: dict[DataFieldType, int]
    fields_limit: dict[DataFieldType, int]
    usage_read_at: Annotated[
        datetime | None, Field(description="When calls, lists and fields in use were last read.")
    ]
    settings: AccountSettings
    created_at: datetime
    updated_at: datetime
    version: int


class AccountDeleted(Schema):
    """What went with an account; Dotdigital keeps its contacts."""

    id: int
    links_deleted: Annotated[int, Field(description="People who were linked to a contact of it.")]


class DataFieldOut(Schema):
    """One data field that Dotdigital has."""

    name: str
    type: str
    visibility: str | None
    default_value: str | int | float | bool | None


class PreferenceOut(Schema):
    """One marketing preference that Dotdigital has."""

    id: int
    path: Annotated[str, Field(description="How a mapping names it: `Category > Preference`.")]
    public_name: str
    private_name: str
    category: str | None


class DotdigitalListOut(Schema):
    """One list that Dotdigital has."""

    id: int
    name: str
    visibility: str | None
    contacts: int | None


class ActivitySettings(Schema):
    """Which activity types come over; a type that is off costs no calls."""

    model_config = shown_as(
        dict.fromkeys(
            (
                "email_send",
                "email_open",
                "email_click",
                "email_bounce",
                "email_unsubscribe",
                "form_submission",
                "page_view",
                "download",
            ),
            True,
        )
    )

    email_send: bool = Field(strict=True)
    email_open: bool = Field(strict=True)
    email_click: bool = Field(strict=True)
    email_bounce: bool = Field(strict=True)
    email_unsubscribe: bool = Field(strict=True)
    form_submission: bool = Field(strict=True)
    page_view: bool = Field(strict=True)
    download: bool = Field(strict=True)
