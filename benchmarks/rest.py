"""REST: requests a second beside a bare app, and how long they take while a full sync runs."""

import asyncio
import itertools
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import httpx
import orjson

from benchmarks.ground import Ground
from benchmarks.load import Kind, Plan, Told
from benchmarks.places import Service, drop_database, opened, sandbox, service
from benchmarks.processes import (
    MeasuringError,
    cpu_seconds,
    difference,
    free_port,
    peak_mib,
    running,
    told_by,
    until_ready,
)
from benchmarks.report import Cpu, Figure, Target
from benchmarks.sending import MOST_MIB

_ROUNDS = 3
_NAMES: dict[Kind, str] = {
    "get": "GET /v1/people/{id}",
    "create": "POST /v1/people",
    "page": "GET /v1/people?limit=100",
}
#: While a sync runs: enough to see the slowest hundredth, far from what the service can take.
_RATE = 100.0
_salts = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _Round:
    """One load on one server."""

    per_second: float
    cpu_each_s: float | None


async def throughput(ground: Ground) -> list[Figure]:
    """Ask the service and a bare app in turn, as fast as they answer."""
    url = await ground.people_database(ground.people, "rest")
    figures = []
    async with service(url, ground.folder) as ours, _bare(url) as bare:
        for kind, name in _NAMES.items():
            rounds: dict[int, list[_Round]] = {ours.port: [], bare.port: []}
            for _ in range(_ROUNDS):
                for server in (ours, bare):
                    ground.say(f"{name}, {'ours' if server is ours else 'bare'}")
                    rounds[server.port].append(await _ask(ground, server, kind))
            figures.append(_beside(name, rounds[ours.port], rounds[bare.port]))
        memory, bare_memory = peak_mib(ours.process.pid), peak_mib(bare.process.pid)
    await drop_database(ground.server_url, "rest")
    return [
        *figures,
        Figure("memory of the service after these", "MiB", memory, bare_memory, Target(MOST_MIB)),
    ]


@asynccontextmanager
async def _bare(url: str) -> AsyncIterator[Service]:
    port = free_port()
    async with running("-m", "benchmarks.bare_app", url, str(port)) as process:
        await until_ready(process, port, "/v1/people?limit=1")
        yield Service(port, "none", process)


async def _ask(ground: Ground, server: Service, kind: Kind) -> _Round:
    before = cpu_seconds(server.process.pid)
    told = await _load(ground, server, [kind])
    spent = difference(cpu_seconds(server.process.pid), before)
    return _Round(
        told.answered / told.seconds, None if spent is None else spent / max(told.asked, 1)
    )


async def _load(
    ground: Ground,
    server: Service,
    kinds: list[Kind],
    rate: float | None = None,
    seconds: float = 0,
) -> Told:
    plan = Plan(
        port=server.port,
        key=server.key,
        kinds=kinds,
        people=ground.people,
        salt=f"load{next(_salts)}",
        seconds=seconds or ground.seconds,
        rate=rate,
    )
    told = Told(**await told_by("-m", "benchmarks.load", orjson.dumps(asdict(plan)).decode()))
    if told.wrong or not told.answered:
        raise MeasuringError(f"{', '.join(kinds)} was answered so: {told}")
    return told


def _beside(name: str, ours: list[_Round], bare: list[_Round]) -> Figure:
    return Figure(
        name,
        "req/s",
        statistics.median(each.per_second for each in ours),
        statistics.median(each.per_second for each in bare),
        Target(0.6, at_least=True, of_limit=True),
        Cpu(_median_cpu(ours), _median_cpu(bare), "a request"),
        f"limit: bare Starlette and asyncpg, same statement; medians of {_ROUNDS}",
    )


def _median_cpu(rounds: list[_Round]) -> float | None:
    spent = [each.cpu_each_s for each in rounds if each.cpu_each_s is not None]
    return statistics.median(spent) if spent else None


async def latency(ground: Ground) -> list[Figure]:
    """Ask at a steady rate, first while nothing else goes on, then while everyone is sent."""
    url = await ground.people_database(ground.people, "latency")
    seconds = 5 * ground.seconds
    async with sandbox() as stand_in:
        async with opened(url) as database:
            account_id = await ground.make_account(database, stand_in)
        async with service(url, ground.folder, {"DISCOVERY_URL": stand_in.url}) as ours:
            ground.say("asking while nothing else goes on")
            idle = await _load(ground, ours, list(_NAMES), _RATE, seconds)
            ground.say("asking while everyone is sent")
            syncing = asyncio.create_task(_keep_syncing(ours, account_id))
            try:
                busy = await _load(ground, ours, list(_NAMES), _RATE, seconds)
            finally:
                syncing.cancel()
                with suppress(asyncio.CancelledError):
                    await syncing
            memory = peak_mib(ours.process.pid)
    await drop_database(ground.server_url, "latency")
    return [
        Figure(
            "REST p99 while a full sync runs",
            "ms",
            busy.p99_ms,
            idle.p99_ms,
            Target(3, of_limit=True),
            note=f"limit: idle p99; {_RATE:g} requests a second of all three kinds; "
            f"p50 {busy.p50_ms:.1f} / {idle.p50_ms:.1f} ms, "
            f"slowest {busy.max_ms:.0f} / {idle.max_ms:.0f} ms",
        ),
        Figure("memory of the service while it syncs", "MiB", memory, target=Target(MOST_MIB)),
    ]


async def _keep_syncing(ours: Service, account_id: int) -> None:
    """Run full syncs one after the other, until cancelled."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{ours.port}",
        headers={"Authorization": f"Bearer {ours.key}"},
        timeout=30,
    ) as client:
        while True:
            answer = await client.post(
                "/v1/jobs/send_people/runs", json={"account_id": account_id, "mode": "full"}
            )
            run: dict[str, Any] = answer.raise_for_status().json()
            while run["status"] in {"queued", "running"}:
                await asyncio.sleep(0.2)
                run = (await client.get(f"/v1/runs/{run['id']}")).raise_for_status().json()
            if run["status"] != "succeeded":
                raise MeasuringError(f"a full sync ended so: {run}")
