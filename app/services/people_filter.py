"""Which people a caller asks for, as conditions that each have an index.

Numbers and words of ours stand in the statement itself, so that Postgres plans it for these very
values: what suits a list of ten doesn't suit one of a million.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from app.services import people_search

SyncStatus = Literal["synced", "pending", "not_eligible", "suppressed", "failed", "unlinked"]


@dataclass(frozen=True, slots=True)
class PersonFilter:
    """What a caller asks for; None asks nothing."""

    email: str | None = None
    #: In lower case, as Postgres makes it (`lowered`).
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
    #: Those of ``q`` that only serve to find by index what the others ask for exactly.
    by_index: list[str] = field(default_factory=list)
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

    def joined(self, *, with_index: bool = True) -> str:
        """Return all of them as one, with or without those that find what ``q`` asks for."""
        return "\n  AND ".join(self.texts + self.by_index if with_index else self.texts)


def needs_account_ids(wanted: PersonFilter) -> bool:
    """Say whether `conditions_of` wants the ids of all accounts."""
    return wanted.sync_status == "pending"


def conditions_of(wanted: PersonFilter, account_ids: Sequence[int] = ()) -> Conditions:
    """Return the conditions of a filter."""
    conditions = Conditions()
    # people_pkey, or people_deleted.
    conditions.add(f"person.deleted_at IS {'NOT ' if wanted.deleted else ''}NULL")
    if wanted.email is not None:
        # people_email_key.
        conditions.add("person.email_key = lower($?::text)", wanted.email.strip())
    if wanted.kind is not None:
        # people_leads.
        conditions.add(
            "person.kind = 'lead'" if wanted.kind == "lead" else "person.kind = 'person'"
        )
    if wanted.no_email is not None:
        # people_opted_out.
        conditions.add("person.no_email" if wanted.no_email else "NOT person.no_email")
    if wanted.sync_with_mailer is not None:
        # people_not_synced.
        conditions.add(f"{'' if wanted.sync_with_mailer else 'NOT '}person.sync_with_mailer")
    if wanted.list_id is not None:
        conditions.add(f"person.id IN ({_MEMBERS.format(list_id=int(wanted.list_id))})")
    if wanted.updated_since is not None:
        # people_updated_at.
        conditions.add("person.updated_at >= $?::timestamptz", wanted.updated_since)
    if wanted.sync_status is not None:
        conditions.add(f"person.id IN ({_in_sync_status(wanted.sync_status, account_ids)})")
    for parts in people_search.sought(wanted.q or ""):
        _add_sought(conditions, parts)
    return conditions


#: list_members_pkey.
_MEMBERS: Final = """
    SELECT member.person_id FROM list_members AS member
    WHERE member.list_id = {list_id} AND member.sync_state <> 'leaving'"""


def _in_sync_status(status: SyncStatus, account_ids: Sequence[int]) -> str:
    # contact_links_state_person; the primary key of person_changes, an account at a time.
    parts = [f"SELECT person_id FROM contact_links WHERE state = '{status}'"]  # noqa: S608
    if status == "pending":
        parts += [
            f"SELECT person_id FROM person_changes WHERE account_id = {int(account_id)}"  # noqa: S608
            for account_id in account_ids
        ]
    return "\n    UNION ALL ".join(parts)


def _add_sought(conditions: Conditions, parts: tuple[str, ...]) -> None:
    if by_index := people_search.condition(parts):
        conditions.by_index.append(f"({by_index})")
    really = " OR ".join(f"strpos({people_search.TEXT}, $?::text) > 0" for _ in parts)
    conditions.add(f"({really})", *parts)
