"""The control calls over HTTP. Bodies are JSON objects; what is wrong with one gets 400 or 404."""

import dataclasses
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.clock import text_of
from sandbox.control.control import Control
from sandbox.control.errors import UnknownError
from sandbox.control.mailing_routes import MAILING_CALLS
from sandbox.control.requests import ACCOUNT, Action, ControlRequest
from sandbox.sandbox import Sandbox
from sandbox.state import ApiUser
from sandbox.v3.writing import full_contact


def control_app(sandbox: Sandbox) -> Starlette:
    """Make the app that takes the control calls."""
    control = Control(sandbox)
    return Starlette(
        routes=[
            Route(f"/_sandbox{path}", _endpoint(control, action), methods=[method])
            for method, path, action in (*_CALLS, *MAILING_CALLS)
        ]
    )


def _endpoint(control: Control, action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = orjson.loads(await request.body() or b"{}")
            answer = action(ControlRequest(control, request, body))
            if isinstance(answer, Awaitable):
                answer = await answer
        except UnknownError as unknown:
            return _json({"error": str(unknown)}, 404)
        except (ValueError, TypeError, KeyError, AttributeError) as wrong:
            return _json({"error": f"{type(wrong).__name__}: {wrong}"}, 400)
        return _json(answer)

    return endpoint


def _json(body: object, status: int = 200) -> Response:
    written = orjson.dumps(body, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    return Response(written, status, media_type="application/json")


def _plain(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    raise TypeError(f"{type(value).__name__} can't be written")


def _overview(request: ControlRequest) -> dict[str, Any]:
    sandbox = request.sandbox
    return {
        "now": text_of(sandbox.clock.now_ms()),
        "hosts": sandbox.hosts,
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "region": account.region,
                "contacts": account.contacts.live_count,
                "suppressed": len(account.suppressions),
                "lists": len(account.lists),
                "campaigns": len(account.campaigns),
                "active_imports": account.jobs.active("import"),
                "users": [
                    {"username": user.username, "password": user.password}
                    for user in sandbox.world.users_of(account.id)
                ],
            }
            for account in sandbox.world.accounts.values()
        ],
    }


async def _reset(request: ControlRequest) -> dict[str, Any]:
    await request.sandbox.reset()
    return _overview(request)


def _add_account(request: ControlRequest) -> dict[str, Any]:
    return {"id": request.control.add_account(**request.body).id}


def _add_user(request: ControlRequest) -> dict[str, Any]:
    user = ApiUser(account_id=request.account.id, **request.body)
    request.control.add_user(user)
    return {"username": user.username}


def _settings(request: ControlRequest) -> dict[str, Any]:
    return dataclasses.asdict(request.account.settings)


def _set_settings(request: ControlRequest) -> dict[str, Any]:
    request.control.set_settings(request.body, request.account_id)
    return _settings(request)


def _move_account(request: ControlRequest) -> dict[str, Any]:
    request.control.move_account(request.body["region"], request.account_id)
    return {"region": request.account.region}


def _add_contacts(request: ControlRequest) -> dict[str, Any]:
    body = dict(request.body)
    if "contacts" in body:
        return {"ids": request.control.add_contacts(body["contacts"], request.account_id)}
    made = request.control.generate_contacts(**body, account_id=request.account_id)
    return {"first_id": made.start, "count": len(made)}


def _contacts(request: ControlRequest) -> dict[str, Any]:
    after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 100))
    found = islice(request.account.contacts.by_id_from(after + 1), limit)
    return {
        "count": request.account.contacts.live_count,
        "contacts": [full_contact(request.account, contact) for contact in found],
    }


def _contact(request: ControlRequest) -> dict[str, Any]:
    return request.control.read_contact(request.path["contact"], request.account_id)


def _edit(request: ControlRequest) -> dict[str, Any]:
    request.control.edit(request.path["contact"], **request.body, account_id=request.account_id)
    return _contact(request)


def _act(request: ControlRequest) -> dict[str, Any]:
    """Do to a contact what the path's last part says."""
    control, contact = request.control, request.path["contact"]
    match request.path["action"]:
        case "unsubscribe":
            control.unsubscribe(contact, request.account_id)
        case "resubscribe" | "confirm":
            control.resubscribe(contact, request.account_id)
        case "hard-bounce":
            control.hard_bounce(contact, request.account_id)
        case "suppress":
            control.suppress(contact, request.body.get("status", "suppressed"), request.account_id)
        case "visit":
            control.visit(contact, **request.body, account_id=request.account_id)
        case "preferences":
            control.answer_preference(
                contact,
                request.body["preference_id"],
                opted_in=request.body["opted_in"],
                account_id=request.account_id,
            )
        case "delete":
            control.delete(contact, request.account_id)
            return {}
        case action:
            raise UnknownError(f"nothing is called {action!r}")
    return _contact(request)


def _add_list(request: ControlRequest) -> dict[str, Any]:
    return {"id": request.control.add_list(**request.body, account_id=request.account_id).id}


def _add_segment(request: ControlRequest) -> dict[str, Any]:
    return {"id": request.control.add_segment(**request.body, account_id=request.account_id).id}


def _add_data_field(request: ControlRequest) -> dict[str, Any]:
    field = request.control.add_data_field(
        request.body["name"], request.body.get("type", "String"), request.account_id
    )
    return {"name": field.name}


def _add_preference(request: ControlRequest) -> dict[str, Any]:
    return {"id": request.control.add_preference(**request.body, account_id=request.account_id).id}


def _release(request: ControlRequest) -> dict[str, Any]:
    return {"released": request.control.release_jobs(request.account_id)}


def _add_fault(request: ControlRequest) -> dict[str, Any]:
    return dataclasses.asdict(request.control.add_fault(**request.body))


def _faults(request: ControlRequest) -> list[dict[str, Any]]:
    return [dataclasses.asdict(fault) for fault in request.sandbox.faults]


def _remove_faults(request: ControlRequest) -> list[dict[str, Any]]:
    named = request.path.get("fault")
    request.sandbox.faults.remove(None if named is None else int(named))
    return _faults(request)


def _clock(request: ControlRequest) -> dict[str, Any]:
    return {"now": request.control.move_clock(**request.body)}


def _calls(request: ControlRequest) -> dict[str, Any]:
    calls = request.sandbox.calls
    return {
        "total": calls.total,
        "by_template": calls.by_template,
        "by_scope": calls.by_scope,
        "by_status": calls.by_status,
    }


def _forget_calls(request: ControlRequest) -> dict[str, Any]:
    request.sandbox.calls.clear()
    return _calls(request)


def _requests(request: ControlRequest) -> list[dict[str, Any]]:
    """Answer the latest requests, the newest first."""
    latest = islice(reversed(request.sandbox.calls.recent), int(request.query.get("limit", 100)))
    return [{**dataclasses.asdict(call), "at": text_of(call.at_ms)} for call in latest]


_CALLS: tuple[tuple[str, str, Action], ...] = (
    ("GET", "", _overview),
    ("POST", "/reset", _reset),
    ("POST", "/accounts", _add_account),
    ("POST", f"{ACCOUNT}/users", _add_user),
    ("GET", f"{ACCOUNT}/settings", _settings),
    ("PATCH", f"{ACCOUNT}/settings", _set_settings),
    ("POST", f"{ACCOUNT}/move", _move_account),
    ("POST", f"{ACCOUNT}/contacts", _add_contacts),
    ("GET", f"{ACCOUNT}/contacts", _contacts),
    ("GET", f"{ACCOUNT}/contacts/{{contact}}", _contact),
    ("PATCH", f"{ACCOUNT}/contacts/{{contact}}", _edit),
    ("POST", f"{ACCOUNT}/contacts/{{contact}}/{{action}}", _act),
    ("POST", f"{ACCOUNT}/lists", _add_list),
    ("POST", f"{ACCOUNT}/segments", _add_segment),
    ("POST", f"{ACCOUNT}/data-fields", _add_data_field),
    ("POST", f"{ACCOUNT}/preferences", _add_preference),
    ("POST", f"{ACCOUNT}/jobs/release", _release),
    ("POST", "/faults", _add_fault),
    ("GET", "/faults", _faults),
    ("DELETE", "/faults", _remove_faults),
    ("DELETE", "/faults/{fault}", _remove_faults),
    ("POST", "/clock", _clock),
    ("GET", "/calls", _calls),
    ("DELETE", "/calls", _forget_calls),
    ("GET", "/requests", _requests),
)
