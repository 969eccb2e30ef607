"""Whoever had opted out and was erased is not mailed again when made anew: a hash remembers it."""

import httpx
import pytest

from app.models import Account, Person
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica
from tests.factories.people import make_person
from tests.integration.sync.consent_traces import opt_in, opt_out, set_clock
from tests.integration.sync.retrieving import send
from tests.integration.sync.traces import link

ANN = "ann@example.com"
MOVED = "anna@example.com"


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


async def erase(api: httpx.AsyncClient, person: Person) -> None:
    answer = await api.post(f"/v1/people/{person.id}/erase")
    assert answer.status_code == 204, answer.text


def mailable(sandbox: RunningSandbox) -> list[str | None]:
    return [each.email for each in sandbox.account.contacts if each.email_status == "subscribed"]


@pytest.mark.parametrize("sent_before", [False, True], ids=["never sent", "linked"])
async def test_person_made_again_with_the_email_is_opted_out_from_the_start(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    api: httpx.AsyncClient,
    *,
    sent_before: bool,
) -> None:
    person = await make_person(here.database)
    if sent_before:
        await send(here, sandboxed)
    await opt_out(here, person.id, START)
    await erase(api, person)
    sandbox.account.empty_recycle_bin()
    again = await make_person(here.database, email="Ann@Example.com")
    other = await make_person(here.database, email="ben@example.com")
    await send(here, sandboxed)

    assert mailable(sandbox) == ["ben@example.com"]
    told = (await api.get(f"/v1/people/{again.id}/sync")).json()["items"][0]
    assert told["state"] == "suppressed"
    broken = {each["name"]: each["detail"] for each in told["conditions"] if not each["holds"]}
    assert "opted out before" in broken["address_not_opted_out"]
    linked = await link(here, other.id)
    assert linked is not None
    assert linked["state"] == "synced"


async def test_opt_out_is_remembered_while_dotdigital_is_dead(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, api: httpx.AsyncClient
) -> None:
    await here.database.pool.execute("UPDATE accounts SET state = 'bad_credentials'")
    await erase(api, await make_person(here.database, no_email=True, opted_out_at=START))
    await here.database.pool.execute("UPDATE accounts SET state = 'ok'")
    await make_person(here.database)
    await send(here, sandboxed)
    assert mailable(sandbox) == []


async def test_account_that_tells_of_no_unknown_address_doesnt_mail_it_either(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, api: httpx.AsyncClient
) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $1", {"suppress_unknown": False}
    )
    await erase(api, await make_person(here.database, no_email=True, opted_out_at=START))
    await make_person(here.database)
    await send(here, sandboxed)
    assert list(sandbox.account.contacts) == []


async def test_later_opt_in_lifts_it(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    api: httpx.AsyncClient,
    clock: FakeClock,
) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $1", {"resubscribe_mode": "no_challenge"}
    )
    await erase(api, await make_person(here.database, no_email=True, opted_out_at=START))
    again = await make_person(here.database)
    await send(here, sandboxed)
    clock.advance(3600)
    set_clock(sandbox, clock.now())
    await opt_in(here, again.id, clock.now())
    await send(here, sandboxed)
    assert mailable(sandbox) == [ANN]


async def test_whoever_was_not_opted_out_is_sent_when_made_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, api: httpx.AsyncClient
) -> None:
    await erase(api, await make_person(here.database))
    await make_person(here.database)
    await send(here, sandboxed)
    assert mailable(sandbox) == [ANN]


async def test_linked_person_who_takes_the_address_is_suppressed(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, api: httpx.AsyncClient
) -> None:
    await erase(api, await make_person(here.database, no_email=True, opted_out_at=START))
    other = await make_person(here.database, email=MOVED)
    await send(here, sandboxed)
    await here.database.pool.execute("UPDATE people SET email = $1 WHERE id = $2", ANN, other.id)
    await send(here, sandboxed)
    assert mailable(sandbox) == []


@pytest.mark.parametrize("holder", ["first", "second"])
async def test_whoever_else_has_the_address_stays_opted_out_by_it(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    api: httpx.AsyncClient,
    holder: str,
) -> None:
    first, second = await make_person(here.database), await make_person(here.database)
    await send(here, sandboxed)
    erased = first if holder == "first" else second
    await opt_out(here, erased.id, START)
    await erase(api, erased)
    sandbox.account.empty_recycle_bin()
    await send(here, sandboxed)
    assert mailable(sandbox) == []
