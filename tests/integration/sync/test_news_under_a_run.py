"""What comes up between the reading of people and the writing, and whom the run meets there."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest

from app.db import asyncpg_arguments
from app.models import Account
from app.services.mappings import send_linked_again
from app.sync.engine import JobContext
from app.sync.people import due_people
from app.sync.people.person_records import Row
from app.sync.statements import statements
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person
from tests.integration.sync.traces import due, link

News = dict[int, Callable[[], Awaitable[object]]]


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> News:
    """Let things happen when a page has been read, by its number."""
    what: News = {}
    read = 0
    real = due_people.due_people

    async def and_then(context: JobContext, after_id: int) -> Sequence[Row]:
        nonlocal read
        rows = await real(context, after_id)
        read += 1
        if read in what:
            await what[read]()
        return rows

    monkeypatch.setattr("app.sync.people.due_pages.due_people", and_then)
    return what


@pytest.mark.parametrize("is_linked", [True, False])
async def test_mapping_that_is_mended_while_it_fails_somebody_has_it_sent(
    here: Replica, sandboxed: Account, news: News, *, is_linked: bool
) -> None:
    await make_person(here.database, last_name="Smith")
    if is_linked:
        await here.run(sandboxed, "send_people")
        await here.database.pool.execute("UPDATE people SET first_name = 'Anna'")
    bad = await make_mapping(
        here.database,
        sandboxed,
        person_field="last_name",
        dotdigital_field="NUMBER",
        data_field_type="Numeric",
    )

    async def mend() -> None:
        async with here.database.transaction() as connection:
            await connection.execute(
                "SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE", sandboxed.id
            )
            await connection.execute("DELETE FROM mappings WHERE id = $1", bad.id)
            await send_linked_again(connection, sandboxed.id, "both")

    news[3 if is_linked else 1] = mend
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["failed"]) == ("succeeded", 0)
    assert await due(here) == []


@pytest.mark.parametrize(
    "column", [pytest.param("sync_with_mailer", id="unticked"), pytest.param("email", id="moved")]
)
@pytest.mark.parametrize(
    "page_size", [pytest.param(5000, id="one page"), pytest.param(2, id="another page")]
)
async def test_who_was_held_for_somebody_who_is_not_sent_after_all_gets_the_email(
    here: Replica,
    sandboxed: Account,
    news: News,
    monkeypatch: pytest.MonkeyPatch,
    clock: FakeClock,
    column: str,
    page_size: int,
) -> None:
    monkeypatch.setattr("app.sync.people.due_people._PAGE", page_size)
    first = await make_person(here.database, email="x@example.com")
    await make_people(here.database, 3)
    other = await make_person(here.database, email="x@example.com", first_name="Bea")

    async def move_on() -> None:
        value = "false" if column == "sync_with_mailer" else "'other@example.com'"
        await here.database.pool.execute(
            f"UPDATE people SET {column} = {value} WHERE id = $1", first.id
        )

    news[1 if page_size == 5000 else 2] = move_on
    for _ in range(2):
        clock.advance(3600)
        await here.run(sandboxed, "send_people")
    stands = await link(here, other.id)
    assert stands is not None
    assert (stands["state"], stands["reason"]) == ("synced", None)
    assert await due(here) == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "job_ends", "job_status": "Failed"}, id="failed"),
        pytest.param({"kind": "status", "method": "PUT", "status": 400, "times": 1}, id="lost"),
    ],
)
async def test_who_was_held_for_somebody_in_an_import_that_came_to_nothing_gets_the_email(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    fault: dict[str, Any],
) -> None:
    first = await make_person(here.database, email="x@example.com")
    other = await make_person(here.database, email="x@example.com", first_name="Bea")
    sandbox.control.add_fault(path="/contacts/v3/import", **fault)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute(
        "UPDATE people SET sync_with_mailer = false WHERE id = $1", first.id
    )
    clock.advance(3600)
    await here.run(sandboxed, "send_people")
    stands = await link(here, other.id)
    assert stands is not None
    assert stands["state"] == "synced"
    assert await due(here) == []


async def free_behind_the_first(here: Replica, writing: Awaitable[object]) -> int:
    """Hold the first change until the writer waits for it; return how many are free then."""
    other = await asyncpg.connect(**asyncpg_arguments(here.database.url))
    first = "SELECT 1 FROM person_changes ORDER BY person_id LIMIT 1 FOR UPDATE"
    await other.execute(f"BEGIN; {first}")
    waiter = asyncio.ensure_future(writing)
    try:
        while not await here.database.pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
        ):
            assert not waiter.done()
        free = await here.database.pool.fetch("SELECT 1 FROM person_changes FOR UPDATE SKIP LOCKED")
    finally:
        await other.close()
        await waiter
    return len(free)


async def test_full_run_writes_changes_in_the_order_of_ids(
    here: Replica, sandboxed: Account
) -> None:
    await make_people(here.database, 5)
    # Where it stands in the table it comes last.
    await here.database.pool.execute("UPDATE people SET first_name = 'Bea' WHERE id = 1")
    making = here.database.pool.execute(statements("send_people")["make_all_due"], sandboxed.id)
    assert await free_behind_the_first(here, making) == 4


async def test_page_is_settled_in_the_order_of_ids_whatever_becomes_of_each(
    here: Replica, sandboxed: Account
) -> None:
    people = await make_people(here.database, 5)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute(
        "UPDATE people SET city = 'York', sync_with_mailer = id <> $1", people[3].id
    )
    assert await free_behind_the_first(here, here.run(sandboxed, "send_people")) == 4
    assert await due(here) == []


@pytest.mark.parametrize("leaves_it", ["sync_with_mailer = false", "last_name = repeat('x', 1001)"])
async def test_who_waits_for_somebody_that_was_never_sent_is_tried_once_that_one_is_not_sent(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, leaves_it: str
) -> None:
    """The run that held one of them back for the other died before it sent that one."""
    await make_mapping(
        here.database, sandboxed, person_field="last_name", dotdigital_field="LASTNAME"
    )
    first = await make_person(here.database, email="ann@example.com")
    second = await make_person(here.database, email="Ann@example.com")
    await here.database.pool.execute(
        """INSERT INTO contact_links (account_id, person_id, state, reason)
           VALUES ($1, $2, 'not_eligible', 'email_linked_elsewhere')""",
        sandboxed.id,
        second.id,
    )
    await here.database.pool.execute("DELETE FROM person_changes WHERE person_id = $1", second.id)
    await here.database.pool.execute(f"UPDATE people SET {leaves_it} WHERE id = $1", first.id)
    for _ in range(2):
        await here.run(sandboxed, "send_people")
    sent = await link(here, second.id)
    assert sent is not None
    assert sent["contact_id"] is not None
    assert len(list(sandbox.account.contacts)) == 1
    for _ in range(2):
        run = await here.run(sandboxed, "send_people")
        assert run["counts"].get("considered", 0) == 0, "neither wakes the other for ever"
