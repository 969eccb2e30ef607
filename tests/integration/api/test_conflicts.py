"""`/v1/conflicts` as a caller meets it."""

from typing import Any

import httpx

from app.db import Database
from tests.factories.accounts import make_account
from tests.factories.failures import make_conflict
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people


async def test_conflicts_are_shown_filtered_and_paged(
    api: httpx.AsyncClient, database: Database
) -> None:
    account, other = await make_account(database), await make_account(database)
    ann, bob = await make_people(database, 2)
    mapping = await make_mapping(database, account)
    first = await make_conflict(database, account, ann, mapping_id=mapping.id)
    second = await make_conflict(database, account, bob, ours=None, theirs=5, base=[1])
    third = await make_conflict(database, other, ann)

    async def found(**query: Any) -> list[int]:  # noqa: ANN401 - any filter
        answer = await api.get("/v1/conflicts", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == [third.id, second.id, first.id]
    assert await found(account_id=account.id) == [second.id, first.id]
    assert await found(person_id=ann.id) == [third.id, first.id]
    assert await found(mapping_id=mapping.id) == [first.id]
    page = (await api.get("/v1/conflicts", params={"limit": 2})).json()
    assert await found(limit=2, cursor=page["next_cursor"]) == [first.id]
    (shown,) = (await api.get("/v1/conflicts", params={"mapping_id": mapping.id})).json()["items"]
    assert shown == {
        "id": first.id,
        "account_id": account.id,
        "person_id": ann.id,
        "mapping_id": mapping.id,
        "dotdigital_field": "FIRSTNAME",
        "base": "Ann",
        "ours": "Anna",
        "theirs": "Anne",
        "conflict_rule": "prefer_dotsync",
        "winner": "dotsync",
        "at": "2026-01-05T09:00:00Z",
    }
    odd = page["items"][1]
    assert (odd["base"], odd["ours"], odd["theirs"]) == ([1], None, 5)
    for query in ("limit=1001", "cursor=x", "person_id=a", "account_id=9223372036854775808"):
        assert (await api.get(f"/v1/conflicts?{query}")).status_code == 422, query
