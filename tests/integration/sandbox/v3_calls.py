"""A sandbox in the process, and calls of its v3, each answer held against the vendor's document."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import httpx

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.sandbox import PASSWORD, USERNAME, Sandbox
from sandbox.state import Account
from tests.contract.vendor_documents import VendorDocuments
from tests.shared import missing_reason, shared_path

Json: TypeAlias = Any

#: For clients of plain HTTP: making their own would read every certificate of the machine.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@cache
def vendor() -> VendorDocuments | None:
    """Return the judge; None where the documents are not there."""
    return None if missing_reason() else VendorDocuments(shared_path())


@dataclass(frozen=True)
class V3:
    """One account's v3."""

    sandbox: Sandbox
    account: Account
    control: Control
    http: httpx.AsyncClient

    async def call(
        self, method: str, path: str, body: object = None, **options: Json
    ) -> httpx.Response:
        """Make a call; whatever comes back fits the vendor's document."""
        if body is not None:
            options["json"] = body
        answer = await self.http.request(method, path, **options)
        if (judge := vendor()) is not None:
            parsed = answer.json() if answer.content else None
            faults = judge.answer_faults(method, path, answer.status_code, parsed)
            assert not faults, f"{method} {path}: {answer.status_code} {answer.text}\n{faults}"
        return answer

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
        """Make a call that must be refused; return status and code."""
        answer = await self.call(method, path, body, **options)
        return answer.status_code, answer.json()["errorCode"]

    async def patch(self, path: str, body: object, status: int = 200, **options: Json) -> Json:
        """Change one contact, or make it, by ``email/ann@b.example`` or the like."""
        return await self.done("PATCH", f"/contacts/v3/{path}", body, status, **options)

    async def get(self, path: str) -> Json:
        """Return one contact."""
        return await self.done("GET", f"/contacts/v3/{path}")

    async def submit(self, *entries: object, option: str | None = None) -> str:
        """Send an import; return its id."""
        body: dict[str, object] = {"contacts": list(entries)}
        if option is not None:
            body["mergeOption"] = option
        accepted = await self.done("PUT", "/contacts/v3/import", body, 202)
        return str(accepted["importId"])

    async def report(self, import_id: str) -> Json:
        """Look at an import."""
        return await self.done("GET", f"/contacts/v3/import/{import_id}")

    async def imported(self, *entries: object, option: str | None = None) -> Json:
        """Send an import and return its report."""
        report = await self.report(await self.submit(*entries, option=option))
        assert report["status"] == "Finished"
        return report

    async def import_one(self, *, option: str | None = None, **parts: object) -> Json:
        """Import ann@b.example, who must be taken; return the contact."""
        report = await self.imported({**entry(), **parts}, option=option)
        assert report["failures"] == []
        [taken] = report["created"] + report["updated"]
        return await self.get(f"contactId/{taken['contactId']}")


def entry(match: str = "email", **parts: object) -> dict[str, object]:
    """Make an entry of an import, for ann@b.example unless it says whose."""
    return {"matchIdentifier": match, "identifiers": {"email": "ann@b.example"}, **parts}


def email_status(status: str, **options: object) -> dict[str, object]:
    """Make the channel properties that ask for a status of the email channel."""
    return {"email": {"status": status, **({"resubscribeOptions": options} if options else {})}}


def codes(report: Json) -> list[list[str]]:
    """Return the failure codes of a report, a list an entry."""
    return [[one["failureCode"] for one in each["failures"]] for each in report["failures"]]


@asynccontextmanager
async def calling_v3() -> AsyncIterator[V3]:
    """Open a fresh sandbox with one account, its clock standing still."""
    sandbox = Sandbox()
    sandbox.clock.freeze()
    account = sandbox.add_default_account()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(sandbox)),
        base_url="https://r1-api.sandbox.example",
        auth=(USERNAME, PASSWORD),
    ) as http:
        yield V3(sandbox, account, Control(sandbox), http)
    await sandbox.world.close()
