"""Looks at lists and their members on both sides after a run, and puts members where they start."""

from collections.abc import Sequence
from typing import Any

from app.models import Account, MailingList, Person
from sandbox.server import RunningSandbox
from sandbox.state import ContactList
from tests.factories.engines import Replica
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people


async def states(here: Replica, mailing_list: MailingList) -> dict[int, str]:
    """Return the members' states by person."""
    rows = await here.database.pool.fetch(
        "SELECT person_id, sync_state FROM list_members WHERE list_id = $1 ORDER BY 1",
        mailing_list.id,
    )
    return {row["person_id"]: row["sync_state"] for row in rows}


async def member(here: Replica, mailing_list: MailingList, person: Person) -> dict[str, Any]:
    """Return a member's row."""
    row = await here.database.pool.fetchrow(
        "SELECT * FROM list_members WHERE list_id = $1 AND person_id = $2",
        mailing_list.id,
        person.id,
    )
    return dict(row)


async def list_row(here: Replica, mailing_list: MailingList) -> dict[str, Any]:
    """Return the list's row."""
    row = await here.database.pool.fetchrow("SELECT * FROM lists WHERE id = $1", mailing_list.id)
    return dict(row)


def twin(sandbox: RunningSandbox, name: str = "Readers") -> ContactList:
    """Return Dotdigital's list of this name; there must be one."""
    (found,) = [each for each in sandbox.account.lists if each.name == name]
    return found


def on_list(sandbox: RunningSandbox, name: str = "Readers") -> list[str]:
    """Return the emails on Dotdigital's list of this name, ascending."""
    contacts = [sandbox.account.contacts.by_id(each) for each in twin(sandbox, name).members]
    return sorted(contact.email or "" for contact in contacts if contact is not None)


async def failures(here: Replica, subject_type: str = "member") -> list[dict[str, Any]]:
    """Return the open failures of send_lists."""
    rows = await here.database.pool.fetch(
        """
        SELECT * FROM failures
        WHERE job = 'send_lists' AND subject_type = $1 AND resolved_at IS NULL ORDER BY id
        """,
        subject_type,
    )
    return [dict(row) for row in rows]


async def events(here: Replica) -> list[str]:
    """Return the lines of every run's timeline, but for those of the engine."""
    rows = await here.database.pool.fetch("SELECT event FROM run_events ORDER BY id")
    usual = {"started", "taken_over", "succeeded", "partial", "failed", "cancelled"}
    return [row["event"] for row in rows if row["event"] not in usual]


async def listed(
    here: Replica,
    account: Account,
    number: int = 3,
    **options: Any,  # noqa: ANN401 - any column
) -> tuple[MailingList, list[Person]]:
    """Make so many contacts who are about to join a list with these options."""
    mailing_list = await make_list(here.database, account, **options)
    people = await make_people(here.database, number)
    await here.run(account, "send_people")
    await make_members(here.database, mailing_list, people)
    return mailing_list, people


async def set_state(
    here: Replica, mailing_list: MailingList, people: Sequence[Person], state: str
) -> None:
    """Let these members be in this state from now on."""
    await here.database.pool.execute(
        """
        UPDATE list_members SET sync_state = $3, changed_at = $4
        WHERE list_id = $1 AND person_id = ANY ($2::bigint[])
        """,
        mailing_list.id,
        [person.id for person in people],
        state,
        here.clock.now(),
    )


async def left_by_own_wish(
    here: Replica,
    account: Account,
    sandbox: RunningSandbox,
    **options: Any,  # noqa: ANN401
) -> tuple[MailingList, Person]:
    """Let a member opt out of the list in Dotdigital, and leave it here."""
    mailing_list, people = await listed(here, account, 1, exit_action="ignore", **options)
    await here.run(account, "send_lists")
    contact = sandbox.control.contact("p1@example.com")
    sandbox.account.subscriptions.unsubscribe_from_list(
        contact, twin(sandbox), sandbox.account.clock.stamp()
    )
    await set_state(here, mailing_list, people, "leaving")
    await here.run(account, "send_lists")
    return mailing_list, people[0]
