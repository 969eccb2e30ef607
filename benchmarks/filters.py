"""Each filter of GET /v1/people among many people: how long a page takes, and by which index."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from time import perf_counter
from typing import Any
from urllib.parse import quote, urlencode

from app.db import Database
from app.routers.paging import encode_cursor
from app.services.people_filter import PersonFilter
from app.services.people_pages import account_ids_for, page_statements
from benchmarks.ground import Ground
from benchmarks.load import Connection, connect, request_bytes
from benchmarks.people_rows import vary
from benchmarks.places import copied_database, drop_database, opened, service
from benchmarks.processes import MeasuringError
from benchmarks.report import Figure, Target

_TIMES = 21
_PAGE = 100
_TARGET_MS = 50.0
#: Among fewer, reading them all may well be the best plan.
_MANY = 50_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A page that a caller asks for."""

    wanted: PersonFilter
    #: The id behind which it begins.
    after: int | None = None
    #: What stands in the table in place of the filters.
    label: str = ""

    @property
    def name(self) -> str:
        """Return what is asked, as it stands in the table."""
        filters = " ".join(f"{name}={value}" for name, value in self._filters().items())
        asked = self.label or filters or "everyone"
        return f"{asked}, from the middle" if self.after else asked

    def target(self) -> str:
        """Return the path and query."""
        asked = self._filters() | {"limit": str(_PAGE)}
        if self.after is not None:
            asked["cursor"] = encode_cursor("people", self.wanted, self.after)
        return "/v1/people?" + urlencode(asked, quote_via=quote)

    def _filters(self) -> dict[str, str]:
        return {
            name: _written(value)
            for name, value in asdict(self.wanted).items()
            if value is not None and (name, value) != ("deleted", False)
        }


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


async def filters(ground: Ground) -> list[Figure]:
    """Ask for a page by each filter, one at a time, and look at the plan of each."""
    sent = await ground.sent(ground.people)
    url = await copied_database(ground.server_url, sent.database, "filters")
    ground.say("making some of them leads, opted out, deleted, members")
    figures = []
    async with opened(url) as database:
        await vary(database)
        async with service(url, ground.folder) as ours:
            connection = await connect(ours.port)
            for asked in await _everything_asked(database, ground.people):
                ground.say(f"GET {asked.target()}")
                request = request_bytes("GET", asked.target(), ours.key)
                took_ms = [await _ask(connection, request) for _ in range(_TIMES)]
                by_index, plan = await _plan(database, asked)
                figures.append(
                    Figure(
                        f"people: {asked.name}",
                        "ms",
                        statistics.median(took_ms),
                        target=Target(_TARGET_MS),
                        note=f"p50 of {_TIMES}; {plan}",
                        spoilt=not by_index and ground.people >= _MANY,
                    )
                )
            connection.close()
    await drop_database(ground.server_url, "filters")
    return figures


async def _everything_asked(database: Database, people: int) -> list[Asked]:
    many, few = await database.pool.fetchrow("SELECT min(id), max(id) FROM lists")
    latest = await database.pool.fetchval("SELECT max(updated_at) FROM people")
    earliest = await database.pool.fetchval("SELECT min(updated_at) FROM people")
    middle = people // 2
    return [
        Asked(PersonFilter()),
        Asked(PersonFilter(), after=middle),
        Asked(PersonFilter(email=f"Person{middle}@mail.example")),
        Asked(PersonFilter(email="nobody@mail.example")),
        Asked(PersonFilter(q="first")),
        Asked(PersonFilter(q=f"last{middle}")),
        Asked(PersonFilter(q=str(people)[:2])),
        Asked(PersonFilter(q="nobody here")),
        Asked(PersonFilter(q="z")),
        Asked(PersonFilter(kind="lead")),
        Asked(PersonFilter(kind="lead", no_email=True)),
        Asked(PersonFilter(kind="person", no_email=False)),
        Asked(PersonFilter(no_email=True)),
        Asked(PersonFilter(no_email=True), after=middle),
        Asked(PersonFilter(sync_with_mailer=False)),
        Asked(PersonFilter(list_id=many)),
        Asked(PersonFilter(list_id=few)),
        Asked(PersonFilter(list_id=many, q=f"last{middle}")),
        Asked(PersonFilter(updated_since=earliest), label="updated_since=the first change"),
        Asked(PersonFilter(updated_since=latest), label="updated_since=the last change"),
        Asked(PersonFilter(deleted=True)),
        Asked(PersonFilter(sync_status="synced")),
        Asked(PersonFilter(sync_status="pending")),
        Asked(PersonFilter(sync_status="failed")),
        Asked(PersonFilter(sync_status="suppressed", kind="lead")),
        Asked(PersonFilter(sync_status="not_eligible")),
    ]


async def _ask(connection: Connection, request: bytes) -> float:
    began = perf_counter()
    status = await connection.ask(request)
    took_ms = (perf_counter() - began) * 1000
    if status != 200:
        raise MeasuringError(f"{request[:200].decode()!r} was answered with {status}")
    return took_ms


async def _plan(database: Database, asked: Asked) -> tuple[bool, str]:
    """Return whether all people are reached by index, and by which ones."""
    indexes: dict[str, None] = {}
    reads_all = False
    async with database.pool.acquire() as connection:
        account_ids = await account_ids_for(connection, asked.wanted)
        for statement, values in page_statements(asked.wanted, account_ids, asked.after, _PAGE):
            (plan,) = await connection.fetchval(
                f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *values
            )
            for node in _nodes(plan["Plan"]):
                indexes |= dict.fromkeys([node["Index Name"]] if "Index Name" in node else [])
                reads_all |= node["Node Type"] == "Seq Scan" and node["Relation Name"] in _LARGE
            if plan["Plan"]["Actual Rows"] >= _PAGE:
                break
    return not reads_all, ("reads a whole table; " if reads_all else "") + ", ".join(indexes)


_LARGE = frozenset({"people", "contact_links", "person_changes", "list_members"})


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)
