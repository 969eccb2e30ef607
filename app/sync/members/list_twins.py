"""Gives each list its twin in Dotdigital: bound, made or renamed, made anew where it is gone."""

from collections.abc import Sequence
from typing import assert_never

import structlog

from app.clients.dotdigital import (
    DotdigitalList,
    NotFound,
    ProtocolError,
    Rejected,
    Retryable,
    Unreachable,
    Visibility,
)
from app.sync.engine import JobContext
from app.sync.members.member_failures import (
    ListFailure,
    heal_lists,
    open_list_failures,
    record_list,
)
from app.sync.members.synced_lists import SyncedList
from app.sync.rules.list_twins import (
    Bind,
    Create,
    Keep,
    OurList,
    Refuse,
    Rename,
    StartOver,
    Step,
    TheirList,
    plan_twins,
)
from app.sync.statements import statements

log = structlog.get_logger(__name__)

SQL = statements("send_lists")

_VISIBILITIES: dict[str, Visibility] = {"private": "Private", "public": "Public"}
_CODES = {
    "ERROR_ADDRESSBOOK_DUPLICATE": "list_name_taken",
    "ERROR_ADDRESSBOOK_LIMITEXCEEDED": "list_limit",
    "ERROR_ADDRESSBOOK_NOTWRITABLE": "list_name_reserved",
}


async def settle_twins(context: JobContext, lists: Sequence[SyncedList]) -> list[SyncedList]:
    """Give each of these lists its twin; return those that have one. Others become failures.

    A call for each 1000 lists of the account, and one for each that is made or renamed. Suppression
    audiences have no twin.
    """
    wanting = [one for one in lists if not one.is_audience]
    if not wanting:
        return list(lists)
    twins = _Twins(context, wanting, await open_list_failures(context))
    steps = plan_twins(
        [_ours(one) for one in wanting if not one.is_left_alone or one.twin_id is None],
        await twins.read(),
        taken=await _taken(context),
        lists_limit=context.account_settings.lists_limit,
    )
    for step in steps:
        await twins.take(step)
    await heal_lists(context, twins.well)
    return [one for one in lists if one.is_audience or twins.stands(one)]


async def rehearse_twins(
    context: JobContext, lists: Sequence[SyncedList]
) -> tuple[Sequence[Step], int]:
    """Return the steps that a run would take, and how many lists it would make; only reads."""
    wanting = [one for one in lists if not one.is_audience]
    if not wanting:
        return [], 0
    steps = plan_twins(
        [_ours(one) for one in wanting if not one.is_left_alone or one.twin_id is None],
        [_theirs(each) for each in await context.client.lists.all()],
        taken=await _taken(context),
        lists_limit=context.account_settings.lists_limit,
    )
    return steps, sum(isinstance(step, Create) for step in steps)


async def lose_twin(context: JobContext, one: SyncedList) -> None:
    """Forget a twin that is gone: the next run makes another one, with everybody."""
    twin_id = one.twin_id or 0
    async with context.run.fenced() as connection:
        if await connection.fetchval(SQL["forget_twin"], one.id, twin_id) is None:
            return
        now = context.clock.now()
        await connection.execute(SQL["drop_leavers"], one.id)
        await connection.execute(SQL["make_pending"], one.id, now)
        await connection.execute(SQL["heal_list"], context.account_id, one.id, now)
    one.twin_id, one.is_bound = None, False
    one.status_read_at = one.status_swept_at = None
    await context.run.note("list_gone", list_id=one.id, dotdigital_list_id=twin_id)
    log.warning("list_gone", list_id=one.id, dotdigital_list_id=twin_id)


class _Twins:
    """Takes the steps of one run."""

    def __init__(
        self,
        context: JobContext,
        lists: Sequence[SyncedList],
        failures: dict[int, ListFailure],
    ) -> None:
        self._context = context
        self._lists = {one.id: one for one in lists}
        self._failures = failures
        self._there: set[int] = set()
        self._refused: set[int] = set()

    @property
    def well(self) -> list[int]:
        """Lists that failed and stand well now."""
        return [key for key in self._failures if key in self._lists and key not in self._refused]

    async def read(self) -> list[TheirList]:
        """Return the lists there, and note how many they are. A call for each 1000."""
        found = await self._context.client.lists.all()
        self._there = {each.id for each in found}
        counts = {each.id: each.contacts for each in found}
        for one in self._lists.values():
            one.contacts_there = counts.get(one.twin_id or 0)
        await self._context.database.pool.execute(
            SQL["note_lists_used"], self._context.account_id, len(found)
        )
        return [_theirs(each) for each in found]

    def stands(self, one: SyncedList) -> bool:
        """Say whether the list has its twin, and nothing against it."""
        return one.twin_id in self._there and one.id not in self._refused

    async def take(self, step: Step) -> None:
        """Take one step; what Dotdigital refuses becomes the list's failure."""
        one = self._lists[step.list_id]
        match step:
            case Keep():
                pass
            case StartOver():
                await lose_twin(self._context, one)
            case Bind(_, twin_id, visibility):
                await self._bind(one, twin_id, visibility)
                await self._context.run.note(
                    "list_bound", list_id=one.id, dotdigital_list_id=twin_id
                )
            case Rename():
                await self._rename(one, step)
            case Create():
                await self._create(one, step)
            case Refuse(_, code, text):
                await self._refuse(one, code, text)
            case _:
                assert_never(step)

    async def _bind(self, one: SyncedList, twin_id: int, visibility: str) -> None:
        seen = {"visibility": visibility}
        async with self._context.run.fenced() as connection:
            bound = await connection.fetchval(
                SQL["bind"],
                one.id,
                self._context.account_id,
                twin_id,
                seen,
                self._context.clock.now(),
            )
        if bound is None:
            # Changed meanwhile: the next run sees what it wants to be now.
            self._refused.add(one.id)
            return
        one.twin_id, one.is_bound, one.options = twin_id, True, one.options.changed(seen)
        self._there.add(twin_id)

    async def _create(self, one: SyncedList, step: Create) -> None:
        if self._waits(one):
            return
        try:
            twin_id = await _make(self._context, step)
        except Rejected as error:
            await self._refuse(one, _code_of(error), _text_of(error))
            return
        await self._bind(one, twin_id, step.visibility)
        one.contacts_there = 0
        self._context.run.counts["lists_created"] += 1
        await self._context.run.note("list_made", list_id=one.id, dotdigital_list_id=twin_id)

    async def _rename(self, one: SyncedList, step: Rename) -> None:
        if self._waits(one):
            return
        try:
            await self._context.client.lists.update(
                step.twin_id, step.name, _VISIBILITIES[step.visibility]
            )
        except NotFound:
            await lose_twin(self._context, one)
            return
        except Rejected as error:
            await self._refuse(one, _code_of(error), _text_of(error))
            return
        await self._context.run.note(
            "list_renamed",
            list_id=one.id,
            dotdigital_list_id=step.twin_id,
            name=step.name,
            visibility=step.visibility,
        )

    def _waits(self, one: SyncedList) -> bool:
        """Say whether a scheduled run leaves a list be that failed before and wasn't changed."""
        failure = self._failures.get(one.id)
        context = self._context
        if failure is None or context.run.trigger == "manual":
            return False
        if one.updated_at > failure.last_seen_at:
            return False
        retry_at = failure.next_retry_at
        if retry_at is not None and retry_at <= context.clock.now():
            return False
        self._refused.add(one.id)
        context.run.counts["failed"] += 1
        return True

    async def _refuse(self, one: SyncedList, code: str, text: str) -> None:
        known = self._failures.get(one.id)
        await record_list(
            self._context, one.id, code, text, attempts=(known.attempts if known else 0) + 1
        )
        self._refused.add(one.id)
        self._context.run.counts["failed"] += 1
        await self._context.run.note("list_failed", list_id=one.id, code=code, detail=text)


async def _make(context: JobContext, step: Create) -> int:
    """Make a list; where the answer was lost, look whether it is there.

    Raises Rejected, and whatever the call met where the list is not there.
    """
    try:
        made = await context.client.lists.create(step.name, _VISIBILITIES[step.visibility])
    except (Retryable, ProtocolError) as error:
        if isinstance(error, Unreachable) and not error.may_have_arrived:
            raise
        found = await _named(context, step.name)
        if found is None:
            raise
        log.info("list_made_after_all", dotdigital_list_id=found)
        return found
    return made.id


async def _named(context: JobContext, name: str) -> int | None:
    wanted = name.strip().casefold()
    for each in await context.client.lists.all():
        if each.name.strip().casefold() == wanted:
            return each.id
    return None


async def _taken(context: JobContext) -> dict[int, int]:
    rows = await context.database.pool.fetch(SQL["taken_twins"], context.account_id)
    taken: dict[int, int] = {}
    for row in rows:
        taken.setdefault(row["dotdigital_list_id"], row["id"])
    return taken


def _ours(one: SyncedList) -> OurList:
    return OurList(one.id, one.name, one.options.visibility, one.twin_id, one.is_bound)


def _theirs(each: DotdigitalList) -> TheirList:
    is_public = (each.visibility or "").lower() == "public"
    return TheirList(each.id, each.name, "public" if is_public else "private")


def _code_of(error: Rejected) -> str:
    return _CODES.get(error.code or "", error.code or "refused")


def _text_of(error: Rejected) -> str:
    return error.message or str(error)
