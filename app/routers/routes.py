"""Every router of the API, in the order that the documents show them."""

from fastapi import APIRouter, FastAPI

from app.routers import (
    account_targets,
    accounts,
    activities,
    api_keys,
    conflicts,
    consents,
    failures,
    imports,
    jobs,
    lists,
    mailshots,
    mappings,
    members,
    people,
    people_bulk,
    people_import,
    people_merge,
    person_fields,
    person_links,
    person_sync,
    runs,
    sync,
    sync_summary,
)

_IN_ORDER = (
    people,
    people_bulk,
    people_merge,
    person_sync,
    person_links,
    consents,
    lists,
    members,
    mappings,
    person_fields,
    accounts,
    account_targets,
    sync_summary,
    activities,
    mailshots,
    jobs,
    sync,
    runs,
    failures,
    conflicts,
    imports,
    api_keys,
)


def include_all(app: FastAPI, *, max_import_bytes: int) -> None:
    """Put every router into the app; streamed imports have a limit of their own."""
    # Paths are tried in this order, so the busiest come first.
    app.router.routes.extend(people.lean_routes)
    for each in _IN_ORDER:
        include(app, each.router)
    app.include_router(people_import.router, max_body_size=max_import_bytes)


def include(app: FastAPI, router: APIRouter) -> None:
    """Put a router that needs nothing from the app into it, with the routes that it has.

    FastAPI's own way builds each of them once more at the first request, which takes as long as a
    tenth of the start, and looks every path up twice.
    """
    app.router.routes.extend(router.routes)
