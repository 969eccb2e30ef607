"""The transport: where credentials may go, and what comes of an answer that isn't whole."""

import asyncio
import contextlib
import inspect
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import respx

from app.clients.dotdigital import Credentials, HostNotAllowed, Transport, Unreachable
from tests.factories.dotdigital import CREDENTIALS, ENDPOINT

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(handle: Handler) -> AsyncIterator[str]:
    """Serve on a free port of this machine; give the URL."""
    serving = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with serving:
        port = serving.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def local(**options: float) -> Transport:
    return Transport(["127.0.0.1", "localhost"], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://r1-api.dotdigital.com/v2/account-info", id="the vendor's"),
        pytest.param("https://R1-API.DotDigital.com", id="in any case"),
        pytest.param("https://r1-api.dotdigital.com./v2", id="with the root's dot"),
        pytest.param("https://r1-api.dotdigital.com:8443", id="on another port"),
        pytest.param("https://apiconnector.com", id="an old name"),
        pytest.param("https://api.dotmailer.com", id="another old name"),
    ],
)
async def test_credentials_may_go_to_the_vendors_hosts(transport: Transport, url: str) -> None:
    transport.check(url)


@pytest.mark.parametrize(
    "url, host",
    [
        pytest.param("https://evil.example", "evil.example", id="another host"),
        pytest.param("https://dotdigital.com", "dotdigital.com", id="the domain itself"),
        pytest.param("https://evildotdigital.com", "evildotdigital.com", id="the same ending"),
        pytest.param(
            "https://r1-api.dotdigital.com.evil.example",
            "r1-api.dotdigital.com.evil.example",
            id="the same beginning",
        ),
        pytest.param(
            "https://r1-api.dotdigital.com@evil.example", "evil.example", id="as a user name"
        ),
        pytest.param(
            "https://a:b@r1-api.dotdigital.com", "r1-api.dotdigital.com", id="with another user"
        ),
        pytest.param("http://r1-api.dotdigital.com", "r1-api.dotdigital.com", id="without TLS"),
        pytest.param("ftp://r1-api.dotdigital.com", "r1-api.dotdigital.com", id="not HTTP"),
        pytest.param("http://127.0.0.1:8080", "127.0.0.1", id="this machine, not allowed"),
        pytest.param("r1-api.dotdigital.com", "r1-api.dotdigital.com", id="no scheme"),
        pytest.param("https://", "https://", id="no host"),
        pytest.param("", "", id="nothing"),
        pytest.param("https://a\x00b", "https://a\x00b", id="no URL"),
        pytest.param("https://[::1", "https://[::1", id="no address"),
        pytest.param(
            "https://r1-api.dotdigital.com:port", "https://r1-api.dotdigital.com:port", id="no port"
        ),
        pytest.param("https://\ud800.example", "https://\ud800.example", id="no text"),
    ],
)
async def test_nothing_is_sent_to_another_host(transport: Transport, url: str, host: str) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.route()
        with pytest.raises(HostNotAllowed) as refused:
            await transport.send("GET", url, CREDENTIALS)
        assert router.calls.call_count == 0
    assert refused.value.host == host


@pytest.mark.parametrize(
    "allowed, url, is_allowed",
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:9", True, id="loopback without TLS"),
        pytest.param("localhost", "http://localhost:9", True, id="loopback by name"),
        pytest.param("::1", "http://[::1]:9", True, id="loopback in IPv6"),
        pytest.param("127.0.0.1", "http://127.0.0.2:9", False, id="not the one allowed"),
        pytest.param("10.0.0.7", "http://10.0.0.7", False, id="a private address without TLS"),
        pytest.param("10.0.0.7", "https://10.0.0.7", True, id="a private address with TLS"),
        pytest.param(" Sandbox.Example. ", "https://sandbox.example", True, id="as people write"),
        pytest.param("*.example", "https://a.b.example", True, id="all below"),
        pytest.param("*.example", "https://example", False, id="below, not itself"),
    ],
)
async def test_what_allowed_hosts_mean(
    certificates: ssl.SSLContext, allowed: str, url: str, is_allowed: bool
) -> None:
    async with Transport([allowed], ssl_context=certificates) as transport:
        if is_allowed:
            transport.check(url)
        else:
            with pytest.raises(HostNotAllowed):
                transport.check(url)


@pytest.mark.parametrize(
    "url, why",
    [
        pytest.param("r1-api.dotdigital.com", "unreadable", id="no scheme"),
        pytest.param("ftp://r1-api.dotdigital.com", "unreadable", id="another scheme"),
        pytest.param("https://a:b@r1-api.dotdigital.com", "unreadable", id="a user in it"),
        pytest.param("http://r1-api.dotdigital.com", "insecure", id="no TLS"),
        pytest.param("https://evil.example", "foreign", id="not allowed"),
    ],
)
async def test_refusal_of_a_host_says_what_is_wrong(
    transport: Transport, url: str, why: str
) -> None:
    with pytest.raises(HostNotAllowed) as refused:
        transport.check(url)
    assert refused.value.why == why


async def test_a_call_carries_credentials_and_json(
    transport: Transport, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.put("/x").respond(200, headers={"X-RateLimit-Limit": "7"}, json=[1])
    answer = await transport.send("PUT", f"{ENDPOINT}/x", CREDENTIALS, b"{}")
    request = route.calls.last.request
    assert request.headers["Authorization"] == CREDENTIALS.authorization
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert request.content == b"{}"
    assert (answer.status, answer.body) == (200, b"[1]")
    assert answer.headers["x-ratelimit-limit"] == "7"


async def test_without_a_body_no_content_type_is_sent(
    transport: Transport, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get("/x").respond(204)
    await transport.send("GET", f"{ENDPOINT}/x", CREDENTIALS)
    assert "Content-Type" not in route.calls.last.request.headers


async def test_escaped_paths_stay_escaped(
    transport: Transport, dotdigital: respx.MockRouter
) -> None:
    dotdigital.route().respond(200)
    await transport.send("GET", f"{ENDPOINT}/email/a%2Fb%2Bc%40d.e?m=x%7Cy", CREDENTIALS)
    assert dotdigital.calls.last.request.url.raw_path == b"/email/a%2Fb%2Bc%40d.e?m=x%7Cy"


async def test_redirects_are_not_followed(
    transport: Transport, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/x").respond(302, headers={"Location": "https://evil.example/"})
    answer = await transport.send("GET", f"{ENDPOINT}/x", CREDENTIALS)
    assert answer.status == 302
    assert dotdigital.calls.call_count == 1


async def test_cookies_of_one_call_do_not_go_with_the_next(
    transport: Transport, dotdigital: respx.MockRouter
) -> None:
    dotdigital.route().respond(200, headers={"Set-Cookie": "session=of-another-account"})
    await transport.send("GET", f"{ENDPOINT}/x", CREDENTIALS)
    await transport.send("GET", f"{ENDPOINT}/x", Credentials("other", "user"))
    assert "Cookie" not in dotdigital.calls.last.request.headers


def http_errors(kind: type[Exception] = httpx.HTTPError) -> list[type[Exception]]:
    found = [each for each in kind.__subclasses__() if each is not httpx.HTTPStatusError]
    return found + [deeper for each in found for deeper in http_errors(each)]


@pytest.mark.parametrize("kind", http_errors())
async def test_every_failure_of_the_library_is_unreachable(
    transport: Transport, dotdigital: respx.MockRouter, kind: type[Exception]
) -> None:
    dotdigital.get("/x").mock(side_effect=kind(f"while asking {ENDPOINT}/contacts/v3/email/ann"))
    with pytest.raises(Unreachable) as met:
        await transport.send("GET", f"{ENDPOINT}/x", CREDENTIALS)
    assert kind.__name__ in str(met.value)
    assert "ann" not in str(met.value)
    never_sent = {
        "ConnectError",
        "ConnectTimeout",
        "LocalProtocolError",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
    }
    assert met.value.may_have_arrived == (kind.__name__ not in never_sent)


def test_no_other_failure_of_the_library_can_come_of_a_call() -> None:
    errors = {
        name
        for name in httpx.__all__
        if inspect.isclass(kind := getattr(httpx, name))
        and issubclass(kind, Exception)
        and not issubclass(kind, httpx.HTTPError)
    }
    # The first is met where the URL is read; the others by who streams, or keeps cookies.
    assert errors == {
        "InvalidURL",
        "CookieConflict",
        "StreamError",
        "StreamConsumed",
        "StreamClosed",
        "ResponseNotRead",
        "RequestNotRead",
    }


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="half a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", id="a part of the body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2,\r\n", id="a chunk"
        ),
        pytest.param(b"not HTTP at all\r\n\r\n", id="another protocol"),
    ],
)
async def test_an_answer_that_is_cut_off_is_unreachable(sent: bytes) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await close(writer)

    async with server(cut) as url, local() as transport:
        with pytest.raises(Unreachable) as met:
            await transport.send("GET", url, CREDENTIALS)
    assert met.value.may_have_arrived


async def test_a_port_where_nothing_listens_is_unreachable_and_nothing_arrived() -> None:
    async with local() as transport:
        with pytest.raises(Unreachable) as met:
            await transport.send("GET", "http://127.0.0.1:9/", CREDENTIALS)
    assert not met.value.may_have_arrived


@pytest.mark.parametrize(
    "option", [{"read_timeout_s": 0.05}, {"whole_timeout_s": 0.05}], ids=["silence", "as a whole"]
)
async def test_a_call_that_takes_too_long_is_given_up(option: dict[str, float]) -> None:
    silent, closed = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        await close(writer)
        closed.set()

    async with server(say_nothing) as url, local(**option) as transport:
        with pytest.raises(Unreachable) as met:
            await transport.send("GET", url, CREDENTIALS)
        silent.set()
        await closed.wait()
    assert met.value.may_have_arrived


async def test_connections_are_kept_and_calls_at_once_are_bounded() -> None:
    connections = running = most = 0
    three_run = asyncio.Event()
    gone = asyncio.Semaphore(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections, running, most
        connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                running += 1
                most = max(most, running)
                if running == 3:
                    three_run.set()
                await three_run.wait()
                running -= 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await close(writer)
        gone.release()

    async with server(answer) as url:
        async with local(max_calls_at_once=3) as transport:
            calls = [transport.send("GET", url, CREDENTIALS) for _ in range(12)]
            answers = await asyncio.gather(*calls)
        for _ in range(connections):
            await gone.acquire()
    assert {answer.status for answer in answers} == {200}
    assert most == 3
    assert connections == 3


async def test_calls_to_this_machine_pass_the_environments_proxy_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await close(writer)

    async with server(answer) as url, local() as transport:
        assert (await transport.send("GET", url, CREDENTIALS)).status == 204


def test_credentials_do_not_show() -> None:
    assert "s3cret-word" not in repr(CREDENTIALS)
    assert CREDENTIALS.authorization.startswith("Basic YXBpdXNlci0")
    assert Credentials("u", "pässwörd").authorization == "Basic dTpww6Rzc3fDtnJk"
