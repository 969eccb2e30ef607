"""A sandbox that is called in the process, with every answer noted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.sandbox import PASSWORD, USERNAME, Sandbox
from sandbox.state import Account

Json: TypeAlias = Any

UNKNOWN_GUID = "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6"
SINCE = "2020-01-02T03:04:05Z"


@dataclass(frozen=True)
class Answered:
    """One call and what came back; the body parsed where it is JSON, None where there is none."""

    method: str
    path: str
    status: int
    body: Json


@dataclass
class Walk:
    """A fresh sandbox, and what it answered so far."""

    sandbox: Sandbox
    account: Account
    control: Control
    http: httpx.AsyncClient
    answers: list[Answered] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Json = None, **options: Json) -> Answered:
        """Make a call and note what comes back."""
        if body is not None:
            options["json"] = body
        answer = await self.http.request(method, path, **options)
        parsed: Json = answer.text or None
        if answer.headers.get("content-type", "").startswith("application/json"):
            parsed = answer.json()
        noted = Answered(method, path.partition("?")[0], answer.status_code, parsed)
        self.answers.append(noted)
        return noted

    async def good(self, method: str, path: str, body: Json = None, **options: Json) -> Json:
        """Make a call that must go well; return its body."""
        noted = await self.call(method, path, body, **options)
        assert noted.status < 400, noted
        return noted.body

    async def bad(self, method: str, path: str, body: Json = None, **options: Json) -> None:
        """Make a call that must be refused."""
        noted = await self.call(method, path, body, **options)
        assert 400 <= noted.status < 500, noted


@asynccontextmanager
async def beginning_walk() -> AsyncIterator[Walk]:
    """Open a sandbox in the process."""
    sandbox = Sandbox()
    account = sandbox.add_default_account()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(sandbox)),
        base_url="https://r1-api.sandbox.example",
        auth=(USERNAME, PASSWORD),
    ) as http:
        yield Walk(sandbox, account, Control(sandbox), http)
    await sandbox.world.close()
