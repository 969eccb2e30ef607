"""The wire: an ASGI app that takes calls of all three regions past the gate to their handlers.

The order in which a call can end: faults, no such path, credentials, region, allowance, feature,
the handler. Plain ASGI, since an import of ten thousand contacts must not cost more than itself.
"""

import base64
import binascii
import socket
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import inferred
from sandbox.answers import Refusal, json_answer, v2_refusal
from sandbox.call_log import KEPT_BODY_BYTES, LoggedCall
from sandbox.calls import Call
from sandbox.fault_answers import changed_answer, fate, row_shift, status_answer
from sandbox.faults import Fault, FaultKind
from sandbox.rate_limits import FLAT_MESSAGE, flat_is_over, is_flat
from sandbox.routing import Match, Router
from sandbox.sandbox import Sandbox
from sandbox.state import Account, ApiUser

CONTROL_PREFIX = "/_sandbox"
#: Where the server leaves a connection's transport for faults to break.
TRANSPORT = "sandbox.transport"


class Wire:
    """Dotdigital's hosts. Which region a call came to is known by the port, or is fixed."""

    def __init__(
        self,
        sandbox: Sandbox,
        router: Router,
        control: ASGIApp,
        *,
        region: str = "r1",
        region_of_port: dict[int, str] | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._router = router
        self._control = control
        self._region = region
        self._region_of_port = region_of_port or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith(CONTROL_PREFIX):
            await self._control(scope, receive, send)
            return
        region = self._region_for(scope)
        await _Exchange(self._sandbox, self._router, region, scope, receive, send).run()

    def _region_for(self, scope: Scope) -> str:
        _, port = scope.get("server") or ("", None)
        return self._region_of_port.get(port or 0, self._region)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        sandbox: Sandbox,
        router: Router,
        region: str,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._sandbox = sandbox
        self._region = region
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request = Request(scope)
        raw_path = scope.get("raw_path") or scope["path"].encode()
        self._path = raw_path.decode("latin-1").partition("?")[0]
        self._method: str = scope["method"]
        self._found = router.find(self._method, self._path)
        self._template = (
            self._found.operation.template if isinstance(self._found, Match) else "unknown"
        )
        self._user: ApiUser | None = None
        self._body = b""
        self._headers: dict[str, str] = {}

    async def run(self) -> None:
        """Answer the call, as far as faults let it."""
        body = await _read(self._receive)
        if body is None:
            await self._answer(_too_large(self._path))
            return
        self._body = body
        self._user = self._authenticate()
        striking = self._sandbox.faults.strike(
            self._method,
            self._path,
            self._template,
            self._user.account_id if self._user is not None else None,
        )
        if (latency := striking.get(FaultKind.LATENCY)) is not None:
            clock = self._sandbox.clock
            await clock.wait_until(clock.now_ms() + round(latency.seconds * 1000))
        if FaultKind.RESET in striking:
            await self._break_off()
            return
        if (fault := striking.get(FaultKind.STATUS)) is not None:
            await self._answer(status_answer(fault))
            return
        answer = await self._served(striking)
        answer = changed_answer(answer, striking)
        if FaultKind.LOST_ANSWER in striking:
            await self._break_off()
        else:
            await self._answer(answer, truncated=FaultKind.TRUNCATED in striking)

    async def _served(self, striking: dict[FaultKind, Fault]) -> Response:
        try:
            return await self._serve(striking)
        except Refusal as refusal:
            return refusal.answer

    async def _serve(self, striking: dict[FaultKind, Fault]) -> Response:
        if not isinstance(self._found, Match):
            return _not_found(self._path, self._found.methods)
        if self._user is None:
            return _unauthorized(self._path)
        operation = self._found.operation
        account = self._sandbox.world.accounts[self._user.account_id]
        if account.region != self._region and not operation.any_region:
            return json_answer({"message": inferred.WRONG_REGION}, 403)
        self._take_allowance(account, self._user, is_used_up=FaultKind.RATE_LIMITED in striking)
        if operation.feature in account.settings.missing_features:
            raise v2_refusal("FEATURENOTACTIVE")
        call = Call(
            self._sandbox,
            account,
            self._user,
            self._request,
            operation.template,
            self._found.path,
            self._body,
            fate=fate(striking),
            row_shift=row_shift(striking),
        )
        if (losing := striking.get(FaultKind.REPORT_LOSES)) is not None:
            call.lost_from_report = losing.share
        return await operation.handler(call)

    def _take_allowance(self, account: Account, user: ApiUser, *, is_used_up: bool) -> None:
        """Count the call; raises Refusal where the account has used up what it may."""
        if is_flat(account, user):
            if flat_is_over(account):
                raise v2_refusal("APIUSAGE_EXCEEDED", FLAT_MESSAGE, 400)
            account.count_call()
            return
        account.count_call()
        scope = inferred.rate_scope(self._method, self._template)
        allowance = self._sandbox.rate_limits.take(account, scope, is_used_up=is_used_up)
        if allowance is not None:
            self._headers |= allowance.headers()
            if allowance.is_over:
                raise Refusal(json_answer({"message": inferred.TOO_MANY_REQUESTS}, 429))

    def _authenticate(self) -> ApiUser | None:
        scheme, _, credentials = self._request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            decoded = base64.b64decode(credentials.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        username, colon, password = decoded.partition(":")
        return self._sandbox.world.user(username, password) if colon else None

    async def _answer(self, answer: Response, *, truncated: bool = False) -> None:
        self._note(answer.status_code)
        answer.headers.update(self._headers)
        answer.headers["date"] = formatdate(self._sandbox.clock.now_ms() // 1000, usegmt=True)
        if not truncated:
            await answer(self._scope, _nothing, self._send)
            return
        start = {"type": "http.response.start", "status": answer.status_code}
        await self._send({**start, "headers": answer.raw_headers})
        half = bytes(answer.body)[: len(answer.body) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        transport = self._scope.get("extensions", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionResetError("the answer breaks off")
        transport.close()
        await self._until_gone()

    async def _break_off(self) -> None:
        """Reset the connection: without a linger time its end is no end but an error."""
        self._note(0)
        transport = self._scope.get("extensions", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionResetError("the connection was reset")
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        transport.abort()
        await self._until_gone()

    async def _until_gone(self) -> None:
        """Wait until the server has seen the connection end: before, it would miss an answer."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _note(self, status: int) -> None:
        is_known = isinstance(self._found, Match)
        self._sandbox.calls.note(
            LoggedCall(
                at_ms=self._sandbox.clock.now_ms(),
                region=self._region,
                method=self._method,
                path=self._path,
                query=self._scope["query_string"].decode("latin-1"),
                template=self._template,
                scope=inferred.rate_scope(self._method, self._template) if is_known else "",
                account_id=self._user.account_id if self._user else None,
                status=status,
                body_bytes=len(self._body),
                body=self._body if len(self._body) <= KEPT_BODY_BYTES else None,
            )
        )


async def _read(receive: Receive) -> bytes | None:
    """Return the body; None where it is larger than any call may send."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        part = message.get("body", b"")
        size += len(part)
        if size <= inferred.MAX_BODY_BYTES:
            parts.append(part)
        if not message.get("more_body", False):
            break
    # Read to its end even so: whoever is cut off while sending never sees the answer.
    return b"".join(parts) if size <= inferred.MAX_BODY_BYTES else None


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _is_v2(path: str) -> bool:
    return path.lower().startswith("/v2")


def _unauthorized(path: str) -> Response:
    """401: v2's message carries no code [sdk]; v3 documents no body."""
    headers = {"WWW-Authenticate": "Basic"}
    if not _is_v2(path):
        return Response(b"", 401, headers)
    answer = json_answer({"message": "Authorization has been denied for this request."}, 401)
    answer.headers.update(headers)
    return answer


def _not_found(path: str, methods: frozenset[str]) -> Response:
    status = 405 if methods else 404
    headers = {"Allow": ", ".join(sorted(methods))} if methods else None
    if not _is_v2(path):
        return Response(b"", status, headers)
    answer = json_answer({"message": inferred.no_such_path(path, status)}, status)
    answer.headers.update(headers or {})
    return answer


def _too_large(path: str) -> Response:
    text = inferred.TOO_LARGE
    body: dict[str, Any] = {"errorCode": "contacts:badRequest", "description": text}
    answer = json_answer({"message": text} if _is_v2(path) else body, 413)
    answer.headers["connection"] = "close"
    return answer
