"""What send_people costs: calls, time, memory, and next to nothing where little changed."""

import math
import statistics
from typing import Any

import asyncpg

from app.db import asyncpg_arguments
from app.sync.rules.poll_intervals import wait_before_poll
from benchmarks.ground import Ground, Sent
from benchmarks.people_rows import change_some
from benchmarks.places import administer, drop_database, opened, sandbox
from benchmarks.processes import MeasuringError
from benchmarks.report import Cpu, Figure, Target

#: More than this, and the service would not fit beside others.
MOST_MIB = 300
_FEW = 10_000
_CHANGED = 1000
_TIMES = 3
_IDLE_TIMES = 5


async def calls(ground: Ground) -> list[Figure]:
    """Count the calls that it takes to send new people."""
    figures = []
    for people in sorted({min(size, ground.people) for size in (_FEW, 100_000, ground.people)}):
        told = (await ground.sent(people)).told
        made, imports = sum(told["calls"].values()), told["counts"]["imports"]
        allowed = math.ceil(people / 10_000) + 10 + 2 * imports
        figures.append(
            Figure(
                f"calls to send {people:,} new people",
                "calls",
                made,
                allowed,
                Target(1, of_limit=True),
                note=f"limit: {people:,} / 10,000 + 10 + 2 polls for each of {imports} imports",
            )
        )
    return figures


async def send(ground: Ground) -> list[Figure]:
    """Send everyone, with the job and with nothing but reading, posting and noting."""
    limit = await _limit(ground)
    ours = (await ground.sent(ground.people)).told
    return [
        Figure(
            f"send_people, {ground.people:,} people",
            "rows/s",
            ours["rows"] / ours["seconds"],
            limit["rows"] / limit["seconds"],
            Target(0.5, at_least=True, of_limit=True),
            Cpu(ours["cpu_seconds"], limit["cpu_seconds"]),
            "limit: asyncpg, orjson, post, poll, one write of links a batch",
        ),
        Figure(
            f"memory of send_people, {ground.people:,} people",
            "MiB",
            ours["resident_mib"],
            limit["resident_mib"],
            Target(MOST_MIB),
        ),
    ]


async def _limit(ground: Ground) -> dict[str, Any]:
    url = await ground.people_database(ground.people, "limit")
    async with sandbox() as stand_in:
        async with opened(url) as database:
            await ground.make_account(database, stand_in)
        ground.say(f"sending {ground.people:,} people the barest way")
        told = await ground.send(url, stand_in, "limit")
    await drop_database(ground.server_url, "limit")
    return told


async def changes(ground: Ground) -> list[Figure]:
    """Send a thousand changes, among many and among few."""
    few = min(_FEW, ground.people)
    changed = min(_CHANGED, few)
    among = {people: await ground.sent(people) for people in (few, ground.people)}
    took: dict[int, list[dict[str, Any]]] = {people: [] for people in among}
    for _ in range(_TIMES):
        for people, sent in among.items():
            ground.say(f"sending {changed:,} changes among {people:,}")
            took[people].append(await _send_changes(ground, sent, people, changed))
    of_all, of_few = took[ground.people], took[few]
    cpu = Cpu(_median(of_all, "cpu_seconds"), _median(of_few, "cpu_seconds"))
    seconds, fewer_seconds = _median(of_all, "seconds"), _median(of_few, "seconds")
    wait_s = wait_before_poll(0)
    name = f"a run with {changed:,} changes among {ground.people:,}"
    note = f"limit: the same among {few:,}; medians of {_TIMES}"
    target = Target(1.5, of_limit=True)
    return [
        Figure(name, "ms", seconds * 1000, fewer_seconds * 1000, target, cpu, note),
        Figure(
            f"{name}, the wait left out",
            "ms",
            (seconds - wait_s) * 1000,
            (fewer_seconds - wait_s) * 1000,
            target,
            note=f"without the {wait_s:g} s that an import is given before its first poll",
        ),
    ]


def _median(told: list[dict[str, Any]], name: str) -> float:
    return statistics.median([float(each[name]) for each in told])


async def _send_changes(ground: Ground, sent: Sent, people: int, changed: int) -> dict[str, Any]:
    async with opened(sent.url) as database:
        await change_some(database, people, changed)
    told = await ground.send(sent.url, sent.stand_in)
    if told["status"] != "succeeded" or told["rows"] != changed:
        raise MeasuringError(f"sending {changed} changes ended so: {told}")
    return told


async def idle(ground: Ground) -> list[Figure]:
    """Run with nothing to do, and ask Postgres how long it was busy with it."""
    sent = await ground.sent(ground.people)
    ground.say(f"running with no changes among {ground.people:,}")
    await _set_autovacuum(ground, "off")
    try:
        once, told = await _busy_with(ground, sent, 1)
        often, _ = await _busy_with(ground, sent, 1 + _IDLE_TIMES)
    finally:
        await _set_autovacuum(ground, "on")
    return [
        Figure(
            f"a run with no changes among {ground.people:,}",
            "ms",
            max(often - once, 0) / _IDLE_TIMES,
            target=Target(50),
            cpu=Cpu(told["cpu_seconds"]),
            note="database time: active_time of pg_stat_database, from the second run of a process",
        )
    ]


async def _busy_with(ground: Ground, sent: Sent, repeat: int) -> tuple[float, dict[str, Any]]:
    """Return the milliseconds that Postgres was busy with so many runs, and what the last told."""
    before = await _active_ms(ground, sent)
    told = await ground.send(sent.url, sent.stand_in, repeat=repeat)
    if told["status"] != "succeeded" or told["calls"]:
        raise MeasuringError(f"a run with no changes ended so: {told}")
    return await _active_ms(ground, sent) - before, told


async def _active_ms(ground: Ground, sent: Sent) -> float:
    """Return how long all connections of the database have been busy, once they are gone."""
    connection = await asyncpg.connect(**asyncpg_arguments(ground.server_url))
    try:
        # Each writes down what it was busy with when it ends, at the latest.
        for _ in range(200):
            busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
            if not await connection.fetchval(busy, sent.database):
                break
            await connection.execute("SELECT pg_sleep(0.05)")
        active = "SELECT active_time FROM pg_stat_database WHERE datname = $1"
        return float(await connection.fetchval(active, sent.database))
    finally:
        await connection.close()


async def _set_autovacuum(ground: Ground, value: str) -> None:
    await administer(ground.server_url, f"ALTER SYSTEM SET autovacuum = {value}")
    await administer(ground.server_url, "SELECT pg_reload_conf()")
