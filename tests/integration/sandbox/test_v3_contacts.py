"""v3 of the sandbox: one contact at a time."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v3_calls import V3, Json, calling_v3, email_status

ANN = {"email": "ann@b.example"}
CONSENT = {
    "text": "Yes",
    "dateTimeConsented": "2026-01-05T09:00:00Z",
    "url": "https://shop.example/signup",
    "ipAddress": "2001:db8::1",
    "userAgent": "curl",
}
UNKNOWN = (404, "contacts:contactNotFound")
TAKEN = (409, "contacts:idAlreadyExists")
INVALID = (400, "contacts:invalidContacts")
INVALID_ID = (400, "contacts:invalidId")
BAD_REQUEST = (400, "contacts:badRequest")
BAD_JSON = (400, "contacts:badJson")


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        yield v3


async def test_created_contact_is_answered_with_everything(v3: V3) -> None:
    news = v3.control.add_list("News")
    preference = v3.control.add_preference("Topics > Events", private_name="events-2026")
    now = v3.control.move_clock()
    made = await v3.done(
        "POST",
        "/contacts/v3",
        {
            "identifiers": {**ANN, "mobileNumber": "+44 7700 900123"},
            "dataFields": {"firstName": "Ann"},
            "channelProperties": {"email": {"emailType": "plainText", "optInType": "single"}},
            "lists": [news.id],
            "preferences": [{"id": preference.id, "isOptedIn": True}],
            "consentRecords": [CONSENT],
        },
        201,
    )
    assert made == {
        "contactId": 10_000_001,
        "status": "subscribed",
        "created": now,
        "updated": now,
        "identifiers": {"email": "ann@b.example", "mobileNumber": "447700900123"},
        "dataFields": {
            "FIRSTNAME": "Ann",
            "LASTNAME": None,
            "FULLNAME": None,
            "GENDER": None,
            "POSTCODE": None,
            "LASTSUBSCRIBED": None,
        },
        "channelProperties": {
            "email": {"emailType": "PlainText", "optInType": "Single", "status": "subscribed"},
            "sms": {"countryCode": "GB", "status": "noSubscription"},
        },
        "lists": [{"id": news.id, "name": "News", "status": "subscribed"}],
        "preferences": [
            {
                "id": preference.id,
                "isOptedIn": True,
                "name": "Events",
                "publicName": "Events",
                "privateName": "events-2026",
            }
        ],
        "consentRecords": [{**CONSENT, "dateTimeCreated": now}],
    }
    assert await v3.get("email/ANN@B.example") == made
    assert await v3.get("mobileNumber/+447700900123") == made


@pytest.mark.parametrize(
    "body,refusal",
    [
        pytest.param({}, BAD_REQUEST, id="no identifiers"),
        pytest.param([], BAD_REQUEST, id="no object"),
        pytest.param({"identifiers": {}}, INVALID, id="neither email nor mobile number"),
        pytest.param({"identifiers": {"email": ""}}, INVALID, id="an empty email"),
        pytest.param({"identifiers": {"email": "ann"}}, INVALID_ID, id="no email"),
        pytest.param({"identifiers": {"mobileNumber": "12"}}, INVALID_ID, id="no number"),
        pytest.param({"identifiers": {**ANN, "crm": "1"}}, INVALID, id="no such identifier"),
        pytest.param({"identifiers": ANN, "lists": [7]}, INVALID, id="no such list"),
        pytest.param({"identifiers": ANN, "lists": []}, INVALID, id="an empty array of lists"),
        pytest.param(
            {"identifiers": ANN, "preferences": [{"id": 7, "isOptedIn": True}]},
            INVALID,
            id="no such preference",
        ),
        pytest.param({"identifiers": ANN, "dataFields": {"X": 1}}, INVALID, id="no such field"),
        pytest.param(
            {"identifiers": ANN, "dataFields": {"FIRSTNAME": 7}}, INVALID, id="a number for a text"
        ),
        pytest.param(
            {"identifiers": ANN, "dataFields": {"LASTSUBSCRIBED": "soon"}}, INVALID, id="no date"
        ),
        pytest.param(
            {"identifiers": ANN, "dataFields": {"FIRSTNAME": "x" * 1001}}, INVALID, id="too long"
        ),
        pytest.param(
            {"identifiers": ANN, "channelProperties": email_status("pendingOptIn")},
            INVALID,
            id="a status that can't be asked for",
        ),
        pytest.param(
            {"identifiers": ANN, "channelProperties": {"fax": {}}}, INVALID, id="no such channel"
        ),
        pytest.param(
            {"identifiers": ANN, "channelProperties": {"email": {"font": "Times"}}},
            INVALID,
            id="something the channel doesn't have",
        ),
        pytest.param(
            {"identifiers": ANN, "consentRecords": [{**CONSENT, "ipAddress": "here"}]},
            INVALID,
            id="a consent record from nowhere",
        ),
    ],
)
async def test_contact_that_is_not_right_is_refused_whole(
    v3: V3, body: Json, refusal: tuple[int, str]
) -> None:
    assert await v3.refused("POST", "/contacts/v3", body) == refusal
    assert v3.account.contacts.live_count == 0


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
async def test_broken_json_is_told_from_wrong_json(v3: V3, method: str) -> None:
    v3.control.add_contacts([{"identifiers": ANN}])
    path = "/contacts/v3" if method == "POST" else "/contacts/v3/email/ann@b.example"
    assert await v3.refused(method, path, content=b"{") == BAD_JSON


async def test_wrong_identifier_is_named(v3: V3) -> None:
    refused = await v3.call("POST", "/contacts/v3", {"identifiers": {"email": "123646"}})
    assert refused.json()["description"] == (
        "The id value '123646' is invalid for the identifier 'email'"
    )


@pytest.mark.parametrize(
    "path,refusal",
    [
        pytest.param("email/nobody@b.example", UNKNOWN, id="an email of nobody"),
        pytest.param("contactId/7", UNKNOWN, id="an id of nobody"),
        pytest.param("mobileNumber/447700900999", UNKNOWN, id="a number of nobody"),
        pytest.param("email/nobody", INVALID_ID, id="no email"),
        pytest.param("contactId/ann", INVALID_ID, id="no contact id"),
        pytest.param("mobileNumber/ann", INVALID_ID, id="no number"),
        pytest.param("crm-id/7", INVALID_ID, id="no such identifier"),
        pytest.param("email/" + "x" * 250 + "@b.example", INVALID_ID, id="too long a value"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_contact_that_is_not_there_is_not_found(
    v3: V3, method: str, path: str, refusal: tuple[int, str]
) -> None:
    assert await v3.refused(method, f"/contacts/v3/{path}") == refusal


async def test_contact_not_found_says_how_it_was_looked_for(v3: V3) -> None:
    missing = await v3.call("GET", "/contacts/v3/email/nobody@b.example")
    assert missing.json()["details"] == [
        {"item": "nobody@b.example", "description": "Not found using the identifier 'email'"}
    ]


async def test_address_with_a_slash_and_a_plus_is_found_encoded(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": {"email": "a/b+c@d.example"}}])
    found = await v3.get("email/a%2Fb%2Bc%40d.example")
    assert found["identifiers"] == {"email": "a/b+c@d.example"}


async def test_identifier_of_another_is_a_conflict(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": {**ANN, "mobileNumber": "447700900123"}}])
    bob = (await v3.patch("email/bob@b.example", {}, 201))["contactId"]
    for taken in ({"email": "ANN@b.example"}, {"mobileNumber": "+447700900123"}):
        body = {"identifiers": {"email": "cy@b.example", **taken}}
        assert await v3.refused("POST", "/contacts/v3", body) == TAKEN
        path = f"/contacts/v3/contactId/{bob}"
        assert await v3.refused("PATCH", path, {"identifiers": taken}) == TAKEN
    assert v3.account.contacts.live_count == 2


async def test_patch_makes_a_contact_of_an_unknown_identifier(v3: V3) -> None:
    made = await v3.patch("email/ann@b.example", {"dataFields": {"FIRSTNAME": "Ann"}}, 201)
    again = await v3.patch("email/ann@b.example", {"dataFields": {"LASTNAME": "Lee"}})
    assert again["contactId"] == made["contactId"]
    assert (again["dataFields"]["FIRSTNAME"], again["dataFields"]["LASTNAME"]) == ("Ann", "Lee")


async def test_patch_changes_an_email_and_keeps_the_contact(v3: V3) -> None:
    made = await v3.patch("email/ann@b.example", {"dataFields": {"FIRSTNAME": "Ann"}}, 201)
    path = f"contactId/{made['contactId']}"
    changed = await v3.patch(path, {"identifiers": {"email": "ann@c.example"}})
    assert changed["contactId"] == made["contactId"]
    assert await v3.refused("GET", "/contacts/v3/email/ann@b.example") == UNKNOWN
    assert (await v3.get("email/ann@c.example"))["dataFields"]["FIRSTNAME"] == "Ann"


async def test_patch_of_an_unknown_contact_id_makes_nobody(v3: V3) -> None:
    body = {"identifiers": ANN}
    assert await v3.refused("PATCH", "/contacts/v3/contactId/7", body) == INVALID_ID
    assert v3.account.contacts.live_count == 0


async def test_null_clears_a_data_field_and_never_an_identifier(v3: V3) -> None:
    body = {"identifiers": {"mobileNumber": "447700900123"}, "dataFields": {"FIRSTNAME": "Ann"}}
    await v3.patch("email/ann@b.example", body, 201)
    nulls = {"identifiers": {"mobileNumber": None}, "dataFields": {"FIRSTNAME": None}}
    cleared = await v3.patch("email/ann@b.example", nulls)
    assert cleared["dataFields"]["FIRSTNAME"] is None
    assert cleared["identifiers"]["mobileNumber"] == "447700900123"


@pytest.mark.parametrize(
    "option,first,last",
    [
        pytest.param(None, None, "Lee", id="overwrite is what happens unless something is said"),
        pytest.param("overwrite", None, "Lee", id="overwrite"),
        pytest.param("overwrite-if-not-empty", "Ann", "Lee", id="only with what isn't empty"),
        pytest.param("overwrite-if-empty", "Ann", "Ash", id="only what is empty"),
    ],
)
async def test_merge_option_decides_over_each_field(
    v3: V3, option: str | None, first: str | None, last: str
) -> None:
    await v3.patch(
        "email/ann@b.example", {"dataFields": {"FIRSTNAME": "Ann", "LASTNAME": "Ash"}}, 201
    )
    merged = await v3.patch(
        "email/ann@b.example",
        {"dataFields": {"FIRSTNAME": None, "LASTNAME": "Lee", "GENDER": "female"}},
        params={"merge-option": option} if option else {},
    )
    fields = merged["dataFields"]
    assert (fields["FIRSTNAME"], fields["LASTNAME"], fields["GENDER"]) == (first, last, "female")


async def test_merge_option_that_there_is_none_of_is_refused(v3: V3) -> None:
    path = "/contacts/v3/email/ann@b.example"
    assert await v3.refused("PATCH", path, {}, params={"merge-option": "append"}) == BAD_REQUEST


async def test_replacing_empties_what_is_left_out(v3: V3) -> None:
    news = v3.control.add_list("News")
    body = {
        "identifiers": {**ANN, "mobileNumber": "447700900123"},
        "dataFields": {"FIRSTNAME": "Ann"},
        "lists": [news.id],
    }
    made = await v3.done("POST", "/contacts/v3", body, 201)
    replaced = await v3.done(
        "PUT",
        f"/contacts/v3/contactId/{made['contactId']}",
        {"identifiers": {"email": "ann@c.example"}, "dataFields": {"LASTNAME": "Lee"}},
    )
    assert replaced["identifiers"] == {"email": "ann@c.example"}
    assert (replaced["dataFields"]["FIRSTNAME"], replaced["dataFields"]["LASTNAME"]) == (
        None,
        "Lee",
    )
    assert replaced["lists"] == []
    assert await v3.refused("GET", "/contacts/v3/mobileNumber/447700900123") == UNKNOWN


@pytest.mark.parametrize(
    "body,refusal",
    [
        pytest.param({"dataFields": {}}, BAD_REQUEST, id="no identifiers"),
        pytest.param({"identifiers": ANN, "consentRecords": [CONSENT]}, INVALID, id="consent"),
        pytest.param({"identifiers": ANN, "dataFields": {"X": 1}}, INVALID, id="no such field"),
    ],
)
async def test_replacement_that_is_refused_empties_nothing(
    v3: V3, body: Json, refusal: tuple[int, str]
) -> None:
    before = await v3.patch("email/ann@b.example", {"dataFields": {"FIRSTNAME": "Ann"}}, 201)
    assert await v3.refused("PUT", "/contacts/v3/email/ann@b.example", body) == refusal
    assert await v3.get("email/ann@b.example") == before


async def test_replacing_does_not_bring_back_who_left(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": ANN}])
    v3.control.unsubscribe("ann@b.example")
    replaced = await v3.done("PUT", "/contacts/v3/email/ann@b.example", {"identifiers": ANN})
    assert replaced["status"] == "unsubscribed"


async def test_taking_the_address_away_and_giving_it_back_does_not_either(v3: V3) -> None:
    number = {"mobileNumber": "447700900123"}
    v3.control.add_contacts([{"identifiers": {**ANN, **number}}])
    v3.control.unsubscribe("ann@b.example")
    path = "/contacts/v3/mobileNumber/447700900123"
    await v3.done("PUT", path, {"identifiers": number})
    contact = await v3.done("PATCH", path, {"identifiers": ANN})
    assert contact["channelProperties"]["email"]["status"] == "unsubscribed"


async def test_deleted_contact_is_gone_until_it_is_made_again(v3: V3) -> None:
    made = await v3.patch("email/ann@b.example", {"dataFields": {"FIRSTNAME": "Ann"}}, 201)
    deleted = await v3.done("DELETE", "/contacts/v3/email/ann@b.example")
    assert deleted == {"contactId": made["contactId"]}
    assert await v3.refused("GET", f"/contacts/v3/contactId/{made['contactId']}") == UNKNOWN
    assert await v3.refused("DELETE", "/contacts/v3/email/ann@b.example") == UNKNOWN
    restored = await v3.patch("email/ann@b.example", {"dataFields": {"LASTNAME": "Lee"}})
    assert restored["contactId"] == made["contactId"]
    assert restored["dataFields"]["FIRSTNAME"] == "Ann"
    assert await v3.get("email/ann@b.example") == restored


async def test_creating_restores_from_the_recycle_bin(v3: V3) -> None:
    made = await v3.patch("email/ann@b.example", {}, 201)
    await v3.done("DELETE", "/contacts/v3/email/ann@b.example")
    again = await v3.done("POST", "/contacts/v3", {"identifiers": ANN}, 201)
    assert again["contactId"] == made["contactId"]


async def test_deleting_does_not_wash_an_opt_out_away(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": ANN}])
    v3.control.unsubscribe("ann@b.example")
    await v3.done("DELETE", "/contacts/v3/email/ann@b.example")
    assert (await v3.patch("email/ann@b.example", {}))["status"] == "unsubscribed"


async def test_contact_without_an_email_has_no_email_channel(v3: V3) -> None:
    body = {"channelProperties": {"sms": {"status": "subscribed"}}}
    made = await v3.patch("mobileNumber/+14155550100", body, 201)
    assert made["identifiers"] == {"mobileNumber": "14155550100"}
    assert made["channelProperties"] == {"sms": {"countryCode": "US", "status": "subscribed"}}
    assert made["status"] == "subscribed"


async def test_names_are_read_in_any_case(v3: V3) -> None:
    made = await v3.done(
        "POST",
        "/contacts/v3",
        {
            "Identifiers": {"Email": "ann@b.example"},
            "DataFields": {"FirstName": "Ann"},
            "ChannelProperties": {"Email": {"EmailType": "Html", "OptInType": "Single"}},
        },
        201,
    )
    assert made["identifiers"] == ANN
    assert made["dataFields"]["FIRSTNAME"] == "Ann"
    assert made["channelProperties"]["email"]["optInType"] == "Single"


async def test_quirks_that_clients_must_survive(v3: V3) -> None:
    v3.control.set_settings({"quirky_timestamps": True, "empty_data_fields": True})
    made = await v3.patch("email/ann@b.example", {"dataFields": {"FIRSTNAME": "Ann"}}, 201)
    assert made["dataFields"] == {}
    assert not made["created"].endswith("Z")
    assert len(made["created"].partition(".")[2]) == 7
