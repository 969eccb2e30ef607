"""Lists: made, changed and deleted, with the combinations that make no sense refused.

Who is on them is in `members`; which options there are is in `list_options`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import col, select

from app.db import ReadSession, WriteSession
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.list_options import ListOptions, parted
from app.models import ListMember, MailingList
from app.models.lists import MEMBER_STATES
from app.schemas.lists import ListOut
from app.services import members

#: Dotdigital's own figure for the name of a list.
MAX_SYNCHRONISED_NAME = 128
#: Lists that Dotdigital keeps for itself.
RESERVED_NAMES = frozenset({"test", "all contacts"})


async def get_list(
    session: ReadSession | WriteSession, list_id: int, *, hold: bool = False
) -> MailingList:
    """Return the list; raises NotFound. ``hold`` keeps others from changing it meanwhile."""
    found = await session.get(
        MailingList, list_id, with_for_update={"key_share": True} if hold else None
    )
    if found is None:
        raise NotFound(f"There is no list {list_id}.")
    return found


async def lists_after(
    session: ReadSession,
    after_id: int | None,
    limit: int,
    *,
    account_id: int | None = None,
    kind: str | None = None,
    record_state: str | None = None,
    synchronisation_with: str | None = None,
    q: str | None = None,
) -> Sequence[MailingList]:
    """Return the lists after this id that fit the filters, ascending; ``q`` is part of a name."""
    conditions: list[ColumnElement[bool]] = []
    if after_id is not None:
        conditions.append(col(MailingList.id) > after_id)
    if account_id is not None:
        conditions.append(col(MailingList.account_id) == account_id)
    if kind is not None:
        conditions.append(col(MailingList.kind) == kind)
    if record_state is not None:
        conditions.append(col(MailingList.record_state) == record_state)
    if synchronisation_with is not None:
        conditions.append(col(MailingList.synchronisation_with) == synchronisation_with)
    if q is not None:
        conditions.append(col(MailingList.name).icontains(q, autoescape=True))
    found = await session.execute(
        select(MailingList).where(*conditions).order_by(col(MailingList.id)).limit(limit)
    )
    return found.scalars().all()


def shown(one: MailingList) -> ListOut:
    """Return the list as the API gives it."""
    fields = _flat(one)
    return ListOut.model_validate({name: fields[name] for name in ListOut.model_fields})


async def count_members(session: ReadSession | WriteSession, list_id: int) -> dict[str, int]:
    """Return how many members the list has in each sync state; every state is named."""
    counted = await session.execute(
        select(col(ListMember.sync_state), func.count())
        .where(col(ListMember.list_id) == list_id)
        .group_by(col(ListMember.sync_state))
    )
    counts = dict.fromkeys(MEMBER_STATES, 0)
    for state, number in counted.all():
        counts[state] = number
    return counts


async def create_list(
    session: WriteSession, values: Mapping[str, Any], at: datetime
) -> MailingList:
    """Store a new list. Raises Invalid and Conflict, see `check_list`."""
    options, others = parted(values)
    made = MailingList(
        **others, options=ListOptions.model_validate(options), created_at=at, updated_at=at
    )
    await _check_against_others(session, made)
    session.add(made)
    await _flush(session, made)
    return made


async def change_list(
    session: WriteSession, found: MailingList, values: Mapping[str, Any], at: datetime
) -> MailingList:
    """Change these fields of the list. Raises Invalid and Conflict, see `check_list`.

    A list that goes to another account, to another list of Dotdigital's, or out of sync, or whose
    joining does something else, starts from nothing there: its members are pending again, and those
    that were leaving are gone. Only joining may not change while somebody is leaving: they leave as
    they joined, or nobody would tell Dotdigital.
    """
    before = (found.account_id, found.dotdigital_list_id)
    chosen = found.options
    moves = "account_id" in values and values["account_id"] != found.account_id
    took_members = _takes_members(found)
    options, others = parted(values)
    for name, value in others.items():
        setattr(found, name, value)
    if options:
        await _refuse_while_leaving(session, found, options.get("entry_action"))
        found.options = chosen.changed(options)
        # Written also where it looks the same: what was stored may not have been readable.
        flag_modified(found, "options")
    if (moves or found.synchronisation_with is None) and "dotdigital_list_id" not in values:
        found.dotdigital_list_id = None
    with session.no_autoflush:
        await _check_against_others(session, found)
    found.version += 1
    found.updated_at = at
    await _flush(session, found)
    after = (found.account_id, found.dotdigital_list_id)
    enters_by = found.options.entry_action
    is_known_there = before[1] is not None or chosen.entry_action == "unsubscribe"
    if (after != before and is_known_there) or enters_by != chosen.entry_action:
        await members.start_over(session, found.id)
    if after != before:
        found.bound_at = found.status_read_at = found.status_swept_at = None
    if chosen.sync_mode != "one_time":
        found.sent_once_at = None
    if _takes_members(found) and (moves or not took_members):
        await members.make_due(session, found.id)
    return found


async def count_to_suppress(session: WriteSession, found: MailingList) -> int:
    """Return how many members the next run suppresses in the account: none but an audience's."""
    if found.options.entry_action != "unsubscribe" or not _takes_members(found):
        return 0
    return await members.count_unsent_contacts(session, found.id, found.account_id)


async def delete_list(session: WriteSession, found: MailingList) -> None:
    """Delete the list and its memberships; Dotdigital's list stays as it is."""
    await session.delete(found)
    await session.flush()


def check_can_run(found: MailingList) -> int:
    """Return the account that the list is synchronised with; raises Conflict where it isn't now."""
    if found.synchronisation_with is None or found.account_id is None:
        raise Conflict(
            f"List {found.id} is not synchronised: set synchronisation_with and account_id first."
        )
    if found.record_state != "open":
        raise Conflict(
            f"List {found.id} is closed, so nothing of it is sent: set record_state to open first."
        )
    return found.account_id


def what_becomes_of_twin(deleted: MailingList) -> str:
    """Return the sentence that says what stays in Dotdigital when this list is deleted."""
    if deleted.dotdigital_list_id is None:
        return "It had no list in Dotdigital."
    return (
        f"Dotdigital's list {deleted.dotdigital_list_id} stays as it is, with its contacts: delete "
        "it there if it isn't needed any more."
    )


def check_list(values: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with a list's fields taken together; ``values`` holds all of them."""
    faults = []
    if values["synchronisation_with"] is not None:
        faults += _faults_of_synchronised(values)
    elif values["dotdigital_list_id"] is not None:
        faults.append(
            FieldError(
                "/body/dotdigital_list_id",
                'Only a synchronised list has a twin: set synchronisation_with to "dotdigital".',
            )
        )
    options, _ = parted(values)
    faults += [
        FieldError(f"/body/{each.option}", each.sentence)
        for each in ListOptions.model_validate(options).nonsense()
    ]
    return faults


def _faults_of_synchronised(values: Mapping[str, Any]) -> list[FieldError]:
    faults = []
    name = str(values["name"])
    if values["account_id"] is None:
        faults.append(
            FieldError("/body/account_id", "A synchronised list needs the account it goes to.")
        )
    if len(name) > MAX_SYNCHRONISED_NAME:
        faults.append(
            FieldError(
                "/body/name",
                f"Dotdigital takes {MAX_SYNCHRONISED_NAME} characters for the name of a list; "
                f"this one has {len(name)}.",
            )
        )
    if name.strip().casefold() in RESERVED_NAMES:
        faults.append(
            FieldError(
                "/body/name", f"Dotdigital keeps the name {name!r} for itself: choose another."
            )
        )
    return faults


async def _check_against_others(session: WriteSession, one: MailingList) -> None:
    """Raise Invalid where the list makes no sense, Conflict where it clashes with another."""
    if faults := check_list(_flat(one)):
        raise Invalid(faults[0].detail, errors=faults)
    if one.slug is not None:
        await _refuse_other(
            session, one, col(MailingList.slug) == one.slug, f"has the slug {one.slug!r} already"
        )
    if one.account_id is None:
        return
    # Whoever else makes or renames a list of this account waits, so that what is found stands.
    locked = await session.execute(
        text("SELECT 1 FROM accounts WHERE id = :id FOR NO KEY UPDATE"), {"id": one.account_id}
    )
    if locked.first() is None:
        raise Invalid.at("/body/account_id", f"There is no account {one.account_id}.")
    if one.synchronisation_with is None:
        return
    same_account = col(MailingList.account_id) == one.account_id
    await _refuse_other(
        session,
        one,
        same_account
        & col(MailingList.synchronisation_with).is_not(None)
        & (func.lower(col(MailingList.name)) == func.lower(one.name)),
        "is synchronised with this account under the same name, which Dotdigital takes only once",
    )
    if one.dotdigital_list_id is not None:
        await _refuse_other(
            session,
            one,
            same_account & (col(MailingList.dotdigital_list_id) == one.dotdigital_list_id),
            f"is bound to Dotdigital's list {one.dotdigital_list_id}",
        )


async def _refuse_while_leaving(
    session: WriteSession, found: MailingList, entry_action: str | None
) -> None:
    """Raise Conflict where joining would do something else while members are still leaving."""
    if entry_action in (None, found.options.entry_action):
        return
    leaving = (await count_members(session, found.id))["leaving"]
    if leaving:
        raise Conflict(
            f"{leaving} who left list {found.id} still have to leave in Dotdigital, as its "
            f"entry_action {found.options.entry_action!r} has it. Let them: POST "
            f"/v1/lists/{found.id}/sync, while the list is open. Then change entry_action.",
            extensions={"leaving": leaving},
        )


async def _refuse_other(
    session: WriteSession, one: MailingList, condition: ColumnElement[bool], what: str
) -> None:
    found = await session.execute(
        select(MailingList.id)
        .where(condition, col(MailingList.id).is_distinct_from(one.id))
        .limit(1)
    )
    other_id = found.scalar()
    if other_id is not None:
        raise Conflict(f"List {other_id} {what}.", extensions={"list_id": other_id})


async def _flush(session: WriteSession, one: MailingList) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        # Only who takes the same slug at the same moment gets here: all else was looked at before.
        raise Conflict(f"Another list has the slug {one.slug!r} already.") from error


def _flat(one: MailingList) -> dict[str, Any]:
    """Return the list's fields with its options among them."""
    return {**one.options.model_dump(), **one.model_dump(exclude={"options"})}


def _takes_members(one: MailingList) -> bool:
    return one.synchronisation_with is not None and one.record_state == "open"
