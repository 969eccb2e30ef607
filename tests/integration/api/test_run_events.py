"""`/v1/runs/{id}/events`: a run's progress, streamed."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from app.db import Database
from app.models import Account
from tests.clock import FakeClock
from tests.conftest import ADMIN_KEY
from tests.factories.accounts import make_account
from tests.factories.runs import make_run, make_run_event

Message = tuple[str, str | None, Any]


@pytest.fixture
def clock() -> FakeClock:
    """Hold whoever polls, so that a test says when the next look is."""
    return FakeClock(holds=True)


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


def parsed(stream: str) -> list[Message]:
    """Return what a stream carried, as (event, id, data)."""
    messages: list[Message] = []
    for block in stream.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        messages.append((fields["event"], fields.get("id"), orjson.loads(fields["data"])))
    return messages


async def polled(database: Database, clock: FakeClock, times: int) -> None:
    """Wait until the stream has looked this often and sleeps."""
    while len(clock.slept) < times:
        await database.pool.execute("SELECT 1")


async def watch(
    api: httpx.AsyncClient, run_id: int, **headers: str
) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(api.get(f"/v1/runs/{run_id}/events", headers=headers))


async def test_a_stream_begins_with_the_run_and_ends_with_it(
    api: httpx.AsyncClient, database: Database, account: Account, clock: FakeClock
) -> None:
    run = await make_run(database, account, status="running")
    started = await make_run_event(database, run, "started")
    watching = await watch(api, run.id)
    await polled(database, clock, 1)
    clock.advance(1)
    await polled(database, clock, 2)
    await database.pool.execute("UPDATE runs SET progress_done = 5, progress_total = 9")
    clock.advance(1)
    await polled(database, clock, 3)
    await database.pool.execute("UPDATE runs SET status = 'succeeded'")
    clock.advance(1)
    await polled(database, clock, 4)
    ended = await make_run_event(database, run, "succeeded")
    clock.advance(1)

    answer = await watching
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    messages = parsed(answer.text)
    assert [(event, event_id) for event, event_id, _ in messages] == [
        ("run", None),
        ("line", str(started.id)),
        ("run", None),
        ("run", None),
        ("line", str(ended.id)),
        ("end", None),
    ]
    assert [data["progress"] for event, _, data in messages if event == "run"] == [
        {"done": 0, "total": None},
        {"done": 5, "total": 9},
        {"done": 5, "total": 9},
    ]
    assert messages[-1][2] == {"status": "succeeded"}


async def test_a_run_that_has_ended_is_told_at_once(
    api: httpx.AsyncClient, database: Database, account: Account, clock: FakeClock
) -> None:
    run = await make_run(database, account, status="partial")
    answer = await api.get(f"/v1/runs/{run.id}/events")
    assert [event for event, _, _ in parsed(answer.text)] == ["run", "end"]
    assert clock.slept == []


async def test_who_comes_back_is_not_told_twice(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    run = await make_run(database, account)
    first = await make_run_event(database, run, "first")
    second = await make_run_event(database, run, "second")
    for last, expected in {
        str(first.id): ["second"],
        str(second.id): [],
        "rubbish": ["first", "second"],
        "9" * 90: [],
        "\N{SUPERSCRIPT TWO}": ["first", "second"],
    }.items():
        answer = await api.get(
            f"/v1/runs/{run.id}/events", headers={b"Last-Event-ID": last.encode()}
        )
        lines = [data["event"] for event, _, data in parsed(answer.text) if event == "line"]
        assert lines == expected, last


async def test_no_connection_is_held_between_two_looks(
    api: httpx.AsyncClient, app: FastAPI, database: Database, account: Account, clock: FakeClock
) -> None:
    run = await make_run(database, account, status="running")
    watching = await watch(api, run.id)
    await polled(database, clock, 1)
    used: Database = app.state.parts.database
    assert used.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert used.pool.get_idle_size() == used.pool.get_size()
    await database.pool.execute("DELETE FROM runs")
    clock.advance(1)
    assert [event for event, _, _ in parsed((await watching).text)] == ["run"]


async def test_a_replica_that_stops_lets_go_of_who_watches(
    api: httpx.AsyncClient, app: FastAPI, database: Database, account: Account, clock: FakeClock
) -> None:
    run = await make_run(database, account, status="running")
    watching = await watch(api, run.id)
    await polled(database, clock, 1)
    app.state.parts.draining = True
    clock.advance(1)
    assert [event for event, _, _ in parsed((await watching).text)] == ["run"]


async def test_a_stream_ends_when_the_caller_leaves(
    app: FastAPI, database: Database, account: Account, clock: FakeClock
) -> None:
    run = await make_run(database, account, status="running")
    left = asyncio.Event()
    sent: list[Any] = []
    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:  # noqa: ANN401 - an ASGI message
        for request in requests:
            return request
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"/v1/runs/{run.id}/events",
        "raw_path": f"/v1/runs/{run.id}/events".encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", f"Bearer {ADMIN_KEY}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("dotsync", 80),
    }
    answering = asyncio.create_task(app(scope, receive, send))
    await polled(database, clock, 1)
    left.set()
    async with asyncio.timeout(5):
        await answering
    assert sent[0]["status"] == 200
    assert len(clock.slept) == 1


async def test_watching_needs_a_key(
    anonymous: httpx.AsyncClient, database: Database, account: Account
) -> None:
    run = await make_run(database, account)
    assert (await anonymous.get(f"/v1/runs/{run.id}/events")).status_code == 401
