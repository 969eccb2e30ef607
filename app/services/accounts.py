"""Accounts: made, changed and deleted, along with what every account has.

Dotdigital is not called here: what it says of an account comes in as a `Survey`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, text
from sqlmodel import col, select

from app.db import ReadSession, WriteSession, raw_connection
from app.errors import Conflict, NotFound
from app.job_kinds import JOB_KINDS
from app.models import Account, ActivitySettings, Job, MailingList, Run
from app.services.account_moves import start_over
from app.services.account_settings import AccountSettings
from app.services.account_survey import Survey
from app.services.settings_effects import make_affected_due
from app.services.standard_mappings import standard_mappings


async def get_account(session: ReadSession | WriteSession, account_id: int) -> Account:
    """Return the account; raises NotFound."""
    found = await session.get(Account, account_id)
    if found is None:
        raise NotFound(f"There is no account {account_id}.")
    return found


async def lock_account(session: WriteSession, account_id: int) -> Account:
    """Return the account, which nobody else changes until the session ends; raises NotFound."""
    found = await session.get(
        Account, account_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if found is None:
        raise NotFound(f"There is no account {account_id}.")
    return found


async def accounts_after(
    session: ReadSession, after_id: int | None, limit: int
) -> Sequence[Account]:
    """Return the accounts after this id, ascending."""
    query = select(Account).order_by(col(Account.id)).limit(limit)
    if after_id is not None:
        query = query.where(col(Account.id) > after_id)
    return (await session.execute(query)).scalars().all()


async def refuse_taken(
    session: ReadSession | WriteSession, username: str, *, but: int | None = None
) -> None:
    """Raise Conflict where another account has this API user.

    Two API users of one Dotdigital account are two accounts of ours; they share its rate limits.
    """
    found = await session.execute(
        select(col(Account.id), col(Account.name))
        .where(
            func.lower(col(Account.username)) == username.lower(),
            col(Account.id).is_distinct_from(but),
        )
        .limit(1)
    )
    if other := found.first():
        raise Conflict(
            f"Account {other.id} ({other.name}) has this API user already. Change that one, or "
            "make another API user in Dotdigital.",
            extensions={"account_id": other.id},
        )


async def create_account(
    session: WriteSession,
    name: str,
    username: str,
    password_encrypted: bytes,
    region_url: str | None,
    survey: Survey,
    at: datetime,
) -> Account:
    """Store an account with its jobs, which are off, and its standard mappings.

    Raises Conflict where its API user has an account. Everybody becomes due for it, by trigger.
    """
    await _one_at_a_time(session)
    await refuse_taken(session, username)
    made = Account(
        name=name,
        username=username,
        password_encrypted=password_encrypted,
        region_url=region_url,
        endpoint=survey.endpoint,
        region=survey.info.region,
        dotdigital_account_id=survey.info.id,
        usage=survey.usage(),
        usage_read_at=at,
        created_at=at,
        updated_at=at,
    )
    session.add(made)
    await session.flush()
    session.add(ActivitySettings(account_id=made.id))
    session.add_all(
        Job(account_id=made.id, job=job, interval_seconds=kind.interval_s, updated_at=at)
        for job, kind in JOB_KINDS.items()
    )
    session.add_all(standard_mappings(made.id, survey.data_fields, at))
    await session.flush()
    return made


async def change_account(
    session: WriteSession,
    found: Account,
    values: Mapping[str, Any],
    settings: Mapping[str, Any],
    survey: Survey | None,
    at: datetime,
) -> int:
    """Change these columns and settings; return how many people have to be looked at again.

    What ``settings`` leaves out stays. ``survey`` is what new credentials were verified with.

    Raises Conflict for an API user that another account has, and for one of another Dotdigital
    account once anything ties this one to the first.
    """
    if "username" in values:
        await _one_at_a_time(session)
        await refuse_taken(session, values["username"], but=found.id)
    for name, value in values.items():
        setattr(found, name, value)
    if survey is not None:
        await adopt(session, found, survey, at)
    due = 0
    if settings:
        before = AccountSettings.from_stored(found.settings)
        after = AccountSettings.from_stored({**before.to_stored(), **settings})
        stored = after.to_stored()
        # What was never set follows the defaults of the day.
        found.settings = {name: stored[name] for name in {**found.settings, **settings}}
        await session.flush()
        due = await make_affected_due(session, found.id, before, after)
    found.version += 1
    found.updated_at = at
    await session.flush()
    return due


async def adopt(session: WriteSession, found: Account, survey: Survey, at: datetime) -> None:
    """Take what Dotdigital says of the account; its endpoint among it, for accounts move.

    Raises Conflict where it is another Dotdigital account and anything ties this one to the first.
    """
    if survey.info.id != found.dotdigital_account_id:
        await start_over(session, found, survey)
        found.dotdigital_account_id = survey.info.id
    found.endpoint = survey.endpoint
    found.region = survey.info.region
    found.usage = survey.usage()
    found.usage_read_at = at
    if found.state != "paused":
        found.state, found.state_detail = "ok", None
    await session.flush()


async def get_activity_settings(
    session: ReadSession | WriteSession, account_id: int
) -> tuple[Account, ActivitySettings]:
    """Return the account and which activity types come over for it; raises NotFound."""
    account = await get_account(session, account_id)
    found = await session.get(ActivitySettings, account_id)
    return account, found or ActivitySettings(account_id=account_id)


async def change_activity_settings(
    session: WriteSession, account: Account, values: Mapping[str, bool], at: datetime
) -> ActivitySettings:
    """Say which activity types come over; the account's version counts the change."""
    _, found = await get_activity_settings(session, account.id)
    for name, value in values.items():
        setattr(found, name, value)
    session.add(found)
    account.version += 1
    account.updated_at = at
    await session.flush()
    return found


async def delete_account(session: WriteSession, found: Account) -> int:
    """Delete the account with all that hangs on it; return how many people it was linked to.

    Dotdigital keeps its contacts. Raises Conflict while lists point at it, or a run is active.
    """
    # As its making does: whoever changes a person meanwhile waits, or would make that person due
    # for an account that is going. The row second, for they lock in this order too.
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('dotsync.accounts'))"))
    await session.refresh(found, with_for_update=True)
    await _refuse_lists(session, found.id)
    await _refuse_active_runs(session, found.id)
    connection = await raw_connection(session)
    links: int = await connection.fetchval(
        "SELECT count(*) FROM contact_links WHERE account_id = $1 AND contact_id IS NOT NULL",
        found.id,
    )
    await session.delete(found)
    await session.flush()
    return links


async def _refuse_lists(session: WriteSession, account_id: int) -> None:
    pointing = await session.execute(
        select(col(MailingList.id))
        .where(col(MailingList.account_id) == account_id)
        .order_by(col(MailingList.id))
        .limit(20)
    )
    list_ids = list(pointing.scalars())
    if list_ids:
        raise Conflict(
            f"Lists go to this account: {', '.join(map(str, list_ids))}. Give them another "
            "account, or delete them first.",
            extensions={"list_ids": list_ids},
        )


async def _refuse_active_runs(session: WriteSession, account_id: int) -> None:
    active = await session.execute(
        select(col(Run.id), col(Run.job))
        .where(col(Run.account_id) == account_id, col(Run.status).in_(["queued", "running"]))
        .order_by(col(Run.id))
        .limit(1)
    )
    if run := active.first():
        raise Conflict(
            f"Run {run.id} of {run.job} is active for this account. Wait for it, or cancel it with "
            f"POST /v1/runs/{run.id}/cancel.",
            extensions={"run_id": run.id},
        )


async def _one_at_a_time(session: WriteSession) -> None:
    """Let whoever else gives an account an API user wait, so that what is found stands."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('dotsync.api_users'))"))
