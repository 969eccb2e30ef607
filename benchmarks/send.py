"""send_people beside its limit, for a process of its own that is measured.

``python -m benchmarks.send limit|ours ...`` prints what it measured as JSON.
"""

import argparse
import contextlib
import json
import logging
import os
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import asyncpg
import httpx
import orjson
import structlog
import uvloop

from app.clients.dotdigital import Transport
from app.clock import SystemClock
from app.db import Database, asyncpg_arguments
from app.garbage import collect_seldom
from app.services.cipher import CredentialsCipher, key_kept_in
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings
from app.sync.engine import Engine
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.queue import trigger_run
from app.sync.rate_buckets import PostgresBucketStore
from benchmarks.processes import peak_mib

BATCH = 10_000
_READ = """
SELECT id, email, first_name, last_name, organisation, city, postcode,
       custom ->> 'points' AS points, custom ->> 'birthday' AS birthday
FROM people WHERE id > $1 ORDER BY id LIMIT $2
"""
_WRITE = """
INSERT INTO contact_links (account_id, person_id, contact_id, state, email_key, linked_at)
SELECT $1, person_id, contact_id, 'synced', email_key, now()
FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS given (person_id, contact_id, email_key)
"""


async def limit(url: str, stand_in_url: str, username: str, password: str) -> dict[str, Any]:
    """Read, dump, post, look, and record a link for each row: nothing else."""
    connection = await asyncpg.connect(**asyncpg_arguments(url))
    account_id = await connection.fetchval("SELECT min(id) FROM accounts")
    rows_sent, after = 0, 0
    began, cpu_began = perf_counter(), process_time()
    async with httpx.AsyncClient(
        base_url=stand_in_url, auth=(username, password), timeout=121
    ) as client:
        while rows := await connection.fetch(_READ, after, BATCH):
            after = rows[-1]["id"]
            body = orjson.dumps(
                {"mergeOption": "overwrite", "contacts": [_contact(row) for row in rows]}
            )
            answer = await client.put("/contacts/v3/import", content=body)
            import_id = answer.raise_for_status().json()["importId"]
            report = {"status": "NotFinished"}
            while report["status"] == "NotFinished":
                report = orjson.loads(
                    (await client.get(f"/contacts/v3/import/{import_id}")).content
                )
            imported = [*report["created"], *report["updated"]]
            contacts = {each["identifiers"]["email"]: each["contactId"] for each in imported}
            keys = [row["email"].lower() for row in rows]
            await connection.execute(
                _WRITE,
                account_id,
                [row["id"] for row in rows],
                [contacts[key] for key in keys],
                keys,
            )
            rows_sent += len(rows)
    took_s, cpu_s = perf_counter() - began, process_time() - cpu_began
    await connection.close()
    return {
        "rows": rows_sent,
        "seconds": took_s,
        "cpu_seconds": cpu_s,
        "resident_mib": peak_mib(os.getpid()),
    }


def _contact(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "matchIdentifier": "email",
        "identifiers": {"email": row["email"]},
        "dataFields": {
            "FIRSTNAME": row["first_name"],
            "LASTNAME": row["last_name"],
            "FULLNAME": f"{row['first_name']} {row['last_name']}",
            "POSTCODE": row["postcode"],
            "COMPANY": row["organisation"],
            "CITY": row["city"],
            "POINTS": int(row["points"]),
            "BIRTHDAY": f"{row['birthday']}T00:00:00Z",
        },
    }


async def ours(
    url: str, stand_in_url: str, data_dir: Path, mode: str, repeat: int
) -> dict[str, Any]:
    """Run send_people, as a replica would; what is measured is its last run."""
    settings = Settings(
        _env_file=None,
        discovery_url=stand_in_url,
        allowed_hosts=("127.0.0.1",),
        data_dir=data_dir,
    )
    clock, database = SystemClock(), Database(url, pool_size=settings.database_pool_size)
    await database.open()
    transport = Transport(allowed_hosts=settings.allowed_hosts)
    cipher = CredentialsCipher([key_kept_in(settings.data_dir)])
    store = PostgresBucketStore(database, clock)
    connector = DotdigitalConnector(transport, store, cipher, clock, settings)
    engine = Engine(
        database=database, clock=clock, settings=settings, connector=connector, jobs=JOB_FUNCTIONS
    )
    told: dict[str, Any] = {}
    for _ in range(repeat):
        told = await _one_run(database, engine, clock, mode)
    await transport.aclose()
    await database.close()
    return told


async def _one_run(
    database: Database, engine: Engine, clock: SystemClock, mode: str
) -> dict[str, Any]:
    began, cpu_began = perf_counter(), process_time()
    async with database.transaction() as connection:
        account_id = await connection.fetchval("SELECT min(id) FROM accounts")
        run_id = await trigger_run(
            connection,
            account_id=account_id,
            job="send_people",
            mode=mode,
            trigger="manual",
            at=clock.now(),
        )
    await engine.execute(run_id)
    took_s, cpu_s = perf_counter() - began, process_time() - cpu_began
    run = await database.pool.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
    return {
        "status": run["status"],
        "rows": run["counts"].get("created", 0) + run["counts"].get("updated", 0),
        "seconds": took_s,
        "cpu_seconds": cpu_s,
        "calls": dict(run["calls"]),
        "counts": dict(run["counts"]),
        "resident_mib": peak_mib(os.getpid()),
    }


def main() -> None:
    """Be the measured process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["limit", "ours"])
    for name in ("url", "stand_in_url", "username", "password"):
        parser.add_argument(name)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--mode", default="changes")
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    collect_seldom()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with contextlib.suppress(KeyboardInterrupt):
        if given.what == "limit":
            told = uvloop.run(limit(given.url, given.stand_in_url, given.username, given.password))
        else:
            told = uvloop.run(
                ours(given.url, given.stand_in_url, given.data_dir, given.mode, given.repeat)
            )
        print(json.dumps(told))


if __name__ == "__main__":
    main()
