"""Who may read mappings, and who may change them."""

import httpx

from app.db import Database
from tests.factories.accounts import make_account
from tests.factories.api_keys import client_with
from tests.factories.mappings import make_mapping


async def test_mapping_needs_write(api: httpx.AsyncClient, database: Database) -> None:
    mapping = await make_mapping(database, await make_account(database))
    path = f"/v1/mappings/{mapping.id}"
    async with client_with(api, ["read"]) as reader:
        assert (await reader.get(path)).status_code == 200
        assert (await reader.patch(path, json={"when_blank": "keep"})).status_code == 403
        assert (await reader.delete(path)).status_code == 403
        assert (await reader.post("/v1/mappings", json={})).status_code == 403
    async with client_with(api, ["write"]) as writer:
        assert (await writer.delete(path)).status_code == 200
