"""How one person stands in each account, and every condition of being synced, for who asks why not.

By the statement and the rules that send_people itself goes by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from app.db import PoolConnection
from app.services.account_settings import AccountSettings
from app.sync.people_page import Claims, standing_of
from app.sync.rules.eligibility import Condition, Policy, Standing, conditions
from app.sync.rules.reasons import Reason
from app.sync.statements import statements

_NOT_MAILED: Final = (
    Reason.OPTED_OUT,
    Reason.ADDRESS_OPTED_OUT,
    Reason.SUPPRESSED_THERE,
    Reason.OPT_IN_PENDING,
)

State = Literal["synced", "pending", "not_eligible", "suppressed", "failed", "unlinked"]

_SQL: Final = statements("person_standing")
_AS_IF_DUE: Final = _SQL["as_if_due"] + statements("send_people")["due_people"]


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """How a person stands in one account."""

    account_id: int
    contact_id: int | None
    state: State
    #: Of the contact's email channel, as last read.
    account_status: str | None
    last_sent_at: datetime | None
    #: A change waits to be looked at, or is in flight.
    pending_change: bool
    pending_since: datetime | None
    #: The row's columns; None where nothing failed.
    failure: Mapping[str, Any] | None
    conditions: tuple[Condition, ...]


async def account_standings(
    connection: PoolConnection, person_id: int, now: datetime
) -> list[AccountStanding]:
    """Return how this person, who must be there, stands in every account, ascending by its id."""
    found = []
    for row in await connection.fetch(_SQL["links"], person_id):
        settings = AccountSettings.from_stored(row["settings"])
        person = await connection.fetchrow(
            _AS_IF_DUE,
            row["account_id"],
            person_id - 1,
            now,
            1,
            settings.people == "list_members",
            person_id,
        )
        if person is not None:
            standing = standing_of(person, Claims())
            found.append(_account_standing(row, standing, policy_of(settings)))
    return found


def policy_of(settings: AccountSettings) -> Policy:
    """Return what an account's settings say of sending."""
    return Policy(
        list_members_only=settings.people == "list_members",
        send_without_taken_mobile=settings.mobile_conflict == "send_without",
        relink_taken_email=settings.email_conflict == "relink",
        send_mobile_number=settings.send_mobile_number,
        resubscribes=settings.resubscribe_mode != "never",
        suppress_unknown=settings.suppress_unknown,
    )


def _account_standing(
    row: Mapping[str, Any], standing: Standing, policy: Policy
) -> AccountStanding:
    checked = conditions(standing, policy)
    in_flight = row["import_id"] is not None
    failure = None
    if row["failure_id"] is not None:
        failure = {name: row[name] for name in _FAILURE_COLUMNS} | {"id": row["failure_id"]}
    return AccountStanding(
        account_id=row["account_id"],
        contact_id=row["contact_id"],
        state=state_of(
            row["state"], checked, waits=row["pending_change"] or in_flight, failed=bool(failure)
        ),
        account_status=row["account_status"],
        last_sent_at=row["last_sent_at"],
        pending_change=row["pending_change"] or in_flight,
        pending_since=row["pending_since"],
        failure=failure,
        conditions=checked,
    )


_FAILURE_COLUMNS: Final = (
    "code",
    "message",
    "first_seen_at",
    "last_seen_at",
    "attempts",
    "next_retry_at",
)


def state_of(
    noted: State | None, checked: tuple[Condition, ...], *, waits: bool, failed: bool
) -> State:
    """Return the state as it is now, which the last run may have noted otherwise.

    ``noted`` is the link's; ``waits``: a change waits, or is in flight; ``failed``: one stands.
    """
    obstacle = next((each for each in checked if not each.holds), None)
    if failed:
        return "failed"
    if obstacle is not None:
        return "suppressed" if obstacle.reason in _NOT_MAILED else "not_eligible"
    if waits:
        return "pending"
    return noted or "unlinked"
