"""Pages of people among many: right, and by index, whoever is there and whatever Postgres thinks.

The walks are told to look at few, and the ids lie far apart: so several thousand people are what a
million are to the service, and every walk comes to its end with people left.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

import pytest

from app.db import Database, PoolConnection
from app.services import people_pages
from app.services.people_filter import PersonFilter
from app.services.people_pages import PeoplePage, Place, people_after
from app.services.people_walks import SearchBounds
from tests.factories.accounts import make_account
from tests.factories.lists import make_list

_PEOPLE = 6000
#: So that they make sixteen parts of 65,536 ids.
_ID_STEP = 170
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
#: Far less than there are, and more than any walk should go through.
_MOST_ROWS = 2500
_LARGE = ("people", "contact_links", "person_changes", "list_members")

_BOUNDS: Mapping[str, object] = {
    "_NEAR": 20,
    "_MOST_LOOKS": 120,
    "_STRETCH": (10 * _ID_STEP, 200 * _ID_STEP),
    "_MOST_ENTRIES": 300,
    "_MOST_SWEEPS": 2,
    "_SEARCHED": SearchBounds(people=40, parts=5, parts_at_least=5, milliseconds=0),
    "_CHANGES": (20, 60),
    "_FEW": 50,
}

#: Those of the first half have one company, those of the second another. Many are Anna and many
#: Smith, and nobody both. All leads come last, and all who are deleted first.
_FILL = """
INSERT INTO people (id, email, first_name, last_name, kind, no_email, sync_with_mailer, deleted_at,
                    updated_at)
SELECT n * $2::bigint, lower(first || '.' || last) || n || '@' || company || '.example', first,
       last, CASE WHEN n > 5000 THEN 'lead' ELSE 'person' END, n % 3 = 0, n % 4 <> 0,
       CASE WHEN n <= 400 THEN now() END, $3::timestamptz + (n * 7919 % 6000) * interval '1 minute'
FROM generate_series(1, $1::int) AS n, LATERAL (
    SELECT CASE WHEN n % 2 = 0 THEN 'Anna' ELSE 'Ben' END,
           CASE WHEN n % 2 = 0 THEN initcap(md5((n % 50)::text)) ELSE 'Smith' END,
           CASE WHEN n > 3000 THEN 'gmail' ELSE 'acme' END
) AS one (first, last, company)
"""
#: Who is opted out is suppressed, but for a few at the end; failures are rare.
_LINK = """
INSERT INTO contact_links (account_id, person_id, contact_id, state)
SELECT $1, id, id, CASE WHEN no_email AND id < 5900 * $2::bigint THEN 'suppressed'
                        WHEN id % 1000 = 0 THEN 'failed'
                        WHEN deleted_at IS NOT NULL THEN 'unlinked'
                        WHEN id > 5950 * $2::bigint THEN 'pending' ELSE 'synced' END
FROM people
"""
_JOIN = """
INSERT INTO list_members (list_id, person_id, sync_state)
SELECT $1::bigint, id, CASE WHEN id < $4::bigint THEN 'leaving' ELSE 'synced' END
FROM people WHERE id / $3::bigint % $2::int = 0
"""
#: Whose link says another thing, and who is due; and failures that have healed.
_FAIL = """
INSERT INTO failures (account_id, job, subject_type, subject_id, code, message, resolved_at)
SELECT $1, 'send_people', 'person', id, 'c', 'm', CASE WHEN id % 500 <> 0 THEN now() END
FROM people WHERE id % 50 = 0
"""
#: What Postgres may think of people: all of them are what few are in truth, or none.
_MISLEAD = (
    """
INSERT INTO people (id, email, kind, no_email, sync_with_mailer, updated_at)
SELECT n, 'x@example.com', 'lead', true, false, 'infinity' FROM generate_series(1, 300) AS n
""",
    "INSERT INTO lists (id, name) VALUES (1000, 'gone')",
    "INSERT INTO list_members (list_id, person_id) SELECT 1000, id FROM people",
    """
INSERT INTO contact_links (account_id, person_id, state)
SELECT accounts.id, people.id, 'failed' FROM accounts, people
""",
    "ANALYZE",
    "DELETE FROM lists WHERE id = 1000",
    "DELETE FROM contact_links",
    "SET dotsync.erasing = on",
    "DELETE FROM people",
    "RESET dotsync.erasing",
)
_EVERYONE = """
SELECT id, updated_at, email_key, lower(email || chr(10) || first_name || ' ' || last_name), kind,
       no_email, sync_with_mailer, deleted_at IS NOT NULL,
       ARRAY(SELECT list_id FROM list_members
             WHERE person_id = people.id AND sync_state <> 'leaving'),
       ARRAY(SELECT CASE WHEN EXISTS (SELECT FROM failures
                                      WHERE failures.account_id = accounts.id
                                        AND subject_id = people.id AND resolved_at IS NULL)
                         THEN 'failed'
                         WHEN due.person_id IS NOT NULL THEN 'pending' ELSE link.state END
             FROM accounts
             LEFT JOIN contact_links AS link
               ON link.account_id = accounts.id AND link.person_id = people.id
             LEFT JOIN person_changes AS due
               ON due.account_id = accounts.id AND due.person_id = people.id)
FROM people
"""


class Person(NamedTuple):
    """What is known of somebody, for a look at everyone that needs no index."""

    id: int
    updated_at: datetime
    email_key: str
    text: str
    kind: str
    no_email: bool
    sync_with_mailer: bool
    deleted: bool
    lists: list[int]
    states: list[str]

    def fits(self, wanted: PersonFilter) -> bool:
        """Say whether somebody is asked for, by the words of the API."""
        return (
            self.deleted == wanted.deleted
            and (wanted.email is None or self.email_key == wanted.email.lower())
            and all(word in self.text for word in (wanted.q or "").split())
            and wanted.kind in {None, self.kind}
            and wanted.no_email in {None, self.no_email}
            and wanted.sync_with_mailer in {None, self.sync_with_mailer}
            and (wanted.list_id is None or wanted.list_id in self.lists)
            and (wanted.updated_since is None or self.updated_at >= wanted.updated_since)
            and (wanted.sync_status is None or wanted.sync_status in self.states)
        )


class Crowd:
    """All there are, gone through without an index, and once for each thing that is asked for."""

    def __init__(self, people: Sequence[Person]) -> None:
        """Go through these."""
        self._people = {one.id: one for one in people}
        self._found: dict[tuple[tuple[str, object], ...], set[int]] = {}

    def fitting(self, asked: Mapping[str, Any]) -> list[Any]:
        """Return the places of all who fit everything that is asked for, in the pages' order."""
        deleted = {"deleted": True} if asked.get("deleted") else {}
        each = [{name: value, **deleted} for name, value in asked.items()] or [{"kind": None}]
        found = set.intersection(*(self._fitting_one(alone) for alone in each))
        if "updated_since" in asked:
            return sorted((self._people[one].updated_at, one) for one in found)
        return sorted(found)

    def _fitting_one(self, asked: Mapping[str, Any]) -> set[int]:
        key = tuple(asked.items())
        if key not in self._found:
            wanted = PersonFilter(**asked)
            self._found[key] = {one.id for one in self._people.values() if one.fits(wanted)}
        return self._found[key]


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every walk look at few."""
    for name, bound in _BOUNDS.items():
        monkeypatch.setattr(people_pages, name, bound)


async def make_crowd(database: Database, accounts: int, statistics: str) -> list[int]:
    """Store the people; where there are accounts, the first is linked to all. Return the lists."""
    for table in _LARGE:
        await database.pool.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    ids = [(await make_account(database)).id for _ in range(accounts)]
    if statistics == "misleading":
        async with database.pool.acquire() as connection:
            for statement in _MISLEAD:
                await connection.execute(statement)
    await database.pool.execute(_FILL, _PEOPLE, _ID_STEP, _BEGAN)
    for account_id in ids[:1]:
        await database.pool.execute(_LINK, account_id, _ID_STEP)
        await database.pool.execute(_FAIL, account_id)
    await database.pool.execute("DELETE FROM person_changes WHERE person_id % 13 <> 0")
    lists = [(await make_list(database)).id for _ in range(3)]
    for list_id, every, leaving_before in zip(lists, (2, 700, 2), (0, 0, 5500), strict=True):
        await database.pool.execute(_JOIN, list_id, every, _ID_STEP, leaving_before * _ID_STEP)
    if statistics == "right":
        await database.pool.execute("VACUUM ANALYZE")
    return lists


def asked_of(lists: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Return each filter, and every two that can be asked for together, by their names."""
    large, small, leaving = lists
    each: dict[str, dict[str, Any]] = {
        "email": {"email": "Ben.Smith4001@gmail.example"},
        "part of all": {"q": "example"},
        "part of the second half": {"q": "gmail"},
        "two words of nobody": {"q": "anna smith"},
        "two letters": {"q": "ac"},
        "one person": {"q": "smith4001"},
        "leads": {"kind": "lead"},
        "persons": {"kind": "person"},
        "opted out": {"no_email": True},
        "not ticked": {"sync_with_mailer": False},
        "deleted": {"deleted": True},
        "large list": {"list_id": large},
        "small list": {"list_id": small},
        "list that most leave": {"list_id": leaving},
        "changed since the middle": {"updated_since": _BEGAN + timedelta(minutes=3000)},
        "changed lately": {"updated_since": _BEGAN + timedelta(minutes=5900)},
    }
    for state in ("synced", "pending", "suppressed", "failed", "unlinked"):
        each[state] = {"sync_status": state}
    pairs = {
        f"{one} and {other}": {**each[one], **each[other]}
        for one, other in itertools.combinations(each, 2)
        if not each[one].keys() & each[other].keys()
    }
    return {"everyone": {}, **each, **pairs}


class Watched:
    """A connection that keeps what it was asked, so that it can be asked how that was found."""

    def __init__(self, connection: PoolConnection) -> None:
        """Watch this one."""
        self._connection = connection
        self._asked: list[tuple[str, tuple[Any, ...]]] = []

    async def page(self, wanted: PersonFilter, place: Place, limit: int) -> PeoplePage:
        """Ask for a page over it."""
        self._asked.clear()
        return await people_after(cast("PoolConnection", self), wanted, place, limit)

    async def fetch(self, query: str, *values: Any) -> list[Any]:  # noqa: ANN401 - what asyncpg takes
        """Fetch what asyncpg does."""
        self._asked.append((query, values))
        return list(await self._connection.fetch(query, *values))

    async def plans(self) -> list[dict[str, Any]]:
        """Return the plans of what was asked for the last page, and what they went through."""
        plans = []
        for query, values in self._asked:
            (plan,) = await self._connection.fetchval(
                f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}", *values
            )
            plans.append(plan["Plan"])
        return plans


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan and all parts of it."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def check_plan(plan: dict[str, Any]) -> None:
    """Hold a plan to its promise: by index, and through no more than it was told to."""
    counted = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    read: list[tuple[float, str]] = []
    for node in nodes(plan):
        place = node.get("Index Name") or node.get("Relation Name")
        if place is not None:
            rows = sum(node.get(name, 0) for name in counted) * node["Actual Loops"]
            read.append((rows, f"{node['Node Type']} {place}"))
    assert not [what for _, what in read if "Seq Scan" in what and what.split()[-1] in _LARGE], read
    assert sum(rows for rows, _ in read) < _MOST_ROWS, read


async def plan_by_changes(connection: PoolConnection) -> dict[str, Any]:
    """Return the plan inside of `people_by_changes`, made under the settings that it has."""
    body, settings = await connection.fetchrow(
        "SELECT prosrc, proconfig FROM pg_proc WHERE proname = 'people_by_changes'"
    )
    given = {"facets": "'{0,1,2,3,4,5,6,7}'::smallint[]", "after": f"'{_BEGAN}'::timestamptz"}
    for name, value in {**given, "after_id": "0", "most": "60"}.items():
        body = re.sub(rf"\b{name}\b", value, body)
    async with connection.transaction():
        for setting in settings:
            await connection.execute(f"SET LOCAL {setting}")
        (plan,) = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {body}")
        return cast("dict[str, Any]", plan["Plan"])


def check_page(page: PeoplePage, fitting: Sequence[Place], place: Place, *, by_time: bool) -> None:
    """Hold a page against all who fit: it has whoever comes up to where it ends, and goes on."""
    expected = [each for each in fitting if each > place]  # type: ignore[operator]
    if page.following is not None:
        assert page.following > place  # type: ignore[operator]
        expected = [each for each in expected if each <= page.following]  # type: ignore[operator]
    assert [
        (one.updated_at, one.person_id) if by_time else one.person_id for one in page.people
    ] == expected


@pytest.mark.parametrize(
    "accounts, statistics",
    [
        pytest.param(0, "none", id="no accounts, and nothing known of anybody"),
        pytest.param(1, "misleading", id="an account, and what is known was true of others"),
        pytest.param(3, "right", id="three accounts, and all is known"),
    ],
)
@pytest.mark.usefixtures("bounds")
async def test_every_filter_and_every_pair_is_right_and_reads_little(
    database: Database, accounts: int, statistics: str
) -> None:
    lists = await make_crowd(database, accounts, statistics)
    crowd = Crowd([Person(*row) for row in await database.pool.fetch(_EVERYONE)])
    async with database.pool.acquire() as connection:
        check_plan(await plan_by_changes(connection))
        watched = Watched(connection)
        for turn, (name, asked) in enumerate(asked_of(lists).items()):
            wanted = PersonFilter(**asked)
            by_time = wanted.updated_since is not None
            fitting = crowd.fitting(asked)
            # From the beginning, from the middle, from near the end.
            n = (0, 3100, 5950)[turn % 3]
            place: Any = (_BEGAN + timedelta(minutes=n), 0) if by_time else n * _ID_STEP
            page = await watched.page(wanted, place, limit=25)
            try:
                check_page(page, fitting, place, by_time=by_time)
                for plan in await watched.plans():
                    check_plan(plan)
            except AssertionError as error:
                error.add_note(f"{name}, behind {place}")
                raise
