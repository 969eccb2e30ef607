"""One call from end to end: circuit, bucket, transport, error, and whether to try again.

Retries stand outside the bucket, so that each attempt takes a token of its own.
"""

import asyncio
import copy
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar
from urllib.parse import quote, urlencode

import structlog

from app.clients.dotdigital.circuit import Circuit
from app.clients.dotdigital.endpoints import AccountInfo, account_info_from
from app.clients.dotdigital.errors import (
    BadCredentials,
    DotdigitalError,
    NotPermitted,
    RateLimited,
    WrongRegion,
    error_from,
)
from app.clients.dotdigital.limiter import Clock, Priority, RateLimiter
from app.clients.dotdigital.rate_headers import RateHeaders, read_date, read_rate_headers
from app.clients.dotdigital.retries import RetryPolicy, wait_before_retry
from app.clients.dotdigital.transport import Answer, Credentials, Transport

log = structlog.get_logger(__name__)

Read = TypeVar("Read")
_Value = str | int | bool

_NO_RATE: Final = RateHeaders()
#: About a millisecond to read.
_LONG_BYTES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Call(Generic[Read]):
    """A request, and how its answer is read."""

    method: str
    #: The path with its variable parts in braces; the log and the limiter see no more than this.
    template: str
    #: Turns a 2xx answer into what the caller gets.
    read: Callable[[Answer], Read]
    path: Mapping[str, str | int] = field(default_factory=dict)
    query: Mapping[str, _Value | None] = field(default_factory=dict)
    body: bytes | None = None
    #: Whether it does no harm twice, so that a doubtful outcome may be tried again.
    is_idempotent: bool = True

    @property
    def name(self) -> str:
        """Return method and path template, which is what scopes are kept by."""
        return f"{self.method} {self.template}"

    def url(self, endpoint: str) -> str:
        """Return the whole URL; parameters that are None are left out."""
        path = re.sub(r"\{(\w+)\}", lambda name: _segment(self.path[name[1]]), self.template)
        given = {key: _text(value) for key, value in self.query.items() if value is not None}
        query = urlencode(given, quote_via=quote)
        return f"{endpoint}{path}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One attempt at a call, as it is counted; holds nothing personal."""

    method: str
    #: The path's template.
    path: str
    #: The tier it was counted under; None where there is no limiter.
    scope: str | None
    #: None where no answer came.
    status: int | None
    #: Without the wait for a token.
    duration_s: float
    #: From 1.
    attempt: int
    #: The error's class, None where it went well.
    error: str | None


OnCall = Callable[[CallRecord], None]

_ACCOUNT_INFO: Final = "/v2/account-info"


def account_info(endpoint: str) -> Call[AccountInfo]:
    """Return the call that says who the account is; ``endpoint`` is the host that it goes to."""
    return Call("GET", _ACCOUNT_INFO, read=lambda answer: account_info_from(answer.body, endpoint))


@dataclass(slots=True)
class _Heard:
    at: datetime | None = None


class Caller:
    """Makes the calls of one account."""

    def __init__(  # noqa: PLR0913 - the parts that a call passes through, each by name
        self,
        transport: Transport,
        *,
        endpoint: str,
        credentials: Credentials,
        clock: Clock,
        circuit: Circuit,
        limiter: RateLimiter | None = None,
        priority: Priority = Priority.SCHEDULE,
        on_call: OnCall | None = None,
        policy: RetryPolicy | None = None,
        roll: Callable[[], float] = random.random,
    ) -> None:
        """``roll`` gives the jitter of waits; without a limiter no token is taken."""
        self._transport = transport
        self.endpoint = endpoint.rstrip("/")
        self._credentials = credentials
        self._clock = clock
        self._circuit = circuit
        self._limiter = limiter
        self.priority = priority
        self._on_call = on_call
        self._policy = policy or RetryPolicy()
        self._roll = roll
        # Shared with every copy: one refusal is enough for all.
        self._refusals: list[BadCredentials] = []
        self._heard = _Heard()

    @property
    def answered_at(self) -> datetime | None:
        """Return Dotdigital's own time at its latest answer; None before the first one.

        Of this caller and its copies; in whole seconds, by the header ``Date``. None where the
        answer has none, too.
        """
        return self._heard.at

    def with_priority(self, priority: Priority) -> "Caller":
        """Return the same caller at another priority."""
        twin = copy.copy(self)
        twin.priority = priority
        return twin

    async def send(self, call: Call[Read]) -> Read:
        """Make the call, again if need be, and return what was read from its answer.

        Raises DotdigitalError. After BadCredentials every further call is refused without being
        made: a new password means a new client.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._attempt(call, attempt)
            except DotdigitalError as error:
                error.call = error.call or call.name
                error.asked = error.asked or self.endpoint
                wait_s = wait_before_retry(
                    error,
                    attempt=attempt,
                    is_idempotent=call.is_idempotent,
                    policy=self._policy,
                    now=self._clock.now(),
                    roll=self._roll(),
                )
                if wait_s is None or self._circuit.is_open:
                    raise
                if isinstance(error, RateLimited) and self._limiter is not None:
                    # The bucket is blocked until then, and keeps the place of who waits there.
                    wait_s = 0.0
                log.warning(
                    "dotdigital_call_is_tried_again",
                    method=call.method,
                    path=call.template,
                    attempt=attempt,
                    error=type(error).__name__,
                    wait_s=round(wait_s, 3),
                )
            await self._clock.sleep(wait_s)

    async def _attempt(self, call: Call[Read], attempt: int) -> Read:
        if self._refusals:
            raise BadCredentials(str(self._refusals[0]))
        # The transport looks again; here it costs neither a token nor a record.
        self._transport.check(self.endpoint)
        self._circuit.check()
        scope = None
        if self._limiter is not None:
            scope = await self._limiter.acquire(call.name, self.priority, self._policy.patience_s)
        try:
            return await self._exchange(call, attempt, scope)
        except BadCredentials as error:
            self._refusals.append(error)
            raise
        except WrongRegion as error:
            raise await self._region_or_permission(call, error) from error

    async def _exchange(self, call: Call[Read], attempt: int, scope: str | None) -> Read:
        """Make one request; what becomes of it is learnt from, counted and logged."""
        started = self._clock.monotonic()
        status: int | None = None
        rate = _NO_RATE
        failure: DotdigitalError | None = None
        outcome: str | None = "Cancelled"
        try:
            with self._circuit.watching():
                answer = await self._transport.send(
                    call.method, call.url(self.endpoint), self._credentials, call.body
                )
                status = answer.status
                self._heard.at = read_date(answer.headers)
                now = self._clock.now()
                rate = read_rate_headers(answer.headers, now)
                if not 200 <= status < 300:
                    raise error_from(status, answer.headers, answer.body, now=now)
                read = await _read(call, answer)
            outcome = None
        except DotdigitalError as error:
            failure, outcome = error, type(error).__name__
            raise
        finally:
            took_s = self._clock.monotonic() - started
            if self._limiter is not None and scope is not None and status is not None:
                scope = await self._limiter.learn(call.name, scope, rate, failure)
            self._tell(
                CallRecord(call.method, call.template, scope, status, took_s, attempt, outcome)
            )
        return read

    def _tell(self, record: CallRecord) -> None:
        log.debug(
            "dotdigital_call",
            method=record.method,
            path=record.path,
            status=record.status,
            scope=record.scope,
            duration_s=round(record.duration_s, 4),
            attempt=record.attempt,
            error=record.error,
        )
        if self._on_call is not None:
            self._on_call(record)

    async def _region_or_permission(self, call: Call[Read], error: WrongRegion) -> DotdigitalError:
        """Tell the two meanings of a bare 403 apart: account-info names the account's own host.

        It answers for an account of any region [doc]; that the hosts other than r1 do so as well
        is inferred, and where this one doesn't, the region is the likelier reason.
        """
        if call.template == _ACCOUNT_INFO:
            return error
        try:
            there = (await self._attempt(account_info(self.endpoint), 1)).endpoint
        except DotdigitalError:
            return error
        if there.lower() == self.endpoint.lower():
            return NotPermitted("the API user may not do this, or the package lacks the feature")
        return WrongRegion(there)


async def _read(call: Call[Read], answer: Answer) -> Read:
    """Read the answer; a long one in another thread, so that nobody waits for it."""
    if len(answer.body) < _LONG_BYTES:
        return call.read(answer)
    return await asyncio.to_thread(call.read, answer)


def _segment(value: str | int) -> str:
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} can't stand in a path")
    return quote(text, safe="")


def _text(value: _Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
