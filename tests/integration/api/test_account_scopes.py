"""What each scope lets a caller do with accounts."""

import httpx

from app.db import Database
from tests.factories.accounts import make_account
from tests.factories.api_keys import client_with


async def test_reading_needs_read_changing_admin_and_verifying_sync(
    api: httpx.AsyncClient, anonymous: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    path = f"/v1/accounts/{account.id}"
    async with client_with(api, ["read", "write", "sync"]) as writer:
        assert (await writer.get(path)).status_code == 200
        assert (await writer.patch(path, json={"name": "New"})).status_code == 403
        assert (await writer.delete(path)).status_code == 403
        assert (await writer.post("/v1/accounts", json={})).status_code == 403
    async with client_with(api, ["read"]) as reader:
        assert (await reader.post(f"{path}/verify")).status_code == 403
    assert (await anonymous.get(path)).status_code == 401
