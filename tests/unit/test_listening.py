"""Where the service listens, and what is said where it can't."""

import contextlib
import errno
import socket
from collections.abc import Iterator

import pytest

from app.listening import bound_sockets, url_of, why_not
from app.start_errors import StartError


@contextlib.contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    sockets = bound_sockets(host, port)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def test_any_free_port_is_taken_for_all_addresses_alike() -> None:
    with bound("localhost", 0) as sockets:
        ports = {each.getsockname()[1] for each in sockets}
        assert len(ports) == 1
        assert url_of(sockets, "localhost") == f"http://localhost:{ports.pop()}"


def test_nobody_connects_before_it_is_listened_on() -> None:
    with bound("127.0.0.1", 0) as sockets, pytest.raises(ConnectionRefusedError):
        socket.create_connection(sockets[0].getsockname(), timeout=5)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])  # noqa: S104 - nothing is bound to them
def test_url_of_every_network_leads_to_this_machine(host: str) -> None:
    with bound("127.0.0.1", 0) as sockets:
        assert url_of(sockets, host).startswith("http://127.0.0.1:")


def test_url_holds_an_ipv6_address_in_brackets() -> None:
    with bound("127.0.0.1", 0) as sockets:
        assert url_of(sockets, "::1").startswith("http://[::1]:")


def test_port_that_is_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            StartError, match=rf"^DOTSYNC_PORT .*port {port} of 127.0.0.1 is in use"
        ):
            bound_sockets("127.0.0.1", port)


@pytest.mark.parametrize(
    "host, wrong",
    [
        pytest.param("nowhere.invalid", "no host 'nowhere.invalid'", id="unknown"),
        pytest.param("." * 300, "no host", id="no name at all"),
        pytest.param("192.0.2.1", "no address of this machine", id="another machine's"),
    ],
)
def test_host_that_can_not_be_listened_on_is_named(host: str, wrong: str) -> None:
    with pytest.raises(StartError, match=r"^DOTSYNC_HOST ") as caught:
        bound_sockets(host, 0)
    assert wrong in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(
    "error, told",
    [
        pytest.param(OSError(errno.EACCES, "x"), "from 1024 on", id="a port of root's"),
        pytest.param(OSError(errno.ENOBUFS, "x"), "No buffer space", id="anything else"),
    ],
)
def test_other_reasons_are_told_too(error: OSError, told: str) -> None:
    assert told in why_not("127.0.0.1", 80, error)
