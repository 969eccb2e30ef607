"""`/v1/person-fields`: what a mapping can take."""

import httpx

from app.db import Database
from app.services.person_fields import FIELDS
from tests.factories.people import make_person


async def test_our_own_fields_come_first_and_then_what_custom_holds(
    api: httpx.AsyncClient, database: Database
) -> None:
    await make_person(
        database, custom={"tier": "gold", "tags": ["a"], "address": {"city": "Bath"}, "x" * 101: 1}
    )

    items = (await api.get("/v1/person-fields")).json()["items"]

    own = [each for each in items if each["seen"] is None]
    assert [each["name"] for each in own] == sorted(FIELDS)
    assert items[: len(own)] == own
    by_name = {each["name"]: each for each in items}
    assert by_name["full_name"] == {
        "name": "full_name",
        "type": "text",
        "writable": False,
        "computed": True,
        "seen": None,
    }
    custom = items[len(own) :]
    assert [(each["name"], each["type"], each["writable"]) for each in custom] == [
        ("custom.address", "json", True),
        ("custom.address.city", "text", True),
        ("custom.tags", "json", True),
        ("custom.tags[*]", "text", False),
        ("custom.tier", "text", True),
    ]


async def test_fields_page_by_cursor(api: httpx.AsyncClient, database: Database) -> None:
    await make_person(database, custom={"tier": "gold"})
    whole = (await api.get("/v1/person-fields")).json()["items"]

    first = (await api.get("/v1/person-fields", params={"limit": len(whole) - 1})).json()
    query = {"limit": 5, "cursor": first["next_cursor"]}
    rest = (await api.get("/v1/person-fields", params=query)).json()

    assert [*first["items"], *rest["items"]] == whole
    assert [each["name"] for each in rest["items"]] == ["custom.tier"]
    foreign = await api.get("/v1/accounts", params={"cursor": first["next_cursor"]})
    assert foreign.status_code == 422


async def test_fields_need_a_key(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/v1/person-fields")).status_code == 401
