"""Opt-outs and opt-ins at known times, on both sides."""

from datetime import datetime
from typing import Any

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START
from tests.factories.engines import Replica
from tests.factories.people import make_person


def set_clock(sandbox: RunningSandbox, at: datetime) -> None:
    sandbox.control.move_clock(to=at.isoformat().replace("+00:00", "Z"), frozen=True)


async def opt_out(here: Replica, person_id: int, at: datetime) -> None:
    await here.database.pool.execute(
        "UPDATE people SET no_email = true, opted_out_at = $2 WHERE id = $1", person_id, at
    )


async def opt_in(here: Replica, person_id: int, at: datetime) -> None:
    await here.database.pool.execute(
        "UPDATE people SET no_email = false, opted_in_at = $2 WHERE id = $1", person_id, at
    )


async def resubscribe(here: Replica, account: Account, mode: str) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $2 WHERE id = $1",
        account.id,
        {"resubscribe_mode": mode},
    )


def status(sandbox: RunningSandbox, email: str = "ann@example.com") -> str:
    contact: dict[str, Any] = sandbox.control.read_contact(email)
    return str(contact["channelProperties"]["email"]["status"])


async def opted_out(here: Replica, account: Account) -> int:
    """Give a linked person who is opted out on both sides since START; return its id."""
    person = await make_person(here.database)
    await here.run(account, "send_people")
    await opt_out(here, person.id, START)
    await here.run(account, "send_people")
    return person.id


async def untold(here: Replica) -> int:
    count: int = await here.database.pool.fetchval(
        "SELECT count(*) FROM address_opt_outs WHERE confirmed_at IS NULL"
    )
    return count
