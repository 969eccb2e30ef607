"""The client over an HTTP that each test answers itself."""

from collections.abc import AsyncIterator, Iterator

import pytest
import respx

from app.clients.dotdigital import DotdigitalClient, Transport
from tests.clock import FakeClock
from tests.factories.dotdigital import ENDPOINT, make_client


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport() as transport:
        yield transport


@pytest.fixture
def client(transport: Transport, clock: FakeClock) -> DotdigitalClient:
    return make_client(transport, clock)


@pytest.fixture
def dotdigital() -> Iterator[respx.MockRouter]:
    """Give the router that stands in for Dotdigital's host; what it has no route for fails."""
    with respx.mock(base_url=ENDPOINT, assert_all_called=False) as router:
        yield router
