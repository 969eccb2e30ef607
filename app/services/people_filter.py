"""Which people a caller asks for: the filter, and its conditions on one person.

Numbers and words of ours stand in the statement itself; what a caller wrote is a parameter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from app.models.people import FACET_DELETED, FACET_LEAD, FACET_NO_EMAIL, FACET_NOT_SYNCED
from app.services import people_search

#: The email as it is compared: the first parameter of a statement, where it is asked for.
EMAIL_KEY: Final = "lower($1::text)"

SyncStatus = Literal["synced", "pending", "not_eligible", "suppressed", "failed", "unlinked"]


@dataclass(frozen=True, slots=True)
class PersonFilter:
    """What a caller asks for; None asks nothing."""

    email: str | None = None
    #: In lower case, as Postgres makes it (`people_pages.lowered`).
    q: str | None = None
    kind: Literal["person", "lead"] | None = None
    no_email: bool | None = None
    sync_with_mailer: bool | None = None
    list_id: int | None = None
    #: The first instant that is late enough.
    updated_since: datetime | None = None
    #: The deleted ones alone; else those that stand.
    deleted: bool = False
    #: In any account.
    sync_status: SyncStatus | None = None


@dataclass(slots=True)
class Conditions:
    """Conditions on the alias ``person``, and the values of their parameters."""

    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, text: str, *values: Any) -> None:  # noqa: ANN401 - what asyncpg takes
        """Add one, with ``$?`` for each of its values."""
        self.texts.append(self.parameters(text, *values))

    def parameters(self, text: str, *values: Any) -> str:  # noqa: ANN401 - what asyncpg takes
        """Return the text with the parameters of these values in place of each ``$?``."""
        for value in values:
            self.values.append(value)
            text = text.replace("$?", f"${len(self.values)}", 1)
        return text

    def joined(self) -> str:
        """Return all of them as one."""
        return "\n  AND ".join(self.texts)


def facets_of(wanted: PersonFilter) -> tuple[int, ...]:
    """Return the values of ``people.facet`` that have the flags which are asked for."""
    asked = (
        (FACET_DELETED, wanted.deleted),
        (FACET_LEAD, None if wanted.kind is None else wanted.kind == "lead"),
        (FACET_NO_EMAIL, wanted.no_email),
        (
            FACET_NOT_SYNCED,
            None if wanted.sync_with_mailer is None else not wanted.sync_with_mailer,
        ),
    )
    return tuple(
        facet
        for facet in range(16)
        if all(on is None or bool(facet & bit) == on for bit, on in asked)
    )


def needs_account_ids(wanted: PersonFilter) -> bool:
    """Say whether the conditions and sets of a filter want the ids of all accounts."""
    return wanted.sync_status is not None


def held_against(wanted: PersonFilter, account_ids: Sequence[int] = ()) -> Conditions:
    """Return the conditions that one person after another is held against.

    ``OFFSET 0`` keeps Postgres from turning what it looks up for each person into something that
    it reads whole.
    """
    conditions = _of_the_row(wanted)
    for source in _elsewhere(wanted, account_ids, "AND {column} = person.id OFFSET 0"):
        found = " OR ".join(f"EXISTS ({one})" for one in source)
        conditions.add(f"({found})")
    return conditions


def held_by_all(wanted: PersonFilter, account_ids: Sequence[int] = ()) -> Conditions:
    """Return the conditions that find everyone at once."""
    conditions = _of_the_row(wanted)
    for source in _elsewhere(wanted, account_ids, ""):
        conditions.add(f"person.id IN ({' UNION ALL '.join(source)})")
    if sets := people_search.code_sets(wanted.q or ""):
        found = people_search.in_every_part(sets, facets_of(wanted))
        conditions.add(f"person.id IN ({found})")
    return conditions


def _of_the_row(wanted: PersonFilter) -> Conditions:
    conditions = Conditions()
    facets = ",".join(map(str, facets_of(wanted)))
    conditions.add(f"person.facet = ANY ('{{{facets}}}'::smallint[])")
    if wanted.email is not None:
        conditions.add(f"person.email_key = {EMAIL_KEY}")
        conditions.values.append(wanted.email.strip())
    if wanted.updated_since is not None:
        conditions.add("person.updated_at >= $?::timestamptz", wanted.updated_since)
    for parts in people_search.sought(wanted.q or ""):
        really = " OR ".join(f"strpos({people_search.TEXT}, $?::text) > 0" for _ in parts)
        conditions.add(f"({really})", *parts)
    return conditions


#: list_members_pkey.
_MEMBER: Final = """
    SELECT person_id FROM list_members
    WHERE list_id = {key} AND sync_state <> 'leaving' """
#: Whom a link shows to be in a state, for nothing else in the account stands over it: who fails is
#: failed, and who is due or in flight is pending, as `sync.people.person_standing` has it.
#: contact_links_state_person, or contact_links_person for one person; then by primary keys and
#: failures_open_people.
_IN_STATE: Final = """
    SELECT link.person_id FROM contact_links AS link
    WHERE link.state = '{key}' AND {undue} AND {landed} AND {unfailing} """
_UNDER_LINK: Final = {
    "undue": "person_changes AS due WHERE due.account_id = link.account_id "
    "AND due.person_id = link.person_id",
    "landed": "import_records AS flying WHERE flying.account_id = link.account_id "
    "AND flying.person_id = link.person_id",
    "unfailing": "failures AS failure WHERE failure.account_id = link.account_id "
    "AND failure.subject_id = link.person_id "
    "AND failure.subject_type = 'person' AND failure.resolved_at IS NULL",
}
#: A failure of a person that stands.
OPEN: Final = "subject_type = 'person' AND resolved_at IS NULL"
#: By person_changes_pkey, import_records_pkey and failures_open_people.
_WAITING: Final = """
    SELECT waiting.person_id FROM {table} AS waiting
    WHERE waiting.account_id = ANY ('{{{accounts}}}'::bigint[]) AND {unfailing} """
_FAILING: Final = """
    SELECT subject_id AS person_id FROM failures
    WHERE account_id = ANY ('{{{accounts}}}'::bigint[]) AND {open} """


def _elsewhere(wanted: PersonFilter, account_ids: Sequence[int], further: str) -> list[list[str]]:
    """Return what is asked of other tables: of each entry at least one has the person.

    ``further`` narrows it to one person; then what stands over a link is looked up row by row.
    """
    sources: list[list[str]] = []
    if wanted.list_id is not None:
        narrowed = further.format(column="person_id")
        sources.append([_MEMBER.format(key=int(wanted.list_id)) + narrowed])
    if wanted.sync_status is not None:
        sources.append(_in_state(wanted.sync_status, account_ids, further))
    return sources


def _in_state(state: SyncStatus, account_ids: Sequence[int], further: str) -> list[str]:
    none = "(SELECT 1 FROM {} LIMIT 1) IS NULL" if further else "NOT EXISTS (SELECT FROM {})"
    under = {name: none.format(text) for name, text in _UNDER_LINK.items()}
    sources = [_IN_STATE.format(key=state, **under) + further.format(column="link.person_id")]
    accounts = ",".join(map(str, account_ids))
    if state == "pending" and account_ids:
        unfailing = under["unfailing"].replace("link.", "waiting.")
        narrowed = further.format(column="waiting.person_id")
        sources += [
            _WAITING.format(table=table, accounts=accounts, unfailing=unfailing) + narrowed
            for table in ("person_changes", "import_records")
        ]
    if state == "failed" and account_ids:
        narrowed = further.format(column="subject_id")
        sources.append(_FAILING.format(accounts=accounts, open=OPEN) + narrowed)
    return sources
