"""A sandbox in the process, and calls of its v2 the way its clients make them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.sandbox import PASSWORD, USERNAME, Sandbox
from sandbox.state import Account

Json: TypeAlias = Any


@dataclass(frozen=True)
class V2:
    """One account's v2."""

    account: Account
    http: httpx.AsyncClient
    control: Control

    async def call(
        self, method: str, path: str, body: object = None, **options: Json
    ) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return await self.http.request(method, f"/v2{path}", **options)

    async def done(
        self, method: str, path: str, body: object = None, status: int = 200, **options: Json
    ) -> Json:
        """Make a call that must go well; return its body, parsed, or None."""
        answer = await self.call(method, path, body, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refused(
        self, method: str, path: str, body: object = None, **options: Json
    ) -> tuple[int, str]:
        """Make a call that must be refused; return status and message."""
        answer = await self.call(method, path, body, **options)
        assert set(answer.json()) == {"message"}, answer.text
        return answer.status_code, answer.json()["message"]

    async def make_contact(self, email: str, **fields: object) -> int:
        """Make a contact; return its id."""
        data = [{"key": key, "value": value} for key, value in fields.items()]
        made = await self.done("POST", "/contacts", {"email": email, "dataFields": data}, 201)
        return int(made["id"])

    async def make_list(self, name: str = "News", **fields: object) -> int:
        """Make a list; return its id."""
        made = await self.done("POST", "/address-books", {"name": name, **fields}, 201)
        return int(made["id"])

    async def members(self, list_id: int) -> list[str]:
        """Return the emails of who is on a list."""
        found = await self.done("GET", f"/address-books/{list_id}/contacts")
        return [contact["email"] for contact in found]


@asynccontextmanager
async def calling_v2() -> AsyncIterator[V2]:
    """Open a fresh sandbox with one account, its clock standing still."""
    sandbox = Sandbox()
    sandbox.clock.freeze()
    account = sandbox.add_default_account()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(sandbox)),
        base_url="https://r1-api.sandbox.example",
        auth=(USERNAME, PASSWORD),
    ) as http:
        yield V2(account, http, Control(sandbox))
    await sandbox.world.close()
