"""People here and contacts there, changed in any order, beside a ledger of who may be mailed.

The ledger knows nothing of how the service decides. It holds, for each address, the latest opt-out
and the latest opt-in of any person or contact that has it, on one clock for both sides.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from app.clients.dotdigital import Transport
from app.db import Database
from app.models import Account
from app.services.account_settings import AccountSettings
from app.services.people_merge import hold_pair, merge_people
from app.services.settings_effects import make_affected_due
from app.settings import Settings
from sandbox.control.errors import UnknownError
from sandbox.server import RunningSandbox, running_sandbox
from sandbox.state.records import Contact
from tests.factories.engines import Replica, make_usable_account, replica_on
from tests.factories.mappings import make_mapping
from tests.integration.sync.crashes import Died, doomed_replica
from tests.integration.sync.one_clock import OneClock

Row = Mapping[str, Any]


_IS: Mapping[str, Callable[[Row], bool]] = {
    "there": lambda row: row["deleted_at"] is None,
    "opted in": lambda row: row["deleted_at"] is None and not row["no_email"],
    "opted out": lambda row: row["deleted_at"] is None and row["no_email"],
    "deleted": lambda row: row["deleted_at"] is not None and row["merged_into_id"] is None,
}


@dataclass(slots=True)
class Facts:
    """The latest opt-out and the latest opt-in of each address."""

    outs: dict[str, datetime] = field(default_factory=dict)
    ins: dict[str, datetime] = field(default_factory=dict)

    def opted_out(self, email: str, at: datetime) -> None:
        self.outs[email] = max(self.outs.get(email, at), at)

    def opted_in(self, email: str, at: datetime) -> None:
        self.ins[email] = max(self.ins.get(email, at), at)


class Ledger:
    """Who may be mailed, by what was said here and what was done there."""

    def __init__(self) -> None:
        self.here = Facts()
        self.there = Facts()
        self.people: Sequence[Row] = ()

    def take(self, people: Sequence[Row]) -> None:
        """Hold what the people say; what a person once said of an address stays said."""
        self.people = people
        for person in people:
            if person["deleted_at"] is not None or person["email_key"] is None:
                continue
            if person["opted_out_at"] is not None:
                self.here.opted_out(person["email_key"], person["opted_out_at"])
            if person["opted_in_at"] is not None and not person["no_email"]:
                self.here.opted_in(person["email_key"], person["opted_in_at"])

    def forbids(self, email: str, *, as_known_here: bool = False) -> bool:
        """Say whether this address must not be mailed, or asked whether it wants to be."""
        outs = [each.outs[email] for each in (self.here, self.there) if email in each.outs]
        ins = [each.ins[email] for each in (self.here, self.there) if email in each.ins]
        if as_known_here:
            outs = [self.here.outs[email]] if email in self.here.outs else []
        if outs and (not ins or max(outs) >= max(ins)):
            return True
        came_back = self.there.ins.get(email)
        return any(
            came_back is None or came_back <= person["opted_out_at"]
            for person in self.people
            if person["no_email"] and person["deleted_at"] is None and person["email_key"] == email
        )


class BothSides:
    """One database, one sandbox, and everything that can be done to either."""

    def __init__(
        self, database: Database, transport: Transport, settings: Settings, sandbox: RunningSandbox
    ) -> None:
        self._database = database
        self._transport = transport
        self._settings = settings
        self.sandbox = sandbox
        self.account: Account
        self.clock: OneClock
        self.here: Replica
        self.ledger: Ledger

    async def begin(self) -> None:
        """Empty both sides; one account, first_name mapped."""
        async with self._database.transaction() as connection:
            await connection.execute("SELECT set_config('dotsync.erasing', 'on', true)")
            for table in ("accounts", "people", "pgqueuer", "rate_buckets"):
                await connection.execute(f"DELETE FROM {table}")
        await self.sandbox.sandbox.reset()
        self.clock = OneClock(self.sandbox.sandbox.clock)
        self.here = replica_on(self._database, self._transport, self.clock, self._settings)
        self.account = await make_usable_account(
            self._database,
            self._settings,
            username=self.sandbox.username,
            password=self.sandbox.password,
            endpoint=self.sandbox.url,
            dotdigital_account_id=self.sandbox.account.id,
        )
        await make_mapping(self._database, self.account)
        self.ledger = Ledger()
        #: Contacts whose address, or existence, is the work of others there.
        self.by_hand: set[int] = set()
        self._ours: set[int] = set()
        #: When a contact came back by itself.
        self._came_back: dict[int, datetime] = {}
        self.ids: list[int] = []

    # What is done here.

    async def make(self, email: str, *, no_email: bool) -> None:
        at = self.clock.now()
        self.ids.append(
            await self._database.pool.fetchval(
                """INSERT INTO people (email, first_name, no_email, opted_out_at)
                   VALUES ($1, $2, $3, $4) RETURNING id""",
                email,
                f"N{len(self.ids)}",
                no_email,
                at if no_email else None,
            )
        )
        await self.look()

    def who(self, condition: str) -> list[int]:
        """Return the people of whom this is so."""
        return [row["id"] for row in self.ledger.people if _IS[condition](row)]

    async def change(self, condition: str, number: int, **values: object) -> None:
        """Change one of the people of whom this is so."""
        found = self.who(condition)
        names = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, start=2))
        await self._database.pool.execute(
            f"UPDATE people SET {names} WHERE id = $1",
            found[number % len(found)],
            *values.values(),
        )
        await self.look()

    async def opt_out(self, number: int) -> None:
        at = self._after("opted in", number, "opted_in_at", timedelta(0))
        await self.change("opted in", number, no_email=True, opted_out_at=at)

    async def opt_in(self, number: int) -> None:
        at = self._after("opted out", number, "opted_out_at", timedelta(microseconds=1))
        await self.change("opted out", number, no_email=False, opted_in_at=at)

    def _after(self, condition: str, number: int, instant: str, gap: timedelta) -> datetime:
        """Return now, or just after what the same person said before: here the order is known."""
        found = self.who(condition)
        person_id = found[number % len(found)]
        (said,) = [row[instant] for row in self.ledger.people if row["id"] == person_id]
        now = self.clock.now()
        return now if said is None else max(now, said + gap)

    async def merge(self, loser: int, survivor: int) -> None:
        """Merge two people who are there; the trigger's own clock is put right at once."""
        found = self.who("there")
        ids = found[loser % len(found)], found[survivor % len(found)]
        if ids[0] == ids[1]:
            return
        at = self.clock.now()
        async with self._database.transaction() as connection:
            pair = await hold_pair(connection, *ids)
            await merge_people(connection, pair, at, "test")
            await connection.execute(
                "UPDATE people SET opted_out_at = $2 WHERE id = $1 AND opted_out_at > $2",
                ids[1],
                at,
            )
        await self.look()

    async def set_account(self, **settings: object) -> None:
        async with self._database.writing() as session:
            found = await session.get_one(Account, self.account.id)
            before = AccountSettings.from_stored(found.settings)
            found.settings = {**found.settings, **settings}
            after = AccountSettings.from_stored(found.settings)
            found.version += 1
            await session.flush()
            await make_affected_due(session, found.id, before, after)

    # What is done there.

    async def add_there(self, email: str) -> None:
        """Somebody fills in a form there; an address that is off stays off."""
        before = self._contact(email)
        (contact_id,) = self.sandbox.control.add_contacts([{"identifiers": {"email": email}}])
        if before is None:
            contact = self.sandbox.control.contact(contact_id)
            self.by_hand.add(contact_id)
            self._ours.discard(contact_id)
            if contact.email_status == "subscribed" and not self._was_binned:
                self.ledger.there.opted_in(email.lower(), self.clock.now())

    async def suppress_there(self, email: str, status: str) -> None:
        contact = self._contact(email)
        if contact is not None and not contact.is_suppressed:
            self.sandbox.control.suppress(contact.id, status)
            flying = await self._rows("SELECT contact_id FROM import_records")
            if contact.id not in {row["contact_id"] for row in flying}:
                # Else a run has looked already, and it goes along to another address unseen.
                self.ledger.there.opted_out(email.lower(), self.clock.now())

    async def come_back_there(self, email: str) -> None:
        contact = self._contact(email)
        if contact is not None and contact.email_status != "subscribed":
            self.sandbox.control.resubscribe(contact.id)
            self.ledger.there.opted_in(email.lower(), self.clock.now())
            self._came_back[contact.id] = self.clock.now()

    async def delete_there(self, email: str, *, for_good: bool) -> None:
        contact = self._contact(email)
        if contact is not None:
            self.sandbox.control.delete(contact.id)
        if for_good:
            # What only Dotdigital knew of them, nobody knows any more.
            for each in self.sandbox.account.contacts.binned():
                self.ledger.there.outs.pop((each.email or "").lower(), None)
            self.sandbox.account.empty_recycle_bin()

    async def readdress_there(self, email: str, new: str) -> None:
        contact = self._contact(email)
        if contact is None:
            return
        with contextlib.suppress(ValueError):
            self.sandbox.control.edit(contact.id, email=new)
            self.by_hand.add(contact.id)
            self.ledger.there.outs.pop(email.lower(), None)

    def add_fault(self, kind: str, path: str, details: Mapping[str, Any]) -> None:
        self.sandbox.control.add_fault(kind, path=path, **details)

    async def release(self) -> None:
        """Let what hangs there go on; who waits for it no longer has a contact made by nobody."""
        before = {each.id for each in self.mailable()}
        self.sandbox.control.release_jobs()
        for job in list(self.sandbox.account.jobs._jobs.values()):
            await self.sandbox.account.jobs.look(job)
        flying = {row["email_key"] for row in await self._rows("SELECT * FROM import_records")}
        for contact in self.mailable():
            email = (contact.email or "").lower()
            if contact.id not in before and email not in flying and self.ledger.forbids(email):
                self.by_hand.add(contact.id)

    # Runs.

    async def run(self, job: str = "send_people", mode: str = "changes") -> str:
        """Run a job, or go on with one whose replica died; return how it ended."""
        self._begin_step()
        run_id = await self._database.pool.fetchval(
            "SELECT id FROM runs WHERE job = $1 AND status IN ('queued', 'running')", job
        )
        if run_id is None:
            run_id = await self.here.trigger(self.account, job, mode)
        await self.here.engine.execute(run_id)
        await self._end_step()
        status: str = (await self.here.row(run_id))["status"]
        if job == "send_people" and status in ("succeeded", "partial"):
            await self.check()
        return status

    async def crash(self, dealings: int, job: str = "send_people") -> None:
        """Run a job on a replica that dies on the way."""
        self._begin_step()
        doomed = doomed_replica(
            self._database, self._transport, self.clock, self._settings, dealings
        )
        run_id = await self._database.pool.fetchval(
            "SELECT id FROM runs WHERE job = $1 AND status IN ('queued', 'running')", job
        )
        if run_id is None:
            run_id = await self.here.trigger(self.account, job)
        with contextlib.suppress(Died):
            await doomed.engine.execute(run_id)
        with contextlib.suppress(Died):
            await doomed.engine.drained()
        await self._end_step()

    def _begin_step(self) -> None:
        self.sandbox.sandbox.calls.clear()
        self._mailable_before = {each.id: (each.email or "").lower() for each in self.mailable()}

    async def _end_step(self) -> None:
        """Hold what was asked of Dotdigital against the ledger as it stood."""
        for call in self.sandbox.sandbox.calls.recent:
            for email in _asked_back(call.template, call.body):
                assert not self.ledger.forbids(email), f"{email} was asked back"
            for email in _made_contacts(call.template, call.body):
                # What only Dotdigital knows, it goes by itself: the contact stays as it is.
                is_off = self.ledger.forbids(email, as_known_here=True)
                assert not is_off, f"{email} was to be made a contact"
        for contact in self.mailable():
            email = (contact.email or "").lower()
            if contact.id not in self._mailable_before:
                assert not self.ledger.forbids(email), f"{email} was made mailable"
                self._ours.add(contact.id)
            elif self._mailable_before[contact.id] != email:
                self.by_hand.discard(contact.id)
                self._ours.add(contact.id)
        await self.look()

    # What must hold.

    async def check(self) -> None:
        """Hold what stands there against the ledger, after a run that ended well."""
        links = {
            row["contact_id"]: row
            for row in await self._rows(
                """SELECT link.*, person.email_key AS person_email, person.no_email,
                          person.opted_out_at, person.deleted_at
                   FROM contact_links AS link JOIN people AS person ON person.id = person_id
                   WHERE contact_id IS NOT NULL"""
            )
        }
        flying = {row["email_key"] for row in await self._rows("SELECT * FROM import_records")}
        for contact in self.mailable():
            email = (contact.email or "").lower()
            if email in flying or contact.id in self.by_hand or not self.ledger.forbids(email):
                continue
            assert contact.id not in links, f"{email} is mailed, and linked"
            assert contact.id not in self._ours, f"{email} is mailed, and nobody's"
            assert not await self._must_be_told(email), f"{email} is mailed, and never was told"
        for contact in self.mailable():
            link = links.get(contact.id)
            if link is not None and link["no_email"] and link["deleted_at"] is None:
                back = self._came_back.get(contact.id)
                assert back is not None, f"contact of {link['person_email']} is mailed"
                assert back > link["opted_out_at"], f"contact of {link['person_email']} is mailed"

    async def _must_be_told(self, email: str) -> bool:
        settings = await self._database.pool.fetchval("SELECT settings FROM accounts")
        if not AccountSettings.from_stored(settings).suppress_unknown:
            return False
        return any(
            person["no_email"] and person["deleted_at"] is None and person["sync_with_mailer"]
            for person in self.ledger.people
            if person["email_key"] == email
        )

    async def end(self) -> None:
        """Let everything come to rest: nothing is due, nobody is wrong, and nothing is called."""
        self.sandbox.sandbox.faults.remove()
        await self.release()
        for _ in range(2):
            self.clock.advance(timedelta(days=2).total_seconds())
            await self.run()
            await self.run("monitor_imports")
        await self.run()
        await self._nobody_waits_for_ever()
        self.sandbox.sandbox.calls.clear()
        status = await self.run()
        assert status == "succeeded"
        assert dict(self.sandbox.sandbox.calls.by_template) == {}
        assert await self._rows("SELECT * FROM import_records") == []

    async def _nobody_waits_for_ever(self) -> None:
        left = await self._rows(
            """SELECT person_id, reason FROM person_changes AS due
               WHERE NOT EXISTS (SELECT FROM failures AS failure
                                 WHERE failure.subject_id = due.person_id
                                   AND failure.subject_type = 'person'
                                   AND failure.resolved_at IS NULL)"""
        )
        assert left == [], "due, and nobody says why"

    async def look(self) -> None:
        """Take into the ledger what the people say now."""
        self.ledger.take(await self._people())

    def mailable(self) -> Iterator[Contact]:
        """Yield the contacts that Dotdigital mails."""
        return (each for each in self.sandbox.account.contacts if each.email_status == "subscribed")

    def _contact(self, email: str) -> Contact | None:
        self._was_binned = any(
            (each.email or "").lower() == email.lower()
            for each in self.sandbox.account.contacts.binned()
        )
        try:
            return self.sandbox.control.contact(email)
        except UnknownError:
            return None

    async def _people(self) -> Sequence[Row]:
        return await self._rows("SELECT * FROM people ORDER BY id")

    async def _rows(self, query: str) -> list[Row]:
        return list(await self._database.pool.fetch(query))


def _asked_back(template: str, body: bytes | None) -> Iterator[str]:
    """Yield the address that a call asks to have mailed again."""
    if body and "resubscribe" in template:
        yield orjson.loads(body)["unsubscribedContact"]["email"].lower()


def _made_contacts(template: str, body: bytes | None) -> Iterator[str]:
    """Yield the addresses of which an import makes contacts, where there are none."""
    if body and template == "/contacts/v3/import":
        for entry in orjson.loads(body)["contacts"]:
            status = ((entry.get("channelProperties") or {}).get("email") or {}).get("status")
            if entry["matchIdentifier"] == "email" and status is None:
                yield entry["identifiers"]["email"].lower()


@contextlib.asynccontextmanager
async def both_sides(database_url: str, data_dir: Path) -> AsyncIterator[BothSides]:
    """Give both sides, to be begun anew as often as one likes."""
    database = Database(database_url, pool_size=5)
    await database.open()
    try:
        async with running_sandbox() as sandbox, Transport(("127.0.0.1",)) as transport:
            settings = Settings(
                _env_file=None,
                database_url=database_url,
                data_dir=data_dir,
                discovery_url=sandbox.url,
                allowed_hosts=("127.0.0.1",),
                scheduler_enabled=False,
                worker_enabled=False,
            )
            yield BothSides(database, transport, settings, sandbox)
    finally:
        await database.close()
