"""What activities cost: to read them, to match them, and to show them however many there are."""

from dataclasses import dataclass
from typing import Any

import httpx

from app.db import Database
from benchmarks.ground import Ground
from benchmarks.places import StandIn, copied_database, drop_database, opened, sandbox
from benchmarks.processes import MeasuringError, told_by
from benchmarks.report import Cpu, Figure, Target
from benchmarks.sending import MOST_MIB

_CAMPAIGNS = 100
_FEW = 1000
#: Whose pages are read; with a hundred activities each there are enough for a page.
_LINK_EVERYONE = """
WITH made AS (
    INSERT INTO people (email, first_name)
    SELECT DISTINCT email, 'Reader' FROM online_activities WHERE email IS NOT NULL
    RETURNING id, email
), contacts AS (
    SELECT DISTINCT ON (contact_id) contact_id, email FROM online_activities
    WHERE contact_id IS NOT NULL
)
INSERT INTO contact_links (account_id, person_id, contact_id, state, email_key)
SELECT (SELECT min(id) FROM accounts), made.id, contacts.contact_id, 'synced', made.email
FROM made JOIN contacts ON contacts.email = made.email
"""
#: What makes no difference to whether something is matched is out of the way of both sides.
_UNLINKED = (
    "ALTER TABLE people DISABLE TRIGGER USER",
    "ALTER TABLE contact_links DISABLE TRIGGER USER",
    _LINK_EVERYONE,
    "ALTER TABLE people ENABLE TRIGGER USER",
    "ALTER TABLE contact_links ENABLE TRIGGER USER",
    "VACUUM ANALYZE",
)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Activities that the job has read into a database."""

    database: str
    url: str
    told: dict[str, Any]


async def retrieve(ground: Ground) -> list[Figure]:
    """Read everything that happened to a hundred campaigns."""
    async with sandbox() as stand_in:
        ground.say(f"making {ground.people:,} activities")
        await _make_activities(stand_in, ground.people)
        limit = await _limit(ground, stand_in, "limit")
        bare = await _limit(ground, stand_in, "bare_limit")
        ours = (await _retrieved(ground, stand_in, ground.people)).told
    calls, pages = sum(ours["calls"].values()), ground.people / 900
    return [
        Figure(
            f"retrieve_activities, {ground.people:,} activities",
            "rows/s",
            ours["counts"]["stored"] / ours["seconds"],
            limit["rows"] / limit["seconds"],
            Target(0.5, at_least=True, of_limit=True),
            Cpu(ours["cpu_seconds"], limit["cpu_seconds"]),
            "limit: the same pages read, and their rows copied into a table with the same indexes",
        ),
        Figure(
            "the same, copied into a table without an index",
            "rows/s",
            ours["counts"]["stored"] / ours["seconds"],
            bare["rows"] / bare["seconds"],
            cpu=Cpu(ours["cpu_seconds"], bare["cpu_seconds"]),
        ),
        Figure(
            f"memory of retrieve_activities, {ground.people:,} activities",
            "MiB",
            ours["resident_mib"],
            target=Target(MOST_MIB),
        ),
        Figure(
            f"calls of retrieve_activities, {ground.people:,} activities",
            "calls",
            calls,
            pages + _CAMPAIGNS * 6 + 10,
            Target(1, of_limit=True),
            note="limit: a call for 900 rows, and 6 for each campaign",
        ),
    ]


async def match(ground: Ground) -> list[Figure]:
    """Match activities whose contacts were all linked since, and read pages of them."""
    retrieved = await _retrieved_before(ground)
    async with opened(retrieved.url) as database:
        ground.say("linking everyone")
        for statement in _UNLINKED:
            await database.pool.execute(statement, timeout=3600)
    await copied_database(ground.server_url, retrieved.database, "bare_match")
    bare_url = retrieved.url.replace(retrieved.database, "bare_match")
    ground.say("matching by one bare UPDATE")
    bare = await _told(ground, "bare_match", bare_url)
    await drop_database(ground.server_url, "bare_match")
    ground.say("matching")
    ours = await _told(ground, "match", retrieved.url)
    if ours["status"] != "succeeded" or ours["counts"]["matched"] != bare["rows"]:
        raise MeasuringError(f"matching {bare['rows']} orphans ended so: {ours}")
    return [
        Figure(
            f"match_activities, {bare['rows']:,} orphans",
            "s",
            ours["seconds"],
            bare["seconds"],
            Target(3, of_limit=True),
            note="limit: the bare UPDATE ... FROM",
        ),
        Figure(
            f"memory of match_activities, {bare['rows']:,} orphans",
            "MiB",
            ours["resident_mib"],
            target=Target(MOST_MIB),
        ),
        *await _pages(ground, retrieved),
    ]


async def _pages(ground: Ground, many: Retrieved) -> list[Figure]:
    """Compare pages among all activities with pages among a thousand."""
    async with sandbox() as stand_in:
        await _make_activities(stand_in, _FEW)
        few = await _retrieved(ground, stand_in, _FEW)
    for each in (few, many):
        async with opened(each.url) as database:
            if each is few:
                for statement in _UNLINKED:
                    await database.pool.execute(statement)
                await _told(ground, "match", each.url)
            await database.pool.execute("VACUUM ANALYZE", timeout=3600)
    ground.say("reading pages")
    of_few, of_many = [await _told(ground, "read", each.url) for each in (few, many)]
    return [
        Figure(
            f"a page of activities ({name}), among {ground.people:,}",
            "ms",
            of_many[name],
            of_few[name],
            Target(2, of_limit=True),
            note=f"limit: among {_FEW:,}; at the service, without HTTP",
        )
        for name in of_many
    ]


async def _limit(ground: Ground, stand_in: StandIn, which: str) -> dict[str, Any]:
    url = await ground.empty("bare_activities")
    ground.say(f"reading and copying {ground.people:,} activities, nothing else")
    told = await _told(ground, which, url, stand_in)
    await drop_database(ground.server_url, "bare_activities")
    return told


async def _retrieved_before(ground: Ground) -> Retrieved:
    async with sandbox() as stand_in:
        ground.say(f"making {ground.people:,} activities")
        await _make_activities(stand_in, ground.people)
        return await _retrieved(ground, stand_in, ground.people)


async def _retrieved(ground: Ground, stand_in: StandIn, rows: int) -> Retrieved:
    name = f"activities_{rows}"
    url = await ground.empty(name)
    async with opened(url) as database:
        await _make_account(ground, database, stand_in)
    ground.say(f"retrieving {rows:,} activities")
    told = await _told(ground, "retrieve", url)
    if told["status"] != "succeeded" or told["counts"]["stored"] != rows:
        raise MeasuringError(f"retrieving {rows} activities ended so: {told}")
    return Retrieved(name, url, told)


async def _make_account(ground: Ground, database: Database, stand_in: StandIn) -> None:
    await ground.make_account(database, stand_in)


async def _make_activities(stand_in: StandIn, rows: int) -> None:
    async with httpx.AsyncClient(base_url=stand_in.url, timeout=600) as client:
        answer = await client.post(
            "/_sandbox/accounts/default/campaigns/generate",
            json={"rows": rows, "campaigns": min(_CAMPAIGNS, rows // 10)},
        )
        answer.raise_for_status()


async def _told(
    ground: Ground, what: str, url: str, stand_in: StandIn | None = None
) -> dict[str, Any]:
    given = ["--data-dir", str(ground.folder)]
    if stand_in is not None:
        given += ["--stand-in", stand_in.url, stand_in.username, stand_in.password]
    told: dict[str, Any] = await told_by("-m", "benchmarks.retrieve", what, url, *given)
    return told
