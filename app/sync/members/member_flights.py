"""Members on their way onto a list or off it: intent before the call, outcome after.

An import can carry members of many lists, a removal those of one. Each is settled once, under a
lock on its row, by the run that sent it or by the monitor. Nobody is in two of them at a time.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from app.clients.dotdigital import (
    DeletionStatus,
    DotdigitalError,
    ImportContact,
    MergeOption,
    NotFound,
    Rejected,
    Resubscribe,
    WaitForSlot,
    encode_contact,
)
from app.sync.engine import JobContext
from app.sync.members.member_failures import record_members
from app.sync.members.member_landings import FlightKind, land, poll
from app.sync.members.member_report import Flight
from app.sync.people.imports import doubt, lose
from app.sync.rules.member_batches import twins_by_contact
from app.sync.rules.poll_intervals import wait_before_poll
from app.sync.runs import RunStopped, Superseded
from app.sync.statements import statements

log = structlog.get_logger(__name__)

SQL = statements("send_lists")

_COLUMNS = ("list_id", "person_id", "import_id", "contact_id", "changed_at")
_SLOT_PATIENCE_S = 600.0
_SLOT_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Departure:
    """What is to be called, and what is noted beside the intent."""

    kind: FlightKind
    #: Dotdigital's ids of the lists that are joined or left, by ours.
    twins: Mapping[int, int] = field(default_factory=dict)
    #: Of `RESUBSCRIBE`: each contact has to confirm. Such a call is never made twice.
    challenge: bool = False


@dataclass(slots=True)
class _Open:
    dotdigital_id: str
    kind: FlightKind
    members: int
    polls: int
    next_poll_at: datetime


class Flights:
    """What one run has on its way."""

    def __init__(self, context: JobContext) -> None:
        """Begin with nothing."""
        self._context = context
        self._open: dict[int, _Open] = {}
        self._last_at = context.clock.now()

    @property
    def pending(self) -> int:
        """How many members are on their way still."""
        return sum(each.members for each in self._open.values())

    async def adopt(self) -> None:
        """Watch what an earlier attempt of the run sent, as if this one had."""
        rows = await self._context.database.pool.fetch(SQL["own_open"], self._context.run.id)
        for row in rows:
            self._open[row["id"]] = _Open(
                row["dotdigital_import_id"],
                FlightKind(row["kind"]),
                row["records"],
                row["polls"],
                row["next_poll_at"] or self._last_at,
            )

    async def send(self, departure: Departure, members: Sequence[Flight]) -> None:
        """Send these members; waits while too many are open.

        Raises DotdigitalError, NotFound for a removal from a list that is gone, or RunStopped.
        """
        while len(self._open) >= self._context.account_settings.max_open_imports:
            await self._look_at_next()
        import_id, kept = await self._intend(departure, members)
        try:
            dotdigital_id, kept = await self._call(departure, import_id, kept)
        except Rejected as error:
            await lose(self._context, import_id, f"Dotdigital refused it: {error}")
            if isinstance(error, NotFound):
                raise
            await self._send_parts(departure, kept, error)
        except DotdigitalError as error:
            await lose(self._context, import_id, f"The call failed: {error}")
            raise
        except RunStopped:
            await lose(self._context, import_id, "The run was stopped before it was sent.")
            raise
        else:
            if kept:
                await self._opened(departure, import_id, dotdigital_id, kept)
            else:
                await lose(self._context, import_id, "Everyone in it has moved on meanwhile.")

    async def look(self) -> None:
        """Look at what has come to its time; waits for nothing."""
        now = self._context.clock.now()
        for import_id in [key for key, each in self._open.items() if each.next_poll_at <= now]:
            await self._look_at(import_id)

    async def watch(self) -> None:
        """Watch to the end, or as long as the account's settings say."""
        patience = timedelta(seconds=self._context.account_settings.import_wait_seconds)
        deadline = self._last_at + patience
        while self._open:
            if min(each.next_poll_at for each in self._open.values()) > deadline:
                return
            await self._look_at_next()

    async def _opened(
        self,
        departure: Departure,
        import_id: int,
        dotdigital_id: str | None,
        members: Sequence[Flight],
    ) -> None:
        context, now = self._context, self._context.clock.now()
        first_look = now + timedelta(seconds=wait_before_poll(0))
        opened = await context.database.pool.execute(
            SQL["opened"], import_id, dotdigital_id, now, first_look, len(members)
        )
        if opened == "UPDATE 0":
            if departure.kind is FlightKind.RESUBSCRIBE:
                async with context.database.transaction() as connection:
                    await doubt(context, connection, [each.person_id for each in members])
            raise Superseded
        if dotdigital_id is None:
            # Older answers have no body: then nothing more is to be learnt.
            await land(context, import_id, DeletionStatus.FINISHED)
            return
        self._last_at = now
        self._open[import_id] = _Open(dotdigital_id, departure.kind, len(members), 0, first_look)

    async def _look_at_next(self) -> None:
        import_id, first = min(self._open.items(), key=lambda item: item[1].next_poll_at)
        wait_s = (first.next_poll_at - self._context.clock.now()).total_seconds()
        if wait_s > 0:
            await self._context.clock.sleep(wait_s)
        await self._look_at(import_id)
        await self._context.run.save()

    async def _look_at(self, import_id: int) -> None:
        each = self._open[import_id]
        if await poll(self._context, import_id, each.kind, each.dotdigital_id, each.polls):
            self._open.pop(import_id, None)
            return
        each.polls += 1
        wait = timedelta(seconds=wait_before_poll(each.polls))
        each.next_poll_at = self._context.clock.now() + wait

    async def _intend(
        self, departure: Departure, members: Sequence[Flight]
    ) -> tuple[int, Sequence[Flight]]:
        """Write the intent; return those members who still stand as they were read."""
        context = self._context
        async with context.run.fenced() as connection:
            import_id: int = await connection.fetchval(
                SQL["intend"],
                context.account_id,
                context.run.id,
                context.run.attempt,
                departure.kind.value,
                len(members),
                context.clock.now(),
            )
            await connection.copy_records_to_table(
                "import_members",
                columns=_COLUMNS,
                records=[
                    (each.list_id, each.person_id, import_id, each.contact_id, each.changed_at)
                    for each in members
                ],
            )
            dropped = await connection.fetch(SQL["drop_moved_on"], import_id)
            if departure.kind is FlightKind.RESUBSCRIBE:
                dropped += await connection.fetch(SQL["drop_opted_out"], import_id)
                await connection.execute(SQL["doubt_returning"], import_id)
                if departure.challenge:
                    await connection.execute(SQL["leave_at_once"], import_id)
        return import_id, _without(members, dropped)

    async def _call(
        self, departure: Departure, import_id: int, members: Sequence[Flight]
    ) -> tuple[str | None, Sequence[Flight]]:
        """Make the call; wait for a slot where other integrations hold them all.

        Returns who went along: nobody, and nothing was called, where all moved on meanwhile.
        """
        context, waited_s = self._context, 0.0
        while members:
            try:
                return await _CALLS[departure.kind](context, departure, members), members
            except WaitForSlot:
                if waited_s >= _SLOT_PATIENCE_S:
                    raise
                log.info("waits_for_import_slot", run_id=context.run.id, waited_s=waited_s)
            await self.look()
            await context.run.save()
            await context.clock.sleep(_SLOT_WAIT_S)
            waited_s += _SLOT_WAIT_S
            if departure.kind is FlightKind.RESUBSCRIBE:
                async with context.run.fenced() as connection:
                    dropped = await connection.fetch(SQL["drop_opted_out"], import_id)
                members = _without(members, dropped)
        return None, members

    async def _send_parts(
        self, departure: Departure, members: Sequence[Flight], error: Rejected
    ) -> None:
        """Halve what was refused whole until the contact that spoils it stands alone."""
        contacts = sorted({each.contact_id for each in members})
        if len(contacts) > 1:
            middle = contacts[len(contacts) // 2]
            await self.send(departure, [each for each in members if each.contact_id < middle])
            await self.send(departure, [each for each in members if each.contact_id >= middle])
            return
        code = error.code or "refused"
        failures = [
            each.failure(code, error.message or "Dotdigital refused it.") for each in members
        ]
        async with self._context.run.fenced() as connection:
            await record_members(self._context, connection, failures)
        self._context.run.counts["failed"] += len(failures)
        self._context.run.done += len(failures)


def _without(members: Sequence[Flight], dropped: Sequence[Mapping[str, Any]]) -> list[Flight]:
    gone = {(row["list_id"], row["person_id"]) for row in dropped}
    return [each for each in members if each.key not in gone]


_Call = Callable[[JobContext, Departure, Sequence[Flight]], Awaitable[str | None]]


async def _put_onto_lists(
    context: JobContext, departure: Departure, members: Sequence[Flight]
) -> str:
    joins = twins_by_contact((each.contact_id, departure.twins[each.list_id]) for each in members)
    records = [
        ImportContact(match_identifier="contactId", contact_id=contact_id, lists=twins)
        for contact_id, twins in joins.items()
    ]
    return await context.client.imports.submit(
        [encode_contact(record) for record in records], MergeOption.OVERWRITE
    )


async def _take_off_list(
    context: JobContext, departure: Departure, members: Sequence[Flight]
) -> str | None:
    (twin_id,) = {departure.twins[each.list_id] for each in members}
    contact_ids = sorted({each.contact_id for each in members})
    return await context.client.lists.remove_contacts(twin_id, contact_ids)


async def _resubscribe(context: JobContext, departure: Departure, members: Sequence[Flight]) -> str:
    options = Resubscribe(no_challenge=not departure.challenge)
    records = [
        ImportContact(
            match_identifier="contactId",
            contact_id=contact_id,
            status="subscribed",
            resubscribe=options,
        )
        for contact_id in sorted({each.contact_id for each in members})
    ]
    return await context.client.imports.submit([encode_contact(record) for record in records])


_CALLS: dict[FlightKind, _Call] = {
    FlightKind.JOIN: _put_onto_lists,
    FlightKind.REMOVE: _take_off_list,
    FlightKind.RESUBSCRIBE: _resubscribe,
}
