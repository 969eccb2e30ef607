"""Preferences: the tree, with its slips, and new ones."""

from datetime import UTC, datetime

import orjson
import pytest
import respx
from pydantic import ValidationError

from app.clients.dotdigital import DotdigitalClient, NotPermitted
from tests.factories.dotdigital import example


async def test_the_tree_is_read_with_its_categories(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/preferences").respond(json=example("v2-preferences"))
    topics, magazine = await client.preferences.tree()
    assert (topics.id, topics.is_preference, topics.category_id) == (60, False, 0)
    assert [(each.id, each.public_name, each.category_id) for each in topics.preferences] == [
        (61, "Events", 60),
        (62, "Appeals", 60),
    ]
    assert (magazine.is_preference, magazine.preferences) == (True, [])
    assert magazine.created == datetime(2025, 5, 1, 10, tzinfo=UTC)


async def test_the_slips_of_the_documents_are_read_alike(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    node = {"ID": 7, "isPreference2": False, "categoryID": None, "preferences": None, "order": 3}
    dotdigital.get("/v2/preferences").respond(json=[node])
    [read] = await client.preferences.tree()
    assert (read.id, read.is_preference, read.category_id, read.preferences) == (7, False, 0, [])


async def test_a_preference_is_made_in_its_category(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.post("/v2/preferences").respond(json={"id": 64, "publicName": "Events"})
    made = await client.preferences.create("Events", category_id=60)
    assert made.id == 64
    assert orjson.loads(route.calls.last.request.content) == {
        "publicName": "Events",
        "privateName": "Events",
        "isPreference": True,
        "isPublic": True,
        "categoryId": 60,
        "order": "bottom",
    }


async def test_a_preference_without_a_name_is_not_sent(client: DotdigitalClient) -> None:
    with pytest.raises(ValidationError):
        await client.preferences.create("")


async def test_a_package_without_preferences_is_told_as_such(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/preferences").respond(403, json=example("error-v2-403-feature"))
    with pytest.raises(NotPermitted) as met:
        await client.preferences.tree()
    assert met.value.code == "ERROR_FEATURENOTACTIVE"
