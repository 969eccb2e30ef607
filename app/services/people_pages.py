"""Pages of people, and what `q` finds of them, however many there are.

How a page is found is chosen by what is asked, not by guesses of how many there are: a few walks
one after the other (`people_walks`), each of which is the quickest where the one before is slow,
and each of which ends after some milliseconds. Where all of them end before the page is full it
goes out as it is, and the next one goes on from there.

Postgres writes the JSON of what is read: it passes through Python as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from app.db import PoolConnection
from app.services import people_search, people_walks
from app.services.people_filter import PersonFilter, facets_of, held_against, needs_account_ids
from app.services.people_sets import LARGEST_ID, asked_sets, with_facets

Place = tuple[datetime, int] | int

#: Before the first id.
_START: Final = -1 - LARGEST_ID
#: People who are looked at as they come where only those who are deleted don't fit.
_NEAR: Final = 500
#: Looks for a next id in an index.
_MOST_LOOKS: Final = 3000
#: Ids of a stretch whose sets are held against each other, at first and at most; entries of indexes
#: in all stretches of a page, about; and how often.
_STRETCH: Final = (8192, 32768)
_MOST_ENTRIES: Final = 50_000
_MOST_SWEEPS: Final = 5
_SEARCHED: Final = people_walks.SearchBounds(
    people=4000, parts=512, parts_at_least=4, milliseconds=60
)
#: People in the order of their changes who are looked at, at first and in the end.
_CHANGES: Final = (1000, 5000)
#: So many at most are put into the order of their changes here.
_FEW: Final = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of a page: its place in either order, and its JSON."""

    person_id: int
    updated_at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """People in the order asked for, and the place behind which the next page begins.

    A page may hold less than was asked for, nobody even, and yet be followed by others: None is the
    end.
    """

    people: list[Listed]
    following: Place | None


async def people_after(
    connection: PoolConnection, wanted: PersonFilter, place: Place | None, limit: int
) -> PeoplePage:
    """Return the people that fit, from behind this place on, at most ``limit``.

    Ascending by id, and the place is an id; with ``updated_since`` by ``updated_at`` and id, and
    the place is both.
    """
    wanted = await lowered(connection, wanted)
    asked = _asked(wanted, await account_ids_for(connection, wanted))
    if wanted.updated_since is None:
        page = _Page(asked, limit, place if isinstance(place, int) else _START)
        await _fill_by_ids(connection, page)
    else:
        since = (wanted.updated_since, _START)
        page = _Page(asked, limit, place if isinstance(place, tuple) else since)
        await _fill_by_changes(connection, page)
    return PeoplePage(page.people, None if page.ended else page.place)


def page_of_everyone(limit: int) -> tuple[str, list[Any]]:
    """Return the statement of the first page where nothing is asked, and its parameters."""
    page = _Page(_asked(PersonFilter(), ()), limit, _START)
    return page.statement(people_walks.everyone(page.asked.after, limit + _NEAR))


class _Asked:
    """What is asked: conditions on a person, and the sets of people that they make."""

    def __init__(self, wanted: PersonFilter, account_ids: tuple[int, ...]) -> None:
        self.conditions = held_against(wanted, account_ids)
        self.facets = facets_of(wanted)
        self.any_flags = self.facets == facets_of(PersonFilter())
        self.by_facet = with_facets(self.facets)
        self.sets = asked_sets(wanted, account_ids)
        #: With those who have the flags.
        self.all_sets = [*self.sets, self.by_facet]
        self.codes = people_search.code_sets(wanted.q or "")
        #: The same by less: few are deleted.
        self.least_sets = self.sets if self.any_flags else self.all_sets
        self.without = with_facets([facet for facet in range(16) if facet not in self.facets])
        #: Entries that a person has in an index under one value, at most.
        self.entries_a_person = 2 * len(account_ids) + 1
        given = len(self.conditions.values)
        #: Parameters of a statement: the id of a place, beside it the time or where a stretch ends.
        self.after = f"${given + 1}::bigint"
        self.up_to = f"${given + 2}::bigint"
        self.after_time = f"${given + 2}::timestamptz"

    @property
    def leaps(self) -> int:
        # Whoever is looked at mostly stands; whether they have other flags is anybody's guess.
        flags = 1 if self.any_flags else self.by_facet.number
        looks = 1 + flags + sum(people.number for people in self.sets)
        # Where something is sought the index is the quicker way, unless many have it.
        return _MOST_LOOKS // looks // (4 if self.codes else 1)

    @property
    def only_flags(self) -> bool:
        return not self.sets and not self.codes


@lru_cache(maxsize=64)
def _asked(wanted: PersonFilter, account_ids: tuple[int, ...]) -> _Asked:
    """Return what is asked; made once for all pages of the same."""
    return _Asked(wanted, account_ids)


@dataclass(slots=True)
class _Page:
    """A page that is being filled."""

    asked: _Asked
    limit: int
    #: Whoever comes behind it isn't decided on yet.
    place: Place
    people: list[Listed] = field(default_factory=list)
    #: Whether nobody comes behind the place.
    ended: bool = False

    @property
    def is_open(self) -> bool:
        return not self.ended and len(self.people) < self.limit

    def statement(self, walk: str, *further: Any) -> tuple[str, list[Any]]:  # noqa: ANN401 - what asyncpg takes
        """Return the statement that goes on with this walk, and its parameters."""
        conditions = self.asked.conditions
        text = people_walks.page(walk, conditions.joined(), self.limit - len(self.people))
        at = self.place[::-1] if isinstance(self.place, tuple) else (self.place,)
        return text, [*conditions.values, *at, *further]

    async def fill(self, connection: PoolConnection, walk: str, *further: int) -> int:
        """Go on with this walk; return how many entries it went through, where it says so."""
        text, values = self.statement(walk, *further)
        rows = await connection.fetch(text, *values)
        found = [_listed(row) for row in rows if row["id"] is not None]
        self.people += found
        if not self.is_open:
            self.place = self._place(found[-1].updated_at, found[-1].person_id)
        elif rows and rows[-1]["ends"]:
            self.place = self._place(rows[-1]["changed_at"], rows[-1]["place"])
        else:
            self.ended = True
        return (rows[-1]["entries"] or 0) if rows else 0

    def take(self, people: Sequence[Listed]) -> None:
        """Take all who come behind the place, in their order, as far as the page goes."""
        left = self.limit - len(self.people)
        self.people += people[:left]
        if len(people) < left:
            self.ended = True
        else:
            self.place = self._place(self.people[-1].updated_at, self.people[-1].person_id)

    def _place(self, changed_at: datetime, person_id: int) -> Place:
        return person_id if isinstance(self.place, int) else (changed_at, person_id)


def _listed(row: Mapping[str, Any]) -> Listed:
    return Listed(row["id"], row["updated_at"], row["body"])


async def _fill_by_ids(connection: PoolConnection, page: _Page) -> None:
    asked, after = page.asked, page.asked.after
    if asked.only_flags:
        if asked.any_flags:
            await page.fill(connection, people_walks.everyone(after, page.limit + _NEAR))
        if page.is_open:
            # Each leap comes to somebody who fits.
            left = page.limit - len(page.people)
            await page.fill(connection, people_walks.leaps(asked.all_sets, after, left))
        return
    await page.fill(connection, people_walks.leaps(asked.all_sets, after, asked.leaps))
    if not page.is_open:
        return
    if asked.codes:
        searched = people_walks.searched(asked.codes, asked.facets, after, _SEARCHED)
        await page.fill(connection, searched)
    else:
        await _sweep(connection, page)


async def _sweep(connection: PoolConnection, page: _Page) -> None:
    """Hold the sets against each other, one stretch of ids after another."""
    asked = page.asked
    width, widest = _STRETCH
    entries_left = _MOST_ENTRIES
    for _ in range(_MOST_SWEEPS):
        most = (width * asked.entries_a_person, _FEW)
        walk = people_walks.sweep(asked.least_sets, asked.without, (asked.after, asked.up_to), most)
        up_to = min(page.place + width, LARGEST_ID) if isinstance(page.place, int) else LARGEST_ID
        entries = await page.fill(connection, walk, up_to)
        entries_left -= entries
        if not page.is_open or entries_left <= 0:
            return
        width = min(4 * width, width * entries_left // max(entries, 1) + 1, widest)


async def _fill_by_changes(connection: PoolConnection, page: _Page) -> None:
    asked = page.asked
    after = (asked.after_time, asked.after)
    if asked.only_flags:
        await page.fill(connection, people_walks.changes(asked.facets, after, page.limit))
        return
    most_at_first, most = _CHANGES
    await page.fill(connection, people_walks.changes(asked.facets, after, most_at_first))
    if page.is_open and not await _fill_with_few(connection, page):
        await page.fill(connection, people_walks.changes(asked.facets, after, most))


async def _fill_with_few(connection: PoolConnection, page: _Page) -> bool:
    """Put all who are left into the order of their changes; say whether they are that few."""
    asked = page.asked
    behind = f"(person.updated_at, person.id) > ({asked.after_time}, {asked.after})"
    conditions = f"{asked.conditions.joined()} AND {behind}"
    first = f"'{_START}'::bigint"
    walks = []
    if asked.sets:
        walks.append(people_walks.leaps(asked.all_sets, first, asked.leaps))
    if asked.codes:
        walks.append(people_walks.searched(asked.codes, asked.facets, first, _SEARCHED))
    for walk in walks:
        text = people_walks.page(walk, conditions, _FEW)
        _, values = page.statement(walk)
        rows = await connection.fetch(text, *values)
        if len(rows) < _FEW and not (rows and rows[-1]["ends"]):
            page.take(sorted(map(_listed, rows), key=lambda one: (one.updated_at, one.person_id)))
            return True
    return False


async def lowered(connection: PoolConnection, wanted: PersonFilter) -> PersonFilter:
    """Return the filter with ``q`` in lower case the way that Postgres does it."""
    if wanted.q is None:
        return wanted
    if wanted.q.isascii():
        return replace(wanted, q=wanted.q.lower())
    return replace(wanted, q=await connection.fetchval("SELECT lower($1::text)", wanted.q))


async def account_ids_for(connection: PoolConnection, wanted: PersonFilter) -> tuple[int, ...]:
    """Return the ids of all accounts where the filter's conditions want them."""
    if not needs_account_ids(wanted):
        return ()
    rows = await connection.fetch("SELECT id FROM accounts ORDER BY id")
    return tuple(row["id"] for row in rows)
