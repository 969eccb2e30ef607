"""API keys as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.schemas.text import Instant, Name, Schema, shown_as

Scope = Literal["read", "write", "sync", "admin"]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=4)]


class ApiKeyIn(Schema):
    """A new key; `admin` has every other scope."""

    model_config = shown_as({"name": "shop", "scopes": ["read", "write"]})

    name: Name
    scopes: Scopes
    expires_at: Instant | None = None


class ApiKeyChange(Schema):
    """Changes to a key; the token itself never changes."""

    model_config = shown_as({"name": "shop"})

    name: Name | None = None
    scopes: Scopes | None = None
    expires_at: Instant | None = None


class ApiKeyOut(Schema):
    """A key, without its token."""

    id: int
    name: str
    prefix: Annotated[str, Field(description="How the token begins, to tell keys apart.")]
    scopes: list[Scope]
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    version: int


class ApiKeyMade(ApiKeyOut):
    """A new key with its token, which is shown this once."""

    key: str
