"""Sets of people that an index holds in the order of their ids: what a walk goes through.

Both ends of a stretch are given as rows that begin with the index's first column, so that no other
index has the order that is asked for; and the values of that column come from an array, so that
Postgres knows none of them and makes the same plan for all, whatever its statistics say.
"""
# ruff: noqa: S608 - statements are put together from the names of our own columns

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.services.people_filter import EMAIL_KEY, OPEN, PersonFilter, SyncStatus

LARGEST_ID: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Branch:
    """The ids that an index has under some values of its first column."""

    table: str
    column: str
    #: SQL of the values, as they stand in an array, and their number.
    keys: str
    number: int = 1
    id_column: str = "person_id"
    #: Whether an entry counts, where that stands beside the index.
    counts: str = "true"
    #: What the index is limited to.
    within: str = "true"

    def ids(self, after: str, up_to: str, most: int, also: str = "") -> str:
        """Return the query of the ids of a stretch, at most so many of each value.

        Behind the first, up to and with the second; with these columns beside them.
        """
        first, second = self.column, self.id_column
        return f"""(
            SELECT one.* FROM unnest(ARRAY[{self.keys}]) AS value (key)
            CROSS JOIN LATERAL (
                SELECT {second} AS id{also} FROM {self.table}
                WHERE ({first}, {second}) > (value.key, {after})
                  AND ({first}, {second}) <= (value.key, {up_to}) AND {self.within}
                ORDER BY {first}, {second} LIMIT {most}
            ) AS one)"""


@dataclass(frozen=True, slots=True)
class PeopleSet:
    """Everyone whom one of the branches has."""

    branches: tuple[Branch, ...]
    #: A condition on a row of people that tells its members, and spares the look at many branches.
    on_row: str = ""

    @property
    def number(self) -> int:
        """Return how many places of indexes a look for the next id takes."""
        return sum(branch.number for branch in self.branches)

    def next_ids(self, after: str, most: int) -> str:
        """Return the query of the next ids behind this one, in their order."""
        ids = " UNION ALL ".join(
            branch.ids(after, f"{LARGEST_ID}::bigint", most) for branch in self.branches
        )
        return f"SELECT next.id FROM ({ids}) AS next ORDER BY next.id LIMIT {most}"

    def next_id(self, after: str) -> str:
        """Return the query of the next id behind this one."""
        following = self.next_ids(after, 1)
        if not self.on_row:
            return following
        return f"""SELECT next.id FROM (
            (SELECT id FROM people WHERE id = {after} + 1 AND {self.on_row})
            UNION ALL ({following})) AS next LIMIT 1"""

    def entries(self, after: str, up_to: str, most: int) -> str:
        """Return the query of all ids of a stretch, in no order, and whether each one ``counts``.

        At most so many of each value.
        """
        return " UNION ALL ".join(
            branch.ids(after, up_to, most, f", {branch.counts} AS counts")
            for branch in self.branches
        )


def with_facets(facets: Sequence[int]) -> PeopleSet:
    """Return those who have one of these facets. people_facet."""
    keys = _listed(facets, "smallint")
    on_row = f"facet = ANY (ARRAY[{keys}])"
    return PeopleSet((Branch("people", "facet", keys, len(facets), "id"),), on_row)


def asked_sets(wanted: PersonFilter, account_ids: Sequence[int]) -> list[PeopleSet]:
    """Return a set for each other filter that has an index in the order of ids."""
    sets: list[PeopleSet] = []
    if wanted.email is not None:
        # people_email_key.
        sets.append(PeopleSet((Branch("people", "email_key", EMAIL_KEY, id_column="id"),)))
    if wanted.list_id is not None:
        # list_members_pkey.
        key = _listed([wanted.list_id], "bigint")
        stays = "sync_state <> 'leaving'"
        sets.append(PeopleSet((Branch("list_members", "list_id", key, counts=stays),)))
    if wanted.sync_status is not None:
        sets.append(_in_state(wanted.sync_status, account_ids))
    return sets


def _in_state(state: SyncStatus, account_ids: Sequence[int]) -> PeopleSet:
    """Return everyone who may be in this state; what stands over a link is looked up for each."""
    # contact_links_state_person.
    branches = [Branch("contact_links", "state", f"'{state}'")]
    by_account = (_listed(account_ids, "bigint"), len(account_ids))
    if state == "pending" and account_ids:
        # person_changes_pkey, import_records_pkey.
        tables = ("person_changes", "import_records")
        branches += [Branch(table, "account_id", *by_account) for table in tables]
    if state == "failed" and account_ids:
        # failures_open_people.
        branches.append(
            Branch("failures", "account_id", *by_account, id_column="subject_id", within=OPEN)
        )
    return PeopleSet(tuple(branches))


def _listed(numbers: Sequence[int], kind: str) -> str:
    return ", ".join(f"{int(number)}::{kind}" for number in numbers)
