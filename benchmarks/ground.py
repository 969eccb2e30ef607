"""What the figures of one bench share: people in databases, sent or not, each made once."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.db import Database
from app.models import Account, Mapping
from app.services.cipher import CredentialsCipher, key_kept_in
from benchmarks.people_rows import MAPPINGS, fill, tidy
from benchmarks.places import StandIn, copied_database, fresh_database, opened, sandbox
from benchmarks.processes import MeasuringError, told_by


@dataclass(frozen=True, slots=True)
class Sent:
    """People that send_people has sent once, and what that took."""

    database: str
    url: str
    stand_in: StandIn
    #: What ``benchmarks.send ours`` told.
    told: dict[str, Any]


@dataclass(slots=True)
class Ground:
    """The places of one bench."""

    server_url: str
    #: Holds the key to the credentials, and files.
    folder: Path
    people: int
    #: Says what goes on.
    say: Callable[[str], None]
    stack: AsyncExitStack
    _filled: set[int] = field(default_factory=set)
    _sent: dict[int, Sent] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long one load goes on: enough to be steady, and not for long where it is a trial."""
        return 4.0 if self.people >= 100_000 else 1.5

    async def empty(self, name: str) -> str:
        """Make a migrated, empty database; return its URL."""
        return await fresh_database(self.server_url, name)

    async def people_database(self, people: int, name: str) -> str:
        """Make a database of so many people, who are nowhere else yet; return its URL."""
        template = f"people_{people}"
        if people not in self._filled:
            self.say(f"storing {people:,} people")
            async with opened(await self.empty(template)) as database:
                await fill(database, people)
            self._filled.add(people)
        return await copied_database(self.server_url, template, name)

    async def sent(self, people: int) -> Sent:
        """Send so many people with the job, in a process of its own; return how it went."""
        if people not in self._sent:
            stand_in = await self.stack.enter_async_context(sandbox())
            name = f"sent_{people}"
            url = await self.people_database(people, name)
            async with opened(url) as database:
                await self.make_account(database, stand_in)
            self.say(f"sending {people:,} people")
            told = await self.send(url, stand_in)
            if told["status"] != "succeeded" or told["rows"] != people:
                raise MeasuringError(f"sending {people} people ended so: {told}")
            async with opened(url) as database:
                await tidy(database)
            self._sent[people] = Sent(name, url, stand_in, told)
        return self._sent[people]

    async def send(
        self, url: str, stand_in: StandIn, what: str = "ours", *, repeat: int = 1
    ) -> dict[str, Any]:
        """Run send_people, or its limit, in a process of its own; return what it measured."""
        told: dict[str, Any] = await told_by(
            *("-m", "benchmarks.send", what, url),
            *(stand_in.url, stand_in.username, stand_in.password),
            *(str(self.folder), "--repeat", str(repeat)),
        )
        return told

    async def make_account(self, database: Database, stand_in: StandIn) -> int:
        """Store an account of the sandbox's with the mappings, whose fields it makes there."""
        cipher = CredentialsCipher([key_kept_in(self.folder)])
        async with httpx.AsyncClient(
            base_url=stand_in.url, auth=(stand_in.username, stand_in.password)
        ) as client:
            answer = (await client.get("/v2/account-info")).raise_for_status().json()
            for _, name, kind in MAPPINGS:
                # The default fields are there already.
                await client.post("/v2/data-fields", json={"name": name, "type": kind})
        account = Account(
            name="Bench",
            username=stand_in.username,
            password_encrypted=cipher.encrypt(stand_in.password),
            endpoint=stand_in.url,
            region="r1",
            dotdigital_account_id=answer["id"],
            settings={"import_wait_seconds": 600},
        )
        async with database.writing() as session:
            session.add(account)
            await session.flush()
            session.add_all(
                Mapping(
                    account_id=account.id,
                    person_field=person_field,
                    dotdigital_field=name,
                    data_field_type=kind,
                )
                for person_field, name, kind in MAPPINGS
            )
        return account.id
