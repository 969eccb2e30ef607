"""The documents of the API: Swagger UI and ReDoc from our own host, and what each problem means."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from app.errors import NotFound, Problem
from app.routers.idempotent import IDEMPOTENCY_KEY
from app.schemas.problems import ProblemOut

router = APIRouter(include_in_schema=False)

_ASSETS = "/docs/assets"


@router.get("/")
async def root() -> RedirectResponse:
    """Lead whoever opens the service in a browser to its documents."""
    return RedirectResponse("/docs")


@router.get("/docs")
async def swagger_ui(request: Request) -> HTMLResponse:
    """Show the API, to try out: Authorize takes the key, which the browser keeps."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{request.app.title} API",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
        swagger_ui_parameters={
            "persistAuthorization": True,
            "displayRequestDuration": True,
            "docExpansion": "none",
            "filter": True,
        },
    )


@router.get("/redoc")
async def redoc(request: Request) -> HTMLResponse:
    """Show the API, to read."""
    return get_redoc_html(
        openapi_url="/openapi.json",
        title=f"{request.app.title} API",
        redoc_js_url=f"{_ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f"{_ASSETS}/favicon.png",
        with_google_fonts=False,
    )


@router.get("/problems/{slug}")
async def problem(slug: str) -> PlainTextResponse:
    """Say what a problem type means; its URI leads here."""
    for kind in _problem_kinds(Problem):
        if kind.slug == slug:
            return PlainTextResponse(f"{kind.title} (status {kind.status})\n\n{kind.__doc__}\n")
    raise NotFound(f"There is no problem type {slug!r}.")


def mount_assets(app: FastAPI) -> None:
    """Serve the documents' scripts and styles from the installed package, of which only those."""
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("fastapi_offline")
    folder = Path(package.origin).parent / "static"
    app.mount(_ASSETS, StaticFiles(directory=folder), name="docs-assets")


def complete_document(app: FastAPI) -> None:
    """Put into the OpenAPI document what FastAPI doesn't know of.

    The shape of problems, for it only knows models of JSON; the scope that a key needs, in words;
    and Idempotency-Key, which the class of the routes reads.
    """
    plain = app.openapi

    @cache
    def completed() -> dict[str, Any]:
        document = plain()
        shape = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        parts = shape.pop("$defs", {})
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update({**parts, "ProblemOut": shape})
        for path, item in document["paths"].items():
            for operation in item.values():
                _name_scope(operation)
            if "post" in item and path.startswith("/v1/"):
                item["post"].setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        return document

    app.openapi = completed  # type: ignore[method-assign]


def _name_scope(operation: dict[str, Any]) -> None:
    schemes = [scopes for each in operation.get("security", ()) for scopes in each.values()]
    if scopes := [scope for scopes in schemes for scope in scopes]:
        told = f"Needs a key with the scope `{scopes[0]}`."
        operation["description"] = f"{operation.get('description', '').rstrip()}\n\n{told}".strip()


def _problem_kinds(kind: type[Problem]) -> list[type[Problem]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _problem_kinds(child))]
