"""Calls Dotdigital for a caller who waits: whatever comes of it shows on the account.

No session is held meanwhile.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from app.clients.dotdigital import BadCredentials, DotdigitalClient, DotdigitalError, Retryable
from app.db import Database
from app.errors import BadCredentials as BadCredentialsProblem
from app.errors import Conflict, CredentialsUnreadable, Problem
from app.models import Account
from app.services.account_survey import Survey, survey
from app.services.accounts import adopt, get_account, lock_account
from app.services.cipher import UnreadableCredentialsError
from app.services.dotdigital import DotdigitalConnector, problem_of

Answer = TypeVar("Answer")


async def ask(
    database: Database,
    connector: DotdigitalConnector,
    account_id: int,
    question: Callable[[DotdigitalClient], Awaitable[Answer]],
) -> Answer:
    """Put a question to Dotdigital for this account, ahead of what runs by schedule.

    Raises NotFound, and a `Problem` for what Dotdigital says no to. An account whose credentials
    were refused is not asked again before it is verified.
    """
    async with database.reading() as session:
        account = await get_account(session, account_id)
    if account.state == "bad_credentials":
        raise BadCredentialsProblem(
            account.state_detail
            or "Dotdigital refuses the account's credentials: change them, or verify the account."
        )
    try:
        return await question(connector.client_for_caller(account))
    except UnreadableCredentialsError as error:
        await note_state(database, account_id, error)
        raise CredentialsUnreadable(str(error)) from error
    except DotdigitalError as error:
        await note_state(database, account_id, error)
        raise problem_of(error) from error


async def survey_account(
    database: Database,
    connector: DotdigitalConnector,
    account: Account,
    *,
    username: str | None = None,
    password: str | None = None,
) -> Survey:
    """Survey the account anew, with what is given in place of what is stored.

    Raises a `Problem`. With the stored credentials, what was met shows on the account.
    """
    try:
        password_now = connector.password_of(account) if password is None else password
    except UnreadableCredentialsError as error:
        await note_state(database, account.id, error)
        raise CredentialsUnreadable(str(error)) from error
    try:
        return await survey(
            connector, username or account.username, password_now, account.region_url
        )
    except Problem as problem:
        if username is None and password is None:
            await note_state(database, account.id, problem.__cause__)
        raise


async def verify(
    database: Database, connector: DotdigitalConnector, account_id: int, at: datetime
) -> None:
    """Look at the account again: its region, its state, and what is used of it.

    Its password is encrypted anew, with the newest key. Raises NotFound, Conflict where its
    credentials were changed meanwhile, and a `Problem` with which its state says the same.
    """
    async with database.reading() as session:
        account = await get_account(session, account_id)
    seen = await survey_account(database, connector, account)
    async with database.writing() as session:
        found = await lock_account(session, account_id)
        if found.password_encrypted != account.password_encrypted:
            raise Conflict("The account's credentials were changed meanwhile: verify it again.")
        found.password_encrypted = connector.encrypt(connector.password_of(account))
        await adopt(session, found, seen, at)
    connector.forget(account_id)


async def note_state(database: Database, account_id: int, error: BaseException | None) -> None:
    """Show on the account what was met; a paused account stays paused, and so does its version."""
    match error:
        case BadCredentials():
            state, detail = "bad_credentials", problem_of(error).detail
        case Retryable():
            state, detail = "unreachable", problem_of(error).detail
        case UnreadableCredentialsError():
            # Tried again, so that putting the key back is all that is needed.
            state, detail = "unreachable", CredentialsUnreadable(str(error)).detail
        case _:
            return
    await database.pool.execute(
        """
        UPDATE accounts SET state = $2, state_detail = $3
        WHERE id = $1 AND state <> 'paused' AND (state, state_detail) IS DISTINCT FROM ($2, $3)
        """,
        account_id,
        state,
        detail,
    )


async def note_well(database: Database, account_id: int) -> None:
    """Show on the account that Dotdigital answers it; a paused account stays paused."""
    await database.pool.execute(
        """
        UPDATE accounts SET state = 'ok', state_detail = NULL
        WHERE id = $1 AND state IN ('bad_credentials', 'unreachable')
        """,
        account_id,
    )
