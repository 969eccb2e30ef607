"""Postgres goes away under a running service and comes back: 503 meanwhile, recovery by itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from app.db import asyncpg_arguments
from app.main import create_app
from app.settings import Settings
from tests.clock import FakeClock
from tests.conftest import ADMIN_KEY
from tests.running import running


class Line:
    """A line to Postgres that can be cut."""

    def __init__(self, database_url: str) -> None:
        self._target = asyncpg_arguments(database_url)
        self._database_url = database_url
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def join(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    @property
    def url(self) -> str:
        parts = urlsplit(self._database_url)
        user = parts.username or "postgres"
        password = f":{parts.password}" if parts.password else ""
        return f"postgresql://{user}{password}@127.0.0.1:{self.port}{parts.path}?sslmode=disable"

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "dsn" in self._target:
            parts = urlsplit(self._target["dsn"])
            there = await asyncio.open_connection(parts.hostname, parts.port or 5432)
        else:
            there = await asyncio.open_unix_connection(Path(self._target["host"]) / ".s.PGSQL.5432")
        self._open |= {writer, there[1]}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        self._open -= {writer, there[1]}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    writer.close()


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Line]:
    line = Line(database_url)
    await line.join()
    yield line
    await line.cut()


def settings_for(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        database_pool_size=2,
        data_dir=tmp_path,
        bootstrap_api_key=SecretStr(ADMIN_KEY),
        scheduler_enabled=False,
        worker_enabled=False,
    )


async def test_service_answers_503_while_postgres_is_gone_and_recovers_by_itself(
    line: Line, tmp_path: Path
) -> None:
    settings = settings_for(line.url, tmp_path)
    async with (
        running(create_app(settings, clock=FakeClock())) as app,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://dotsync",
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
        ) as api,
    ):
        body = {"email": "ann@example.com"}
        assert (await api.post("/v1/people", json=body)).status_code == 201
        assert (await api.get("/readyz")).status_code == 200

        await line.cut()
        for answer in (
            await api.get("/v1/people"),
            await api.post("/v1/people", json=body),
            await api.get("/v1/lists"),
            await api.post("/v1/lists", json={"name": "Readers"}),
        ):
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"]
            assert answer.json()["type"].endswith("/problems/database-unavailable")
        assert (await api.get("/readyz")).status_code == 503
        assert (await api.get("/healthz")).status_code == 200

        await line.join()
        assert (await api.get("/v1/people")).status_code == 200
        assert len((await api.get("/v1/people")).json()["items"]) == 1
        assert (await api.post("/v1/lists", json={"name": "Readers"})).status_code == 201
        assert (await api.get("/readyz")).status_code == 200


async def test_database_that_is_not_there_yet_is_waited_for_and_named_in_the_log(
    line: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await line.cut()
    url = line.url.replace("@", ":s3cret@", 1)
    async with (
        running(create_app(settings_for(url, tmp_path), clock=FakeClock())) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dotsync") as client,
    ):
        assert (await client.get("/readyz")).status_code == 503
        await line.join()
        for _ in range(1000):
            if (await client.get("/readyz")).status_code == 200:
                break
            await asyncio.sleep(0.01)
    log = capsys.readouterr().err
    waits = [told for told in log.splitlines() if "database_not_there_yet" in told]
    assert waits
    assert f"127.0.0.1:{line.port}/" in waits[0]
    assert "Connect" in waits[0], "the reason"
    assert "s3cret" not in log
    assert "service_ready" in log
