"""Consents as the API takes and gives them."""

from datetime import datetime
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from app.schemas.text import Id, Instant, Schema, refuse_unstorable, shown_as


def _ip_address(given: str) -> str:
    try:
        return str(ip_address(given))
    except ValueError as error:
        message = "is no IP address: write it like 203.0.113.7 or 2001:db8::7"
        raise ValueError(message) from error


_Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(refuse_unstorable),
]


class ConsentIn(Schema):
    """What a person agreed to; Dotdigital takes no consent that lacks a part of it."""

    model_config = shown_as(
        {
            "text": "Yes, send me the newsletter.",
            "consented_at": "2026-01-05T09:00:00Z",
            "url": "https://shop.example.com/newsletter",
            "ip_address": "203.0.113.7",
            "user_agent": "Mozilla/5.0",
        }
    )

    text: Annotated[_Words, Field(description="The words that were agreed to.")]
    consented_at: Instant
    url: Annotated[_Words, Field(description="The page it was given on.")]
    ip_address: Annotated[str, AfterValidator(_ip_address)]
    user_agent: _Words


class ConsentOut(Schema):
    """One consent, and the accounts whose contact has it."""

    id: Id
    text: str
    consented_at: datetime
    url: str
    ip_address: str
    user_agent: str
    created_at: datetime
    told: Annotated[list[int], Field(description="Ids of the accounts that have it.")]
