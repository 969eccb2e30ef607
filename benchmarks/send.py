"""send_people beside its limit: each in a process of its own, on the same rows and sandbox.

``python -m benchmarks.send limit|ours ...`` is that process; it prints what it measured as JSON.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
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
from app.models import Account, Mapping
from app.services.cipher import CredentialsCipher, key_kept_in
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings
from app.sync.engine import Engine
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.queue import trigger_run
from app.sync.rate_buckets import PostgresBucketStore
from benchmarks.people_rows import MAPPINGS
from benchmarks.places import StandIn, resident_mib

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
    began = perf_counter()
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
    took_s = perf_counter() - began
    await connection.close()
    return {
        "rows": rows_sent,
        "seconds": took_s,
        "cpu_seconds": process_time(),
        "resident_mib": resident_mib(),
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


async def ours(url: str, stand_in_url: str, mode: str = "changes") -> dict[str, Any]:
    """Run send_people once, as a replica would."""
    settings = Settings(
        _env_file=None,
        discovery_url=stand_in_url,
        allowed_hosts=("127.0.0.1",),
        data_dir=Path(os.environ["DOTSYNC_BENCH_DATA"]),
    )
    clock, database = SystemClock(), Database(url, pool_size=10)
    await database.open()
    transport = Transport(allowed_hosts=settings.allowed_hosts)
    cipher = CredentialsCipher([key_kept_in(settings.data_dir)])
    store = PostgresBucketStore(database, clock)
    connector = DotdigitalConnector(transport, store, cipher, clock, settings)
    engine = Engine(
        database=database, clock=clock, settings=settings, connector=connector, jobs=JOB_FUNCTIONS
    )
    account_id = await database.pool.fetchval("SELECT min(id) FROM accounts")
    began = perf_counter()
    async with database.transaction() as connection:
        run_id = await trigger_run(
            connection,
            account_id=account_id,
            job="send_people",
            mode=mode,
            trigger="manual",
            at=clock.now(),
        )
    await engine.execute(run_id)
    took_s = perf_counter() - began
    run = await database.pool.fetchrow("SELECT * FROM runs WHERE id = $1", run_id)
    await transport.aclose()
    await database.close()
    return {
        "status": run["status"],
        "rows": run["counts"].get("created", 0) + run["counts"].get("updated", 0),
        "seconds": took_s,
        "cpu_seconds": process_time(),
        "calls": dict(run["calls"]),
        "counts": dict(run["counts"]),
        "resident_mib": resident_mib(),
    }


async def make_account(database: Database, stand_in: StandIn, data_dir: Path) -> int:
    """Store an account of the sandbox's with the mappings, whose fields it makes there."""
    cipher = CredentialsCipher([key_kept_in(data_dir)])
    async with httpx.AsyncClient(
        base_url=stand_in.url, auth=(stand_in.username, stand_in.password)
    ) as client:
        info = (await client.get("/v2/account-info")).raise_for_status().json()
        for _, name, kind in MAPPINGS:
            await client.post("/v2/data-fields", json={"name": name, "type": kind})
    account = Account(
        name="Bench",
        username=stand_in.username,
        password_encrypted=cipher.encrypt(stand_in.password),
        endpoint=stand_in.url,
        region="r1",
        dotdigital_account_id=info["id"],
        settings={"import_wait_seconds": 600},
    )
    async with database.writing() as session:
        session.add(account)
        await session.flush()
        session.add_all(
            Mapping(
                account_id=account.id,
                person_field=person_field,
                dotdigital_field=name,
                data_field_type=kind,
            )
            for person_field, name, kind in MAPPINGS
        )
    return account.id


async def measured(what: str, database: Database, stand_in: StandIn, data_dir: Path) -> Any:  # noqa: ANN401 - JSON
    """Measure in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.send",
        what,
        database.url,
        stand_in.url,
        stand_in.username,
        stand_in.password,
        env={**os.environ, "DOTSYNC_BENCH_DATA": str(data_dir)},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return json.loads(told)


def main() -> None:
    """Be the measured process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["limit", "ours"])
    for name in ("url", "stand_in_url", "username", "password"):
        parser.add_argument(name)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with contextlib.suppress(KeyboardInterrupt):
        if given.what == "limit":
            told = uvloop.run(limit(given.url, given.stand_in_url, given.username, given.password))
        else:
            told = uvloop.run(ours(given.url, given.stand_in_url))
        print(json.dumps(told))


if __name__ == "__main__":
    main()
