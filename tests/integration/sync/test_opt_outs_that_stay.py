"""send_people and opt-outs that outlast who gave them, the contact, the call, an earlier one."""

from datetime import timedelta

import httpx
import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.accounts import make_account
from tests.factories.engines import Replica
from tests.factories.people import make_person
from tests.integration.sync.consent_traces import (
    opt_in,
    opt_out,
    opted_out,
    resubscribe,
    set_clock,
    status,
    untold,
)
from tests.integration.sync.traces import calls, due, link

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ANN = "ann@example.com"
IMPORT = "/contacts/v3/import"

GONE = [
    pytest.param("deleted_at = now()", id="deleted"),
    pytest.param("email = 'bob@example.com'", id="with another email"),
    pytest.param("email = NULL", id="without an email"),
]


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


async def change(here: Replica, person_id: int, assignment: str) -> None:
    await here.database.pool.execute(f"UPDATE people SET {assignment} WHERE id = $1", person_id)


async def let_be_unknown(here: Replica) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $1", {"suppress_unknown": False}
    )


async def wait(here: Replica, sandbox: RunningSandbox, time: timedelta) -> None:
    """Let time pass on both sides."""
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(time.total_seconds())
    set_clock(sandbox, here.clock.now())


def mailable(sandbox: RunningSandbox) -> list[str | None]:
    return [each.email for each in sandbox.account.contacts if each.email_status == "subscribed"]


@pytest.mark.parametrize("leaves", GONE)
async def test_address_stays_out_though_who_opted_out_left_it_before_any_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, leaves: str
) -> None:
    left = await make_person(here.database, no_email=True, opted_out_at=START)
    await change(here, left.id, leaves)
    second = await make_person(here.database)
    await here.run(sandboxed, "send_people")

    assert mailable(sandbox) == []
    stands = await link(here, second.id)
    assert stands is not None
    assert stands["reason"] == "address_opted_out"


@pytest.mark.parametrize("leaves", GONE)
async def test_older_opt_in_brings_nobody_back_once_who_opted_out_has_left(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, leaves: str
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    await make_person(here.database, opted_in_at=START - HOUR)
    await here.run(sandboxed, "send_people")
    second = await make_person(here.database, no_email=True, opted_out_at=START)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "suppressed"
    await change(here, second.id, leaves)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "suppressed"


async def test_later_opt_in_is_all_it_takes_for_an_address_that_dotdigital_never_heard_of(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    left = await make_person(here.database, no_email=True, opted_out_at=START)
    await change(here, left.id, "deleted_at = now()")
    await make_person(here.database, opted_in_at=START + HOUR)
    await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == [ANN]
    assert set(calls(sandbox)) == {f"PUT {IMPORT}", f"GET {IMPORT}/{{importId}}"}


async def test_new_account_knows_the_addresses_that_were_left_before_it(
    here: Replica, sandboxed: Account
) -> None:
    moved = await make_person(here.database, no_email=True, opted_out_at=START)
    await change(here, moved.id, "email = 'bob@example.com'")
    await make_person(
        here.database, email="cy@example.com", no_email=True, opted_out_at=START, deleted_at=START
    )
    made = await make_account(here.database, username="second", dotdigital_account_id=2)
    rows = await here.database.pool.fetch(
        "SELECT email_key, source, opted_out_at FROM address_opt_outs WHERE account_id = $1",
        made.id,
    )
    assert {tuple(row) for row in rows} == {
        (ANN, "left", START),
        ("cy@example.com", "left", START),
    }


async def test_another_dotdigital_account_is_told_of_addresses_that_the_first_one_knew(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, api: httpx.AsyncClient
) -> None:
    await make_person(here.database, no_email=True, opted_out_at=START)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "unsubscribed"
    await here.database.pool.execute("DELETE FROM mappings")
    other = sandbox.control.add_account(username="second@apiconnector.com", password="word")
    credentials = {"username": "second@apiconnector.com", "password": "word"}
    answer = await api.patch(f"/v1/accounts/{sandboxed.id}", json=credentials)
    assert answer.status_code == 200

    await here.run(sandboxed, "send_people")
    stands = other.find("email", ANN)
    assert stands is not None
    assert stands.email_status == "unsubscribed"


async def test_contact_that_came_back_by_itself_is_suppressed_by_a_newer_opt_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await opted_out(here, sandboxed)
    sandbox.control.resubscribe(ANN)
    await opt_in(here, person_id, START + HOUR)
    await opt_out(here, person_id, START + 2 * HOUR)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "suppressed"
    assert await due(here) == []


async def test_same_opt_out_is_not_told_twice(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await opted_out(here, sandboxed)
    sandbox.sandbox.calls.clear()
    await change(here, person_id, "first_name = 'B'")
    await here.run(sandboxed, "send_people")
    assert "PUT /v2/contacts/suppress-contacts" not in calls(sandbox)


async def test_address_that_came_back_by_itself_is_told_a_newer_opt_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database, no_email=True, opted_out_at=START - HOUR)
    await here.run(sandboxed, "send_people")
    sandbox.control.resubscribe(ANN)
    await opt_in(here, person.id, START)
    await opt_out(here, person.id, START + HOUR)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "unsubscribed"


async def test_who_was_hard_bounced_stays_so_when_its_opt_out_is_told(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Else a later opt-in would have a dead address mailed again."""
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    sandbox.control.hard_bounce(ANN)
    await here.database.pool.execute("UPDATE contact_links SET account_status = 'hardBounced'")
    await opt_out(here, person.id, START)
    await here.run(sandboxed, "send_people")
    stands = await link(here, person.id)
    assert stands is not None
    assert stands["account_status"] == "hardBounced"


UNSURE = [
    pytest.param({"kind": "lost_answer", "times": 9}, id="the answer is lost"),
    pytest.param({"kind": "report_loses", "share": 1.0}, id="the report leaves it out"),
]


@pytest.mark.parametrize("fault", UNSURE)
@pytest.mark.parametrize(
    "then", ["first_name = 'B'", "deleted_at = now()", "sync_with_mailer = false"]
)
async def test_who_opts_out_after_an_import_of_unknown_end_is_not_mailed(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    fault: dict[str, object],
    then: str,
) -> None:
    """Also where the account leaves addresses alone that it never had."""
    await let_be_unknown(here)
    person = await make_person(here.database)
    sandbox.control.add_fault(path=IMPORT, **fault)  # type: ignore[arg-type]
    await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == [ANN]
    sandbox.sandbox.faults.remove()
    await opt_out(here, person.id, START + HOUR)
    await change(here, person.id, then)
    await wait(here, sandbox, DAY)
    await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == []
    assert await due(here) == []


async def test_who_opts_out_after_an_import_that_never_was_makes_no_contact(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await let_be_unknown(here)
    person = await make_person(here.database)
    sandbox.control.add_fault("reset", path=IMPORT, times=9)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.faults.remove()
    await opt_out(here, person.id, START + HOUR)
    await wait(here, sandbox, DAY)
    await here.run(sandboxed, "send_people")
    assert list(sandbox.account.contacts) == []
    assert await untold(here) == 0
    sandbox.sandbox.calls.clear()
    await change(here, person.id, "first_name = 'B'")
    await here.run(sandboxed, "send_people")
    assert calls(sandbox).keys() <= {"GET /v2/data-fields"}, "it was told once and for all"

    await opt_in(here, person.id, START + 2 * DAY)
    await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == [ANN]


async def test_email_that_another_contact_has_is_suppressed_where_its_new_owner_opted_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Its own contact can't get the address, so the one that has it is not to be mailed."""
    person_id = await opted_out(here, sandboxed)
    sandbox.control.add_contacts([{"identifiers": {"email": "taken@example.com"}}])
    await change(here, person_id, "email = 'taken@example.com'")
    await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == []
    assert status(sandbox, "taken@example.com") == "suppressed"
    await wait(here, sandbox, DAY)
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")
    assert "PUT /v2/contacts/suppress-contacts" not in calls(sandbox)


async def test_opt_out_that_comes_while_the_answer_is_awaited_outlasts_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Somebody with the address opts out and leaves, just when Dotdigital takes the opt-in."""
    await resubscribe(here, sandboxed, "no_challenge")
    person = await make_person(here.database, no_email=True, opted_out_at=START - HOUR)
    await here.run(sandboxed, "send_people")
    await opt_in(here, person.id, START)
    await here.database.pool.execute(
        """
        CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.account_status = 'subscribed' THEN
                INSERT INTO people (email, no_email, opted_out_at)
                VALUES ('ann@example.com', true, timestamptz '2026-01-05 10:00Z');
                UPDATE people SET deleted_at = now() WHERE no_email;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER meddle AFTER UPDATE ON contact_links
        FOR EACH ROW EXECUTE FUNCTION meddle();
        """
    )
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute("DROP TRIGGER meddle ON contact_links")
    await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == []


@pytest.mark.parametrize("there", ["unsubscribed", "hardBounced"])
async def test_email_that_opted_out_there_is_not_mailed_to_who_takes_it_over_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, there: str
) -> None:
    first = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    await make_person(here.database)
    await here.run(sandboxed, "send_people")
    sandbox.control.suppress(ANN, there)
    await change(here, first.id, "email = 'cat@example.com'")
    for _ in range(2):
        await here.run(sandboxed, "send_people")
    assert mailable(sandbox) == []
    assert await due(here) == []


async def test_old_address_that_opted_out_there_stays_out_though_nobody_has_read_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Nobody else has it here yet; who gets it later is not mailed."""
    person = await make_person(here.database, email="old@example.com")
    await here.run(sandboxed, "send_people")
    sandbox.control.unsubscribe("old@example.com")
    await here.database.pool.execute("UPDATE people SET email = 'new@example.com'")
    await here.run(sandboxed, "send_people")
    assert sandbox.control.contact("new@example.com").id is not None

    later = await make_person(here.database, email="old@example.com", first_name="Bob")
    run = await here.run(sandboxed, "send_people")
    assert later.id != person.id
    assert (run["counts"]["skipped"], run["counts"].get("created", 0)) == (1, 0)
