"""`/v1/accounts/{id}/data-fields`, `.../preferences`, `.../lists`: what Dotdigital has."""

from fastapi import APIRouter

from app.errors import BadCredentials, DotdigitalUnreachable, HostNotAllowed, NotFound
from app.routers.dependencies import Reader, ServiceParts
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit
from app.routers.parameters import PathId
from app.routers.problem_handlers import problems
from app.routers.whole_collections import cut_page
from app.schemas.accounts import DataFieldOut, DotdigitalListOut, PreferenceOut
from app.schemas.pages import Page
from app.services.account_calls import ask
from app.services.preference_paths import preferences_there

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=IdempotentRoute)

_PROBLEMS = problems(NotFound, BadCredentials, HostNotAllowed, DotdigitalUnreachable)


@router.get("/{account_id}/data-fields", responses=_PROBLEMS)
async def list_data_fields(
    _caller: Reader,
    parts: ServiceParts,
    account_id: PathId,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[DataFieldOut]:
    """List the data fields that Dotdigital has, by name; one call to it."""
    there = await ask(
        parts.database, parts.connector, account_id, lambda client: client.data_fields.all()
    )
    items = [DataFieldOut.model_validate(each) for each in there]
    return cut_page(
        "data-fields",
        account_id,
        items,
        limit,
        cursor,
        lambda each: (each.name.lower(), each.name),
        str,
        str,
    )


@router.get("/{account_id}/preferences", responses=_PROBLEMS)
async def list_preferences(
    _caller: Reader,
    parts: ServiceParts,
    account_id: PathId,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[PreferenceOut]:
    """List the marketing preferences that Dotdigital has, by path; one call to it."""
    tree = await ask(
        parts.database, parts.connector, account_id, lambda client: client.preferences.tree()
    )
    items = [
        PreferenceOut(
            id=each.id,
            path=each.path,
            public_name=each.public_name,
            private_name=each.private_name,
            category=each.category_public_name,
        )
        for each in preferences_there(tree)
    ]
    return cut_page(
        "preferences", account_id, items, limit, cursor, lambda each: (each.path, each.id), str, int
    )


@router.get("/{account_id}/lists", responses=_PROBLEMS)
async def list_dotdigital_lists(
    _caller: Reader,
    parts: ServiceParts,
    account_id: PathId,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[DotdigitalListOut]:
    """List the lists that Dotdigital has, by id; one call to it for each thousand."""
    there = await ask(
        parts.database, parts.connector, account_id, lambda client: client.lists.all()
    )
    items = [DotdigitalListOut.model_validate(each) for each in there]
    return cut_page(
        "dotdigital-lists", account_id, items, limit, cursor, lambda each: (each.id,), int
    )
