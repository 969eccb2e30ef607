"""retrieve_people against the sandbox: what is made there comes here, and nothing goes back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person
from tests.integration.sync.traces import calls, due, link

HOUR = timedelta(hours=1)
ANN = "ann@example.com"
#: Calls that change something there.
WRITES = {
    "PUT /contacts/v3/import",
    "PUT /v2/contacts/suppress-contacts",
    "POST /v2/contacts/unsubscribe",
    "POST /v2/contacts/resubscribe",
    "POST /v2/contacts/resubscribe-with-no-challenge",
    "DELETE /contacts/v3/{identifier}/{value}",
    "POST /contacts/v3/delete",
}


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


def set_clock(sandbox: RunningSandbox, at: datetime) -> None:
    sandbox.control.move_clock(to=at.isoformat().replace("+00:00", "Z"), frozen=True)


async def two_way(here: Replica, account: Account, **overrides: Any) -> None:
    """Let last_name go both ways."""
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


async def person(here: Replica, person_id: int | None = None) -> Mapping[str, Any]:
    row: Mapping[str, Any] = await here.database.pool.fetchrow(
        "SELECT * FROM people WHERE id = coalesce($1, id) ORDER BY id LIMIT 1", person_id
    )
    return row


async def assert_quiet(here: Replica, account: Account, sandbox: RunningSandbox) -> None:
    """A further round of both jobs writes nothing there."""
    sandbox.sandbox.calls.clear()
    await send(here, account)
    await here.run(account, "retrieve_people")
    await send(here, account)
    assert WRITES.isdisjoint(calls(sandbox)), calls(sandbox)
    assert await due(here) == []


async def test_unsubscribe_there_is_an_opt_out_here(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_person(here.database)
    await send(here, sandboxed)
    set_clock(sandbox, START + HOUR)
    sandbox.control.unsubscribe(ANN)
    assert await retrieve(here, sandboxed) == {"seen": 1, "opted_out": 1, "unchanged": 1}
    row = await person(here)
    assert (row["no_email"], row["opt_out_reason"]) == (True, "Unsubscribed")
    assert row["opted_out_at"] == START + HOUR
    stands = await link(here, row["id"])
    assert stands is not None
    assert (stands["state"], stands["account_status"]) == ("suppressed", "Unsubscribed")
    await assert_quiet(here, sandboxed, sandbox)


async def test_new_contact_becomes_a_person(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_contacts(
        [
            {
                "identifiers": {"email": "Bob@Example.com", "mobileNumber": "+447911123456"},
                "dataFields": {"FIRSTNAME": "Bob"},
            }
        ]
    )
    assert await retrieve(here, sandboxed) == {"seen": 1, "created": 1}
    row = await person(here)
    assert (row["email"], row["first_name"], row["kind"]) == ("Bob@Example.com", "Bob", "person")
    assert row["mobile_number"] == "+447911123456"
    assert await retrieve(here, sandboxed) == {"seen": 1, "unchanged": 1}
    await assert_quiet(here, sandboxed, sandbox)


async def test_value_that_moved_there_alone_is_taken(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await two_way(here, sandboxed)
    await make_person(here.database, last_name="Smith")
    await send(here, sandboxed)
    sandbox.control.edit(ANN, data_fields={"LASTNAME": "Jones"})
    assert await retrieve(here, sandboxed) == {"seen": 1, "updated": 1}
    assert (await person(here))["last_name"] == "Jones"
    await assert_quiet(here, sandboxed, sandbox)
