"""Imports that may not be, are too long, come twice, or end before their time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.db import Database
from app.main import create_app
from app.routers.dependencies import Parts
from app.services.api_keys import create_key
from app.services.people_import import BATCH_ROWS
from app.settings import Settings
from tests.clock import FakeClock
from tests.conftest import ADMIN_KEY
from tests.running import running

PATH = "/v1/people/import"
CSV = {"Content-Type": "text/csv"}


async def count(database: Database) -> int:
    found: int = await database.pool.fetchval("SELECT count(*) FROM people")
    return found


async def test_importing_takes_a_key_that_may_write(
    anonymous: httpx.AsyncClient, database: Database
) -> None:
    async with database.writing() as session:
        _, token = await create_key(session, "reader", ["read"], None)
    assert (await anonymous.post(PATH, content=b"", headers=CSV)).status_code == 401
    reader = {**CSV, "Authorization": f"Bearer {token}"}
    answer = await anonymous.post(PATH, content=b"email\na@example.com\n", headers=reader)
    assert answer.status_code == 403
    assert await count(database) == 0


async def test_import_repeated_under_its_key_is_done_once(
    api: httpx.AsyncClient, database: Database
) -> None:
    headers = {**CSV, "Idempotency-Key": "monday"}
    first = await api.post(PATH, content=b"email\na@example.com\n", headers=headers)
    again = await api.post(PATH, content=b"email\na@example.com\n", headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert await count(database) == 1


async def test_name_of_ten_megabytes_is_rejected_and_the_others_kept(
    api: httpx.AsyncClient, database: Database
) -> None:
    content = b"email,first_name\n,Anna\n" + b"x" * 10_000_000 + b"\n,Bob\n"
    answer = await api.post(PATH, content=content, headers=CSV)
    assert answer.status_code == 200
    assert answer.json()["created"] == 2
    assert answer.json()["errors"] == [
        {"line": 3, "detail": "The row is over 1048576 characters long."}
    ]


@pytest.mark.parametrize("sqlstate", ["57P01", "53300"])
async def test_database_that_dies_is_a_503_that_says_what_is_stored(
    api: httpx.AsyncClient, database: Database, sqlstate: str
) -> None:
    await database.pool.execute(
        f"""
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'dying' USING ERRCODE = '{sqlstate}'; END $$
        """
    )
    await database.pool.execute(
        "CREATE TRIGGER die BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION die()"
    )
    answer = await api.post(PATH, content=b"email\na@example.com\n", headers=CSV)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    problem = answer.json()
    assert problem["type"].endswith("/problems/import-interrupted")
    assert problem["detail"] == "The database stopped answering. Nothing was stored."
    assert problem["stored"] == {
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "restored": 0,
        "opt_outs_kept": 0,
        "rejected": 0,
        "through_line": 0,
    }


@pytest.fixture
async def small(settings: Settings, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a service that takes 20 kB a request and 100 kB an import."""
    limits = {"max_body_bytes": 20_000, "max_import_bytes": 100_000}
    async with (
        running(create_app(settings.model_copy(update=limits), clock=clock)) as app,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://dotsync",
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
        ) as client,
    ):
        yield client


async def test_import_may_be_longer_than_other_requests_but_not_endless(
    small: httpx.AsyncClient, database: Database
) -> None:
    row = b"," + b"x" * 998 + b"\n"
    answer = await small.post(PATH, content=b"email,first_name\n" + row * 90, headers=CSV)
    assert (answer.status_code, answer.json()["created"]) == (200, 90)

    declared = await small.post(PATH, content=b"email,first_name\n" + row * 110, headers=CSV)
    assert declared.status_code == 413
    assert declared.headers["Content-Type"] == "application/problem+json"
    assert declared.json()["detail"] == "The file is over the limit of 100000 bytes: split it."
    assert await count(database) == 90

    async def undeclared() -> AsyncIterator[bytes]:
        yield b"email,first_name\n"
        for _ in range(110):
            yield row

    streamed = await small.post(PATH, content=undeclared(), headers=CSV)
    assert streamed.status_code == 413
    assert streamed.json()["type"].endswith("/problems/too-large")
    assert streamed.json()["detail"] == (
        "The file is over the limit of 100000 bytes: split it. Nothing was stored."
    )
    assert await count(database) == 90


async def test_client_that_hangs_up_leaves_whole_batches(app: FastAPI, database: Database) -> None:
    sent: list[dict[str, Any]] = []
    bodies = iter([b"email,first_name\n" + b",Anna\n" * (BATCH_ROWS + 100), b",Bob\n,Cy"])

    async def receive() -> dict[str, Any]:
        if (body := next(bodies, None)) is not None:
            return {"type": "http.request", "body": body, "more_body": True}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    await app(scope_of(app), receive, send)
    assert await count(database) == BATCH_ROWS
    assert sent[0]["status"] == 422


def scope_of(app: FastAPI) -> dict[str, Any]:
    """Return the ASGI scope of an import."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "server": ("dotsync", 80),
        "client": ("127.0.0.1", 1),
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"content-type", b"text/csv"),
            (b"authorization", f"Bearer {ADMIN_KEY}".encode()),
        ],
        "app": app,
    }


async def test_import_holds_no_connection_while_it_waits_for_the_client(
    app: FastAPI, database: Database
) -> None:
    parts: Parts = app.state.parts
    waiting, finish = asyncio.Event(), asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield b"email,first_name\n,Anna\n"
        waiting.set()
        await finish.wait()

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://dotsync",
        headers={"Authorization": f"Bearer {ADMIN_KEY}", **CSV},
    ) as client:
        importing = asyncio.create_task(client.post(PATH, content=content()))
        await waiting.wait()
        pool = parts.database.pool
        assert pool.get_size() == pool.get_idle_size()
        assert parts.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        finish.set()
        assert (await importing).json()["created"] == 1
