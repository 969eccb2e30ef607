"""send_people and who opted out before: brought back only by a later opt-in, once and for all."""

from datetime import timedelta

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START
from tests.factories.engines import Replica
from tests.factories.people import make_people, make_person
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


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


@pytest.mark.parametrize(
    "mode, there, state",
    [
        pytest.param("no_challenge", "subscribed", "synced", id="at once"),
        pytest.param("challenge", "suppressed", "suppressed", id="by a challenge"),
        pytest.param("never", "suppressed", "suppressed", id="never"),
    ],
)
async def test_who_opts_in_is_brought_back_as_the_account_says(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    mode: str,
    there: str,
    state: str,
) -> None:
    await resubscribe(here, sandboxed, mode)
    person_id = await opted_out(here, sandboxed)
    assert status(sandbox) == "suppressed"
    await opt_in(here, person_id, START + HOUR)
    await here.run(sandboxed, "send_people")

    assert status(sandbox) == there
    stands = await link(here, person_id)
    assert stands is not None
    assert stands["state"] == state
    assert await due(here) == []


async def test_challenge_is_not_mailed_twice(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + HOUR)
    await here.run(sandboxed, "send_people")
    await here.database.pool.execute("UPDATE people SET first_name = 'B'")
    await here.run(sandboxed, "send_people")
    assert calls(sandbox)["POST /v2/contacts/resubscribe"] == 1
    assert sandbox.control.read_contact("ann@example.com")["dataFields"]["FIRSTNAME"] == "B"


async def test_who_unsubscribed_there_after_the_opt_in_here_is_not_brought_back(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + HOUR)
    set_clock(sandbox, START + 2 * HOUR)
    sandbox.control.resubscribe("ann@example.com")
    sandbox.control.unsubscribe("ann@example.com")
    await here.run(sandboxed, "send_people")

    assert status(sandbox) == "unsubscribed"
    person = await here.database.pool.fetchrow("SELECT * FROM people")
    assert (person["no_email"], person["opt_out_reason"]) == (True, "Unsubscribed")
    assert person["opted_out_at"] == START + 2 * HOUR


async def test_opt_out_of_a_second_person_with_the_email_keeps_it_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await opted_out(here, sandboxed)
    second = await make_person(here.database, email="ANN@example.com")
    await opt_out(here, second.id, START)
    await opt_in(here, person_id, START + HOUR)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "suppressed"


async def test_who_bounced_is_not_asked(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await opted_out(here, sandboxed)
    await here.database.pool.execute("UPDATE contact_links SET account_status = 'HardBounced'")
    await opt_in(here, person_id, START + HOUR)
    await here.run(sandboxed, "send_people")
    assert "POST /v2/contacts/resubscribe" not in calls(sandbox)


async def test_lost_answer_is_looked_up_before_anybody_is_asked_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + HOUR)
    path = "/v2/contacts/resubscribe-with-no-challenge"
    sandbox.control.add_fault("lost_answer", path=path, times=9)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.faults.remove()
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")

    stands = await link(here, person_id)
    assert stands is not None
    assert (stands["state"], stands["account_status"]) == ("synced", "subscribed")
    assert f"POST {path}" not in calls(sandbox)


async def test_challenge_whose_answer_was_lost_is_asked_for_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + HOUR)
    sandbox.control.add_fault("reset", path="/v2/contacts/resubscribe", times=1)
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "failed"
    await here.run(sandboxed, "send_people")
    stands = await link(here, person_id)
    assert stands is not None
    assert (stands["state"], stands["account_status"]) == ("suppressed", "pendingOptIn")
    assert await due(here) == []


async def test_opt_out_while_an_answer_is_in_doubt_is_told(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + HOUR)
    path = "/v2/contacts/resubscribe-with-no-challenge"
    sandbox.control.add_fault("lost_answer", path=path, times=9)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "subscribed"
    await opt_out(here, person_id, START + 2 * HOUR)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "suppressed"


async def test_contact_with_a_new_email_is_brought_back_under_that_one(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await here.database.pool.execute("UPDATE people SET email = 'ann@new.example'")
    await opt_in(here, person_id, START + HOUR)
    await here.run(sandboxed, "send_people")
    await here.run(sandboxed, "send_people")

    assert status(sandbox, "ann@new.example") == "subscribed"
    kept = await here.database.pool.fetchrow("SELECT * FROM address_opt_outs")
    assert (kept["email_key"], kept["source"]) == ("ann@example.com", "old_address")
    assert status(sandbox) == "unsubscribed", "the old address stays opted out"


async def test_never_a_contact_and_opted_out_goes_onto_the_suppression_list(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database, no_email=True)
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["suppressed"] == 1
    assert status(sandbox) == "unsubscribed"
    assert calls(sandbox) == {"POST /v2/contacts/unsubscribe": 1}
    await here.database.pool.execute("UPDATE people SET first_name = 'B'")
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {"POST /v2/contacts/unsubscribe": 1}
    stands = await link(here, person.id)
    assert stands is not None
    assert (stands["contact_id"], stands["reason"]) == (None, "no_email")


async def test_unknown_opt_outs_are_let_be_where_the_account_says_so(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $1", {"suppress_unknown": False}
    )
    await make_person(here.database, no_email=True)
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {}


async def test_a_thousand_unknown_opt_outs_cost_one_import_and_its_look(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 1000, no_email=True)
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["suppressed"] == 1000
    assert sum(calls(sandbox).values()) == 2
    assert {each.email_status for each in sandbox.account.contacts} == {"unsubscribed"}


async def test_import_of_opt_outs_that_hangs_is_looked_at_by_the_next_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 10, no_email=True)
    sandbox.control.add_fault("job_hangs", path="/contacts/v3/import", times=1)
    await here.run(sandboxed, "send_people")
    assert await untold(here) == 10
    sandbox.control.release_jobs()
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people")
    assert await untold(here) == 0
    assert "PUT /contacts/v3/import" not in calls(sandbox)


async def test_import_of_opt_outs_that_fails_is_made_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 10, no_email=True)
    sandbox.control.add_fault("job_ends", path="/contacts/v3/import", job_status="Failed", times=1)
    await here.run(sandboxed, "send_people")
    await here.run(sandboxed, "send_people")
    assert await untold(here) == 0
    assert len(list(sandbox.account.contacts)) == 10


async def test_address_is_lifted_by_a_later_opt_in_of_whoever_has_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person = await make_person(here.database, no_email=True, opted_out_at=START - HOUR)
    await here.run(sandboxed, "send_people")
    await opt_in(here, person.id, START + HOUR)
    set_clock(sandbox, START + 2 * HOUR)
    await here.run(sandboxed, "send_people")

    assert status(sandbox) == "subscribed"
    stands = await link(here, person.id)
    assert stands is not None
    assert (stands["state"], stands["account_status"]) == ("synced", "subscribed")
    assert await here.database.pool.fetchval("SELECT count(*) FROM address_opt_outs") == 0


async def test_old_address_of_who_opted_out_stays_out(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person_id = await opted_out(here, sandboxed)
    await here.database.pool.execute("UPDATE people SET email = 'ann@new.example'")
    await here.run(sandboxed, "send_people")
    assert status(sandbox, "ann@new.example") == "suppressed"
    assert status(sandbox) == "unsubscribed"
    stands = await link(here, person_id)
    assert stands is not None
    assert stands["email_key"] == "ann@new.example"
