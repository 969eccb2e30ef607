"""`/v1/api-keys`: who may call, and what."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.errors import Conflict, Invalid, NotFound, StaleVersion
from app.routers.dependencies import (
    Admin,
    IfMatch,
    Reading,
    ServiceParts,
    Writing,
    check_version,
    set_etag,
)
from app.routers.idempotent import SecretIdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.problem_handlers import problems
from app.schemas.api_keys import ApiKeyChange, ApiKeyIn, ApiKeyMade, ApiKeyOut
from app.schemas.pages import Page
from app.services import api_keys, audit

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"], route_class=SecretIdempotentRoute)

KeyId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", responses=problems())
async def list_keys(
    _caller: Admin, session: Reading, limit: Limit = 100, cursor: CursorText = None
) -> Page[ApiKeyOut]:
    """List the keys, without their tokens."""
    after_id = decode_id("api-keys", None, cursor)
    found = await api_keys.keys_after(session, after_id, limit)
    items = [ApiKeyOut.model_validate(each) for each in found]
    return page_of("api-keys", None, items, limit, [items[-1].id] if items else None)


@router.post("", status_code=201, responses=problems())
async def create_key(
    caller: Admin, parts: ServiceParts, session: Writing, body: ApiKeyIn, response: Response
) -> ApiKeyMade:
    """Make a key; its token is in this answer and nowhere else."""
    if body.expires_at is not None and body.expires_at <= parts.clock.now():
        raise Invalid.at("/body/expires_at", "This instant is past: give a later one, or null.")
    made, token = await api_keys.create_key(session, body.name, body.scopes, body.expires_at)
    await session.refresh(made)
    audit.record(session, caller.actor, "api_key_created", "api_key", made.id)
    response.headers["Location"] = f"/v1/api-keys/{made.id}"
    set_etag(response, made.version)
    return ApiKeyMade(**ApiKeyOut.model_validate(made).model_dump(), key=token)


@router.get("/{key_id}", responses=problems(NotFound))
async def get_key(_caller: Admin, session: Reading, key_id: KeyId, response: Response) -> ApiKeyOut:
    """Return one key, without its token."""
    found = await api_keys.get_key(session, key_id)
    set_etag(response, found.version)
    return ApiKeyOut.model_validate(found)


@router.patch("/{key_id}", responses=problems(NotFound, StaleVersion, Conflict))
async def change_key(
    caller: Admin,
    parts: ServiceParts,
    session: Writing,
    key_id: KeyId,
    body: ApiKeyChange,
    if_match: IfMatch,
    response: Response,
) -> ApiKeyOut:
    """Change a key's name, scopes or expiry; it works at once, elsewhere within 5 s.

    The last key with the scope `admin` keeps it, and gets no end: 409.
    """
    found = await api_keys.get_key(session, key_id)
    check_version(found.version, if_match)
    now = parts.clock.now()
    if body.scopes is not None and "admin" not in body.scopes:
        await api_keys.refuse_without_admin(session, found, now, expires_at=now)
    elif body.expires_at is not None:
        await api_keys.refuse_without_admin(session, found, now, expires_at=body.expires_at)
    for name in body.model_fields_set:
        value = getattr(body, name)
        if value is None and name != "expires_at":
            raise Invalid.at(f"/body/{name}", "This can't be null: leave it out to keep it.")
        setattr(found, name, value)
    found.version += 1
    await session.flush()
    audit.record(session, caller.actor, "api_key_changed", "api_key", key_id)
    parts.keys.forget()
    set_etag(response, found.version)
    return ApiKeyOut.model_validate(found)


@router.delete("/{key_id}", status_code=204, responses=problems(NotFound, StaleVersion, Conflict))
async def delete_key(
    caller: Admin, parts: ServiceParts, session: Writing, key_id: KeyId, if_match: IfMatch
) -> None:
    """Revoke a key: refused at once here, within 5 s by other replicas.

    The last key with the scope `admin` stays: 409. A revoked `DOTSYNC_BOOTSTRAP_API_KEY` is not
    made anew by the next start, which says so in the log.
    """
    found = await api_keys.get_key(session, key_id)
    check_version(found.version, if_match)
    await api_keys.revoke_key(session, found, parts.clock.now())
    audit.record(session, caller.actor, "api_key_deleted", "api_key", key_id)
    parts.keys.forget()
