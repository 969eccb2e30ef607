"""The limit of the REST figures: bare Starlette and asyncpg, the same statements, nothing else.

No key, no validation, no problem types, no metrics. ``python -m benchmarks.bare_app URL PORT``.
"""

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.db import asyncpg_arguments
from app.services.people_columns import COLUMNS, DEFAULTS
from app.services.people_json import shown
from app.services.people_pages import page_of_everyone

_JSON = "application/json"
_ONE = f"SELECT id, version, {shown('person')} AS body FROM people AS person WHERE id = $1"
_CREATE = f"""
WITH person AS (
    INSERT INTO people ({", ".join(COLUMNS)})
    VALUES ({", ".join(f"${place}" for place in range(1, len(COLUMNS) + 1))})
    RETURNING *
), noted AS (
    INSERT INTO audit_log (actor, action, subject_type, subject_id)
    SELECT ${len(COLUMNS) + 1}, 'person_created', 'person', id FROM person
)
SELECT id, version, {shown("person")} AS body FROM person
"""


def create_app(url: str) -> Starlette:
    """Return the app; its pool is as large as the service's."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            **asyncpg_arguments(url), min_size=1, max_size=10, server_settings={"jit": "off"}
        ) as pool:
            app.state.pool = pool
            yield

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/v1/people/{person_id:int}", _get_person),
            Route("/v1/people", _list_people),
            Route("/v1/people", _create_person, methods=["POST"]),
        ],
    )


async def _get_person(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchrow(_ONE, request.path_params["person_id"])
    return Response(row["body"], media_type=_JSON)


async def _list_people(request: Request) -> Response:
    limit = int(request.query_params["limit"])
    statement, values = page_of_everyone(limit)
    async with request.app.state.pool.acquire() as connection:
        rows = await connection.fetch(statement, *values)
    return Response(f'{{"items":[{",".join([row["body"] for row in rows])}]}}', media_type=_JSON)


async def _create_person(request: Request) -> Response:
    given: dict[str, Any] = {**DEFAULTS, **orjson.loads(await request.body())}
    given["custom"] = orjson.dumps(given["custom"]).decode()
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchrow(_CREATE, *map(given.get, COLUMNS), "bench")
    return Response(row["body"], 201, media_type=_JSON)


def main() -> None:
    """Serve it the way that the service is served."""
    url, port = sys.argv[1:]
    uvicorn.run(
        create_app(url),
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
    )


if __name__ == "__main__":
    main()
