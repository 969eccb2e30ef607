"""`/v1/activities` and `/v1/mailshots` as a caller meets them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.activities import make_activity, make_mailshot
from tests.factories.people import make_person


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


async def test_an_activity_is_shown_whole(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    person = await make_person(database)
    mailshot = await make_mailshot(database, account)
    activity = await make_activity(
        database, account, person_id=person.id, mailshot_id=mailshot.id, type="email_click"
    )
    (shown,) = (await api.get("/v1/activities")).json()["items"]
    assert shown == {
        "id": activity.id,
        "type": "email_click",
        "occurred_at": "2026-01-05T09:00:00Z",
        "account_id": account.id,
        "mailshot_id": mailshot.id,
        "person_id": person.id,
        "matched_by": None,
        "contact_id": 77,
        "email": "ann@example.com",
        "details": {"user_agent": "Mail"},
    }


async def test_activities_are_filtered_the_newest_first(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    other = await make_account(database)
    person = await make_person(database)
    mailshot = await make_mailshot(database, account)
    opened = await make_activity(database, account, mailshot_id=mailshot.id)
    clicked = await make_activity(
        database,
        account,
        type="email_click",
        person_id=person.id,
        mailshot_id=mailshot.id,
        occurred_at=START + timedelta(hours=1),
    )
    viewed = await make_activity(
        database, other, type="page_view", occurred_at=START - timedelta(hours=1)
    )

    async def found(query: str = "") -> list[int]:
        answer = await api.get(f"/v1/activities?{query}")
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == [clicked.id, opened.id, viewed.id]
    assert await found("type=email_open") == [opened.id]
    assert await found("type=email_open&type=page_view") == [opened.id, viewed.id]
    assert await found(f"person_id={person.id}") == [clicked.id]
    assert await found(f"person_id={person.id}&type=email_open") == []
    assert await found(f"mailshot_id={mailshot.id}") == [clicked.id, opened.id]
    assert await found(f"account_id={other.id}") == [viewed.id]
    assert await found("matched=true") == [clicked.id]
    assert await found("matched=false") == [opened.id, viewed.id]
    assert await found("occurred_from=2026-01-05T09:00:00Z") == [clicked.id, opened.id]
    assert await found("occurred_to=2026-01-05T09:00:00Z") == [viewed.id]
    assert await found("occurred_from=2026-01-05T10:00:00%2B01:00") == [clicked.id, opened.id]


@pytest.mark.parametrize("query", ["", "mailshot_id=1", "type=email_open&type=email_send"])
async def test_pages_hold_where_many_happened_in_one_instant(
    api: httpx.AsyncClient, database: Database, account: Account, query: str
) -> None:
    mailshot = await make_mailshot(database, account)
    made = [
        await make_activity(
            database,
            account,
            mailshot_id=mailshot.id,
            type="email_send" if number % 2 else "email_open",
            occurred_at=START + timedelta(seconds=number // 4),
        )
        for number in range(10)
    ]
    newest_first = sorted(made, key=lambda each: (each.occurred_at, each.id), reverse=True)
    seen: list[int] = []
    cursor = None
    for _ in range(5):
        page = await api.get(
            f"/v1/activities?{query}&limit=3" + (f"&cursor={cursor}" if cursor else "")
        )
        assert page.status_code == 200, page.text
        seen += [item["id"] for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
        # What happens meanwhile is newer, and not of these pages.
        await make_activity(database, account, occurred_at=START + timedelta(days=1))
    assert seen == [each.id for each in newest_first]


async def test_bad_filters_are_refused(api: httpx.AsyncClient) -> None:
    for query in (
        "type=sneeze",
        "person_id=0",
        "occurred_from=yesterday",
        "occurred_from=2026-01-05T09:00:00",
        "matched=perhaps",
        "limit=0",
        "limit=1001",
        "cursor=abc",
        "cursor=%00",
        "&".join(["type=email_open"] * 9),
    ):
        answer = await api.get(f"/v1/activities?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["pointer"].startswith("/query/"), query


async def test_mailshots_carry_their_counts(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    other = await make_account(database)
    first = await make_mailshot(database, account, subject="Hello")
    second = await make_mailshot(database, other)
    listed: dict[str, Any] = (await api.get("/v1/mailshots")).json()
    assert [item["id"] for item in listed["items"]] == [second.id, first.id]
    of_account = await api.get("/v1/mailshots", params={"account_id": account.id})
    assert [item["id"] for item in of_account.json()["items"]] == [first.id]
    page = (await api.get("/v1/mailshots?limit=1")).json()
    rest = await api.get(f"/v1/mailshots?limit=1&cursor={page['next_cursor']}")
    assert [item["id"] for item in rest.json()["items"]] == [first.id]
    shown = (await api.get(f"/v1/mailshots/{first.id}")).json()
    assert shown == {
        "id": first.id,
        "account_id": account.id,
        "dotdigital_campaign_id": first.dotdigital_campaign_id,
        "name": "Spring news",
        "subject": "Hello",
        "from_name": None,
        "from_address": None,
        "sent_at": "2026-01-05T09:00:00Z",
        "type": None,
        "status": None,
        "tags": [],
        "links": [],
        "counts": {"sends": 3, "opens": 2},
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
    }
    assert (await api.get("/v1/mailshots/999")).status_code == 404
    assert (await api.get("/v1/mailshots/0")).status_code == 422
