"""Calls that changes of linked people cost, beside the fewest that the API allows."""

from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.people import make_people
from tests.integration.sync.traces import calls, due


async def send_linked(
    here: Replica, account: Account, sandbox: RunningSandbox, number: int
) -> None:
    await make_people(here.database, number)
    await here.run(account, "send_people")
    sandbox.sandbox.calls.clear()


async def test_a_thousand_opt_outs_cost_one_call(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await send_linked(here, sandboxed, sandbox, 1000)
    await here.database.pool.execute("UPDATE people SET no_email = true")
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["suppressed"] == 1000
    assert calls(sandbox) == {"PUT /v2/contacts/suppress-contacts": 1}
    assert await due(here) == []


async def test_a_hundred_changed_emails_cost_one_import_and_a_look_before_and_after(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await send_linked(here, sandboxed, sandbox, 100)
    await here.database.pool.execute("UPDATE people SET email = 'new.' || email")
    run = await here.run(sandboxed, "send_people")
    assert run["counts"]["updated"] == 100
    assert calls(sandbox) == {
        # Who went off there unread, and takes the opt-out of the old address along.
        "GET /v2/contacts/suppressed-since/{date}": 1,
        "PUT /contacts/v3/import": 1,
        "GET /contacts/v3/import/{importId}": 1,
    }
    assert min(each.email or "" for each in sandbox.account.contacts).startswith("new.")
    assert len(list(sandbox.account.contacts)) == 100
    assert await due(here) == []
