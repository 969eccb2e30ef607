"""A replica on the sandbox, with one account that has a mapping."""

from collections.abc import AsyncIterator

import pytest

from app.db import Database
from app.models import Account
from app.settings import Settings
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.engines import Replica, make_usable_account, replica
from tests.factories.mappings import make_mapping


@pytest.fixture
async def here(database: Database, clock: FakeClock, settings: Settings) -> AsyncIterator[Replica]:
    """Give a replica that runs the service's own jobs."""
    async with replica(database, clock, settings) as made:
        yield made


@pytest.fixture
async def sandboxed(database: Database, settings: Settings, sandbox: RunningSandbox) -> Account:
    """Give an account of ours on the sandbox's, with first_name mapped to FIRSTNAME."""
    account = await make_usable_account(
        database,
        settings,
        username=sandbox.username,
        password=sandbox.password,
        endpoint=sandbox.url,
        dotdigital_account_id=sandbox.account.id,
    )
    await make_mapping(database, account)
    return account
