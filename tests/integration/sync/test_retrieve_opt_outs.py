"""retrieve_people and consent: what is said there holds, unless something was said here later."""

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.engines import Replica
from tests.factories.people import make_person
from tests.integration.sync.retrieving import (
    ANN,
    HOUR,
    assert_quiet,
    opt_in,
    opt_out,
    people,
    person,
    retrieve,
    send,
    set_clock,
    status,
)
from tests.integration.sync.traces import calls, link


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


@pytest.fixture(params=["moves", "stays"])
def updated(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> str:
    """Let a change of status move the contact's time of change, or not: neither is known."""
    if request.param == "stays":
        sandbox.control.set_settings({"updated_moves_on": ["data"]})
    return str(request.param)


async def linked(here: Replica, account: Account, **columns: object) -> int:
    """Make a person who is a contact; return its id."""
    made = await make_person(here.database, **columns)
    await send(here, account)
    return made.id


async def set_mode(here: Replica, account: Account, mode: str) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $2 WHERE id = $1",
        account.id,
        {"resubscribe_mode": mode},
    )


@pytest.mark.usefixtures("updated")
@pytest.mark.parametrize(
    "there, reason",
    [
        ("unsubscribed", "Unsubscribed"),
        ("suppressed", "Suppressed"),
        ("ispComplained", "IspComplained"),
        ("domainSuppressed", "DomainSuppression"),
    ],
)
async def test_suppression_there_is_an_opt_out_here_with_its_reason_and_date(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, there: str, reason: str
) -> None:
    person_id = await linked(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    sandbox.control.suppress(ANN, there)
    assert (await retrieve(here, sandboxed))["opted_out"] == 1
    row = await person(here)
    assert (row["no_email"], row["opt_out_reason"]) == (True, reason)
    assert row["opted_out_at"] == START + HOUR
    assert row["email_undeliverable"] is False
    stands = await link(here, person_id)
    assert stands is not None
    assert (stands["state"], stands["account_status"]) == ("suppressed", reason)
    await assert_quiet(here, sandboxed, sandbox)
    assert "opted_out" not in await retrieve(here, sandboxed, "full"), "the same again is no news"


@pytest.mark.usefixtures("updated")
async def test_hard_bounce_makes_the_address_undeliverable_and_is_no_wish(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await linked(here, sandboxed)
    sandbox.control.hard_bounce(ANN)
    assert (await retrieve(here, sandboxed))["undeliverable"] == 1
    row = await person(here)
    assert (row["email_undeliverable"], row["no_email"]) == (True, False)
    await assert_quiet(here, sandboxed, sandbox)
    set_clock(sandbox, START + HOUR)
    sandbox.control.resubscribe(ANN)
    await retrieve(here, sandboxed, "full")
    assert (await person(here))["email_undeliverable"] is False
    await assert_quiet(here, sandboxed, sandbox)


async def test_our_own_suppression_is_no_news_when_it_comes_back(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await linked(here, sandboxed)
    second = await make_person(here.database, email="ANN@example.com")
    await opt_out(here, person_id, START)
    await send(here, sandboxed)
    before = await people(here)
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    assert await people(here) == before
    assert not (await person(here, second.id))["no_email"]
    await assert_quiet(here, sandboxed, sandbox)


async def test_who_resubscribes_there_later_is_opted_in_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await linked(here, sandboxed)
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    sandbox.control.resubscribe(ANN)
    assert (await retrieve(here, sandboxed))["opted_in"] == 1
    row = await person(here)
    assert (row["no_email"], row["opted_in_at"]) == (False, START + HOUR)
    assert row["opt_out_reason"] is None
    await assert_quiet(here, sandboxed, sandbox)
    assert status(sandbox) == "subscribed"


async def test_who_resubscribes_there_after_we_told_the_opt_out_is_opted_in_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await linked(here, sandboxed)
    await opt_out(here, person_id, START)
    await send(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    sandbox.control.resubscribe(ANN)
    assert (await retrieve(here, sandboxed))["opted_in"] == 1
    await assert_quiet(here, sandboxed, sandbox)


async def test_resubscription_at_the_time_of_the_opt_out_loses(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await linked(here, sandboxed)
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    sandbox.control.resubscribe(ANN)
    assert "opted_in" not in await retrieve(here, sandboxed)
    assert (await person(here))["no_email"]
    await send(here, sandboxed)
    assert status(sandbox) == "suppressed"


async def test_resubscription_of_an_unknown_time_loses(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.set_settings({"updated_moves_on": ["data"]})
    await linked(here, sandboxed)
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    sandbox.control.resubscribe(ANN)
    assert "opted_in" not in await retrieve(here, sandboxed, "full")
    await send(here, sandboxed)
    assert status(sandbox) == "suppressed"


async def test_opt_out_here_that_was_never_told_wins_over_a_resubscription_there(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """Known to be off, so that nothing was told; and a later change hides when it came back."""
    person_id = await linked(here, sandboxed)
    await opt_out(here, person_id, START)
    await send(here, sandboxed)
    await set_mode(here, sandboxed, "never")
    await opt_in(here, person_id, START + HOUR)
    await send(here, sandboxed)
    set_clock(sandbox, START + 2 * HOUR)
    sandbox.control.resubscribe(ANN)
    await opt_out(here, person_id, START + 3 * HOUR)
    await send(here, sandboxed)
    set_clock(sandbox, START + 4 * HOUR)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Smith"})
    assert "opted_in" not in await retrieve(here, sandboxed)
    assert (await person(here))["no_email"]
    await send(here, sandboxed)
    assert status(sandbox) == "suppressed"


async def test_who_opted_in_here_since_is_left_to_the_send_job(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await set_mode(here, sandboxed, "no_challenge")
    person_id = await linked(here, sandboxed, no_email=False)
    sandbox.control.unsubscribe(ANN)
    await opt_out(here, person_id, START - HOUR)
    await opt_in(here, person_id, START + HOUR)
    assert "opted_out" not in await retrieve(here, sandboxed)
    assert not (await person(here))["no_email"]
    await send(here, sandboxed)
    assert status(sandbox) == "subscribed"
    await assert_quiet(here, sandboxed, sandbox)


async def test_challenged_contact_is_no_news_until_it_confirms(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await linked(here, sandboxed)
    await opt_out(here, person_id, START)
    await send(here, sandboxed)
    await opt_in(here, person_id, START + HOUR)
    await send(here, sandboxed)
    set_clock(sandbox, START + 2 * HOUR)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Smith"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    stands = await link(here, person_id)
    assert stands is not None
    assert (stands["account_status"], stands["state"]) == ("pendingOptIn", "suppressed")
    await assert_quiet(here, sandboxed, sandbox)

    set_clock(sandbox, START + 3 * HOUR)
    sandbox.control.resubscribe(ANN)
    assert await retrieve(here, sandboxed) == {"seen": 1, "opted_in": 1}
    stands = await link(here, person_id)
    assert stands is not None
    assert (stands["account_status"], stands["state"]) == ("subscribed", "synced")
    assert not (await person(here))["no_email"]
    await assert_quiet(here, sandboxed, sandbox)


async def test_everybody_who_has_the_address_is_opted_out_and_in_with_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await linked(here, sandboxed)
    await make_person(here.database, email="ANN@example.com")
    sandbox.control.unsubscribe(ANN)
    assert (await retrieve(here, sandboxed))["opted_out"] == 2
    assert [row["no_email"] for row in await people(here)] == [True, True]
    set_clock(sandbox, START + HOUR)
    sandbox.control.resubscribe(ANN)
    assert (await retrieve(here, sandboxed))["opted_in"] == 2
    await assert_quiet(here, sandboxed, sandbox)


async def test_strictest_opt_out_of_who_shares_the_address_holds(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await linked(here, sandboxed)
    second = await make_person(here.database, email="ANN@example.com")
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    sandbox.control.resubscribe(ANN)
    await here.database.pool.execute(
        "UPDATE people SET opted_out_at = $2 WHERE id = $1", second.id, START + 2 * HOUR
    )
    assert "opted_in" not in await retrieve(here, sandboxed)
    await send(here, sandboxed)
    assert status(sandbox) == "suppressed"


async def test_suppression_without_a_readable_date_is_an_opt_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await linked(here, sandboxed)
    await opt_out(here, person_id, START - 2 * HOUR)
    await opt_in(here, person_id, START - HOUR)
    sandbox.control.unsubscribe(ANN)
    sandbox.control.add_fault(
        "spoilt_rows", path="/v2/contacts/suppressed-since/*", spoil="malformed_date"
    )
    assert (await retrieve(here, sandboxed))["opted_out"] == 1
    row = await person(here)
    assert row["no_email"]
    assert row["opted_out_at"] >= START


async def test_never_a_contact_and_opted_out_stays_no_contact(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database, no_email=True, opted_out_at=START)
    await send(here, sandboxed)
    assert status(sandbox) == "unsubscribed"
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    stands = await link(here, made.id)
    assert stands is not None
    assert stands["contact_id"] is None
    await assert_quiet(here, sandboxed, sandbox)


async def test_never_a_contact_and_back_there_by_itself_is_opted_in_and_linked(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    made = await make_person(here.database, no_email=True, opted_out_at=START - HOUR)
    await send(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    sandbox.control.resubscribe(ANN)
    assert (await retrieve(here, sandboxed))["opted_in"] == 1
    assert not (await person(here))["no_email"]
    stands = await link(here, made.id)
    assert stands is not None
    assert stands["contact_id"] is not None
    assert await here.database.pool.fetch("SELECT * FROM address_opt_outs") == []
    await send(here, sandboxed)
    assert status(sandbox) == "subscribed"
    await assert_quiet(here, sandboxed, sandbox)


async def test_new_contact_that_is_off_becomes_a_person_who_is(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_contacts([{"identifiers": {"email": ANN}}])
    sandbox.control.unsubscribe(ANN)
    assert await retrieve(here, sandboxed) == {"seen": 1, "created": 1, "opted_out": 1}
    row = await person(here)
    assert (row["no_email"], row["opt_out_reason"]) == (True, "Unsubscribed")
    await assert_quiet(here, sandboxed, sandbox)


async def test_who_opted_out_here_and_is_mailed_there_is_suppressed(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database, no_email=True, opted_out_at=START)
    sandbox.control.add_contacts([{"identifiers": {"email": ANN}}])
    await retrieve(here, sandboxed)
    assert (await person(here))["no_email"]
    await send(here, sandboxed)
    assert status(sandbox) == "suppressed"
    await assert_quiet(here, sandboxed, sandbox)


async def test_the_other_accounts_are_told(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await linked(here, sandboxed)
    other = await make_account(here.database, name="Other", dotdigital_account_id=2)
    await here.database.pool.execute("DELETE FROM person_changes")
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    waiting = await here.database.pool.fetch(
        "SELECT * FROM person_changes WHERE account_id = $1 AND reason = 'changed'", other.id
    )
    assert [row["person_id"] for row in waiting] == [person_id]


async def test_unsubscribe_with_a_new_email_on_the_way_is_the_persons(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await linked(here, sandboxed)
    await here.database.pool.execute("UPDATE people SET email = 'ann@new.example'")
    sandbox.control.unsubscribe(ANN)
    await retrieve(here, sandboxed)
    assert (await person(here, person_id))["no_email"]
    await send(here, sandboxed)
    assert status(sandbox, "ann@new.example") == "unsubscribed"
    assert status(sandbox) == "unsubscribed", "the old address stays off as well"


async def test_thousands_of_suppressions_cost_a_call_a_thousand(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    for contact_id in sandbox.control.generate_contacts(1100):
        sandbox.control.unsubscribe(contact_id)
    counts = await retrieve(here, sandboxed)
    assert (counts["created"], counts["opted_out"]) == (1100, 1100)
    assert calls(sandbox)["GET /v2/contacts/suppressed-since/{date}"] == 2
    assert sum(row["no_email"] for row in await people(here)) == 1100
