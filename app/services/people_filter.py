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
    #: What a few people are held against, one by one.
    one_by_one: list[str] = field(default_factory=list)
    #: What finds everyone by index, where few fit; with `texts` it asks the same.
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

    def joined(self, *, one_by_one: bool = False) -> str:
        """Return all of them as one: to find everyone who fits, or to hold a few against it."""
        return "\n  AND ".join(self.texts + (self.one_by_one if one_by_one else self.by_index))


def may_be_dense(wanted: PersonFilter) -> bool:
    """Say whether what is asked for may fit nearly everyone, or next to nobody."""
    return bool(wanted.q) or wanted.sync_status == "pending"


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
    if wanted.sync_status == "pending":
        _add_pending(conditions, account_ids, sought=bool(wanted.q))
    elif wanted.sync_status is not None:
        conditions.add(f"person.id IN ({_IN_STATE.format(state=wanted.sync_status)})")
    for parts in people_search.sought(wanted.q or ""):
        _add_sought(conditions, parts)
    return conditions


#: list_members_pkey.
_MEMBERS: Final = """
    SELECT member.person_id FROM list_members AS member
    WHERE member.list_id = {list_id} AND member.sync_state <> 'leaving'"""


#: contact_links_state_person.
_IN_STATE: Final = "SELECT person_id FROM contact_links WHERE state = '{state}'"
#: The primary key of person_changes, an account at a time.
_WAITING: Final = "SELECT person_id FROM person_changes WHERE account_id = {account_id}"
#: contact_links_person and the primary key of person_changes.
_IS_PENDING: Final = """(
    EXISTS (SELECT FROM contact_links AS link
            WHERE link.person_id = person.id AND link.state = 'pending')
    OR EXISTS (SELECT FROM person_changes AS due
               WHERE due.person_id = person.id AND due.account_id = ANY ('{{{ids}}}'::bigint[])))"""


def _add_pending(conditions: Conditions, account_ids: Sequence[int], *, sought: bool) -> None:
    """Add that something waits for the person; where ``q`` finds people, of them alone."""
    is_pending = _IS_PENDING.format(ids=",".join(map(str, account_ids)))
    if sought:
        conditions.texts.append(is_pending)
        return
    conditions.one_by_one.append(is_pending)
    parts = [_IN_STATE.format(state="pending")]
    parts += [_WAITING.format(account_id=account_id) for account_id in account_ids]
    conditions.by_index.append(f"person.id IN ({' UNION ALL '.join(parts)})")


def _add_sought(conditions: Conditions, parts: tuple[str, ...]) -> None:
    if by_index := people_search.condition(parts):
        conditions.by_index.append(f"({by_index})")
    really = " OR ".join(f"strpos({people_search.TEXT}, $?::text) > 0" for _ in parts)
    conditions.add(f"({really})", *parts)
