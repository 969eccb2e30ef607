"""Every router of the API, in the order that the documents show them."""

from fastapi import FastAPI

from app.routers import api_keys


def include_all(app: FastAPI, *, max_import_bytes: int) -> None:
    """Put every router into the app; streamed imports have a limit of their own."""
    app.include_router(api_keys.router)
    _ = max_import_bytes
