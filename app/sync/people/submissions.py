"""Imports that a run submits and watches itself: intent before the call, outcome after.

What becomes of an import once Dotdigital has it is in `imports`.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.clients.dotdigital import DotdigitalError, MergeOption, Rejected, WaitForSlot
from app.db import PoolConnection
from app.services.erasure import SUBMITTING
from app.sync.engine import JobContext
from app.sync.failures import record_people
from app.sync.people.imports import SQL, lose, poll, tell_after_all
from app.sync.people.person_failures import PersonFailure
from app.sync.people.person_records import Entry
from app.sync.rules.poll_intervals import wait_before_poll
from app.sync.runs import RunStopped, Superseded
from app.sync.statements import statements
from app.sync.turns import sparingly

log = structlog.get_logger(__name__)

SEND_SQL = statements("send_people")

_RECORD_COLUMNS = (
    "account_id",
    "person_id",
    "import_id",
    "version",
    "changed_at",
    "email_key",
    "contact_id",
    "mobile_number",
    "consent_ids",
    "note",
    "suppressed",
    "fingerprint",
    "payload",
)
#: Submissions under way at once: one goes out while the next batch is made ready.
_UNDER_WAY = 2
#: How long a run waits for others to leave an import slot, all in all.
_SLOT_PATIENCE_S = 600.0
_SLOT_WAIT_S = 5.0
#: Around the contacts of an import's body.
_ENVELOPE_BYTES = 64


class Batch:
    """Entries of one import as they come together, up to the account's limits."""

    def __init__(self, merge_option: MergeOption, max_entries: int, max_bytes: int) -> None:
        """Begin empty."""
        self.merge_option = merge_option
        self.entries: list[Entry] = []
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = _ENVELOPE_BYTES

    def takes(self, entry: Entry) -> bool:
        """Say whether the entry still fits; one that is too large alone fits an empty batch."""
        if not self.entries:
            return True
        return (
            len(self.entries) < self._max_entries
            and self._bytes + len(entry.encoded) + 1 <= self._max_bytes
        )

    def add(self, entry: Entry) -> None:
        """Put the entry in."""
        self.entries.append(entry)
        self._bytes += len(entry.encoded) + 1

    def take_all(self) -> list[Entry]:
        """Return the entries and begin anew."""
        entries, self.entries, self._bytes = self.entries, [], _ENVELOPE_BYTES
        return entries


class PlanChanged(Exception):  # noqa: N818 - a signal: begin again with what stands now
    """The account's settings or mappings were changed since the payloads were made."""


@dataclass(slots=True)
class _Open:
    dotdigital_id: str
    records: int
    polls: int
    next_poll_at: datetime


class Submissions:
    """The imports of one run."""

    def __init__(self, context: JobContext) -> None:
        """Begin with none."""
        self._context = context
        #: What the payloads are made by; nothing is sent by another one, see `PlanChanged`.
        self.generation = ""
        self._open: dict[int, _Open] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        #: Open imports that are being looked at.
        self._looks: dict[int, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._unrecorded: dict[int, Sequence[Entry]] = {}
        self._last_at = context.clock.now()

    async def adopt(self) -> None:
        """Watch the imports that an earlier attempt of the run left open, as if they were ours."""
        if self._context.run.attempt == 1:
            return
        for row in await self._context.database.pool.fetch(SQL["left_open"], self._context.run.id):
            self._open[row["id"]] = _Open(
                row["dotdigital_import_id"], row["records"], row["polls"], row["next_poll_at"]
            )

    @property
    def pending(self) -> int:
        """How many records are in imports that are still open."""
        return sum(each.records for each in self._open.values())

    def unrecorded(self) -> Iterator[Entry]:
        """Yield the entries that were handed over and stand in no table yet."""
        for entries in self._unrecorded.values():
            yield from entries

    async def submit(self, entries: list[Entry], merge_option: MergeOption) -> None:
        """Send these as an import, in the background; waits while too many are open.

        Raises what an earlier one of this run met: DotdigitalError, or Superseded.
        """
        while len(self._under_way) >= _UNDER_WAY:
            await self._one_comes_through()
        limit = self._context.account_settings.max_open_imports
        while len(self._open) + len(self._under_way) >= limit:
            if self._open:
                await self._look_at_next()
            else:
                await self._one_comes_through()
        self._unrecorded[id(entries)] = entries
        self._under_way.add(asyncio.create_task(self._submit(entries, merge_option)))

    async def drop(self, entries: Sequence[Entry]) -> None:
        """Send none of these after all: they stay due, and so does who was held back for them."""
        for entry in entries:
            entry.is_dropped = True
        emails = [entry.email_key for entry in entries]
        async with self._context.run.fenced() as connection:
            await connection.execute(SQL["make_sharers_due"], self._context.account_id, emails)

    async def all_submitted(self) -> None:
        """Wait until Dotdigital has every import; raises as `submit` does."""
        while self._under_way:
            await self._one_comes_through()

    def look(self) -> None:
        """Look at those imports whose time has come, in the background.

        Raises what an earlier look met: DotdigitalError.
        """
        self._end_looks()
        self._begin_looks()

    async def watch(self) -> None:
        """Watch the open imports to their end, or as long as the account's settings say.

        Raises as `look` does.
        """
        patience = timedelta(seconds=self._context.account_settings.import_wait_seconds)
        deadline = self._last_at + patience
        while self._open:
            first = min(each.next_poll_at for each in self._open.values())
            if first > deadline:
                break
            await self._look_at_next()
        if self._looks:
            await asyncio.wait(self._looks.values())
        self._end_looks()

    async def close(self) -> None:
        """Let submissions and looks that are under way come to their end, whatever it is."""
        await asyncio.gather(*self._under_way, *self._looks.values(), return_exceptions=True)
        self._under_way.clear()
        self._looks.clear()

    async def hold_plan(self, connection: PoolConnection) -> None:
        """Keep mappings and settings as they are to the end of the transaction.

        Raises PlanChanged where they are not those that the payloads are made by.
        """
        standing = await connection.fetchval(SEND_SQL["generation"], self._context.account_id)
        if standing != self.generation:
            raise PlanChanged

    async def _one_comes_through(self) -> None:
        done, _ = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        self._under_way -= done
        for task in done:
            task.result()

    async def _look_at_next(self) -> None:
        """Wait until the first import is looked at whose time comes; raises as `look` does."""
        self._end_looks()
        import_id, first = min(self._open.items(), key=lambda item: item[1].next_poll_at)
        wait_s = (first.next_poll_at - self._context.clock.now()).total_seconds()
        if wait_s > 0 and import_id not in self._looks:
            await self._context.clock.sleep(wait_s)
        self._begin_look(import_id)
        await asyncio.wait([self._looks[import_id]])
        self.look()
        self._note_pending()
        await self._context.run.save()

    def _end_looks(self) -> None:
        for import_id in [each for each, task in self._looks.items() if task.done()]:
            self._looks.pop(import_id).result()

    def _begin_looks(self) -> None:
        now = self._context.clock.now()
        for import_id, each in self._open.items():
            if each.next_poll_at <= now:
                self._begin_look(import_id)

    def _begin_look(self, import_id: int) -> None:
        before = self._looks.get(import_id)
        if before is None or (before.done() and before.exception() is None):
            self._looks[import_id] = asyncio.create_task(self._look_at(import_id))

    async def _look_at(self, import_id: int) -> None:
        each = self._open.get(import_id)
        if each is None:
            return
        async with self._one_at_a_time:
            has_ended = await poll(self._context, import_id, each.dotdigital_id, each.polls)
        if has_ended:
            del self._open[import_id]
            return
        each.polls += 1
        each.next_poll_at = self._context.clock.now() + timedelta(
            seconds=wait_before_poll(each.polls)
        )

    def _note_pending(self) -> None:
        self._context.run.counts["pending"] = self.pending

    async def _submit(self, entries: Sequence[Entry], merge_option: MergeOption) -> None:
        try:
            import_id, kept = await self._intend(entries)
        finally:
            self._unrecorded.pop(id(entries), None)
        if not kept:
            await lose(self._context, import_id, "Everyone in it was changed meanwhile.")
            return
        try:
            dotdigital_id = await self._put(kept, merge_option)
        except Rejected as error:
            # Until the last of them is in a table again, they are still on their way.
            self._unrecorded[id(kept)] = kept
            try:
                await lose(self._context, import_id, f"Dotdigital refused it: {error}")
                await self._submit_parts(kept, merge_option, error)
            finally:
                del self._unrecorded[id(kept)]
            return
        except DotdigitalError as error:
            text = f"The call failed: {error}"
            await lose(self._context, import_id, text, may_be_taken=True)
            raise
        except RunStopped:
            await lose(self._context, import_id, "The run was stopped before it was sent.")
            raise
        now = self._context.clock.now()
        first_look = now + timedelta(seconds=wait_before_poll(0))
        opened = await self._context.database.pool.execute(
            SQL["opened"], import_id, dotdigital_id, now, first_look, len(kept)
        )
        if opened == "UPDATE 0":
            await tell_after_all(self._context, [entry.person_id for entry in kept])
            raise Superseded
        self._last_at = now
        self._open[import_id] = _Open(dotdigital_id, len(kept), 0, first_look)
        self._context.run.counts["imports"] += 1

    async def _intend(self, entries: Sequence[Entry]) -> tuple[int, list[Entry]]:
        """Write the import and its records; return those whose person still stands as it was read.

        A change that came in between may be an opt-out: that person is due, and goes next time. So
        does whoever was held back for its email.
        """
        context = self._context
        async with context.run.fenced() as connection:
            await self.hold_plan(connection)
            await connection.execute(SUBMITTING)
            import_id: int = await connection.fetchval(
                SQL["intend"], context.account_id, context.run.id, context.run.attempt, len(entries)
            )
            await connection.copy_records_to_table(
                "import_records",
                columns=_RECORD_COLUMNS,
                records=(
                    (
                        context.account_id,
                        entry.person_id,
                        import_id,
                        entry.version,
                        entry.changed_at,
                        entry.email_key,
                        entry.contact_id,
                        entry.mobile_number,
                        entry.consent_ids,
                        entry.note,
                        entry.suppressed,
                        entry.fingerprint,
                        entry.acknowledged,
                    )
                    async for entry in sparingly(context.clock, entries)
                ),
            )
            moved = await connection.fetch(SQL["drop_moved_on"], import_id)
            gone = {row["person_id"] for row in moved}
            for entry in entries:
                entry.is_dropped = entry.person_id in gone
            if gone:
                emails = [row["email_key"] for row in moved]
                await connection.execute(SQL["make_sharers_due"], context.account_id, emails)
        return import_id, [entry for entry in entries if not entry.is_dropped]

    async def _put(self, entries: Sequence[Entry], merge_option: MergeOption) -> str:
        """Make the call; wait for a slot where other integrations hold them all."""
        context = self._context
        encoded = [entry.encoded for entry in entries]
        waited_s = 0.0
        while True:
            try:
                return await context.client.imports.submit(encoded, merge_option)
            except WaitForSlot:
                if waited_s >= _SLOT_PATIENCE_S:
                    raise
                log.info("waits_for_import_slot", run_id=context.run.id, waited_s=waited_s)
            # What a look meets is no fault of this call.
            self._begin_looks()
            await context.run.save()
            await context.clock.sleep(_SLOT_WAIT_S)
            waited_s += _SLOT_WAIT_S

    async def _submit_parts(
        self, entries: Sequence[Entry], merge_option: MergeOption, error: Rejected
    ) -> None:
        """Halve an import that was refused whole until the record that spoils it stands alone."""
        if len(entries) > 1:
            middle = len(entries) // 2
            await self._submit(entries[:middle], merge_option)
            await self._submit(entries[middle:], merge_option)
            return
        entry = entries[0]
        failure = PersonFailure(
            entry.person_id,
            entry.version,
            entry.changed_at,
            error.code or "refused",
            error.message,
        )
        async with self._context.run.fenced() as connection:
            await record_people(self._context, connection, [failure])
        self._context.run.counts["failed"] += 1
        self._context.run.done += 1
