"""The sockets that the service listens on, bound before anything else is started."""

import errno
import os
import socket
from collections.abc import Sequence
from typing import Any

from app.start_errors import StartError

_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def bound_sockets(host: str, port: int) -> list[socket.socket]:
    """Bind a socket for each address of this host; port 0 takes any that is free, one for all.

    Nobody can connect before they are listened on, so a load balancer sees no service that is not
    up yet. Raises StartError, which says what to change.
    """
    bound: list[socket.socket] = []
    missing: OSError | None = None
    for family, address in _addresses(host, port):
        if bound:
            address = (address[0], bound[0].getsockname()[1], *address[2:])  # noqa: PLW2901
        try:
            bound.append(_bound(family, address))
        except OSError as error:
            if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                # A name like localhost has an IPv6 address where the machine has none.
                missing = error
                continue
            for each in bound:
                each.close()
            raise StartError(why_not(host, port, error)) from error
    if not bound and missing is not None:
        raise StartError(why_not(host, port, missing)) from missing
    return bound


def url_of(sockets: Sequence[socket.socket], host: str) -> str:
    """Return the URL under which these sockets answer on this machine."""
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{sockets[0].getsockname()[1]}"


def _addresses(host: str, port: int) -> list[_Address]:
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError) as error:
        raise StartError(
            f"DOTSYNC_HOST (or --host): there is no host {host!r}. Write 127.0.0.1 for this "
            "machine alone, or 0.0.0.0 for every network that it is in."
        ) from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bound(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening


def why_not(host: str, port: int, error: OSError) -> str:
    """Return why nobody can listen there, and which setting to change."""
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"DOTSYNC_PORT (or --port): port {port} of {host} is in use. Stop what listens "
                "there, or write another one; 0 takes any that is free."
            )
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return (
                f"DOTSYNC_HOST (or --host): {host} is no address of this machine. Write 127.0.0.1 "
                "for this machine alone, or 0.0.0.0 for every network that it is in."
            )
        case errno.EACCES | errno.EPERM:
            return (
                f"DOTSYNC_PORT (or --port): this user may not listen on port {port}. Write one "
                "from 1024 on."
            )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"DOTSYNC_HOST and DOTSYNC_PORT: can't listen on {host}:{port}: {reason}."
