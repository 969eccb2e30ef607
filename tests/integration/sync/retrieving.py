"""What the tests of retrieve_people do again and again."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models import Account
from sandbox.calls import Call
from sandbox.server import RunningSandbox
from sandbox.v3 import query
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person
from tests.integration.sync.traces import calls, due

HOUR = timedelta(hours=1)
ANN = "ann@example.com"
#: Calls that change something there.
WRITES = frozenset(
    {
        "PUT /contacts/v3/import",
        "PUT /v2/contacts/suppress-contacts",
        "POST /v2/contacts/unsubscribe",
        "POST /v2/contacts/resubscribe",
        "POST /v2/contacts/resubscribe-with-no-challenge",
        "DELETE /contacts/v3/{identifier}/{value}",
        "POST /contacts/v3/delete",
    }
)


def set_clock(sandbox: RunningSandbox, at: datetime) -> None:
    sandbox.control.move_clock(to=at.isoformat().replace("+00:00", "Z"), frozen=True)


async def two_way(here: Replica, account: Account, **overrides: str) -> None:
    """Let last_name go both ways, unless told otherwise."""
    values = {"person_field": "last_name", "dotdigital_field": "LASTNAME", "direction": "two_way"}
    await make_mapping(here.database, account, **{**values, **overrides})


async def retrieve(here: Replica, account: Account, mode: str = "changes") -> dict[str, int]:
    """Run the job; return what it counted, without the zeros."""
    run = await here.run(account, "retrieve_people", mode)
    assert run["status"] == "succeeded", run["error"]
    return {name: count for name, count in run["counts"].items() if count}


async def send(here: Replica, account: Account) -> None:
    run = await here.run(account, "send_people")
    assert run["status"] == "succeeded", run["error"]


async def agreed(here: Replica, account: Account, **overrides: str) -> None:
    """Let Ann Smith be a contact whose last name both sides know, and may change."""
    await two_way(here, account, **overrides)
    await make_person(here.database, last_name="Smith")
    await send(here, account)
    await retrieve(here, account)


async def change_here(here: Replica, **columns: object) -> None:
    names = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=1))
    await here.database.pool.execute(f"UPDATE people SET {names}", *columns.values())


async def noted(here: Replica, event: str) -> list[Mapping[str, Any]]:
    rows = await here.database.pool.fetch(
        "SELECT detail FROM run_events WHERE event = $1 ORDER BY id", event
    )
    return [row["detail"] for row in rows]


async def person(here: Replica, person_id: int | None = None) -> Mapping[str, Any]:
    row: Mapping[str, Any] = await here.database.pool.fetchrow(
        "SELECT * FROM people WHERE id = coalesce($1, id) ORDER BY id LIMIT 1", person_id
    )
    return row


async def people(here: Replica) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = await here.database.pool.fetch(
        "SELECT * FROM people ORDER BY id"
    )
    return rows


async def conflicts(here: Replica) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = await here.database.pool.fetch(
        "SELECT * FROM conflicts ORDER BY id"
    )
    return rows


async def opt_out(here: Replica, person_id: int, at: datetime) -> None:
    await here.database.pool.execute(
        "UPDATE people SET no_email = true, opted_out_at = $2 WHERE id = $1", person_id, at
    )


async def opt_in(here: Replica, person_id: int, at: datetime) -> None:
    await here.database.pool.execute(
        "UPDATE people SET no_email = false, opted_in_at = $2 WHERE id = $1", person_id, at
    )


def status(sandbox: RunningSandbox, email: str = ANN) -> str:
    contact: dict[str, Any] = sandbox.control.read_contact(email)
    return str(contact["channelProperties"]["email"]["status"])


def value(sandbox: RunningSandbox, name: str, email: str = ANN) -> object:
    return sandbox.control.read_contact(email)["dataFields"].get(name)


async def assert_quiet(here: Replica, account: Account, sandbox: RunningSandbox) -> None:
    """Hold that a further round of both jobs writes nothing there."""
    sandbox.sandbox.calls.clear()
    await send(here, account)
    await here.run(account, "retrieve_people")
    await send(here, account)
    assert WRITES.isdisjoint(calls(sandbox)), calls(sandbox)
    assert await due(here) == []


class ContactQueries:
    """Dotdigital's pages of contacts, smaller than they are asked for, and out of joint."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limit: int = 2) -> None:
        self._read = query.read_query
        self._limit = limit
        self._served = 0
        #: By how many rows a page begins too late, by its number; negative for too early.
        self.shifts: dict[int, int] = {}
        #: What happens there when a page is asked for.
        self.on_page: Callable[[int], None] = lambda number: None
        monkeypatch.setattr(query, "read_query", self._asked)

    def _asked(self, call: Call) -> query.ContactQuery:
        asked = dataclasses.replace(self._read(call), limit=self._limit)
        self._served += 1
        self.on_page(self._served)
        shift = self.shifts.get(self._served, 0)
        return dataclasses.replace(asked, after=(asked.after or 0) + shift) if shift else asked
