"""`/v1/person-fields`: what a mapping can take from a person."""

from fastapi import APIRouter

from app.routers.dependencies import Reader, Reading
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit
from app.routers.problem_handlers import problems
from app.routers.whole_collections import cut_page
from app.schemas.mappings import PersonFieldOut
from app.schemas.pages import Page
from app.services.custom_values import SeenPath, seen_paths
from app.services.person_fields import FIELDS, PersonField, parse_path

router = APIRouter(prefix="/v1/person-fields", tags=["mappings"], route_class=IdempotentRoute)


@router.get("", responses=problems())
async def list_person_fields(
    _caller: Reader, session: Reading, limit: Limit = 100, cursor: CursorText = None
) -> Page[PersonFieldOut]:
    """List our own fields, and then what the latest people have in `custom`, each by name."""
    items = [
        *map(_of_field, FIELDS.values()),
        *map(_of_seen, await seen_paths(session)),
    ]
    return cut_page(
        "person-fields",
        None,
        items,
        limit,
        cursor,
        lambda each: (int(each.seen is not None), each.name),
        int,
        str,
    )


def _of_field(field: PersonField) -> PersonFieldOut:
    return PersonFieldOut(
        name=field.name,
        type=field.type,
        writable=field.writable,
        computed=field.computed,
        seen=None,
    )


def _of_seen(seen: SeenPath) -> PersonFieldOut:
    return PersonFieldOut(
        name=seen.path,
        type=seen.type,
        writable=parse_path(seen.path).is_writable,
        computed=False,
        seen=seen.seen,
    )
