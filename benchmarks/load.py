"""A cheap load of HTTP requests, from a process of its own so that it holds up nobody else.

Requests are written by hand over connections that stay open. ``python -m benchmarks.load PLAN``
takes a `Plan` as JSON and prints a `Told` as JSON.
"""

import asyncio
import itertools
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, Literal, cast

import orjson
import uvloop

Kind = Literal["get", "create", "page"]
_LENGTH = b"\r\ncontent-length:"
_ANSWERS = {"get": 200, "page": 200, "create": 201}
#: Gets asked for in turn; enough that no row is asked for twice in a row.
_DIFFERENT_PEOPLE = 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask, and how hard."""

    port: int
    key: str
    kinds: list[Kind]
    #: Ids of people run from 1 to this.
    people: int
    #: Keeps the external_refs of one load from those of another.
    salt: str
    seconds: float
    #: Asked before anything is measured.
    warm_seconds: float = 0.5
    connections: int = 16
    #: Requests a second, evenly spaced, whether the ones before are answered or not; without it,
    #: every connection asks again at once.
    rate: float | None = None


@dataclass(slots=True)
class Told:
    """What came of a load."""

    #: Of those measured.
    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    #: With those that warmed up.
    asked: int
    #: How many were answered otherwise than hoped for, by status.
    wrong: dict[str, int] = field(default_factory=dict)


class Connection(asyncio.Protocol):
    """A connection that asks one thing at a time."""

    def __init__(self) -> None:
        """Wait to be connected."""
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._ends_at: int | None = None
        self._answered: asyncio.Future[int] | None = None

    async def ask(self, request: bytes) -> int:
        """Send a whole request; return the status once the whole answer is here."""
        if self._transport is None:
            raise ConnectionError("the server closed the connection")
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._transport = None
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        """Gather an answer."""
        self._received += data
        if self._ends_at is None:
            head_end = self._received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = bytes(self._received[:head_end]).lower()
            at = head.find(_LENGTH)
            length = head[at + len(_LENGTH) :].split(b"\r\n", 1)[0] if at >= 0 else b"0"
            self._ends_at = head_end + 4 + int(length)
        if len(self._received) >= self._ends_at and self._answered is not None:
            status = int(self._received[9:12])
            self._received.clear()
            self._ends_at = None
            self._answered.set_result(status)


async def connect(port: int) -> Connection:
    """Connect to a server on loopback."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    return connection


def request_bytes(method: str, target: str, key: str, body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    head = f"{method} {target} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def requests_of(plan: Plan, kind: Kind) -> Iterator[bytes]:
    """Yield requests of one kind without end."""
    match kind:
        case "get":
            chosen = random.Random(plan.salt)
            ids = [chosen.randint(1, plan.people) for _ in range(_DIFFERENT_PEOPLE)]
            yield from itertools.cycle(
                [request_bytes("GET", f"/v1/people/{each}", plan.key) for each in ids]
            )
        case "page":
            yield from itertools.repeat(request_bytes("GET", "/v1/people?limit=100", plan.key))
        case "create":
            for n in itertools.count(1):
                body = orjson.dumps(_person(f"{plan.salt}-{n}"))
                yield request_bytes("POST", "/v1/people", plan.key, body)


def _person(ref: str) -> dict[str, Any]:
    return {
        "external_ref": ref,
        "email": f"{ref}@made.example",
        "first_name": "Anna",
        "last_name": "Example",
        "organisation": "Example Ltd",
        "city": "Leeds",
        "postcode": "LS1 1AA",
        "country": "GB",
        "custom": {"points": 12, "birthday": "1990-05-01", "tier": "gold"},
    }


class _Load:
    """One load on its way."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._streams = itertools.cycle(
            [(_ANSWERS[kind], requests_of(plan, kind)) for kind in plan.kinds]
        )
        self._began = perf_counter()
        self._measure_from = self._began + plan.warm_seconds
        self._end = self._measure_from + plan.seconds
        self._took_s: list[float] = []
        self._asked = 0
        self._wrong: dict[str, int] = {}

    async def run(self) -> Told:
        asks = self._again_at_once if self._plan.rate is None else self._when_due()
        connections = [await connect(self._plan.port) for _ in range(self._plan.connections)]
        self._began = perf_counter()
        self._measure_from = self._began + self._plan.warm_seconds
        self._end = self._measure_from + self._plan.seconds
        await asyncio.gather(*map(asks, connections))
        for connection in connections:
            connection.close()
        seconds = perf_counter() - self._measure_from
        took_ms = sorted(each * 1000 for each in self._took_s) or [0.0]
        return Told(
            answered=len(self._took_s),
            seconds=seconds,
            p50_ms=took_ms[len(took_ms) // 2],
            p99_ms=took_ms[len(took_ms) * 99 // 100],
            max_ms=took_ms[-1],
            asked=self._asked,
            wrong=self._wrong,
        )

    async def _again_at_once(self, connection: Connection) -> None:
        while (now := perf_counter()) < self._end:
            await self._ask(connection, now)

    def _when_due(self) -> Callable[[Connection], Awaitable[None]]:
        """Return what asks at even intervals; what is late counts from when it was due."""
        gap_s = 1 / (self._plan.rate or 1)
        turns = itertools.count()

        async def ask_when_due(connection: Connection) -> None:
            while (due := self._began + next(turns) * gap_s) < self._end:
                if (wait_s := due - perf_counter()) > 0:
                    await asyncio.sleep(wait_s)
                await self._ask(connection, due)

        return ask_when_due

    async def _ask(self, connection: Connection, since: float) -> None:
        hoped_for, stream = next(self._streams)
        status = await connection.ask(next(stream))
        self._asked += 1
        if status != hoped_for:
            self._wrong[str(status)] = self._wrong.get(str(status), 0) + 1
        if since >= self._measure_from:
            self._took_s.append(perf_counter() - since)


def main() -> None:
    """Be the process that asks."""
    plan = Plan(**orjson.loads(sys.argv[1]))
    told = uvloop.run(_Load(plan).run())
    sys.stdout.write(orjson.dumps(asdict(told)).decode())


if __name__ == "__main__":
    main()
