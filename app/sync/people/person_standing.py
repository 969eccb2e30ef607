"""How one person stands in each account, and every condition of being synced, for who asks why not.

By the statement and the rules that send_people itself goes by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from app.db import PoolConnection
from app.services.account_settings import AccountSettings
from app.sync.people.people_page import Claims, standing_of
from app.sync.rules.eligibility import Condition, Policy, conditions
from app.sync.rules.reasons import Reason
from app.sync.statements import statements

#: Reasons by which another person has what this one needs; a deleted one is to let go of it.
_HELD_BY_ANOTHER: Final = (Reason.LINKED_ELSEWHERE, Reason.MOBILE_TAKEN)

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
    #: When the people whom the conditions name were deleted; only those who were.
    deleted_at: Mapping[int, datetime]


async def account_standings(
    connection: PoolConnection, person_id: int, now: datetime
) -> list[AccountStanding]:
    """Return how this person, who must be there, stands in every account, ascending by its id."""
    found = []
    audiences = await connection.fetch(_SQL["audiences"], person_id)
    left_out = await connection.fetch(_SQL["left_out"], person_id)
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
            checked = conditions(standing_of(person, Claims()), policy_of(settings))
            standing = _account_standing(row, checked, await _deleted(connection, checked))
            found.append(_with_what_is_behind(standing, audiences, left_out))
    return found


def _with_what_is_behind(
    standing: AccountStanding,
    audiences: Sequence[Mapping[str, Any]],
    left_out: Sequence[Mapping[str, Any]],
) -> AccountStanding:
    """Add what stands in the way though no decision asks for it, and name the lists behind it."""
    lost = [each for each in left_out if each["account_id"] == standing.account_id]
    holding = [each for each in audiences if each["account_id"] == standing.account_id]
    checked = [
        replace(each, detail=_said_of_audiences(holding))
        if holding and each.reason is Reason.SUPPRESSED_THERE and not each.holds
        else each
        for each in standing.conditions
    ]
    checked.append(
        Condition("contact_not_gone", standing.state != "unlinked", Reason.UNLINKED),
    )
    checked.append(
        Condition(
            "no_mapping_left_out",
            not lost,
            Reason.MAPPING_LEFT_OUT,
            detail=_said_of_mappings(lost) if lost else None,
        )
    )
    return replace(standing, conditions=tuple(checked))


def _said_of_audiences(audiences: Sequence[Mapping[str, Any]]) -> str:
    named = ", ".join(
        f"list {each['id']} ({each['name']}; "
        f"resubscribe_mode {each['resubscribe_mode'] or 'never'})"
        for each in audiences
    )
    return (
        f"Whoever is on a suppression audience is suppressed, and this person is on {named}: with "
        "resubscribe_mode never, leaving it brings nobody back."
    )


def _said_of_mappings(mappings: Sequence[Mapping[str, Any]]) -> str:
    named = ", ".join(
        f"mapping {each['id']} ({each['person_field']} to {each['dotdigital_field']}, failure "
        f"{each['failure_id']})"
        for each in mappings
    )
    return f"It is {named}."


async def _deleted(
    connection: PoolConnection, checked: tuple[Condition, ...]
) -> Mapping[int, datetime]:
    named = {each.person_id for each in checked if each.reason in _HELD_BY_ANOTHER} - {None}
    if not named:
        return {}
    rows = await connection.fetch(_SQL["gone"], list(named))
    return {row["id"]: row["deleted_at"] for row in rows}


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
    row: Mapping[str, Any], checked: tuple[Condition, ...], deleted_at: Mapping[int, datetime]
) -> AccountStanding:
    in_flight = row["import_id"] is not None
    failure = None
    if row["failure_id"] is not None:
        failure = {name: row[name] for name in _FAILURE_COLUMNS} | {"id": row["failure_id"]}
    return AccountStanding(
        account_id=row["account_id"],
        contact_id=row["contact_id"],
        state=state_of(
            row["state"], waits=row["pending_change"] or in_flight, failed=bool(failure)
        ),
        account_status=row["account_status"],
        last_sent_at=row["last_sent_at"],
        pending_change=row["pending_change"] or in_flight,
        pending_since=row["pending_since"],
        failure=failure,
        conditions=checked,
        deleted_at=deleted_at,
    )


_FAILURE_COLUMNS: Final = (
    "code",
    "message",
    "first_seen_at",
    "last_seen_at",
    "attempts",
    "next_retry_at",
)


def state_of(noted: State | None, *, waits: bool, failed: bool) -> State:
    """Return the state as it is now; `services.sync_summary` counts people by the same.

    ``noted`` is the link's, as the last run left it; ``waits``: a change waits, or is in flight, so
    that Dotdigital isn't told yet, whatever of; ``failed``: a failure stands.
    """
    if failed:
        return "failed"
    return "pending" if waits else noted or "unlinked"
