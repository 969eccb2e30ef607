"""People as the API takes and gives them, and what makes a field of theirs a clean one."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Literal

import orjson
import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StrictBool, ValidationInfo

from app.schemas.text import Id, Schema, refuse_unstorable, refuse_unstorable_value, shown_as

MAX_CUSTOM_BYTES: Final = 64 * 1024
MAX_EMAIL: Final = 254

#: Reserved names (RFC 6761) whose addresses are taken all the same: tests and inner networks live
#: there. email-validator refuses them.
_SPECIAL_USE: Final = re.compile(r"\.(?:arpa|invalid|local|localhost|onion|test)$", re.IGNORECASE)
#: What is surely an address: most are, and the full check takes seventy times as long.
_ATEXT: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[a-z0-9](?:[a-z0-9]{0,61}[a-z0-9])?(?:-[a-z0-9]{1,20}){0,2}"
_PLAIN_EMAIL: Final = re.compile(
    rf"(?=[^@]{{1,64}}@)(?=.{{3,200}}$){_ATEXT}(?:\.{_ATEXT})*@(?:{_LABEL}\.)+[a-z]{{2,20}}",
    re.IGNORECASE | re.ASCII,
)
_INTERNATIONAL: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
#: Fewer are a number nowhere.
_FEWEST_DIGITS: Final = 2
#: The member of a validation's context that holds the region of numbers without a country code.
PHONE_REGION: Final = "phone_region"


def clean_email(given: str) -> str:
    """Return the address without blanks around it, otherwise as given; raises ValueError.

    Addresses under names of special use (``.test``, ``.local``) are taken; a host without a dot is
    not, since no mail reaches it from outside and it is nearly always a slip.
    """
    email = given.strip()
    if _PLAIN_EMAIL.fullmatch(email):
        return email
    refuse_unstorable(email)
    if len(email) > MAX_EMAIL:
        message = f"an email address has at most {MAX_EMAIL} characters"
        raise ValueError(message)
    try:
        checked = validate_email(
            _SPECIAL_USE.sub(".example", email), check_deliverability=False, strict=True
        )
    except EmailNotValidError as error:
        message = f"not an email address: {error}"
        raise ValueError(message) from error
    if "." not in checked.ascii_domain:
        message = f"not an email address: {checked.domain!r} has no dot in it"
        raise ValueError(message)
    return email


def clean_mobile_number(given: str, region: str) -> str:
    """Return the number in E.164; raises ValueError for what can't be one.

    ``region`` (ISO 3166, two letters) is where a number without a country code is dialled.
    """
    if _INTERNATIONAL.fullmatch(given) and _is_plainly_possible(given):
        return given
    try:
        number = phonenumbers.parse(given, region)
    except phonenumbers.NumberParseException as error:
        message = f"not a telephone number: write it as +447911123456, or as dialled in {region}"
        raise ValueError(message) from error
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        message = f"can't be a telephone number: {_IMPOSSIBLE.get(reason, 'its length is wrong')}"
        raise ValueError(message)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_IMPOSSIBLE: Final = {
    phonenumbers.ValidationResult.TOO_SHORT: "it is too short",
    phonenumbers.ValidationResult.TOO_LONG: "it is too long",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "its area code is missing",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "there is no such country code",
}


def _is_plainly_possible(number: str) -> bool:
    """Say whether an international number is possible as written, by its country's lengths."""
    for digits in (1, 2, 3):
        rules = _country_rules(int(number[1 : 1 + digits]))
        if rules is not None:
            lengths, prefix = rules
            national = number[1 + digits :]
            return len(national) in lengths and not (prefix and prefix.match(national))
    return False


@cache
def _country_rules(calling_code: int) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """Return the lengths of national numbers and the prefix that is no part of them."""
    region = phonenumbers.region_code_for_country_code(calling_code)
    if region == phonenumbers.phonenumberutil.UNKNOWN_REGION:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(calling_code, region)
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    lengths = frozenset(metadata.general_desc.possible_length)
    return lengths, re.compile(prefix) if prefix else None


def _text(given: str | None) -> str | None:
    if given is None:
        return None
    return refuse_unstorable(given) if given.strip() else None


def _email(given: str | None) -> str | None:
    return None if given is None or not given.strip() else clean_email(given)


def _mobile_number(given: str | None, info: ValidationInfo) -> str | None:
    if given is None or not given.strip():
        return None
    refuse_unstorable(given)
    # Where there is no region yet, `services.person_values` has it and looks at the number later;
    # what is none in any region is told along with the body's other faults.
    region = (info.context or {}).get(PHONE_REGION)
    if region is None and sum(map(str.isdigit, given)) < _FEWEST_DIGITS:
        message = "not a telephone number: write it as +447911123456"
        raise ValueError(message)
    return given if region is None else clean_mobile_number(given, region)


def _custom(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return given
    refuse_unstorable_value(given)
    size = len(orjson.dumps(given))
    if size > MAX_CUSTOM_BYTES:
        message = f"custom has {size} bytes as JSON; at most {MAX_CUSTOM_BYTES} fit"
        raise ValueError(message)
    return given


PersonKind = Literal["person", "lead"]
PersonText = Annotated[
    Annotated[str, Field(max_length=1000)] | None,
    AfterValidator(_text),
    Field(description="Kept as given; blank text is null."),
]
ExternalRef = Annotated[
    Annotated[str, Field(max_length=255)] | None,
    AfterValidator(_text),
    Field(description="Your own key for the person; unique."),
]
Email = Annotated[
    Annotated[str, Field(max_length=1000)] | None,
    AfterValidator(_email),
    Field(description="Compared without regard to case.", examples=["anna@example.com"]),
]
MobileNumber = Annotated[
    Annotated[str, Field(max_length=100)] | None,
    AfterValidator(_mobile_number),
    Field(
        description="Kept as E.164; without a country code it is read as dialled in "
        "`DOTSYNC_DEFAULT_PHONE_REGION`.",
        examples=["+447911123456"],
    ),
]
Custom = Annotated[
    dict[str, Any] | None,
    AfterValidator(_custom),
    Field(
        description="Values of your own, at most 64 kB as JSON. Where a part of a person is sent "
        "(PATCH, bulk, import) its keys are set one by one: a key with null goes, a key left out "
        "stays, and null in place of the object clears it.",
    ),
]


#: Fields that are one person's own, so that nobody sets them for many at once.
OWN_FIELDS: Final = ("external_ref", "email", "mobile_number")


class PersonValues(Schema):
    """What many people may have in common."""

    kind: PersonKind = "person"
    first_name: PersonText = None
    last_name: PersonText = None
    title: PersonText = None
    job_title: PersonText = None
    organisation: PersonText = None
    address_line_1: PersonText = None
    address_line_2: PersonText = None
    city: PersonText = None
    county: PersonText = None
    state: PersonText = None
    postcode: PersonText = None
    country: PersonText = None
    custom: Custom = None
    sync_with_mailer: StrictBool = True
    no_email: StrictBool = False
    email_undeliverable: StrictBool = False


class PersonIn(PersonValues):
    """A person as callers send one: what is null is cleared, what is left out is not sent."""

    model_config = shown_as(
        {
            "external_ref": "CRM-1001",
            "email": "anna@example.com",
            "first_name": "Anna",
            "last_name": "Baker",
            "mobile_number": "+447911123456",
            "custom": {"tier": "gold"},
        }
    )

    external_ref: ExternalRef = None
    email: Email = None
    mobile_number: MobileNumber = None


class PersonRow(PersonIn):
    """A person in a bulk call, named by ``id`` or ``external_ref``; by neither: a new one."""

    id: Id | None = None


class PersonOut(Schema):
    """A person as it stands."""

    id: int
    external_ref: str | None
    kind: PersonKind
    email: str | None
    mobile_number: str | None
    first_name: str | None
    last_name: str | None
    title: str | None
    job_title: str | None
    organisation: str | None
    address_line_1: str | None
    address_line_2: str | None
    city: str | None
    county: str | None
    state: str | None
    postcode: str | None
    country: str | None
    custom: dict[str, Any]
    sync_with_mailer: bool
    no_email: bool
    opted_out_at: datetime | None
    opted_in_at: datetime | None
    opt_out_reason: str | None
    email_undeliverable: bool
    merged_into_id: int | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


def given_values(body: PersonValues) -> Mapping[str, Any]:
    """Return the fields that were sent, null or not."""
    values = vars(body)
    return {name: values[name] for name in body.model_fields_set}
