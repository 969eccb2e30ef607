"""The account's own calls."""

from datetime import UTC, datetime

import pytest
import respx

from app.clients.dotdigital import DotdigitalClient, ProtocolError
from tests.factories.dotdigital import ENDPOINT


async def test_who_the_account_is_is_asked_of_its_own_host(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/account-info").respond(json={"id": 7})
    info = await client.account.info()
    assert (info.id, info.endpoint, info.region) == (7, ENDPOINT, "r2")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('"2026-03-02T08:15:31.556Z"', id="a JSON string, as the swagger says"),
        pytest.param("2026-03-02 08:15:31.556000+00:00", id="plain text, as the YAML says"),
        pytest.param(" 2026-03-02T08:15:31.556\n", id="without a zone"),
        pytest.param('"2026-03-02T08:15:31.556', id="with half its quotes"),
    ],
)
async def test_the_servers_time_is_read_in_both_forms(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: str
) -> None:
    dotdigital.get("/v2/server-time").respond(text=body)
    expected = datetime(2026, 3, 2, 8, 15, 31, 556000, UTC)
    assert await client.account.server_time() == expected


@pytest.mark.parametrize("body", ["", "soon", '"7"', "\xff"])
async def test_what_is_no_time_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: str
) -> None:
    dotdigital.get("/v2/server-time").respond(text=body)
    with pytest.raises(ProtocolError):
        await client.account.server_time()
