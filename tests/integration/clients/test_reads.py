"""What the client reads back of what happened, over real sockets."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.clients.dotdigital import (
    Credentials,
    DotdigitalClient,
    SkipPage,
    Transport,
    detect_region,
)
from tests.clock import FakeClock
from tests.factories.dotdigital import make_client

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
READERS = 2_300

Stream = Callable[[DotdigitalClient, int], AsyncIterator[SkipPage[Any]]]


@pytest.fixture
async def client(sandbox: "RunningSandbox", clock: FakeClock) -> AsyncIterator[DotdigitalClient]:
    async with Transport(allowed_hosts=["127.0.0.1"]) as transport:
        credentials = Credentials(sandbox.username, sandbox.password)
        account = await detect_region(
            transport, credentials, clock=clock, discovery_url=sandbox.url
        )
        yield make_client(transport, clock, endpoint=account.endpoint, credentials=credentials)


@pytest.fixture
def campaign_id(sandbox: "RunningSandbox") -> int:
    """Give a campaign that all readers opened, clicked and came from."""
    sandbox.control.generate_contacts(READERS)
    campaign_id = sandbox.control.campaigns.add().id
    sandbox.control.campaigns.send(campaign_id, opens=1.0, clicks=1.0, page_views=1.0)
    return campaign_id


STREAMS = [
    pytest.param(lambda c, i: c.campaigns.activities(i), id="activities"),
    pytest.param(lambda c, i: c.campaigns.activities(i, since=LONG_AGO), id="activities since"),
    pytest.param(lambda c, i: c.campaigns.opens(i), id="opens"),
    pytest.param(lambda c, i: c.campaigns.opens(i, since=LONG_AGO), id="opens since"),
    pytest.param(lambda c, i: c.campaigns.clicks(i), id="clicks"),
    pytest.param(lambda c, i: c.campaigns.clicks(i, since=LONG_AGO), id="clicks since"),
    pytest.param(lambda c, i: c.campaigns.page_views(i, LONG_AGO), id="page views since"),
]


@pytest.mark.parametrize("stream", STREAMS)
async def test_every_row_is_read_once(
    client: DotdigitalClient, campaign_id: int, stream: Stream
) -> None:
    pages = [page async for page in stream(client, campaign_id)]
    contacts = [row.contact_id for page in pages for row in page.items]
    assert len(contacts) == len(set(contacts)) == READERS
    assert [page.next_skip for page in pages] == [900, 1800, None]


async def test_rows_that_come_again_on_the_next_page_are_left_out(
    sandbox: "RunningSandbox", client: DotdigitalClient, campaign_id: int
) -> None:
    sandbox.control.add_fault("repeated_rows", path="*/opens", rows=30, after=1)
    rows = [row async for page in client.campaigns.opens(campaign_id) for row in page.items]
    assert len(rows) == len({row.contact_id for row in rows}) == READERS


async def test_reading_stops_and_goes_on_where_it_was(
    client: DotdigitalClient, campaign_id: int
) -> None:
    first = await anext(client.campaigns.clicks(campaign_id))
    assert first.next_skip is not None
    later = [
        row.contact_id
        async for page in client.campaigns.clicks(campaign_id, skip=first.next_skip)
        for row in page.items
    ]
    assert len({*later, *(row.contact_id for row in first.items)}) == READERS


async def test_a_campaign_is_found_by_what_happened_and_counted(
    client: DotdigitalClient, campaign_id: int
) -> None:
    [active] = [page async for page in client.campaigns.with_activity_since(LONG_AGO)]
    assert [campaign.id for campaign in active.items] == [campaign_id]
    summary = await client.campaigns.summary(campaign_id)
    assert (summary.sent, summary.opens, summary.clicks, summary.page_views) == (READERS,) * 4
    details = await client.campaigns.details(campaign_id)
    assert details.sent_at == summary.sent_at is not None


async def test_the_ids_of_all_contacts_are_read_a_page_at_a_time(
    sandbox: "RunningSandbox", client: DotdigitalClient
) -> None:
    made = sandbox.control.generate_contacts(25)
    pages = [page async for page in client.contacts.ids(limit=10)]
    assert sorted(each for page in pages for each in page.items) == sorted(made)
    assert [len(page.items) for page in pages] == [10, 10, 5]
