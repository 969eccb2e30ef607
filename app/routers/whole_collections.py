"""Pages of collections that are read whole and cut here: what Dotdigital has, our own fields."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.routers.paging import Place, decode_cursor, page_of
from app.schemas.pages import Page

Item = TypeVar("Item")


def cut_page(
    collection: str,
    filters: object,
    items: Sequence[Item],
    limit: int,
    cursor: str | None,
    place_of: Callable[[Item], tuple[Place, ...]],
    *kinds: type[Place],
) -> Page[Item]:
    """Return the page behind this cursor, in the order of ``place_of``, whose values are ``kinds``.

    Raises Invalid for a cursor of another collection.
    """
    after = decode_cursor(collection, filters, cursor, *kinds)
    in_order = sorted(items, key=place_of)
    page = [item for item in in_order if after is None or place_of(item) > after][:limit]
    return page_of(collection, filters, page, limit, place_of(page[-1]) if page else None)
