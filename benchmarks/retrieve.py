"""retrieve_activities and match_activities beside their limits, for a process that is measured.

``python -m benchmarks.retrieve WHAT ...`` prints what it measured as JSON.
"""

import argparse
import contextlib
import json
import logging
import os
import secrets
import statistics
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import asyncpg
import httpx
import orjson
import structlog
import uvloop

from app.clients.dotdigital import Transport
from app.clock import SystemClock
from app.db import Database
from app.garbage import collect_seldom
from app.services.activities import ActivityFilter, newest_activities
from app.services.cipher import CredentialsCipher, key_kept_in
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings
from app.sync.engine import Engine
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.queue import trigger_run
from app.sync.rate_buckets import PostgresBucketStore
from app.sync.runs import active_run
from benchmarks.processes import peak_mib

_PAGE: Final = 1000
_COPIED_AT_ONCE: Final = 10_000
_SINCE: Final = "2000-01-01T00:00:00Z"
#: Listing, the type of its rows, the name of their date.
_LISTINGS: Final = (
    ("activities", "email_send", "dateSent"),
    (f"opens/since-date/{_SINCE}", "email_open", "dateOpened"),
    (f"clicks/since-date/{_SINCE}", "email_click", "dateClicked"),
    (f"page-views/since-date/{_SINCE}", "page_view", "dateViewed"),
)
_COLUMNS: Final = (
    "account_id",
    "type",
    "occurred_at",
    "contact_id",
    "email",
    "details",
    "activity_key",
)
_TIMES_READ: Final = 200
_BARE_MATCH: Final = """
UPDATE online_activities AS activity SET person_id = link.person_id
FROM contact_links AS link
WHERE link.account_id = activity.account_id AND link.contact_id = activity.contact_id
  AND activity.person_id IS NULL
"""

Row = tuple[int, str, datetime, int, str, dict[str, Any], bytes]


async def limit(
    url: str, stand_in_url: str, username: str, password: str, *, indexed: bool
) -> dict[str, Any]:
    """Read the same pages and COPY their rows into a table: nothing else."""
    database = Database(url, pool_size=2)
    await database.open()
    indexes = "INCLUDING INDEXES" if indexed else ""
    await database.pool.execute(
        f"CREATE TABLE bare_activities (LIKE online_activities INCLUDING IDENTITY {indexes})"
    )
    began, cpu_began = perf_counter(), process_time()
    copied, batch = 0, list[Row]()
    async with httpx.AsyncClient(
        base_url=f"{stand_in_url}/v2/campaigns", auth=(username, password), timeout=121
    ) as client:
        async for rows in _pages(client):
            batch += rows
            if len(batch) >= _COPIED_AT_ONCE:
                copied += await _copy(database, batch)
        copied += await _copy(database, batch)
    took_s, cpu_s = perf_counter() - began, process_time() - cpu_began
    await database.close()
    return {"rows": copied, "seconds": took_s, "cpu_seconds": cpu_s}


async def _pages(client: httpx.AsyncClient) -> AsyncIterator[list[Row]]:
    campaigns = (await client.get(f"/with-activity-since/{_SINCE}?select=1000&skip=0")).json()
    for campaign in campaigns:
        for listing, type_, date in _LISTINGS:
            skip = 0
            while True:
                path = f"/{campaign['id']}/{listing}?select={_PAGE}&skip={skip}"
                rows = orjson.loads((await client.get(path)).raise_for_status().content)
                yield [
                    (
                        1,
                        type_,
                        datetime.fromisoformat(row[date]),
                        row["contactId"],
                        row["email"],
                        row,
                        secrets.token_bytes(16),
                    )
                    for row in rows
                ]
                skip += _PAGE
                if len(rows) < _PAGE:
                    break


async def _copy(database: Database, batch: list[Row]) -> int:
    async with database.transaction() as connection:
        await connection.copy_records_to_table("bare_activities", records=batch, columns=_COLUMNS)
    count = len(batch)
    batch.clear()
    return count


@contextlib.asynccontextmanager
async def _replica(url: str, data_dir: Path) -> AsyncIterator[tuple[Database, Engine]]:
    settings = Settings(
        _env_file=None,
        discovery_url="http://127.0.0.1:9",
        allowed_hosts=("127.0.0.1",),
        data_dir=data_dir,
    )
    clock, database = SystemClock(), Database(url, pool_size=settings.database_pool_size)
    await database.open()
    transport = Transport(allowed_hosts=settings.allowed_hosts)
    cipher = CredentialsCipher([key_kept_in(settings.data_dir)])
    store = PostgresBucketStore(database, clock)
    connector = DotdigitalConnector(transport, store, cipher, clock, settings)
    try:
        yield (
            database,
            Engine(
                database=database,
                clock=clock,
                settings=settings,
                connector=connector,
                jobs=JOB_FUNCTIONS,
            ),
        )
    finally:
        await transport.aclose()
        await database.close()


async def run_job(url: str, data_dir: Path, job: str) -> dict[str, Any]:
    """Run a job, as a replica would."""
    async with _replica(url, data_dir) as (database, engine):
        began, cpu_began = perf_counter(), process_time()
        async with database.transaction() as connection:
            account_id = await connection.fetchval("SELECT min(id) FROM accounts")
            # A reading that left orphans has queued the run that matches them.
            run_id = await active_run(connection, account_id, job) or await trigger_run(
                connection,
                account_id=account_id,
                job=job,
                mode="changes",
                trigger="manual",
                at=SystemClock().now(),
            )
        await engine.execute(run_id)
        took_s, cpu_s = perf_counter() - began, process_time() - cpu_began
        run = await database.pool.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
    return {
        "status": run["status"],
        "seconds": took_s,
        "cpu_seconds": cpu_s,
        "calls": dict(run["calls"]),
        "counts": dict(run["counts"]),
        "resident_mib": peak_mib(os.getpid()),
    }


async def bare_match(url: str) -> dict[str, Any]:
    """Match by one bare UPDATE, on a connection as Postgres gives it."""
    database = Database(url, pool_size=2)
    connection = await database.connect_apart()
    began = perf_counter()
    told = await connection.execute(_BARE_MATCH, timeout=3600)
    took_s = perf_counter() - began
    await connection.close()
    return {"rows": int(told.rpartition(" ")[2]), "seconds": took_s}


async def read(url: str) -> dict[str, Any]:
    """Read pages of activities as the API does; milliseconds, the medians."""
    database = Database(url, pool_size=2)
    await database.open()
    try:
        return {name: await _median_ms(database, name) for name in ("person", "all", "orphans")}
    finally:
        await database.close()


async def _median_ms(database: Database, name: str) -> float:
    people: list[asyncpg.Record] = await database.pool.fetch(
        "SELECT id FROM people ORDER BY id LIMIT 50"
    )
    took_ms = []
    for turn in range(_TIMES_READ):
        match name:
            case "person":
                wanted = ActivityFilter(person_id=people[turn % len(people)]["id"])
            case "orphans":
                wanted = ActivityFilter(matched=False)
            case _:
                wanted = ActivityFilter()
        async with database.reading() as session:
            began = perf_counter()
            await newest_activities(session, wanted, None, 100)
            took_ms.append((perf_counter() - began) * 1000)
    return statistics.median(took_ms)


def main() -> None:
    """Be the measured process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", choices=["limit", "bare_limit", "retrieve", "bare_match", "match", "read"]
    )
    parser.add_argument("url")
    parser.add_argument("--stand-in", nargs=3, metavar=("URL", "USERNAME", "PASSWORD"))
    parser.add_argument("--data-dir", type=Path)
    given = parser.parse_args()
    collect_seldom()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    measured = {
        "limit": lambda: limit(given.url, *given.stand_in, indexed=True),
        "bare_limit": lambda: limit(given.url, *given.stand_in, indexed=False),
        "retrieve": lambda: run_job(given.url, given.data_dir, "retrieve_activities"),
        "match": lambda: run_job(given.url, given.data_dir, "match_activities"),
        "bare_match": lambda: bare_match(given.url),
        "read": lambda: read(given.url),
    }
    with contextlib.suppress(KeyboardInterrupt):
        print(json.dumps(uvloop.run(measured[given.what]())))


if __name__ == "__main__":
    main()
