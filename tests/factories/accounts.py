"""Accounts, straight into the database, or over the API as a caller makes them."""

from typing import TYPE_CHECKING, Any

import httpx

from app.db import Database
from app.job_kinds import JOB_KINDS
from app.models import Account, ActivitySettings, Job

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox


async def make_account(database: Database, **overrides: Any) -> Account:  # noqa: ANN401 - any column
    """Store an account with its jobs, disabled, and its activity settings; return it.

    Its endpoint is a port where nothing listens, and its password can't be decrypted.
    """
    values: dict[str, Any] = {
        "name": "Main",
        "username": "apiuser-0a1b2c3d4e5f@apiconnector.com",
        "password_encrypted": b"unreadable",
        "endpoint": "http://127.0.0.1:9",
        "region": "r1",
        "dotdigital_account_id": 1001,
    }
    account = Account(**{**values, **overrides})
    async with database.writing() as session:
        session.add(account)
        await session.flush()
        session.add(ActivitySettings(account_id=account.id))
        session.add_all(
            Job(account_id=account.id, job=job, interval_seconds=300) for job in JOB_KINDS
        )
    return account


async def make_account_over_api(
    api: httpx.AsyncClient,
    sandbox: "RunningSandbox",
    **overrides: Any,  # noqa: ANN401 - any member of the body
) -> Any:  # noqa: ANN401 - it is what JSON is
    """Make the sandbox's default account here, as a caller does; return the answer's JSON."""
    body = {"name": "Main", "username": sandbox.username, "password": sandbox.password}
    answer = await api.post("/v1/accounts", json={**body, **overrides})
    assert answer.status_code == 201, answer.text
    return answer.json()
