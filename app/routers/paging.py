"""Cursors: where a page ends, written so that callers hand it back unread.

A cursor belongs to one collection with one set of filters; any other one is refused. It holds the
last row's place, so rows that come and go before it change nothing.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, TypeVar

import orjson
from fastapi import Query

from app.errors import Invalid
from app.schemas.pages import Page

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=1000, description="Items in a page, at most.")]
CursorText = Annotated[
    str | None,
    Query(alias="cursor", max_length=500, description="`next_cursor` of the page before."),
]
Place = int | str | datetime

_DIGEST_BYTES = 6


def encode_cursor(collection: str, filters: object, *place: Place) -> str:
    """Return the cursor behind this place (its sort values, the last one unique)."""
    written = orjson.dumps(place)
    return base64.urlsafe_b64encode(_seal(collection, filters, written) + written).decode()


def decode_cursor(
    collection: str, filters: object, cursor: str | None, *kinds: type[Place]
) -> tuple[Place, ...] | None:
    """Return the place behind which the page begins; None for the first page.

    ``kinds`` are the types of the place's values. Raises Invalid for a cursor that another
    collection, other filters or nobody gave.
    """
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor.encode())
        seal, written = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
        if seal != _seal(collection, filters, written):
            raise _foreign()
        values = orjson.loads(written)
        return tuple(_read(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise _foreign() from error


def decode_id(collection: str, filters: object, cursor: str | None) -> int | None:
    """Return the id behind which the page begins, for collections in the order of their ids."""
    place = decode_cursor(collection, filters, cursor, int)
    return None if place is None else int(str(place[0]))


def page_of(
    collection: str,
    filters: object,
    items: Sequence[Item],
    limit: int,
    place: Sequence[Place] | None,
) -> Page[Item]:
    """Return a page of these items; ``place`` is the last one's. A full page may have a next."""
    cursor = None
    if len(items) >= limit and place is not None:
        cursor = encode_cursor(collection, filters, *place)
    return Page(items=list(items), next_cursor=cursor)


def _seal(collection: str, filters: object, written: bytes) -> bytes:
    asked = orjson.dumps([collection, filters], option=orjson.OPT_SORT_KEYS, default=str)
    return blake2b(asked + written, digest_size=_DIGEST_BYTES).digest()


def _read(value: object, kind: type[Place]) -> Place:
    if kind is datetime:
        return datetime.fromisoformat(str(value))
    if not isinstance(value, kind):
        raise TypeError
    return value


def _foreign() -> Invalid:
    return Invalid.at(
        "/query/cursor",
        "This cursor is not one of this collection with these filters. Start again without it, "
        "and hand back next_cursor as it was given, with the same filters.",
    )
