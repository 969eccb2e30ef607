"""`/v1/lists/{id}/members`: who is on a list."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.db import WriteSession
from app.errors import Conflict, NotFound
from app.routers.dependencies import Reader, Reading, ServiceParts, Writer, Writing
from app.routers.idempotent import IdempotentRoute
from app.routers.paging import CursorText, Limit, decode_id, page_of
from app.routers.parameters import PathId
from app.routers.problem_handlers import problems
from app.schemas.lists import MemberOut, MembersIn, MembersOutcome, MemberState
from app.schemas.pages import Page
from app.services import audit, lists, members
from app.services.members import Member
from app.sync.rules.reasons import sentence_of

router = APIRouter(
    prefix="/v1/lists/{list_id}/members", tags=["lists"], route_class=IdempotentRoute
)


async def _named(session: WriteSession, body: MembersIn) -> list[int]:
    """Return the ids of the people that the body names; raises Invalid where some are nobody."""
    if body.person_ids is not None:
        named = await members.people_of_ids(session, body.person_ids)
        return members.all_known(named, "/body/person_ids")
    named = await members.people_of_refs(session, body.external_refs or [])
    return members.all_known(named, "/body/external_refs")


@router.get("", responses=problems(NotFound))
async def list_members(
    _caller: Reader,
    session: Reading,
    list_id: PathId,
    sync_state: Annotated[
        MemberState | None,
        Query(description="One state alone; `leaving` members are shown only when asked for."),
    ] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[MemberOut]:
    """List the members, by ascending person id."""
    filters = [list_id, sync_state]
    after_id = decode_id("members", filters, cursor) or 0
    await lists.get_list(session, list_id)
    found = await members.members_after(session, list_id, after_id, limit, sync_state)
    items = [_shown(each) for each in found]
    return page_of("members", filters, items, limit, [items[-1].person_id] if items else None)


@router.post("", responses=problems(NotFound, Conflict))
async def add_members(
    caller: Writer, parts: ServiceParts, session: Writing, list_id: PathId, body: MembersIn
) -> MembersOutcome:
    """Add many people; nothing is done where one of them is nobody. Idempotent."""
    await lists.get_list(session, list_id)
    person_ids = await _named(session, body)
    joined = await members.join(session, list_id, person_ids, parts.clock.now())
    outcome = MembersOutcome(added=joined.added, already=joined.already)
    _record(session, caller.actor, list_id, outcome)
    return outcome


@router.put("", responses=problems(NotFound, Conflict))
async def replace_members(
    caller: Writer, parts: ServiceParts, session: Writing, list_id: PathId, body: MembersIn
) -> MembersOutcome:
    """Make these people the members: others leave, new ones join, the rest stay untouched."""
    await lists.get_list(session, list_id)
    person_ids = await _named(session, body)
    joined, left = await members.replace(session, list_id, person_ids, parts.clock.now())
    outcome = MembersOutcome(added=joined.added, already=joined.already, removed=left)
    _record(session, caller.actor, list_id, outcome)
    return outcome


@router.post("/remove", responses=problems(NotFound))
async def remove_members(
    caller: Writer, parts: ServiceParts, session: Writing, list_id: PathId, body: MembersIn
) -> MembersOutcome:
    """Remove many people; those who weren't members count as `already`. Idempotent."""
    await lists.get_list(session, list_id)
    person_ids = await _named(session, body)
    left = await members.leave(session, list_id, person_ids, parts.clock.now())
    outcome = MembersOutcome(removed=len(left), already=len(person_ids) - len(left))
    _record(session, caller.actor, list_id, outcome)
    return outcome


@router.delete("", responses=problems(NotFound))
async def delete_members(
    caller: Writer, parts: ServiceParts, session: Writing, list_id: PathId, body: MembersIn
) -> MembersOutcome:
    """Remove the people named in the body, like `POST .../members/remove`.

    Without a body it is refused (415), for it names nobody: to empty a list, PUT no people.
    """
    return await remove_members(caller, parts, session, list_id, body)


@router.get("/{person_id}", responses=problems(NotFound))
async def get_member(
    _caller: Reader, session: Reading, list_id: PathId, person_id: PathId
) -> MemberOut:
    """Return one member; 404 for one that is leaving, too."""
    return _shown(await members.get_member(session, list_id, person_id))


@router.put("/{person_id}", responses={201: {"model": MemberOut}, **problems(NotFound, Conflict)})
async def add_member(
    caller: Writer,
    parts: ServiceParts,
    session: Writing,
    list_id: PathId,
    person_id: PathId,
    response: Response,
) -> MemberOut:
    """Put one person on the list: 201, or 200 for who was on it already."""
    await lists.get_list(session, list_id)
    if not (await members.people_of_ids(session, [person_id])).person_ids:
        raise NotFound(f"There is no person {person_id}.")
    joined = await members.join(session, list_id, [person_id], parts.clock.now())
    if joined.added:
        response.status_code = 201
        _record(session, caller.actor, list_id, MembersOutcome(added=1))
    return _shown(await members.get_member(session, list_id, person_id))


@router.delete("/{person_id}", status_code=204, responses=problems(NotFound))
async def remove_member(
    caller: Writer, parts: ServiceParts, session: Writing, list_id: PathId, person_id: PathId
) -> None:
    """Take one person off the list; 404 for who isn't on it."""
    await lists.get_list(session, list_id)
    if not await members.leave(session, list_id, [person_id], parts.clock.now()):
        raise NotFound(f"Person {person_id} is not on list {list_id}.")
    _record(session, caller.actor, list_id, MembersOutcome(removed=1))


def _record(session: WriteSession, actor: str, list_id: int, outcome: MembersOutcome) -> None:
    if outcome.added or outcome.removed:
        detail = {"added": outcome.added, "removed": outcome.removed}
        audit.record(session, actor, "members_changed", "list", list_id, detail)


def _shown(member: Member) -> MemberOut:
    values = asdict(member)
    message = values.pop("failure_message")
    return MemberOut(**values, detail=message or _sentence(member.reason))


def _sentence(reason: str | None) -> str | None:
    if reason is None:
        return None
    if reason == "pending":
        return "The person is yet to be sent: the next run of send_people sees to that."
    return sentence_of(reason)
