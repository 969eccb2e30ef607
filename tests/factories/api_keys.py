"""API keys, and clients that carry them."""

import contextlib
from collections.abc import AsyncIterator, Sequence

import httpx


@contextlib.asynccontextmanager
async def client_with(
    api: httpx.AsyncClient, scopes: Sequence[str]
) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the same service whose key has these scopes alone."""
    made = await api.post("/v1/api-keys", json={"name": "narrow", "scopes": list(scopes)})
    assert made.status_code == 201, made.text
    async with httpx.AsyncClient(
        transport=api._transport,
        base_url=api.base_url,
        headers={"Authorization": f"Bearer {made.json()['key']}"},
    ) as client:
        yield client
