"""What a stalled replica asks of Dotdigital after somebody else took over, and who opted out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.clients.dotdigital import Transport
from app.clients.dotdigital.transport import Answer, Credentials
from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica, replica_on
from tests.factories.lists import make_members
from tests.factories.people import make_person
from tests.integration.sync.consent_traces import (
    opt_in,
    opt_out,
    opted_out,
    resubscribe,
    set_clock,
    status,
)
from tests.integration.sync.crashes import Died
from tests.integration.sync.list_traces import left_by_own_wish, listed, set_state
from tests.integration.sync.traces import calls

HOUR = timedelta(hours=1)
ASKED = "/v2/contacts/resubscribe-with-no-challenge"


class StallingTransport(Transport):
    """A transport that holds a call back until it is let go, in a process that may die then."""

    def __init__(self, path: str, *, dies: bool) -> None:
        super().__init__(("127.0.0.1",))
        self._path = path
        self.stalls = asyncio.Event()
        self.goes_on = asyncio.Event()
        self._dies = dies

    async def send(
        self, method: str, url: str, credentials: Credentials, body: bytes | None = None
    ) -> Answer:
        is_late = url.endswith(self._path)
        if is_late:
            self.stalls.set()
            await self.goes_on.wait()
        answer = await super().send(method, url, credentials, body)
        if is_late and self._dies:
            raise Died
        return answer


class Stalled:
    """A replica in the middle of asking, whose run another one has taken over."""

    def __init__(self, transport: StallingTransport, run: asyncio.Task[None]) -> None:
        self._transport = transport
        self._run = run

    async def wake_up(self) -> None:
        """Let the call go out, and the replica find out that it is too late."""
        self._transport.goes_on.set()
        with contextlib.suppress(Died):
            await self._run


@contextlib.asynccontextmanager
async def stalled(
    here: Replica,
    account: Account,
    *,
    dies: bool,
    path: str = ASKED,
    first: str = "SELECT 1",
    job: str = "send_people",
) -> AsyncIterator[Stalled]:
    """Give a replica that stalls where it is about to ask; its run goes on here, to the end.

    ``first``: what is changed before that.
    """
    async with StallingTransport(path, dies=dies) as transport:
        there = replica_on(here.database, transport, here.clock, here.settings)
        run_id = await here.trigger(account, job)
        run = asyncio.create_task(there.engine.execute(run_id))
        await transport.stalls.wait()
        await here.database.pool.execute(first)
        await here.engine.execute(run_id)
        other = Stalled(transport, run)
        yield other
        await other.wake_up()


@pytest.fixture(autouse=True)
def one_clock(sandbox: RunningSandbox) -> None:
    """Let Dotdigital's clock stand where ours does."""
    set_clock(sandbox, START)


@pytest.mark.parametrize("dies", [pytest.param(False, id="lives"), pytest.param(True, id="dies")])
async def test_late_opt_in_of_who_opted_out_meanwhile_is_undone_by_the_next_run(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock, dies: bool
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + timedelta(minutes=1))
    async with stalled(here, sandboxed, dies=dies) as other:
        assert status(sandbox) == "subscribed", "who took over asked as well"
        clock.advance(300)
        await opt_out(here, person_id, clock.now())
        await here.run(sandboxed, "send_people")
        assert status(sandbox) == "suppressed"
        clock.advance(60)
        await other.wake_up()
        assert status(sandbox) == "subscribed", "the late call came through"
        clock.advance(300)
        await here.run(sandboxed, "send_people")
    assert status(sandbox) == "suppressed"


async def test_late_opt_in_is_not_taken_for_a_wish(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + timedelta(minutes=1))
    async with stalled(here, sandboxed, dies=True) as other:
        clock.advance(300)
        set_clock(sandbox, clock.now())
        await opt_out(here, person_id, clock.now())
        await here.run(sandboxed, "send_people")
        await here.run(sandboxed, "retrieve_people")
        clock.advance(60)
        set_clock(sandbox, clock.now())
        await other.wake_up()
        clock.advance(30)
        set_clock(sandbox, clock.now())
        await here.run(sandboxed, "retrieve_people")
        await here.run(sandboxed, "send_people")
    assert await here.database.pool.fetchval("SELECT no_email FROM people")
    assert status(sandbox) == "suppressed"


async def test_late_opt_in_of_an_address_without_a_contact_is_undone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id: int = await here.database.pool.fetchval(
        """INSERT INTO people (email, no_email, opted_out_at)
           VALUES ('ann@example.com', true, $1) RETURNING id""",
        START - HOUR,
    )
    await here.run(sandboxed, "send_people")
    assert status(sandbox) == "unsubscribed"
    await here.database.pool.execute(
        "UPDATE people SET sync_with_mailer = true, no_email = false, opted_in_at = $1",
        START + timedelta(minutes=1),
    )
    set_clock(sandbox, START + timedelta(minutes=2))
    async with stalled(here, sandboxed, dies=True) as other:
        clock.advance(300)
        await opt_out(here, person_id, clock.now())
        await here.run(sandboxed, "send_people")
        clock.advance(60)
        await other.wake_up()
        clock.advance(300)
        await here.run(sandboxed, "send_people")
    assert status(sandbox) in {"suppressed", "unsubscribed"}


async def test_opt_out_in_doubt_is_told_again_ever_more_rarely_and_for_a_day_alone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + timedelta(minutes=1))
    async with stalled(here, sandboxed, dies=True):
        clock.advance(300)
        await opt_out(here, person_id, clock.now())
        await here.run(sandboxed, "send_people")
        sandbox.sandbox.calls.clear()
        for seconds in (*[300] * 12, *[3600] * 28):
            clock.advance(seconds)
            await here.run(sandboxed, "send_people")
        told = calls(sandbox)["PUT /v2/contacts/suppress-contacts"]
    assert 5 <= told <= 10
    assert await here.database.pool.fetchval("SELECT opt_in_doubt_at FROM contact_links") is None


async def test_answered_opt_in_leaves_no_doubt(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    await resubscribe(here, sandboxed, "no_challenge")
    person_id = await opted_out(here, sandboxed)
    await opt_in(here, person_id, START + timedelta(minutes=1))
    await here.run(sandboxed, "send_people")
    assert await here.database.pool.fetchval("SELECT opt_in_doubt_at FROM contact_links") is None
    await opt_out(here, person_id, START + HOUR)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    clock.advance(7200)
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == {}


@pytest.mark.parametrize("dies", [pytest.param(False, id="lives"), pytest.param(True, id="dies")])
@pytest.mark.parametrize("suppress_unknown", [True, False])
async def test_late_import_makes_nobody_a_contact_who_opted_out_meanwhile(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    *,
    suppress_unknown: bool,
    dies: bool,
) -> None:
    await here.database.pool.execute(
        "UPDATE accounts SET settings = $1", {"suppress_unknown": suppress_unknown}
    )
    await make_person(here.database)
    path, out = "/contacts/v3/import", "UPDATE people SET no_email = true"
    async with stalled(here, sandboxed, dies=dies, path=path, first=out) as other:
        clock.advance(60)
        await other.wake_up()
    clock.advance(300)
    await here.run(sandboxed, "send_people")
    assert status(sandbox) in {"suppressed", "unsubscribed"}


async def test_contact_in_doubt_stays_so_with_who_takes_it_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    first = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    second = await make_person(here.database)
    await here.database.pool.execute("UPDATE contact_links SET opt_in_doubt_at = $1", clock.now())
    await here.database.pool.execute("DELETE FROM people WHERE id = $1", first.id)
    await here.run(sandboxed, "send_people")
    doubts = "SELECT opt_in_doubt_at FROM contact_links WHERE person_id = $1"
    assert await here.database.pool.fetchval(doubts, second.id) is not None


@pytest.mark.parametrize("dies", [pytest.param(False, id="lives"), pytest.param(True, id="dies")])
async def test_late_return_from_an_audience_of_who_opted_out_meanwhile_is_undone(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, clock: FakeClock, dies: bool
) -> None:
    mailing_list, people = await listed(
        here, sandboxed, 1, entry_action="unsubscribe", resubscribe_mode="no_challenge"
    )
    await here.run(sandboxed, "send_lists")
    await set_state(here, mailing_list, people, "leaving")
    email, path = "p1@example.com", "/contacts/v3/import"
    async with stalled(here, sandboxed, dies=dies, path=path, job="send_lists") as other:
        assert status(sandbox, email) == "subscribed", "who took over brought it back as well"
        clock.advance(300)
        await opt_out(here, people[0].id, clock.now())
        await here.run(sandboxed, "send_people")
        assert status(sandbox, email) == "suppressed"
        clock.advance(60)
        await other.wake_up()
        assert status(sandbox, email) == "subscribed", "the late import came through"
        clock.advance(300)
        await here.run(sandboxed, "send_people")
    assert status(sandbox, email) == "suppressed"


@pytest.mark.parametrize(
    "dies, after_s",
    [pytest.param(False, 10, id="at once, if it lives"), pytest.param(True, 400, id="if it dies")],
)
async def test_late_return_to_a_list_of_who_opted_out_meanwhile_is_undone(
    here: Replica,
    sandboxed: Account,
    sandbox: RunningSandbox,
    clock: FakeClock,
    dies: bool,
    after_s: float,
) -> None:
    mailing_list, person = await left_by_own_wish(
        here, sandboxed, sandbox, resubscribe_mode="no_challenge"
    )
    set_clock(sandbox, START + timedelta(minutes=1))
    await make_members(here.database, mailing_list, [person])
    email, path = "p1@example.com", "/contacts/resubscribe-with-no-challenge"
    async with stalled(here, sandboxed, dies=dies, path=path, job="send_lists") as other:
        clock.advance(300)
        await opt_out(here, person.id, clock.now())
        await here.run(sandboxed, "send_people")
        assert status(sandbox, email) == "suppressed"
        clock.advance(60)
        await other.wake_up()
        assert status(sandbox, email) == "subscribed", "the late call came through"
        clock.advance(after_s)
        await here.run(sandboxed, "send_people")
    assert status(sandbox, email) == "suppressed"
