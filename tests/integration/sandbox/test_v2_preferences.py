"""v2 of the sandbox: marketing preferences and what contacts said to them; data fields."""

from collections.abc import AsyncIterator

import pytest

from sandbox.clock import text_of
from tests.integration.sandbox.v2_calls import V2, Json, calling_v2

INVALID = (400, "Error: ERROR_PREFERENCE_INVALID")
NOT_FOUND = (404, "Error: ERROR_PREFERENCE_NOT_FOUND")


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        yield v2


async def _make(v2: V2, name: str, **fields: object) -> int:
    body = {"publicName": name, "privateName": name, "isPreference": True, **fields}
    return int((await v2.done("POST", "/preferences", body))["id"])


def _outline(tree: Json) -> list[Json]:
    return [
        (node["publicName"], [inner["publicName"] for inner in node["preferences"]])
        for node in tree
    ]


async def test_the_tree_has_categories_and_preferences(v2: V2) -> None:
    topics = await _make(v2, "Topics", isPreference=False)
    events = await _make(v2, "Events", categoryID=topics)
    await _make(v2, "Appeals", categoryId=topics, order="top")
    await _make(v2, "Magazine", order=0)
    tree = await v2.done("GET", "/preferences")
    assert _outline(tree) == [("Magazine", []), ("Topics", ["Appeals", "Events"])]
    assert [node["order"] for node in tree] == ["0", "1"]
    assert [node["preferenceCount"] for node in tree] == [0, 2]
    inner = tree[1]["preferences"][1]
    assert (inner["id"], inner["categoryId"], "preferences" in inner) == (events, topics, False)


async def test_a_preference_is_changed_and_deleted(v2: V2) -> None:
    topics = await _make(v2, "Topics", isPreference=False)
    events = await _make(v2, "Events")
    body = {
        "id": events,
        "publicName": "Shows",
        "privateName": "Shows",
        "isPublic": False,
        "categoryId": topics,
    }
    changed = await v2.done("PUT", f"/preferences/{events}", body)
    assert changed == changed | body
    assert _outline(await v2.done("GET", "/preferences")) == [("Topics", ["Shows"])]
    deleted = await v2.call("DELETE", f"/preferences/{topics}")
    assert deleted.status_code == 200
    assert deleted.headers["content-type"].startswith("text/plain")
    assert await v2.done("GET", "/preferences") == []
    assert await v2.refused("DELETE", f"/preferences/{events}") == NOT_FOUND


async def test_changed_preferences_are_listed_with_their_category(v2: V2) -> None:
    topics = await _make(v2, "Topics", isPreference=False)
    events = await _make(v2, "Events", categoryId=topics)
    await _make(v2, "Magazine")
    v2.account.clock.advance(60)
    at = text_of(v2.account.clock.now_ms())
    await v2.done("PUT", f"/preferences/{events}", {"publicName": "Shows", "privateName": "Shows"})
    changed = await v2.done("GET", f"/preferences/modified-since/{at}")
    assert _outline(changed) == [("Topics", ["Shows"])]
    assert len(await v2.done("GET", "/preferences/modified-since/2020-01-01")) == 2


@pytest.mark.parametrize(
    "body, answer",
    [
        pytest.param({"publicName": "A"}, INVALID, id="no private name"),
        pytest.param({"publicName": "A", "privateName": ""}, INVALID, id="empty private name"),
        pytest.param(
            {"publicName": "A", "privateName": "A", "isPreference": True, "categoryId": 7},
            NOT_FOUND,
            id="no such category",
        ),
        pytest.param(
            {"publicName": "A", "privateName": "A", "categoryId": "{topics}"},
            INVALID,
            id="a category within one",
        ),
        pytest.param(
            {"publicName": "A", "privateName": "A", "isPreference": True, "order": "first"},
            INVALID,
            id="no such place",
        ),
        pytest.param([], INVALID, id="an array"),
    ],
)
async def test_a_preference_that_cannot_be_is_refused(
    v2: V2, body: Json, answer: tuple[int, str]
) -> None:
    topics = await _make(v2, "Topics", isPreference=False)
    if isinstance(body, dict) and body.get("categoryId") == "{topics}":
        body = body | {"categoryId": topics}
    assert await v2.refused("POST", "/preferences", body) == answer


async def test_a_contact_opts_in_and_out(v2: V2) -> None:
    topics = await _make(v2, "Topics", isPreference=False)
    events = await _make(v2, "Events", categoryId=topics)
    magazine = await _make(v2, "Magazine")
    contact_id = await v2.make_contact("ann@b.example")
    sent = [
        {
            "Id": topics,
            "IsPreference": False,
            "Preferences": [{"Id": events, "IsPreference": True, "IsOptedIn": True}],
        },
        {"Id": magazine, "IsPreference": True, "IsOptedIn": True},
    ]
    answer = await v2.call("PUT", f"/contacts/{contact_id}/preferences", sent)
    assert (answer.status_code, answer.content) == (200, b"")
    out = [{"id": magazine, "isPreference": True, "isOptedIn": False}]
    await v2.done("PUT", "/contact/ann@b.example/preferences", out)
    tree = await v2.done("GET", "/contacts/ann@b.example/preferences")
    assert tree == await v2.done("GET", f"/contact/{contact_id}/preferences")
    assert "isOptedIn" not in tree[0]
    assert tree[0]["preferences"][0]["isOptedIn"] is True
    assert tree[1]["isOptedIn"] is False
    subscriptions = await v2.done("GET", "/contacts/ann@b.example/subscriptions")
    assert subscriptions["contact"]["id"] == contact_id
    assert [
        (each["marketingPreferenceId"], each["isOptedIn"], sorted(each))
        for each in subscriptions["marketingPreferenceOptIns"]
    ] == [
        (events, True, ["addressBookId", "dateModifed", "isOptedIn", "marketingPreferenceId"]),
        (magazine, False, ["addressBookId", "dateModifed", "isOptedIn", "marketingPreferenceId"]),
    ]


@pytest.mark.parametrize(
    "body, answer",
    [
        pytest.param([{"id": 7, "isOptedIn": True}], NOT_FOUND, id="no such preference"),
        pytest.param([{"id": "{events}"}], INVALID, id="neither yes nor no"),
        pytest.param({"id": 7}, INVALID, id="no array"),
    ],
)
async def test_an_opt_in_that_cannot_be_is_refused(
    v2: V2, body: Json, answer: tuple[int, str]
) -> None:
    events = await _make(v2, "Events")
    contact_id = await v2.make_contact("ann@b.example")
    if isinstance(body, list) and body[0]["id"] == "{events}":
        body = [body[0] | {"id": events}]
    assert await v2.refused("PUT", f"/contacts/{contact_id}/preferences", body) == answer


async def test_who_is_opted_in_is_listed_a_thousand_at_a_time(v2: V2) -> None:
    events = await _make(v2, "Events")
    list_id = await v2.make_list()
    contacts = [
        {
            "email": f"c{number}@b.example",
            "dataFields": [{"key": "Preference:Events", "value": "True"}],
        }
        for number in range(1001)
    ]
    body = {"contacts": contacts, "addressBookIds": [list_id], "mergeOption": 0}
    job = await v2.done("POST", "/contacts/import-collection", body, 202)
    await v2.done("GET", f"/contacts/import/{job['id']}")
    await v2.make_contact("other@b.example")
    for path in ("/contacts", f"/address-books/{list_id}/contacts"):
        first = await v2.done("GET", f"{path}/with-preference/{events}")
        assert len(first) == 1000
        least = first[-1]["id"] + 1
        rest = await v2.done("GET", f"{path}/with-preference/{events}?minContactID={least}")
        assert rest == [{"id": least, "email": "c1000@b.example"}]
        opt_ins = f"{path}/with-preference/{events}/opt-ins-since"
        recent = await v2.done("GET", f"{opt_ins}/2020-01-01?minContactId={least}")
        assert [each["contact"]["email"] for each in recent] == ["c1000@b.example"]
        assert recent[0]["marketingPreferenceOptIns"][0]["isOptedIn"] is True
        assert await v2.done("GET", f"{opt_ins}/2100-01-01") == []
    assert await v2.refused("GET", "/contacts/with-preference/7") == NOT_FOUND


async def test_an_account_without_the_feature_says_so(v2: V2) -> None:
    v2.account.settings.missing_features = {"preferences"}
    assert await v2.refused("GET", "/preferences") == (403, "Error: ERROR_FEATURENOTACTIVE")


async def test_a_data_field_is_made_as_the_magento_extension_does_it(v2: V2) -> None:
    body = {"Name": "seats", "Type": "numeric", "Visibility": "public", "DefaultValue": "0"}
    made = await v2.done("POST", "/data-fields", body, 201)
    assert made == {"name": "SEATS", "type": "Numeric", "visibility": "Public", "defaultValue": 0}
    fields = await v2.done("GET", "/data-fields")
    assert fields[-1] == made
    assert {field["name"] for field in fields} > {"FIRSTNAME", "LASTNAME", "FULLNAME"}


@pytest.mark.parametrize(
    "body, answer",
    [
        pytest.param(
            {"name": "firstName", "type": "String"},
            (400, "Field already exists. ERROR_NON_UNIQUE_DATAFIELD"),
            id="taken in another case",
        ),
        *(
            pytest.param(body, (400, "Error: ERROR_DATAFIELD_INVALID"), id=reason)
            for reason, body in {
                "reserved": {"name": "Email", "type": "String"},
                "too long": {"name": "N" * 21, "type": "String"},
                "a space": {"name": "SHOE SIZE", "type": "String"},
                "no name": {"type": "String"},
                "no such type": {"name": "SIZE", "type": "Number"},
                "default of another type": {
                    "name": "SIZE",
                    "type": "Numeric",
                    "defaultValue": "big",
                },
            }.items()
        ),
    ],
)
async def test_a_data_field_that_cannot_be_is_refused(
    v2: V2, body: dict[str, str], answer: tuple[int, str]
) -> None:
    assert await v2.refused("POST", "/data-fields", body) == answer


async def test_the_account_has_so_many_data_fields_of_a_type(v2: V2) -> None:
    v2.account.settings.field_limits["Boolean"] = 1
    await v2.done("POST", "/data-fields", {"name": "VIP", "type": "Boolean"}, 201)
    assert await v2.refused("POST", "/data-fields", {"name": "KEEN", "type": "Boolean"}) == (
        400,
        "Error: ERROR_DATAFIELD_LIMITEXCEEDED",
    )


async def test_a_data_field_in_use_is_not_deleted(v2: V2) -> None:
    await v2.done("POST", "/data-fields", {"name": "VIP", "type": "Boolean"}, 201)
    await v2.make_contact("ann@b.example", VIP="Yes")
    field = v2.account.data_fields.find("VIP")
    assert field is not None
    field.used_by.append(("Campaign", 5501))
    kept = await v2.done("DELETE", "/data-fields/vip", status=409)
    assert kept == {"dependencies": [{"type": "Campaign", "objectId": 5501}], "result": False}
    field.used_by.clear()
    deleted = await v2.done("DELETE", "/data-fields/vip")
    assert deleted == {"dependencies": None, "result": True}
    assert await v2.refused("DELETE", "/data-fields/VIP") == (
        404,
        "Error: ERROR_DATAFIELD_NOTFOUND",
    )
    shown = await v2.done("GET", "/contacts/ann@b.example")
    assert "VIP" not in {pair["key"] for pair in shown["dataFields"]}
