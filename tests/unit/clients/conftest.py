"""The client over an HTTP that each test answers itself."""

import ssl
from collections.abc import AsyncIterator, Iterator

import pytest
import respx

from app.clients.dotdigital import DotdigitalClient, Transport
from tests.clock import FakeClock
from tests.factories.dotdigital import ENDPOINT, make_client


@pytest.fixture(scope="session")
def certificates() -> ssl.SSLContext:
    """Give the usual certificates, read once: it takes longer than a test."""
    return ssl.create_default_context()


@pytest.fixture
async def transport(certificates: ssl.SSLContext) -> AsyncIterator[Transport]:
    async with Transport(ssl_context=certificates) as transport:
        yield transport


@pytest.fixture
def client(transport: Transport, clock: FakeClock) -> DotdigitalClient:
    return make_client(transport, clock)


@pytest.fixture
def dotdigital() -> Iterator[respx.MockRouter]:
    """Give the router that stands in for Dotdigital's host; what it has no route for fails."""
    with respx.mock(base_url=ENDPOINT, assert_all_called=False) as router:
        yield router
