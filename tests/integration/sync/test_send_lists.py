"""send_lists against the sandbox: lists and their members, and what each run costs."""

from typing import Any

from app.models import Account, MailingList
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people
from tests.integration.sync.traces import calls


async def states(here: Replica, mailing_list: MailingList) -> dict[int, str]:
    rows = await here.database.pool.fetch(
        "SELECT person_id, sync_state FROM list_members WHERE list_id = $1 ORDER BY 1",
        mailing_list.id,
    )
    return {row["person_id"]: row["sync_state"] for row in rows}


def there(sandbox: RunningSandbox, name: str = "Readers") -> list[str]:
    """Return the emails on Dotdigital's list of this name, ascending."""
    (the_list,) = [each for each in sandbox.account.lists if each.name == name]
    contacts = [sandbox.account.contacts.by_id(each) for each in the_list.members]
    return sorted(contact.email or "" for contact in contacts if contact)


async def test_members_are_put_onto_a_list_that_is_made_and_taken_off_it(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    mailing_list = await make_list(here.database, sandboxed)
    people = await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    await make_members(here.database, mailing_list, people)
    run: Any = await here.run(sandboxed, "send_lists")
    assert run["status"] == "succeeded", run
    assert (run["counts"]["lists_created"], run["counts"]["added"]) == (1, 3)
    assert there(sandbox) == ["p1@example.com", "p2@example.com", "p3@example.com"]
    assert set((await states(here, mailing_list)).values()) == {"synced"}
    await here.database.pool.execute(
        "UPDATE list_members SET sync_state = 'leaving' WHERE person_id <= 2"
    )
    sandbox.sandbox.calls.clear()
    run = await here.run(sandboxed, "send_lists")
    assert run["counts"]["removed"] == 2, (run, calls(sandbox))
    assert there(sandbox) == ["p3@example.com"]
    assert await states(here, mailing_list) == {people[2].id: "synced"}
