"""Accounts at the same moment as each other and as people, and keys that rotate."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI

from app.clients.dotdigital import AccountInfo, DataField
from app.db import Database
from app.errors import Conflict
from app.main import create_app
from app.models import Account
from app.services.account_survey import Survey
from app.services.accounts import create_account, delete_account, lock_account
from app.settings import Settings
from sandbox.server import RunningSandbox
from tests.clock import START, FakeClock
from tests.conftest import ADMIN_KEY
from tests.factories.accounts import make_account, make_account_over_api
from tests.factories.contact_links import due_people
from tests.factories.people import make_person
from tests.running import running

INFO = AccountInfo(
    id=1001,
    name="Harbour Trust",
    main_email="owner@harbour.example",
    endpoint="https://r2-api.dotdigital.com",
    region="r2",
    calls_in_last_hour=37,
    calls_remaining=1963,
    properties={},
)
SEEN = Survey(INFO, "https://r2-api.dotdigital.com", [DataField(name="CITY", type="String")], 12)


async def make(database: Database, username: str, survey: Survey = SEEN) -> Account:
    async with database.writing() as session:
        return await create_account(session, "Main", username, b"secret", None, survey, START)


async def until_somebody_waits(database: Database) -> None:
    async with asyncio.timeout(10):
        while not await database.pool.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE NOT granted AND datname = current_database())"
        ):
            pass


async def test_what_dotdigital_says_is_kept_with_the_account(database: Database) -> None:
    made = await make(database, "one")

    assert (made.endpoint, made.region) == ("https://r2-api.dotdigital.com", "r2")
    assert made.usage == {
        "calls_last_hour": 37,
        "calls_left": 1963,
        "lists_used": 12,
        "fields_used": {"String": 1, "Numeric": 0, "Date": 0, "Boolean": 0},
    }


async def test_of_two_accounts_for_one_api_user_at_the_same_moment_one_is_refused(
    database: Database,
) -> None:
    outcomes = await asyncio.gather(
        make(database, "one"), make(database, "ONE"), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["Account", "Conflict"]
    assert await database.pool.fetchval("SELECT count(*) FROM accounts") == 1


async def test_a_person_made_while_an_account_is_made_is_due_for_it(database: Database) -> None:
    async with database.writing() as session:
        made = await create_account(session, "Main", "one", b"secret", None, SEEN, START)
        meanwhile = asyncio.create_task(make_person(database))
        await until_somebody_waits(database)
    person = await meanwhile

    assert await due_people(database, made.id) == [person.id]


async def test_a_person_made_while_an_account_is_deleted_is_kept(database: Database) -> None:
    account = await make_account(database)
    async with database.writing() as session:
        await delete_account(session, await lock_account(session, account.id))
        meanwhile = asyncio.create_task(make_person(database))
        await until_somebody_waits(database)
    await meanwhile

    assert await database.pool.fetchval("SELECT count(*) FROM people") == 1
    assert await database.pool.fetchval("SELECT count(*) FROM person_changes") == 0


async def test_the_changes_of_an_account_go_with_it(database: Database) -> None:
    account, other = await make_account(database), await make_account(database, username="other")
    person = await make_person(database)
    async with database.writing() as session:
        await delete_account(session, await lock_account(session, account.id))

    assert await due_people(database, account.id) == []
    assert await due_people(database, other.id) == [person.id]


async def test_an_account_that_is_gone_leaves_the_others_api_users_taken(
    database: Database,
) -> None:
    account = await make_account(database)
    other = await make_account(database, username="other")
    async with database.writing() as session:
        await delete_account(session, await lock_account(session, account.id))
    with pytest.raises(Conflict, match="other"):
        await make(database, "other", replace(SEEN, lists_used=0))
    assert await database.pool.fetchval("SELECT id FROM accounts") == other.id


async def test_keys_are_rotated_by_putting_a_new_one_first_and_verifying(
    sandbox: RunningSandbox, settings: Settings, clock: FakeClock
) -> None:
    old, new, foreign = (Fernet.generate_key().decode() for _ in range(3))
    statuses = []
    account_id = None
    # The first verification under the new key writes the password with it.
    for keys in ((old,), (new, old), (new,), (foreign,)):
        keyed = settings.model_copy(update={"credentials_keys": keys})
        async with running(create_app(keyed, clock=clock)) as app, _client(app) as api:
            if account_id is None:
                account_id = (await make_account_over_api(api, sandbox))["id"]
            answer = await api.post(f"/v1/accounts/{account_id}/verify")
            statuses.append(answer.status_code)

    assert statuses == [200, 200, 200, 409]


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://dotsync",
        headers={"Authorization": f"Bearer {ADMIN_KEY}"},
    )
