"""retrieve_people and the pages it is given: cut off, repeated, skipped, or not to be read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica
from tests.factories.people import make_people
from tests.integration.sync.retrieving import (
    HOUR,
    ContactQueries,
    assert_quiet,
    conflicts,
    people,
    person,
    retrieve,
    send,
    set_clock,
    two_way,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ContactQueries:
    """Let Dotdigital give two contacts a page, however many are asked for."""
    return ContactQueries(monkeypatch)


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "status", "status": 429, "headers": {"retry-after": "7"}}, id="429"),
        pytest.param({"kind": "truncated"}, id="truncated body"),
        pytest.param({"kind": "reset"}, id="connection reset"),
        pytest.param({"kind": "status", "status": 503}, id="maintenance"),
        pytest.param({"kind": "duplicates"}, id="every row twice"),
    ],
)
async def test_page_that_goes_wrong_in_the_middle_loses_nothing_and_doubles_nobody(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    sandbox.control.generate_contacts(7)
    sandbox.control.add_fault(path="/contacts/v3", after=1, **fault)
    await retrieve(here, sandboxed)
    assert len(await people(here)) == 7
    assert len({row["email"] for row in await people(here)}) == 7


async def test_rows_that_a_page_skips_come_with_the_next_reading(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, pages: ContactQueries
) -> None:
    await retrieve(here, sandboxed)
    sandbox.control.generate_contacts(7)
    pages.shifts = {3: 1}
    await retrieve(here, sandboxed)
    assert len(await people(here)) == 6
    set_clock(sandbox, START + 5 * MINUTE)
    assert (await retrieve(here, sandboxed))["created"] == 1


@pytest.mark.parametrize("is_first", [True, False], ids=["everything", "what was changed"])
@pytest.mark.parametrize(
    "kind, rows", [("repeated_rows", 1), ("repeated_rows", 2), ("skipped_rows", 1)]
)
async def test_pages_that_repeat_or_skip_contacts_lose_nobody_and_double_nobody(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    rows: int,
    is_first: bool,
) -> None:
    ContactQueries(monkeypatch, limit=3)
    await two_way(here, sandboxed, conflict_rule="prefer_dotdigital")
    linked = await make_people(here.database, 4, last_name="Smith")
    await send(here, sandboxed)
    if not is_first:
        await retrieve(here, sandboxed)
    for each in linked:
        sandbox.control.edit(each.email or "", data_fields={"LASTNAME": "Jones"})
    sandbox.control.generate_contacts(5, email="new{n}@example.com")
    sandbox.control.add_fault(kind, path="/contacts/v3", rows=rows, after=1)
    await retrieve(here, sandboxed)
    assert {row["contact_id"] for row in await links(here)} >= {
        sandbox.control.contact(each.email or "").id for each in linked
    }, "nobody is taken for gone"
    set_clock(sandbox, START + 5 * MINUTE)
    await retrieve(here, sandboxed)
    stands = await people(here)
    assert len(stands) == len({row["email"] for row in stands}) == 9
    assert [(await person(here, each.id))["last_name"] for each in linked] == ["Jones"] * 4
    assert await conflicts(here) == []
    set_clock(sandbox, START + HOUR)
    await assert_quiet(here, sandboxed, sandbox)


async def links(here: Replica) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = await here.database.pool.fetch(
        "SELECT * FROM contact_links WHERE contact_id IS NOT NULL"
    )
    return rows


async def test_contact_that_was_skipped_too_long_ago_comes_with_the_weekly_reading(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    sandbox.control.generate_contacts(3)
    await retrieve(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    await retrieve(here, sandboxed)
    set_clock(sandbox, START + 2 * HOUR)
    sandbox.control.generate_contacts(2, email="new{n}@example.com")
    set_clock(sandbox, START + 3 * HOUR)
    sandbox.control.add_fault("skipped_rows", path="/contacts/v3")
    assert (await retrieve(here, sandboxed))["created"] == 1
    set_clock(sandbox, START + timedelta(days=7))
    clock.advance(timedelta(days=7).total_seconds())
    assert (await retrieve(here, sandboxed))["created"] == 1


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.usefixtures("pages")
async def test_contact_that_cannot_be_read_holds_up_none_of_the_others(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, rows: int
) -> None:
    sandbox.control.generate_contacts(7)
    sandbox.control.add_fault("spoilt_rows", path="/contacts/v3", rows=rows, spoil="no_contact_id")
    run = await here.run(sandboxed, "retrieve_people")
    counts = run["counts"]
    assert (run["status"], counts["created"], counts["failed"]) == ("partial", 7 - rows, rows)
    assert (
        await here.database.pool.fetchval(
            "SELECT position FROM watermarks WHERE stream = 'contacts'"
        )
        == START
    )
    noted = await here.database.pool.fetchval(
        "SELECT detail FROM run_events WHERE event = 'contacts_that_cannot_be_read'"
    )
    assert noted == {"rows": rows, "contact_ids": []}
    assert (await retrieve(here, sandboxed))["created"] == rows, "as soon as they can be"


async def test_nobody_is_unlinked_by_a_row_that_cannot_be_read(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_people(here.database, 2)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    sandbox.control.add_fault("spoilt_rows", path="/contacts/v3", spoil="no_contact_id", times=None)
    run = await here.run(sandboxed, "retrieve_people", "full")
    assert (run["status"], run["counts"]["unlinked"]) == ("partial", 0)
    sandbox.sandbox.faults.remove()
    sandbox.control.add_fault("spoilt_rows", path="/contacts/v3", spoil="no_contact_id", after=1)
    sandbox.control.delete(made[0].email or "")
    assert "unlinked" not in await retrieve(here, sandboxed, "full")
    assert (await retrieve(here, sandboxed, "full"))["unlinked"] == 1
