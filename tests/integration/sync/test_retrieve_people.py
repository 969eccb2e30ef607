"""retrieve_people and contacts: who becomes whom here, and who is gone there."""

from datetime import timedelta
from typing import Any

import pytest

from app.models import Account
from app.services.erasure import EmailHashes
from sandbox.server import RunningSandbox
from tests.clock import START
from tests.factories.engines import Replica
from tests.factories.people import make_people, make_person
from tests.integration.sync.retrieving import (
    ANN,
    HOUR,
    ContactQueries,
    assert_quiet,
    conflicts,
    opt_out,
    people,
    person,
    retrieve,
    send,
    set_clock,
    two_way,
    value,
)
from tests.integration.sync.traces import calls, due, link

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ContactQueries:
    """Let Dotdigital give two contacts a page, however many are asked for."""
    return ContactQueries(monkeypatch)


def add_bob(sandbox: RunningSandbox, **entry: object) -> int:
    """Make a contact called Bob there; return its id."""
    contact: dict[str, Any] = {
        "identifiers": {"email": "Bob@Example.com", "mobileNumber": "+447911123456"},
        "dataFields": {"FIRSTNAME": "Bob"},
    }
    (contact_id,) = sandbox.control.add_contacts([{**contact, **entry}])
    return contact_id


async def set_account(here: Replica, account: Account, **settings: object) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $2 WHERE id = $1", account.id, settings
    )


async def contact_of(here: Replica, person_id: int) -> int | None:
    stands = await link(here, person_id)
    return None if stands is None else stands["contact_id"]


@pytest.mark.parametrize("kind", ["person", "lead"])
async def test_new_contact_becomes_what_the_account_says(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, kind: str
) -> None:
    await set_account(here, sandboxed, new_contacts=kind)
    contact_id = add_bob(sandbox)
    assert await retrieve(here, sandboxed) == {"seen": 1, "created": 1}
    row = await person(here)
    assert (row["email"], row["first_name"], row["kind"]) == ("Bob@Example.com", "Bob", kind)
    assert row["mobile_number"] == "+447911123456"
    stands = await link(here, row["id"])
    assert stands is not None
    assert (stands["contact_id"], stands["email_key"]) == (contact_id, "bob@example.com")
    assert (stands["state"], stands["acknowledged"]) == (
        "synced",
        {"fields": {"FIRSTNAME": "Bob"}},
    )
    assert await due(here) == []
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    await assert_quiet(here, sandboxed, sandbox)


async def test_new_contact_is_passed_over_where_the_account_says_so(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await set_account(here, sandboxed, new_contacts="ignore")
    add_bob(sandbox)
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert await people(here) == []


async def test_new_person_is_not_sent_back_however_it_is_changed_by_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    add_bob(sandbox)
    await retrieve(here, sandboxed)
    await here.database.pool.execute("UPDATE people SET organisation = 'not mapped'")
    await assert_quiet(here, sandboxed, sandbox)


async def test_person_who_stands_unlinked_with_that_email_is_linked(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database, email="BOB@example.com", first_name="Bob")
    contact_id = add_bob(sandbox)
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    assert len(await people(here)) == 1
    assert await contact_of(here, made.id) == contact_id
    await assert_quiet(here, sandboxed, sandbox)


async def test_of_two_people_with_that_email_the_one_who_is_synced_is_linked(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    off = await make_person(here.database, email="bob@example.com", sync_with_mailer=False)
    on = await make_person(here.database, email="bob@example.com")
    contact_id = add_bob(sandbox)
    await retrieve(here, sandboxed)
    assert [await contact_of(here, each.id) for each in (off, on)] == [None, contact_id]


async def test_contact_of_an_erased_address_is_never_taken(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    (newest, *_) = EmailHashes.of(here.settings).all_of("BOB@example.com")
    await here.database.pool.execute("INSERT INTO erasures VALUES ($1, now())", newest)
    add_bob(sandbox)
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert await people(here) == []


async def test_contact_that_a_deleted_person_leaves_behind_is_not_taken_for_a_new_one(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    add_bob(sandbox)
    made = await make_person(here.database, email="bob@example.com")
    await here.database.pool.execute(
        "UPDATE people SET deleted_at = $2 WHERE id = $1", made.id, START + HOUR
    )
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert len(await people(here)) == 1


async def test_contact_made_after_its_person_was_deleted_is_a_new_person(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database, email="bob@example.com")
    await here.database.pool.execute(
        "UPDATE people SET deleted_at = $2 WHERE id = $1", made.id, START - HOUR
    )
    add_bob(sandbox)
    assert await retrieve(here, sandboxed) == {"seen": 1, "created": 1}


async def test_contact_without_an_email_is_passed_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_contacts([{"identifiers": {"mobileNumber": "+447911123456"}}])
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert await people(here) == []


async def test_contact_that_comes_without_its_email_keeps_its_person(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await make_person(here.database)
    await send(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    sandbox.control.add_fault("spoilt_rows", path="/contacts/v3", spoil="no_email")
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    row = await person(here)
    assert (row["email"], row["last_name"]) == (ANN, "Jones")


async def test_email_in_another_case_is_the_same_address(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database)
    await send(here, sandboxed)
    sandbox.control.add_fault("spoilt_rows", path="/contacts/v3", spoil="email_case")
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert [row["email"] for row in await people(here)] == [ANN]
    await assert_quiet(here, sandboxed, sandbox)


async def test_contact_with_malformed_dates_is_taken_all_the_same(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    add_bob(sandbox)
    sandbox.control.add_fault("spoilt_rows", path="/contacts/v3", spoil="malformed_date")
    assert await retrieve(here, sandboxed) == {"seen": 1, "created": 1}


async def test_page_that_gives_every_contact_twice_makes_nobody_twice(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.generate_contacts(3)
    sandbox.control.add_fault("duplicates", path="/contacts/v3")
    await retrieve(here, sandboxed)
    assert len(await people(here)) == 3


async def test_email_that_was_changed_there_changes_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database, email_undeliverable=True)
    await send(here, sandboxed)
    sandbox.control.edit(ANN, email="ann@new.example")
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    row = await person(here)
    assert (row["email"], row["email_undeliverable"]) == ("ann@new.example", False)
    stands = await link(here, made.id)
    assert stands is not None
    assert stands["email_key"] == "ann@new.example"
    await assert_quiet(here, sandboxed, sandbox)


async def test_old_address_of_who_opted_out_stays_off_where_it_was_changed_there(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database)
    await send(here, sandboxed)
    await opt_out(here, made.id, START)
    await send(here, sandboxed)
    sandbox.control.edit(ANN, email="ann@new.example")
    await retrieve(here, sandboxed)
    kept = await here.database.pool.fetchrow("SELECT * FROM address_opt_outs")
    assert (kept["email_key"], kept["source"]) == (ANN, "old_address")


async def test_email_that_was_changed_on_both_sides_is_ours(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database)
    await send(here, sandboxed)
    sandbox.control.edit(ANN, email="ann@there.example")
    await here.database.pool.execute("UPDATE people SET email = 'ann@here.example'")
    assert await retrieve(here, sandboxed) == {"seen": 1, "conflicts": 1}
    (found,) = await conflicts(here)
    assert (found["dotdigital_field"], found["winner"]) == ("email", "dotsync")
    assert (found["base"], found["ours"], found["theirs"]) == (
        ANN,
        "ann@here.example",
        "ann@there.example",
    )
    await send(here, sandboxed)
    assert value(sandbox, "FIRSTNAME", "ann@here.example") == "Ann"
    await assert_quiet(here, sandboxed, sandbox)


async def test_email_there_is_not_taken_where_its_person_was_erased(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database)
    await send(here, sandboxed)
    (newest, *_) = EmailHashes.of(here.settings).all_of("gone@example.com")
    await here.database.pool.execute("INSERT INTO erasures VALUES ($1, now())", newest)
    sandbox.control.edit(ANN, email="gone@example.com")
    await retrieve(here, sandboxed)
    assert (await person(here))["email"] == ANN


@pytest.mark.parametrize("number", [1, 7])
async def test_contacts_that_are_gone_are_unlinked_by_a_full_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, number: int
) -> None:
    await make_people(here.database, 7)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    for each in range(1, number + 1):
        sandbox.control.delete(f"p{each}@example.com")
    assert "unlinked" not in await retrieve(here, sandboxed)
    assert (await retrieve(here, sandboxed, "full"))["unlinked"] == number
    states = await here.database.pool.fetch("SELECT * FROM contact_links ORDER BY person_id")
    assert [row["contact_id"] is None for row in states] == [place < number for place in range(7)]
    assert await due(here) == [], "nobody is made again who was deleted there"


async def test_everything_is_read_again_after_a_week_by_itself(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    sandbox.control.delete(ANN)
    set_clock(sandbox, START + WEEK - HOUR)
    assert "unlinked" not in await retrieve(here, sandboxed)
    set_clock(sandbox, START + WEEK)
    assert (await retrieve(here, sandboxed))["unlinked"] == 1


async def test_rows_that_a_page_skips_are_not_taken_for_gone(
    here: Replica, sandboxed: Account, pages: ContactQueries
) -> None:
    await make_people(here.database, 9)
    await send(here, sandboxed)
    pages.shifts = {2: 1, 4: 2}
    assert "unlinked" not in await retrieve(here, sandboxed)


async def test_contacts_that_are_gone_are_found_over_many_pages(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, pages: ContactQueries
) -> None:
    await make_people(here.database, 9)
    await send(here, sandboxed)
    for number in (1, 4, 5, 9):
        sandbox.control.delete(f"p{number}@example.com")
    assert (await retrieve(here, sandboxed))["unlinked"] == 4
    assert pages.shifts == {}


async def test_contact_that_was_deleted_and_made_again_is_linked_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database)
    await send(here, sandboxed)
    sandbox.control.delete(ANN)
    await retrieve(here, sandboxed)
    assert await contact_of(here, made.id) is None
    sandbox.account.empty_recycle_bin()
    set_clock(sandbox, START + HOUR)
    (contact_id,) = sandbox.control.add_contacts(
        [{"identifiers": {"email": ANN}, "dataFields": {"FIRSTNAME": "Ann"}}]
    )
    await retrieve(here, sandboxed)
    assert await contact_of(here, made.id) == contact_id
    await assert_quiet(here, sandboxed, sandbox)


async def test_contact_in_the_place_of_one_that_is_gone_is_linked_at_once(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database)
    await send(here, sandboxed)
    await retrieve(here, sandboxed)
    gone = await contact_of(here, made.id)
    sandbox.control.delete(ANN)
    sandbox.account.empty_recycle_bin()
    set_clock(sandbox, START + HOUR)
    (contact_id,) = sandbox.control.add_contacts(
        [{"identifiers": {"email": ANN}, "dataFields": {"FIRSTNAME": "Ann"}}]
    )
    counts = await retrieve(here, sandboxed)
    assert (counts["unlinked"], counts["updated"]) == (1, 1)
    assert gone != await contact_of(here, made.id) == contact_id
    assert calls(sandbox)["GET /contacts/v3/{identifier}/{value}"] == 1
    assert len(await people(here)) == 1
    await assert_quiet(here, sandboxed, sandbox)


async def test_members_who_waited_for_a_contact_wait_no_longer(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database, email="bob@example.com")
    list_id = await here.database.pool.fetchval(
        "INSERT INTO lists (name, account_id, synchronisation_with)"
        " VALUES ('Readers', $1, 'dotdigital') RETURNING id",
        sandboxed.id,
    )
    await here.database.pool.execute(
        "INSERT INTO list_members (list_id, person_id, sync_state) VALUES ($1, $2, 'waiting')",
        list_id,
        made.id,
    )
    add_bob(sandbox)
    await retrieve(here, sandboxed)
    assert await here.database.pool.fetchval("SELECT sync_state FROM list_members") == "pending"


async def test_dry_run_writes_nothing_and_says_what_it_would_do(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await make_people(here.database, 3)
    await send(here, sandboxed)
    sandbox.control.edit("p1@example.com", data_fields={"LASTNAME": "Jones"})
    sandbox.control.unsubscribe("p2@example.com")
    sandbox.control.delete("p3@example.com")
    add_bob(sandbox)
    before = await everything(here)
    assert await retrieve(here, sandboxed, "dry_run") == {
        "seen": 3,
        "created": 1,
        "updated": 1,
        "opted_out": 1,
        "unlinked": 1,
        "unchanged": 1,
    }
    assert await everything(here) == before
    assert calls(sandbox)["PUT /contacts/v3/import"] == 1, "that of the send before it"


async def everything(here: Replica) -> list[Any]:
    tables = ("people", "contact_links", "person_changes", "conflicts", "watermarks")
    return [
        [tuple(row) for row in await here.database.pool.fetch(f"SELECT * FROM {table}")]
        for table in tables
    ]
