"""Column spellings that every table shares, so that a table file says only what is its own."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Text, text
from sqlalchemy.dialects.postgresql import JSONB

NOW = text("now()")


def identity() -> Any:  # noqa: ANN401 - what sqlmodel's Field takes
    """Return a bigint identity primary key."""
    return Column(BigInteger, Identity(always=False), primary_key=True)


def reference(
    target: str,
    *,
    nullable: bool = False,
    on_delete: str | None = "CASCADE",
    key: bool = False,
) -> Any:  # noqa: ANN401
    """Return a bigint foreign key to ``target`` (``table.column``)."""
    return Column(
        BigInteger,
        ForeignKey(target, ondelete=on_delete),
        nullable=nullable,
        primary_key=key,
    )


def instant(*, nullable: bool = True, default_now: bool = False) -> Any:  # noqa: ANN401
    """Return a timestamptz column."""
    return Column(
        DateTime(timezone=True),
        nullable=nullable,
        server_default=NOW if default_now else None,
    )


def words(default: str | None = None, *, nullable: bool = False) -> Any:  # noqa: ANN401
    """Return a text column, required unless said otherwise."""
    return Column(
        Text,
        nullable=nullable,
        server_default=None if default is None else text(f"'{default}'"),
    )


def document(default: str = "{}", *, nullable: bool = False) -> Any:  # noqa: ANN401
    """Return a jsonb column."""
    return Column(JSONB, nullable=nullable, server_default=text(f"'{default}'::jsonb"))


def number(default: int | None = None, *, nullable: bool = False, key: bool = False) -> Any:  # noqa: ANN401
    """Return a bigint column."""
    return Column(
        BigInteger,
        nullable=nullable,
        primary_key=key,
        autoincrement=False,
        server_default=None if default is None else text(str(default)),
    )


def one_of(column: str, *allowed: str) -> str:
    """Return a check expression: ``column`` is one of these words."""
    listed = ", ".join(f"'{word}'" for word in allowed)
    return f"{column} IN ({listed})"


__all__ = [
    "datetime",
    "document",
    "identity",
    "instant",
    "number",
    "one_of",
    "reference",
    "words",
]
