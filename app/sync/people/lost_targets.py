"""Mappings whose target was deleted in Dotdigital: left out, and said so.

Without this, one deleted data field fails every record, or goes by unnoticed. What there is is
asked for once a day, hourly while something is missing, when somebody asks for a retry, in a full
run, and when records fail so that it could explain them: a call or two each time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select

from app.clients.dotdigital import NotPermitted
from app.models import Mapping
from app.services.mapping_kinds import KINDS
from app.services.mapping_kinds.kind import Lost
from app.services.mappings import send_linked_again
from app.sync.engine import JobContext
from app.sync.rules.failure_advice import with_advice
from app.sync.statements import statements

SQL = statements("lost_targets")

_DAILY = timedelta(days=1)
_HOURLY = timedelta(hours=1)
#: Codes that a data field which is gone, or of another type, explains; in lower case.
_SCHEMA_CODES = ("apischemaviolation", "invaliddatafield")


async def lost_mappings(context: JobContext) -> set[int]:
    """Return the mappings whose target is known to be gone."""
    rows = await context.database.pool.fetch(SQL["lost"], context.account_id)
    return {row["subject_id"] for row in rows}


async def look_for_lost_targets(context: JobContext) -> None:
    """Ask Dotdigital what it has, where it is time to."""
    now = context.clock.now()
    position: datetime = await context.database.pool.fetchval(
        SQL["looked_up_at"], context.account_id, now
    )
    is_time = context.run.mode == "full" or now - position >= _DAILY
    if is_time or await context.database.pool.fetchval(SQL["due"], context.account_id, now):
        await _look(context, await lost_mappings(context))


async def explain_failures(context: JobContext) -> bool:
    """Say whether a target that is newly found gone explains failures of this run.

    Their people are then due, to be sent without it.
    """
    codes = list(_SCHEMA_CODES)
    pool = context.database.pool
    if not await pool.fetchval(SQL["failed_by_schema"], context.run.id, codes):
        return False
    before = await lost_mappings(context)
    if not await _look(context, before) - before:
        return False
    async with context.run.fenced() as connection:
        await connection.execute(SQL["try_again"], context.run.id, codes)
        again = await connection.fetch(SQL["not_failed_yet"], context.run.id, codes)
    # They are counted by what becomes of them now.
    context.run.counts["failed"] -= len(again)
    context.run.done -= len(again)
    return True


async def _look(context: JobContext, before: set[int]) -> set[int]:
    """Ask what there is; return the mappings whose target isn't.

    What its contacts had in it is gone with it, and is forgotten here: it is no news that they have
    nothing in one that is made anew, and all of ours is sent there.
    """
    mappings = await _mappings(context)
    lost = await _find(context, mappings)
    ids = [each.mapping_id for each in lost]
    now = context.clock.now()
    async with context.run.fenced() as connection:
        await connection.execute(SQL["looked_up"], context.account_id, now)
        await connection.execute(
            SQL["record"],
            context.account_id,
            ids,
            [each.message for each in lost],
            context.run.id,
            now,
            now + _HOURLY,
            [each.code for each in lost],
        )
        if forgotten := _keys(mapping for mapping in mappings if mapping.id in set(ids) - before):
            await connection.execute(SQL["forget"], context.account_id, forgotten)
        healed = await connection.fetch(SQL["heal"], context.account_id, ids, now)
        back = {row["subject_id"] for row in healed}
        for mapping in mappings:
            if mapping.id in back:
                await send_linked_again(connection, context.account_id, mapping.applies_to)
    for each in lost:
        if each.mapping_id not in before:
            await context.run.note("mapping_left_out", detail=each.message)
    return set(ids)


def _keys(mappings: Iterable[Mapping]) -> list[str]:
    rules = [
        kind.rule(mapping) for mapping in mappings if (kind := KINDS.get(mapping.kind)) is not None
    ]
    return [rule.key for rule in rules if rule is not None]


async def _mappings(context: JobContext) -> Sequence[Mapping]:
    async with context.database.reading() as session:
        found = await session.execute(
            select(Mapping)
            .where(col(Mapping.account_id) == context.account_id)
            .order_by(col(Mapping.id))
        )
        return found.scalars().all()


async def _find(context: JobContext, mappings: Sequence[Mapping]) -> list[Lost]:
    lost = [
        Lost(
            mapping.id,
            "kind_unknown",
            with_advice(
                f"This version of the service knows no mappings of kind {mapping.kind!r}, so "
                f"mapping {mapping.id} ({mapping.person_field}) is left out.",
                "kind_unknown",
            ),
        )
        for mapping in mappings
        if mapping.kind not in KINDS
    ]
    for kind in KINDS.values():
        of_kind = [mapping for mapping in mappings if mapping.kind == kind.word]
        if not of_kind:
            continue
        try:
            targets = await kind.targets(context.client)
        except NotPermitted:
            if not kind.is_extra:
                raise
            # The package lacks them at the moment: that is no word about any one of them.
            continue
        lost += kind.lost(of_kind, targets)
    return lost
