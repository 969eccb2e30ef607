"""Carries one request to Dotdigital and its answer back; the one place with an HTTP library.

Credentials go to allowed hosts alone, over TLS unless the host is this machine. No redirect is
followed, no cookie is kept: what came for one account must not go out with another.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self

import httpx

from app.clients.dotdigital.errors import HostNotAllowed, Unreachable

#: The vendor's domains, today's and the older ones still met in stored settings.
VENDOR_HOSTS: Final = (
    "*.dotdigital.com",
    "*.dotmailer.com",
    "apiconnector.com",
    "*.apiconnector.com",
)

#: The request can't have arrived when one of these is raised.
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
#: Calls to this machine don't go through the proxy that the environment may name.
_LOOPBACK: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The API user: HTTP Basic [doc]."""

    username: str
    password: str = field(repr=False)

    @property
    def authorization(self) -> str:
        """Return the header's value."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {b64encode(pair).decode()}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end."""

    status: int
    #: By lower-case name.
    headers: Mapping[str, str]
    body: bytes


@cache
def _usual_trust() -> ssl.SSLContext:
    """Read the certificates that are trusted, once a process: nothing else here takes as long."""
    return httpx.create_ssl_context()


class Transport:
    """One a process: its connections are kept alive and shared by every client."""

    def __init__(
        self,
        allowed_hosts: Iterable[str] = VENDOR_HOSTS,
        *,
        max_calls_at_once: int = 16,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 121.0,
        whole_timeout_s: float = 600.0,
        user_agent: str = "dotsync",
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Take the hosts that credentials may go to: names, or ``*.name`` for all below it.

        121 s of silence is what the vendor says to wait for [doc]; ``whole_timeout_s`` bounds a
        call that trickles. ``ssl_context`` is for who trusts other certificates than usual.
        """
        self._allowed_hosts = tuple(host.strip().lower().rstrip(".") for host in allowed_hosts)
        self._slots = asyncio.Semaphore(max_calls_at_once)
        self._whole_timeout_s = whole_timeout_s
        self._client = httpx.AsyncClient(
            verify=ssl_context or _usual_trust(),
            headers={"Accept": "application/json", "User-Agent": user_agent},
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(read_timeout_s, connect=connect_timeout_s, pool=None),
            limits=httpx.Limits(
                max_connections=max_calls_at_once,
                max_keepalive_connections=max_calls_at_once,
                keepalive_expiry=30.0,
            ),
            follow_redirects=False,
            mounts=dict.fromkeys(_LOOPBACK),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; no call can be made after it."""
        await self._client.aclose()

    def check(self, url: str) -> None:
        """Raise HostNotAllowed unless credentials may go to this URL; sends nothing."""
        self._allowed(url)

    async def send(
        self, method: str, url: str, credentials: Credentials, body: bytes | None = None
    ) -> Answer:
        """Make one call and return its answer, whatever its status. A body is JSON.

        Raises HostNotAllowed before anything is sent, and Unreachable where no whole answer came.
        """
        target = self._allowed(url)
        headers = {"Authorization": credentials.authorization}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._slots, asyncio.timeout(self._whole_timeout_s):
                response = await self._client.request(method, target, headers=headers, content=body)
        except TimeoutError:
            raise Unreachable(f"no answer within {self._whole_timeout_s:g} s") from None
        except httpx.HTTPError as error:
            may_have_arrived = not isinstance(error, _NEVER_SENT)
            # Not the error's own text: it may hold the URL, and the URL an address.
            reason = f"no answer ({type(error).__name__})"
            raise Unreachable(reason, may_have_arrived=may_have_arrived) from error
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, named, response.content)

    def _allowed(self, url: str) -> httpx.URL:
        """Return the URL as it will be asked for, so that what is checked is what is sent to."""
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError):
            raise HostNotAllowed(url, "unreadable") from None
        host = target.host.lower().rstrip(".")
        if not host or target.scheme not in {"http", "https"} or target.userinfo:
            raise HostNotAllowed(host or url, "unreadable")
        if not self._is_allowed(host):
            raise HostNotAllowed(host)
        if target.scheme == "http" and not _is_loopback(host):
            raise HostNotAllowed(host, "insecure")
        return target

    def _is_allowed(self, host: str) -> bool:
        return any(
            host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
            for allowed in self._allowed_hosts
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
