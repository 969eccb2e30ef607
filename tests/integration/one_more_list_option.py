"""The service with one more option of lists, declared below and nowhere else; says what it met.

A process of its own, run by `test_one_more_list_option`: the option has to be there before anything
else is imported, as if it stood in `app/list_options.py`.
"""
# ruff: noqa: E402

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from app import list_options


class WithGreeting(list_options.ListOptions):
    """The declaration: type, words, default, and what makes no sense with it."""

    greeting: Annotated[
        Literal["none", "mail", "letter"],
        Field(description="What whoever joins is sent first."),
    ] = "none"

    def nonsense(self) -> Iterator[list_options.Nonsense]:
        yield from super().nonsense()
        if self.entry_action == "unsubscribe" and self.greeting != "none":
            yield list_options.Nonsense("greeting", "Nobody is greeted who is unsubscribed.")


vars(list_options)["ListOptions"] = WithGreeting

import httpx
from fastapi import FastAPI

from app.db import Database
from app.main import create_app
from app.models import Account
from app.openapi_page import as_markdown
from app.settings import Settings
from app.sync.engine import JobContext
from app.sync.members.synced_lists import read_lists
from tests.clock import FakeClock
from tests.factories.engines import make_usable_account, replica
from tests.running import running

KEY = "test-admin-key-0123456789abcdef0123456789"
#: As an older version stored it: without the option.
OLDER = """
    INSERT INTO lists (name, account_id, synchronisation_with, options)
    VALUES ('Older', $1, 'dotdigital', '{"exit_action": "ignore"}')
"""


async def main(database_url: str, folder: str) -> dict[str, Any]:
    settings = Settings(
        _env_file=None,
        database_url=database_url,
        data_dir=Path(folder),
        bootstrap_api_key=SecretStr(KEY),
        discovery_url="http://127.0.0.1:9",
        allowed_hosts=("127.0.0.1",),
        scheduler_enabled=False,
        worker_enabled=False,
    )
    database = Database(database_url, pool_size=2)
    await database.open()
    try:
        account = await make_usable_account(database, settings)
        await database.pool.execute(OLDER, account.id)
        async with running(create_app(settings, clock=FakeClock())) as app, calling(app) as api:
            met = await over_the_api(api, account.id) | await in_the_documents(api)
        return met | {"the job reads": await in_the_job(database, settings, account)}
    finally:
        await database.close()


def calling(app: FastAPI) -> httpx.AsyncClient:
    """Give a client of this service that carries an admin key."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://dotsync",
        headers={"Authorization": f"Bearer {KEY}"},
    )


async def over_the_api(api: httpx.AsyncClient, account_id: int) -> dict[str, Any]:
    """Use the option as a caller does; return what the answers say of it."""
    body = {"name": "Readers", "synchronisation_with": "dotdigital", "account_id": account_id}
    made = await api.post("/v1/lists", json={**body, "greeting": "mail"})
    path = made.headers.get("Location", "/v1/lists/0")
    answers = {
        "made": made,
        "got": await api.get(path),
        "left out of a change": await api.patch(path, json={"description": "Who asked"}),
        "left out of a replacement": await api.put(path, json=body),
        "changed": await api.patch(path, json={"greeting": "letter"}),
        "null": await api.patch(path, json={"greeting": None}),
        "an unknown word": await api.patch(path, json={"greeting": "song"}),
        "nonsense": await api.patch(path, json={"entry_action": "unsubscribe"}),
    }
    listed = (await api.get("/v1/lists")).json()["items"]
    return {
        **{what: told(answer) for what, answer in answers.items()},
        "listed": {each["name"]: each.get("greeting") for each in listed},
    }


def told(answer: httpx.Response) -> Any:  # noqa: ANN401 - the option, or what is wrong
    body = answer.json()
    if answer.is_success:
        return body.get("greeting")
    return [f"{each['pointer']}: {each['detail']}" for each in body["errors"]]


async def in_the_documents(api: httpx.AsyncClient) -> dict[str, Any]:
    document = (await api.get("/openapi.json")).json()
    shapes = document["components"]["schemas"]
    fields = {name: shape.get("properties", {}).get("greeting") for name, shape in shapes.items()}
    return {
        "documents": {name: field for name, field in fields.items() if field},
        "required in": [name for name in fields if "greeting" in shapes[name].get("required", ())],
        "on the page": as_markdown(document).count("What whoever joins is sent first."),
    }


async def in_the_job(database: Database, settings: Settings, account: Account) -> dict[str, str]:
    """Run send_lists as far as it reads its lists; return what it has of the option."""
    read: dict[str, str] = {}

    async def run(context: JobContext) -> None:
        for one in await read_lists(context):
            assert isinstance(one.options, WithGreeting)
            read[one.name] = one.options.greeting

    async with replica(database, FakeClock(), settings, {"send_lists": run}) as here:
        await here.run(account, "send_lists")
    return read


if __name__ == "__main__":
    json.dump(asyncio.run(main(*sys.argv[1:])), sys.stdout)
