"""The engine: what every run goes through, whatever its job does."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from app.clients.dotdigital import BadCredentials, Unreachable
from app.db import Database
from app.models import Account
from app.services.cipher import CredentialsCipher
from app.settings import Settings
from app.sync.engine import JobContext, JobFunction
from tests.clock import FakeClock
from tests.factories.accounts import make_account
from tests.factories.engines import Replica, make_usable_account, replica


class Script:
    """A job that does what the test hands it."""

    def __init__(self) -> None:
        self.body: JobFunction | None = None

    async def run(self, context: JobContext) -> None:
        assert self.body is not None
        await self.body(context)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def one(
    database: Database, clock: FakeClock, settings: Settings, script: Script
) -> AsyncIterator[Replica]:
    async with replica(database, clock, settings, {"send_people": script.run}) as made:
        yield made


@pytest.fixture
async def other(
    database: Database, clock: FakeClock, settings: Settings, script: Script
) -> AsyncIterator[Replica]:
    async with replica(database, clock, settings, {"send_people": script.run}) as made:
        yield made


@pytest.fixture
async def account(database: Database, settings: Settings) -> Account:
    return await make_usable_account(database, settings)


async def events(one: Replica, run_id: int) -> list[str]:
    rows = await one.database.pool.fetch(
        "SELECT event FROM run_events WHERE run_id = $1 ORDER BY id", run_id
    )
    return [row["event"] for row in rows]


async def test_run_records_its_counts_and_timeline(
    one: Replica, account: Account, script: Script
) -> None:
    async def body(context: JobContext) -> None:
        context.run.total = 3
        context.run.done = 3
        context.run.counts["created"] += 3
        await context.run.save()

    script.body = body
    row = await one.run(account, "send_people")
    assert row["status"] == "succeeded"
    assert row["counts"] == {"created": 3}
    assert (row["progress_done"], row["progress_total"], row["attempt"]) == (3, 3, 1)
    assert await events(one, row["id"]) == ["started", "succeeded"]


async def test_run_with_failed_records_is_partial(
    one: Replica, account: Account, script: Script
) -> None:
    async def body(context: JobContext) -> None:
        context.run.counts["failed"] += 1

    script.body = body
    assert (await one.run(account, "send_people"))["status"] == "partial"


async def test_fault_of_ours_says_nothing_of_the_inside(
    one: Replica, account: Account, script: Script
) -> None:
    async def body(context: JobContext) -> None:
        message = "secret inside"
        raise KeyError(message)

    script.body = body
    row = await one.run(account, "send_people")
    assert row["status"] == "failed"
    assert "secret" not in str(row["error"])
    assert row["error"]["status"] == 500


async def test_lost_key_says_which_setting_to_mend_and_heals_by_itself(
    one: Replica, account: Account, script: Script
) -> None:
    async def body(context: JobContext) -> None:
        context.run.calls["import"] += 1

    script.body = body
    theirs = account.password_encrypted
    another = CredentialsCipher([Fernet.generate_key().decode()]).encrypt("password")
    await one.database.pool.execute("UPDATE accounts SET password_encrypted = $1", another)
    with capture_logs() as logs:
        row = await one.run(account, "send_people")
    assert row["error"]["status"] == 409
    assert row["error"]["type"] == "/problems/credentials-unreadable"
    assert "DOTSYNC_CREDENTIALS_KEYS" in row["error"]["detail"]
    (ends,) = [each for each in logs if each["event"] == "run_ends"]
    assert ends["log_level"] == "warning"
    assert "DOTSYNC_CREDENTIALS_KEYS" in ends["detail"]
    shown = await one.database.pool.fetchrow("SELECT state, state_detail FROM accounts")
    assert shown["state"] == "unreachable"
    assert "DOTSYNC_CREDENTIALS_KEYS" in shown["state_detail"]

    await one.database.pool.execute("UPDATE accounts SET password_encrypted = $1", theirs)
    assert (await one.run(account, "send_people"))["status"] == "succeeded"
    assert await one.database.pool.fetchval("SELECT state FROM accounts") == "ok"


@pytest.mark.parametrize(
    "error, state",
    [
        pytest.param(BadCredentials("no"), "bad_credentials", id="credentials refused"),
        pytest.param(Unreachable("timeout"), "unreachable", id="no answer"),
    ],
)
async def test_account_shows_what_a_run_met_until_one_goes_well(
    one: Replica, account: Account, script: Script, error: Exception, state: str
) -> None:
    async def failing(context: JobContext) -> None:
        raise error

    async def well(context: JobContext) -> None:
        context.run.calls["highCallRate"] += 1

    script.body = failing
    row = await one.run(account, "send_people")
    assert row["status"] == "failed"
    assert row["error"]["detail"]
    query = "SELECT state, state_detail FROM accounts WHERE id = $1"
    shown = await one.database.pool.fetchrow(query, account.id)
    assert shown["state"] == state
    assert shown["state_detail"]

    script.body = well
    await one.run(account, "send_people")
    assert tuple(await one.database.pool.fetchrow(query, account.id)) == ("ok", None)


async def test_paused_account_stays_paused(
    one: Replica, database: Database, account: Account, script: Script
) -> None:
    async def pausing(context: JobContext) -> None:
        await database.pool.execute("UPDATE accounts SET state = 'paused'")

    script.body = pausing
    await one.run(account, "send_people")
    assert await database.pool.fetchval("SELECT state FROM accounts") == "paused"


async def test_password_that_no_key_fits_is_said_so(
    one: Replica, database: Database, script: Script
) -> None:
    async def body(context: JobContext) -> None:
        return None

    script.body = body
    account = await make_account(database)
    row = await one.run(account, "send_people")
    assert row["status"] == "failed"
    assert "DOTSYNC_CREDENTIALS_KEYS" in row["error"]["detail"]


async def test_cancelled_run_ends_at_its_next_checkpoint(
    one: Replica, account: Account, script: Script
) -> None:
    reached: list[str] = []

    async def body(context: JobContext) -> None:
        await context.database.pool.execute(
            "UPDATE runs SET cancel_requested_at = now() WHERE id = $1", context.run.id
        )
        reached.append("before")
        await context.run.save()
        reached.append("after")

    script.body = body
    row = await one.run(account, "send_people")
    assert row["status"] == "cancelled"
    assert reached == ["before"]


async def test_stopping_replica_hands_the_run_back_and_another_goes_on_from_its_checkpoint(
    one: Replica, other: Replica, account: Account, script: Script
) -> None:
    seen: list[object] = []

    async def body(context: JobContext) -> None:
        seen.append(context.run.checkpoint)
        if context.run.checkpoint is None:
            context.run.counts["created"] += 1
            one.engine.stop()
            await context.run.save({"after_id": 7})

    script.body = body
    run_id = await one.trigger(account, "send_people")
    await one.engine.execute(run_id)
    assert (await one.row(run_id))["status"] == "queued"

    await other.engine.execute(run_id)
    row = await other.row(run_id)
    assert seen == [None, {"after_id": 7}]
    assert (row["status"], row["attempt"], row["counts"]) == ("succeeded", 2, {"created": 1})
    assert await events(one, run_id) == ["started", "handed_back", "taken_over", "succeeded"]


async def test_stalled_attempt_can_write_nothing_once_another_has_taken_over(
    one: Replica, other: Replica, account: Account, script: Script
) -> None:
    stalled, go_on = asyncio.Event(), asyncio.Event()

    async def body(context: JobContext) -> None:
        if context.run.attempt == 1:
            stalled.set()
            await go_on.wait()
        context.run.counts["created"] += context.run.attempt
        async with context.run.fenced() as connection:
            await connection.execute("UPDATE accounts SET name = $1", f"{context.run.attempt}")

    script.body = body
    run_id = await one.trigger(account, "send_people")
    first = asyncio.create_task(one.engine.execute(run_id))
    await stalled.wait()
    await other.engine.execute(run_id)
    go_on.set()
    await first
    row = await one.row(run_id)
    assert (row["status"], row["attempt"], row["counts"]) == ("succeeded", 2, {"created": 2})
    assert await one.database.pool.fetchval("SELECT name FROM accounts") == "2"


async def test_ended_run_is_not_run_again(one: Replica, account: Account, script: Script) -> None:
    times: list[int] = []

    async def body(context: JobContext) -> None:
        times.append(1)

    script.body = body
    row = await one.run(account, "send_people")
    await one.engine.execute(row["id"])
    assert len(times) == 1
