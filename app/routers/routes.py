"""Every router of the API, in the order that the documents show them."""

from fastapi import FastAPI

from app.routers import (
    account_targets,
    accounts,
    activities,
    api_keys,
    conflicts,
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


def include_all(app: FastAPI, *, max_import_bytes: int) -> None:
    """Put every router into the app; streamed imports have a limit of their own."""
    app.router.routes.extend(people.lean_routes)
    app.include_router(people.router)
    app.include_router(people_bulk.router)
    app.include_router(people_merge.router)
    app.include_router(person_sync.router)
    app.include_router(person_links.router)
    app.include_router(lists.router)
    app.include_router(members.router)
    app.include_router(mappings.router)
    app.include_router(person_fields.router)
    app.include_router(accounts.router)
    app.include_router(account_targets.router)
    app.include_router(sync_summary.router)
    app.include_router(activities.router)
    app.include_router(mailshots.router)
    app.include_router(jobs.router)
    app.include_router(sync.router)
    app.include_router(runs.router)
    app.include_router(failures.router)
    app.include_router(conflicts.router)
    app.include_router(imports.router)
    app.include_router(api_keys.router)
    app.include_router(people_import.router, max_body_size=max_import_bytes)
