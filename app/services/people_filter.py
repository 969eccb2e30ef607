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
#: contact_links_state_person, or contact_links_person for one person.
_IN_STATE: Final = "SELECT person_id FROM contact_links WHERE state = '{key}' "
#: The primary key of person_changes, an account at a time.
_DUE: Final = "SELECT person_id FROM person_changes WHERE account_id = {key} "
#: The same for one person.
_DUE_ANYWHERE: Final = "SELECT FROM person_changes WHERE account_id = ANY ('{{{key}}}'::bigint[]) "


def _elsewhere(wanted: PersonFilter, account_ids: Sequence[int], further: str) -> list[list[str]]:
    """Return what is asked of other tables: of each entry at least one has the person."""
    sources: list[list[str]] = []
    narrowed = further.format(column="person_id")
    if wanted.list_id is not None:
        sources.append([_MEMBER.format(key=int(wanted.list_id)) + narrowed])
    if wanted.sync_status is not None:
        source = [_IN_STATE.format(key=wanted.sync_status) + narrowed]
        if wanted.sync_status == "pending" and account_ids:
            if narrowed:
                source.append(_DUE_ANYWHERE.format(key=",".join(map(str, account_ids))) + narrowed)
            else:
                source += [_DUE.format(key=account_id) for account_id in account_ids]
        sources.append(source)
    return sources
