"""`/v1/accounts`: Dotdigital accounts, their settings and which activities come over."""

from typing import Any

from fastapi import APIRouter, Response

from app.errors import (
    BadCredentials,
    Conflict,
    DotdigitalUnreachable,
    HostNotAllowed,
    NotFound,
    StaleVersion,
)
from app.routers.dependencies import (
    Admin,
    IfMatch,
    Parts,
    Reader,
    Reading,
    ServiceParts,
    Syncer,
    Writing,
    check_version,
    set_etag,
)
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import PathId
from app.routers.problem_handlers import problems
from app.schemas.accounts import (
    AccountChange,
    AccountDeleted,
    AccountIn,
    AccountOut,
    ActivitySettings,
)
from app.schemas.pages import Page
from app.services import account_calls, account_usage, accounts, audit
from app.services.account_survey import survey

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=IdempotentRoute)

_FROM_DOTDIGITAL = (BadCredentials, HostNotAllowed, DotdigitalUnreachable)


@router.get("", responses=problems())
async def list_accounts(
    _caller: Reader,
    parts: ServiceParts,
    session: Reading,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[AccountOut]:
    """List the accounts, by ascending id, from what the service knows; Dotdigital isn't asked."""
    after_id = decode_id("accounts", None, cursor)
    found = await accounts.accounts_after(session, after_id, limit)
    items = await account_usage.shown_accounts(session, found, parts.connector, parts.clock.now())
    return page_of("accounts", None, items, limit, [items[-1].id] if items else None)


@router.post("", status_code=201, responses=problems(Conflict, *_FROM_DOTDIGITAL))
async def create_account(
    caller: Admin, parts: ServiceParts, body: AccountIn, response: Response
) -> AccountOut:
    """Make an account: its credentials are verified, its region found, its standard mappings made.

    Its jobs are off until `POST /v1/sync/start`. Nothing is stored where Dotdigital says no.
    """
    password = body.password.get_secret_value()
    async with parts.database.reading() as session:
        await accounts.refuse_taken(session, body.username)
    seen = await survey(parts.connector, body.username, password, body.region_url)
    now = parts.clock.now()
    async with parts.database.writing() as session:
        made = await accounts.create_account(
            session,
            body.name,
            body.username,
            parts.connector.encrypt(password),
            body.region_url,
            seen,
            now,
        )
        audit.record(session, caller.actor, "account_created", "account", made.id)
        shown = await account_usage.shown_accounts(session, [made], parts.connector, now)
    response.headers["Location"] = f"/v1/accounts/{made.id}"
    set_etag(response, made.version)
    return shown[0]


@router.get("/{account_id}", responses=problems(NotFound))
async def get_account(
    _caller: Reader, parts: ServiceParts, session: Reading, account_id: PathId, response: Response
) -> AccountOut:
    """Return one account with its limits and what is used of them; Dotdigital isn't asked."""
    found = await accounts.get_account(session, account_id)
    shown = await account_usage.shown_accounts(session, [found], parts.connector, parts.clock.now())
    set_etag(response, found.version)
    return shown[0]


@router.patch(
    "/{account_id}", responses=problems(NotFound, StaleVersion, Conflict, *_FROM_DOTDIGITAL)
)
async def change_account(
    caller: Admin,
    parts: ServiceParts,
    account_id: PathId,
    body: AccountChange,
    if_match: IfMatch,
    response: Response,
) -> AccountOut:
    """Change an account; what is left out stays, of its settings too.

    New credentials are verified first. Whom a changed setting concerns is looked at again.
    """
    seen = None
    async with parts.database.reading() as session:
        before = await accounts.get_account(session, account_id)
        check_version(before.version, if_match)
        if body.username is not None:
            await accounts.refuse_taken(session, body.username, but=account_id)
    if body.username is not None or body.password is not None:
        seen = await account_calls.survey_account(
            parts.database,
            parts.connector,
            before,
            username=body.username,
            password=None if body.password is None else body.password.get_secret_value(),
        )
    now = parts.clock.now()
    async with parts.database.writing() as session:
        found = await accounts.lock_account(session, account_id)
        check_version(found.version, before.version if seen else if_match)
        due = await accounts.change_account(
            session, found, _columns(parts, body), _settings(body), seen, now
        )
        detail = {"fields": _names(body), "people_due": due}
        audit.record(session, caller.actor, "account_changed", "account", account_id, detail)
        shown = await account_usage.shown_accounts(session, [found], parts.connector, now)
    if seen is not None:
        parts.connector.forget(account_id)
    set_etag(response, found.version)
    return shown[0]


@router.delete("/{account_id}", responses=problems(NotFound, StaleVersion, Conflict))
async def delete_account(
    caller: Admin, parts: ServiceParts, session: Writing, account_id: PathId, if_match: IfMatch
) -> AccountDeleted:
    """Delete an account with its links, mappings, activities and runs; Dotdigital keeps its own."""
    found = await accounts.lock_account(session, account_id)
    check_version(found.version, if_match)
    links = await accounts.delete_account(session, found)
    audit.record(session, caller.actor, "account_deleted", "account", account_id, {"links": links})
    parts.connector.forget(account_id)
    return AccountDeleted(id=account_id, links_deleted=links)


@router.post("/{account_id}/verify", responses=problems(NotFound, Conflict, *_FROM_DOTDIGITAL))
async def verify_account(
    _caller: Syncer, parts: ServiceParts, account_id: PathId, response: Response
) -> AccountOut:
    """Look at the account anew: its region, its state, and what is used of it."""
    now = parts.clock.now()
    await account_calls.verify(parts.database, parts.connector, account_id, now)
    async with parts.database.reading() as session:
        found = await accounts.get_account(session, account_id)
        shown = await account_usage.shown_accounts(session, [found], parts.connector, now)
    set_etag(response, found.version)
    return shown[0]


@router.get("/{account_id}/activity-settings", responses=problems(NotFound))
async def get_activity_settings(
    _caller: Reader, session: Reading, account_id: PathId, response: Response
) -> ActivitySettings:
    """Return which activity types come over; they share the account's version."""
    account, found = await accounts.get_activity_settings(session, account_id)
    set_etag(response, account.version)
    return ActivitySettings.model_validate(found)


@router.put("/{account_id}/activity-settings", responses=problems(NotFound, StaleVersion))
async def replace_activity_settings(
    caller: Admin,
    parts: ServiceParts,
    session: Writing,
    account_id: PathId,
    body: ActivitySettings,
    if_match: IfMatch,
    response: Response,
) -> ActivitySettings:
    """Say which activity types come over, from the next run on."""
    account = await accounts.lock_account(session, account_id)
    check_version(account.version, if_match)
    found = await accounts.change_activity_settings(
        session, account, body.model_dump(), parts.clock.now()
    )
    audit.record(
        session, caller.actor, "activity_settings_changed", "account", account_id, body.model_dump()
    )
    set_etag(response, account.version)
    return ActivitySettings.model_validate(found)


def _columns(parts: Parts, body: AccountChange) -> dict[str, Any]:
    columns = body.model_dump(exclude={"password", "settings"}, exclude_unset=True)
    if body.password is not None:
        columns["password_encrypted"] = parts.connector.encrypt(body.password.get_secret_value())
    return columns


def _settings(body: AccountChange) -> dict[str, Any]:
    return {} if body.settings is None else body.settings.model_dump(exclude_unset=True)


def _names(body: AccountChange) -> list[str]:
    own = body.model_fields_set - {"settings"}
    return sorted([*own, *(f"settings.{name}" for name in _settings(body))])
