"""What a send read before it wrote goes on counting as read no longer than it is true."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from app.models import Account
from app.sync.contacts import page_batches
from app.sync.engine import JobContext
from app.sync.people import due_people
from app.sync.people.person_records import Row
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
    noted,
    person,
    retrieve,
    send,
    set_clock,
    two_way,
    value,
)
from tests.integration.sync.traces import calls, due

CONTACTS = "GET /contacts/v3"
#: By the person after whom a page of due people is read, once for each time that it is.
OnPage = dict[int, list[Callable[[], None]]]


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


@pytest.fixture
def on_page(monkeypatch: pytest.MonkeyPatch) -> OnPage:
    """Let due people be read one by one, and things happen when one was read."""
    what: OnPage = {}
    real = due_people.due_people

    async def and_then(context: JobContext, after_id: int) -> Sequence[Row]:
        happens = what[after_id].pop(0) if what.get(after_id) else nothing
        rows = await real(context, after_id)
        happens()
        return rows

    monkeypatch.setattr("app.sync.people.due_pages.due_people", and_then)
    monkeypatch.setattr(due_people, "_PAGE", 1)
    return what


def nothing() -> None:
    """Let nothing happen."""


async def ann_and_bob(here: Replica, account: Account, sandbox: RunningSandbox) -> int:
    """Let Ann and Bob be agreed on, and change here; return Bob's id."""
    bob = await make_person(here.database, email="bob@example.com", last_name="Jones")
    await agreed(here, account, conflict_rule="prefer_dotdigital")
    await change_here(here, last_name="Ours")
    sandbox.sandbox.calls.clear()
    return bob.id


def later_there(sandbox: RunningSandbox, clock: FakeClock, seconds: float) -> Callable[[], None]:
    """Return what lets time pass, and Ann's last name change there at the end of it."""

    def pass_by() -> None:
        clock.advance(seconds)
        set_clock(sandbox, clock.now())
        sandbox.control.edit(ANN, data_fields={"LASTNAME": "Theirs"})

    return pass_by


async def test_what_was_read_minutes_ago_is_read_again(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    on_page: OnPage,
) -> None:
    bob_id = await ann_and_bob(here, sandboxed, sandbox)
    # Bob is the first page, which is seen anew once what was changed there is read.
    on_page[bob_id] = [nothing, later_there(sandbox, clock, 301)]
    await send(here, sandboxed)
    assert calls(sandbox)[CONTACTS] == 2
    assert value(sandbox, "LASTNAME") == "Theirs"
    assert value(sandbox, "LASTNAME", "bob@example.com") == "Ours"
    assert len(await conflicts(here)) == 1
    await assert_quiet(here, sandboxed, sandbox)


async def test_what_was_read_just_now_is_not_read_again(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    on_page: OnPage,
) -> None:
    bob_id = await ann_and_bob(here, sandboxed, sandbox)
    on_page[bob_id] = [nothing, lambda: clock.advance(299)]
    await send(here, sandboxed)
    assert calls(sandbox)[CONTACTS] == 1
    assert value(sandbox, "LASTNAME") == value(sandbox, "LASTNAME", "bob@example.com") == "Ours"


async def test_record_that_waits_long_for_others_goes_only_after_another_look(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    on_page: OnPage,
) -> None:
    """Ann's record lies in the batch when the last page is read: nobody behind her writes over."""
    await agreed(here, sandboxed, conflict_rule="prefer_dotdigital")
    bob = await make_person(here.database, email="bob@example.com", last_name="Jones")
    await send(here, sandboxed)
    await change_here(here, first_name="Ours")
    await here.database.pool.execute("UPDATE people SET last_name = 'Ours' WHERE email = $1", ANN)
    sandbox.sandbox.calls.clear()
    on_page[bob.id] = [later_there(sandbox, clock, 301)]
    await send(here, sandboxed)
    assert calls(sandbox)[CONTACTS] == 2
    assert value(sandbox, "LASTNAME") == "Theirs"
    assert value(sandbox, "FIRSTNAME", "bob@example.com") == "Ours"
    await send(here, sandboxed)
    assert (value(sandbox, "FIRSTNAME"), value(sandbox, "LASTNAME")) == ("Ours", "Theirs")
    assert len(await conflicts(here)) == 1
    await assert_quiet(here, sandboxed, sandbox)


async def test_reading_that_succeeds_after_all_leaves_no_fault(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await agreed(here, sandboxed)
    await change_here(here, last_name="Ours")
    sandbox.control.add_fault("status", path="/contacts/v3", status=403, times=1)
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Ours"
    assert await due(here) == []
    assert len(await noted(here, "read_before_sending")) == 1


@pytest.mark.parametrize("minutes_later", [False, True])
async def test_whoever_is_held_back_for_who_is_left_stays_due_too(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    on_page: OnPage,
    monkeypatch: pytest.MonkeyPatch,
    *,
    minutes_later: bool,
) -> None:
    """Two people with one email, of whom the first can't be read, at once or when it is sent."""
    if not minutes_later:
        monkeypatch.setattr(due_people, "_PAGE", 5000)
    await two_way(here, sandboxed, conflict_rule="prefer_dotdigital")
    first = await make_person(here.database, last_name="Smith")
    second = await make_person(here.database, last_name="Jones")

    def cannot_be_read() -> None:
        clock.advance(301)
        sandbox.control.add_fault("status", path="/contacts/v3", status=403, times=None)

    if minutes_later:
        on_page[second.id] = [cannot_be_read]
    else:
        cannot_be_read()
    assert (await here.run(sandboxed, "send_people"))["status"] == "failed"
    assert await due(here) == [first.id, second.id]
    sandbox.sandbox.faults.remove()
    await send(here, sandboxed)
    assert value(sandbox, "LASTNAME") == "Smith"
    assert await due(here) == []
