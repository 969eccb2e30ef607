"""Each filter of GET /v1/people among many people, bad cases too: how long, and by which index."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from time import perf_counter
from typing import Any, cast
from urllib.parse import quote, urlencode

from app.db import Database, PoolConnection
from app.routers.paging import encode_cursor
from app.services.people_filter import PersonFilter
from app.services.people_pages import PeoplePage, Place, people_after
from benchmarks.filtered_people import everyone_waits, one_account, the_last_wait
from benchmarks.ground import Ground
from benchmarks.load import Connection, connect, request_bytes
from benchmarks.places import drop_database, opened, service
from benchmarks.processes import MeasuringError
from benchmarks.report import Figure, Target

_TIMES = 11
_PAGE = 100
_TARGET_MS = 100.0
#: Among fewer, reading them all may well be the best plan.
_MANY = 50_000
#: Pages that are counted where one goes out with less than was asked for.
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """A page that a caller asks for."""

    wanted: PersonFilter
    #: The place behind which it begins.
    after: Place | None = None
    #: What stands in the table in place of the filters, and what is said of the people.
    label: str = ""
    scene: str = ""

    @property
    def name(self) -> str:
        """Return what is asked, as it stands in the table."""
        filters = " ".join(f"{name}={value}" for name, value in self._filters().items())
        asked = self.label or filters or "everyone"
        if self.after is not None:
            asked += ", from deep in"
        return f"{asked} ({self.scene})" if self.scene else asked

    def target(self) -> str:
        """Return the path and query."""
        asked = self._filters() | {"limit": str(_PAGE)}
        if self.after is not None:
            place = self.after if isinstance(self.after, tuple) else (self.after,)
            asked["cursor"] = encode_cursor("people", self.wanted, *place)
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
    """Ask for a page by each filter, one at a time, and look at the plans of each."""
    url = await ground.people_database(ground.people, "filters")
    figures: list[Figure] = []
    async with opened(url) as database:
        ground.say("linking them to an account; leads, opt-outs, lists")
        await one_account(database, ground.people)
        figures += await _measured(ground, database, url, await _with_one(database, ground.people))
        ground.say("letting them all wait for two accounts more")
        await everyone_waits(database)
        figures += await _measured(ground, database, url, _pending("everyone waits"))
        await the_last_wait(database, ground.people)
        figures += await _measured(ground, database, url, _pending("the last fifty wait"))
    await drop_database(ground.server_url, "filters")
    return figures


async def _measured(
    ground: Ground, database: Database, url: str, everything: Sequence[Asked]
) -> list[Figure]:
    figures = []
    async with service(url, ground.folder) as ours:
        connection = await connect(ours.port)
        for asked in everything:
            ground.say(f"GET {asked.target()}")
            request = request_bytes("GET", asked.target(), ours.key)
            took_ms = [await _ask(connection, request) for _ in range(_TIMES)]
            by_index, note = await _looked_into(database, asked)
            figures.append(
                Figure(
                    f"people: {asked.name}",
                    "ms",
                    statistics.median(took_ms),
                    target=Target(_TARGET_MS),
                    note=f"p50 of {_TIMES}; {note}",
                    spoilt=not by_index and ground.people >= _MANY,
                )
            )
        connection.close()
    return figures


async def _with_one(database: Database, people: int) -> list[Asked]:
    rows = await database.pool.fetch("SELECT name, id FROM lists")
    lists = {row["name"]: row["id"] for row in rows}
    since = await database.pool.fetchrow("SELECT min(updated_at), max(updated_at) FROM people")
    deep = people // 50 * 49
    alone = [PersonFilter(q=q) for q in _sought(people)]
    alone += [PersonFilter(list_id=list_id) for list_id in lists.values()]
    alone += [
        PersonFilter(),
        PersonFilter(email=f"Person{people // 2}@mail.example"),
        PersonFilter(email="nobody@mail.example"),
        PersonFilter(kind="lead"),
        PersonFilter(kind="person"),
        PersonFilter(no_email=True),
        PersonFilter(no_email=False),
        PersonFilter(sync_with_mailer=False),
        PersonFilter(sync_with_mailer=True),
        PersonFilter(deleted=True),
        PersonFilter(sync_status="synced"),
        PersonFilter(sync_status="pending"),
        PersonFilter(sync_status="not_eligible"),
        PersonFilter(sync_status="suppressed"),
        PersonFilter(sync_status="failed"),
        PersonFilter(sync_status="unlinked"),
    ]
    asked = [Asked(wanted, after) for wanted in alone for after in (None, deep)]
    asked += [Asked(wanted) for wanted in _pairs(people, lists)]
    for moment, name in zip(since, ("the first change", "the last change"), strict=True):
        wanted = PersonFilter(updated_since=moment)
        asked.append(Asked(wanted, label=f"updated_since={name}"))
        asked.append(Asked(wanted, (since[1], deep), label=f"updated_since={name}"))
        failed = PersonFilter(updated_since=moment, sync_status="failed")
        asked.append(Asked(failed, label=f"updated_since={name} sync_status=failed"))
        found = PersonFilter(updated_since=moment, q=f"last{people // 2}")
        asked.append(Asked(found, label=f"updated_since={name} q={found.q}"))
    return asked


def _sought(people: int) -> tuple[str, ...]:
    """Return what to look for: of all, of the last tenth, of one, of nobody, and short words."""
    middle = people // 2
    return (
        *("first", "late.example", f"last{middle}", "nobody here", "z", "zz", "99"),
        *(str(people)[:2], f"first{middle} last{middle}", "mail.example late", "first last"),
    )


def _pairs(people: int, lists: dict[str, int]) -> list[PersonFilter]:
    """Return pairs that many fit of either, and few or nobody of both, beside plain ones."""
    return [
        PersonFilter(kind="lead", no_email=True),
        PersonFilter(kind="person", no_email=False),
        PersonFilter(kind="lead", deleted=True),
        PersonFilter(sync_status="suppressed", no_email=False),
        PersonFilter(sync_status="suppressed", kind="lead"),
        PersonFilter(sync_status="synced", no_email=True),
        PersonFilter(sync_status="synced", deleted=True),
        PersonFilter(sync_status="not_eligible", sync_with_mailer=True),
        PersonFilter(sync_status="failed", list_id=lists["half"]),
        PersonFilter(sync_status="synced", list_id=lists["half"]),
        PersonFilter(sync_status="synced", list_id=lists["dozen"]),
        PersonFilter(kind="lead", list_id=lists["half"]),
        PersonFilter(list_id=lists["half"], q=f"last{people // 2}"),
        PersonFilter(list_id=lists["half"], q="late"),
        PersonFilter(kind="lead", q="late"),
        PersonFilter(no_email=True, q="first"),
        PersonFilter(sync_status="suppressed", q="late"),
        PersonFilter(sync_status="pending", q="late"),
        PersonFilter(sync_status="failed", q="last"),
    ]


def _pending(scene: str) -> list[Asked]:
    filters = (
        PersonFilter(sync_status="pending"),
        PersonFilter(sync_status="pending", q="first"),
        PersonFilter(sync_status="pending", q="late"),
        PersonFilter(sync_status="pending", q="nobody here"),
        PersonFilter(sync_status="pending", kind="lead"),
        PersonFilter(sync_status="pending", no_email=True),
        PersonFilter(sync_status="pending", deleted=True),
    )
    return [Asked(wanted, scene=scene) for wanted in filters]


async def _ask(connection: Connection, request: bytes) -> float:
    began = perf_counter()
    status = await connection.ask(request)
    took_ms = (perf_counter() - began) * 1000
    if status != 200:
        raise MeasuringError(f"{request[:200].decode()!r} was answered with {status}")
    return took_ms


class _Watched:
    """A connection that keeps what goes over it."""

    def __init__(self, connection: PoolConnection) -> None:
        self.connection = connection
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    async def fetch(self, query: str, *values: Any) -> list[Any]:  # noqa: ANN401 - what asyncpg takes
        self.asked.append((query, values))
        return list(await self.connection.fetch(query, *values))

    async def page(self, wanted: PersonFilter, place: Place | None) -> PeoplePage:
        return await people_after(cast("PoolConnection", self), wanted, place, _PAGE)


async def _looked_into(database: Database, asked: Asked) -> tuple[bool, str]:
    """Return whether all is found by index, and by which ones; and how many pages make one full."""
    indexes: dict[str, None] = {}
    reads_all = False
    async with database.pool.acquire() as connection:
        watched = _Watched(connection)
        page = await watched.page(asked.wanted, asked.after)
        for query, values in watched.asked:
            (plan,) = await connection.fetchval(
                f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}", *values
            )
            for node in _nodes(plan["Plan"]):
                if node.get("Function Name") == "people_by_changes":
                    indexes["people_facet_updated"] = None
                indexes |= dict.fromkeys([node["Index Name"]] if "Index Name" in node else [])
                reads_all |= node["Node Type"] == "Seq Scan" and _rows(node) >= _MANY / 10
        found, pages = len(page.people), 1
        while found < _PAGE and page.following is not None and pages < _MOST_PAGES:
            page = await watched.page(asked.wanted, page.following)
            found, pages = found + len(page.people), pages + 1
    note = f"{pages} pages to {min(found, _PAGE)} people; " if pages > 1 else ""
    return not reads_all, note + ("reads a whole table; " if reads_all else "") + ", ".join(indexes)


def _rows(node: dict[str, Any]) -> float:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return float(rows * node["Actual Loops"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)
