"""What a send read before it wrote goes on counting as read no longer than it is true."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from app.models import Account
from app.sync.contacts import page_batches
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica
from tests.factories.people import make_people, make_person
from tests.integration.sync.retrieving import (
    ANN,
    HOUR,
    ContactQueries,
    agreed,
    assert_quiet,
    change_here,
    conflicts,
    person,
    retrieve,
    send,
    set_clock,
    two_way,
    value,
)


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


async def news_on_two_pages(
    here: Replica, account: Account, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Let everybody's news take two pages, hers on the first; return their numbers as they come."""
    await agreed(here, account, conflict_rule="prefer_dotdigital")
    others = [await make_person(here.database, email=f"b{n}@example.com") for n in range(3)]
    await send(here, account)
    set_clock(sandbox, START + HOUR)
    await retrieve(here, account)
    set_clock(sandbox, START + 2 * HOUR)
    for email in (ANN, *(each.email or "" for each in others)):
        sandbox.control.edit(email, data_fields={"LASTNAME": "Theirs"})
    await here.database.pool.execute("UPDATE people SET last_name = 'Ours' WHERE email = $1", ANN)
    ContactQueries(monkeypatch)
    return itertools.count(1)


async def write_links(here: Replica) -> None:
    await here.database.pool.execute("UPDATE contact_links SET last_sent_at = now()")


async def test_contact_that_was_left_stays_unread_for_the_run_that_reads_on(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = await news_on_two_pages(here, sandboxed, sandbox, monkeypatch)
    real = page_batches.committed_by_now

    async def and_break(context: Any) -> str:  # noqa: ANN401 - the job's own
        snapshot = await real(context)
        match next(numbers):
            case 1:
                await write_links(here)
            case 2:
                sandbox.control.add_fault("status", path="/contacts/v3", status=503, times=None)
        return snapshot

    monkeypatch.setattr("app.sync.contacts.contact_reading.committed_by_now", and_break)
    assert (await here.run(sandboxed, "send_people"))["status"] == "failed"
    sandbox.sandbox.faults.remove()
    clock.advance(3600)
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Theirs"
    assert (await person(here))["last_name"] == "Theirs"
    assert len(await conflicts(here)) == 1
    await assert_quiet(here, sandboxed, sandbox)


async def test_contact_that_was_left_stays_unread_where_another_run_reads_a_page(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody else writes where the reading stands, and no more: the send goes on from there."""
    numbers = await news_on_two_pages(here, sandboxed, sandbox, monkeypatch)
    real = page_batches.committed_by_now

    async def and_meet(context: Any) -> str:  # noqa: ANN401 - the job's own
        snapshot = await real(context)
        match next(numbers):
            case 1:
                await write_links(here)
            case 2:
                await here.database.pool.execute(
                    "UPDATE watermarks SET detail = jsonb_set(detail, '{reading,last_id}', '1')"
                    " WHERE stream = 'contacts'"
                )
        return snapshot

    monkeypatch.setattr("app.sync.contacts.contact_reading.committed_by_now", and_meet)
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Theirs"
    assert (await person(here))["last_name"] == "Theirs"
    assert len(await conflicts(here)) == 1
    await assert_quiet(here, sandboxed, sandbox)


async def test_long_reading_of_everything_is_followed_by_what_moved_meanwhile(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A contact of an early page moves while the last one is asked for, half an hour later."""
    await make_person(here.database, last_name="Smith")
    await make_people(here.database, 3)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    await two_way(here, sandboxed, conflict_rule="prefer_dotdigital")
    await change_here(here, last_name="Ours")
    pages = ContactQueries(monkeypatch)

    def move(number: int) -> None:
        if number == 2:
            set_clock(sandbox, START + HOUR / 2)
            sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})

    pages.on_page = move
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Theirs"
    assert (await person(here))["last_name"] == "Theirs"
    await assert_quiet(here, sandboxed, sandbox)
