"""Site visits, and whatever else an account keeps of its contacts."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from app.clients.dotdigital import (
    MAX_RECORDS,
    DotdigitalClient,
    InsightRecord,
    NotFound,
    ProtocolError,
)

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

RECORD: dict[str, Any] = {
    "key": "v-1",
    "json": {"url": "https://www.harbour.example/"},
    "created": "2026-03-01T10:12:00Z",
    "updated": "2026-03-01T10:13:00.5Z",
    "ownerContactId": 700101,
}


async def test_site_visits_are_read_page_by_page(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get("/insightData/v3/contacts/webInsight")
    route.side_effect = [
        httpx.Response(200, json={"_items": [RECORD], "_links": {"next": {"marker": "abc"}}}),
        httpx.Response(200, json={"_items": [], "_links": {}}),
    ]
    pages = [
        page async for page in client.insight_data.contact_records(modified_since=SINCE, limit=1)
    ]
    assert [(page.items, page.next_marker) for page in pages] == [
        (
            [
                InsightRecord(
                    key="v-1",
                    contact_id=700101,
                    created_at=datetime(2026, 3, 1, 10, 12, tzinfo=UTC),
                    created_at_text="2026-03-01T10:12:00Z",
                    updated_at=datetime(2026, 3, 1, 10, 13, 0, 500000, UTC),
                    updated_at_text="2026-03-01T10:13:00.5Z",
                    contents={"url": "https://www.harbour.example/"},
                )
            ],
            "abc",
        )
    ]
    same = {"~modified": "gte::2026-01-02T03:04:05Z", "limit": "1"}
    assert [dict(call.request.url.params) for call in route.calls] == [
        same,
        {**same, "marker": "abc"},
    ]


async def test_another_collection_is_read_from_a_marker_on(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get("/insightData/v3/contacts/visits")
    route.respond(json={"_items": [{"key": 7, "ownerContactId": 0, "created": "soon"}]})
    [page] = [page async for page in client.insight_data.contact_records("visits", marker="abc")]
    [record] = page.items
    assert (record.key, record.contact_id, record.contents) == ("7", None, {})
    assert (record.created_at, record.created_at_text, record.updated_at) == (None, "soon", None)
    assert dict(route.calls.last.request.url.params) == {"limit": "5000", "marker": "abc"}


async def test_an_account_without_such_a_collection_says_so(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/insightData/v3/contacts/webInsight").respond(
        404, json={"errorCode": "insightData:collectionNotFound", "description": "None"}
    )
    with pytest.raises(NotFound) as met:
        await anext(client.insight_data.contact_records())
    assert met.value.code == "insightData:collectionNotFound"


@pytest.mark.parametrize("limit", [0, MAX_RECORDS + 1])
async def test_a_page_that_the_api_would_not_give_is_not_asked_for(
    client: DotdigitalClient, limit: int
) -> None:
    with pytest.raises(ValueError, match=f"not {limit}"):
        client.insight_data.contact_records(limit=limit)


@pytest.mark.parametrize("body", [{}, [], {"_items": [{}]}], ids=repr)
async def test_what_is_no_page_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: object
) -> None:
    dotdigital.get("/insightData/v3/contacts/webInsight").respond(json=body)
    with pytest.raises(ProtocolError):
        await anext(client.insight_data.contact_records())
