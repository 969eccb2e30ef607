"""v2 of the sandbox: contacts, one by one and in listings."""

from collections.abc import AsyncIterator

import pytest

from sandbox.clock import text_of
from tests.integration.sandbox.v2_calls import V2, calling_v2

SUPPRESSED = (400, "Contact is suppressed. ERROR_CONTACT_SUPPRESSED")
NO_EMAIL = (400, "Email is not a valid email address. ERROR_PARAMETER_INVALID")
NOT_FOUND = (404, "Error: ERROR_CONTACT_NOT_FOUND")


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        yield v2


def _values(contact: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    pairs = {str(each["key"]): each["value"] for each in contact["dataFields"]}
    return {key: value for key, value in pairs.items() if value is not None}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {
                "email": "ann@b.example",
                "optInType": "Single",
                "emailType": "Html",
                "dataFields": [{"key": "FIRSTNAME", "value": "Ann"}],
            },
            id="as documented",
        ),
        pytest.param(
            {
                "Email": "ann@b.example",
                "OptInType": "single",
                "EmailType": "Html",
                "DataFields": [{"Key": "firstname", "Value": "Ann"}],
            },
            id="in Pascal case, as the Magento extension writes it",
        ),
        pytest.param(
            {
                "Id": 0,
                "Email": "ann@b.example",
                "OptInType": "Single",
                "EmailType": None,
                "DataFields": [{"Key": "FIRSTNAME", "Value": "Ann"}],
                "Status": "NotAvailableInThisVersion",
            },
            id="with ids of 0 and nulls, as .NET writes it",
        ),
        pytest.param(
            {
                "id": "",
                "email": " ann@b.example",
                "optInType": 1,
                "emailType": "",
                "dataFields": [{"key": "FirstName", "value": "Ann"}],
                "status": "",
            },
            id="with empty texts and numbers, as PHP writes it",
        ),
    ],
)
async def test_a_contact_is_read_however_its_client_spells_it(
    v2: V2, body: dict[str, object]
) -> None:
    made = await v2.done("POST", "/contacts/", body, 201)
    assert made["email"] == "ann@b.example"
    assert (made["optInType"], made["emailType"]) == ("Single", "Html")
    assert made["status"] == "Subscribed"
    assert _values(made) == {"FIRSTNAME": "Ann"}


async def test_posting_the_same_email_again_updates_what_is_said(v2: V2) -> None:
    contact_id = await v2.make_contact("ann@b.example", FIRSTNAME="Ann", LASTNAME="Berg")
    again = {"email": "ANN@B.example", "dataFields": [{"key": "LASTNAME", "value": "Hart"}]}
    updated = await v2.done("POST", "/contacts", again, 201)
    assert updated["id"] == contact_id
    assert _values(updated) == {"FIRSTNAME": "Ann", "LASTNAME": "Hart"}
    assert await v2.done("GET", "/contacts/count") == 1


async def test_a_contact_is_found_by_id_and_by_email_in_any_case(v2: V2) -> None:
    contact_id = await v2.make_contact("ann+news@b.example")
    by_id = await v2.done("GET", f"/contacts/{contact_id}")
    assert by_id == await v2.done("GET", "/contacts/ANN%2Bnews@b.example")
    assert by_id == await v2.done("GET", "/contacts/ann+news%40b.example/")


@pytest.mark.parametrize(
    "method, path, body, answer",
    [
        pytest.param("GET", "/contacts/7", None, NOT_FOUND, id="unknown id"),
        pytest.param("GET", "/contacts/x@b.example", None, NOT_FOUND, id="unknown email"),
        pytest.param("GET", "/contacts/ann", None, NO_EMAIL, id="neither id nor email"),
        pytest.param("PUT", "/contacts/7", {"email": "x@b.example"}, NOT_FOUND, id="update"),
        pytest.param("DELETE", "/contacts/7", None, NOT_FOUND, id="delete"),
        pytest.param("GET", "/contacts/7/address-books", None, NOT_FOUND, id="its lists"),
        pytest.param("POST", "/contacts", {"email": "ann"}, NO_EMAIL, id="no address"),
        pytest.param("POST", "/contacts", {"email": None}, NO_EMAIL, id="null"),
        pytest.param("POST", "/contacts", {}, NO_EMAIL, id="nothing"),
        pytest.param("POST", "/contacts", [], (400, "Error: ERROR_CONTACT_INVALID"), id="an array"),
        pytest.param(
            "POST",
            "/contacts",
            {"email": "x@b.example", "optInType": "Triple"},
            (400, "Error: ERROR_CONTACT_INVALID"),
            id="no such opt-in type",
        ),
        pytest.param(
            "POST",
            "/contacts",
            {"email": "x@b.example", "dataFields": [{"key": "SIZE", "value": "L"}]},
            (404, "Error: ERROR_DATAFIELD_NOTFOUND"),
            id="unknown data field",
        ),
        pytest.param(
            "POST",
            "/contacts",
            {"email": "x@b.example", "dataFields": [{"key": "FIRSTNAME", "value": "A" * 1001}]},
            (400, "Error: ERROR_DATAFIELD_VALUE_OVERFLOW"),
            id="value too long",
        ),
        pytest.param(
            "POST",
            "/contacts",
            {"email": "x@b.example", "dataFields": [{"key": "LASTSUBSCRIBED", "value": "soon"}]},
            (400, "Error: ERROR_DATAFIELD_INVALID"),
            id="no date",
        ),
        pytest.param(
            "POST",
            "/contacts",
            {"email": "x@b.example", "dataFields": {"FIRSTNAME": "Ann"}},
            (400, "Error: ERROR_CONTACT_INVALID"),
            id="data fields as an object",
        ),
    ],
)
async def test_what_is_wrong_with_a_contact_is_named(
    v2: V2, method: str, path: str, body: object, answer: tuple[int, str]
) -> None:
    assert await v2.refused(method, path, body) == answer
    assert await v2.done("GET", "/contacts/count") == 0


async def test_a_body_that_is_no_json_is_refused(v2: V2) -> None:
    json_type = {"Content-Type": "application/json"}
    assert await v2.refused("POST", "/contacts", content=b"{", headers=json_type) == (
        400,
        "Error: ERROR_BODY_DOES_NOT_MATCH_CONTENT_TYPE",
    )
    assert await v2.refused("POST", "/contacts", headers=json_type) == (
        400,
        "Error: ERROR_MALFORMED_REQUEST",
    )
    assert await v2.refused(
        "POST", "/contacts", content=b"<a/>", headers={"Content-Type": "application/xml"}
    ) == (400, "Error: ERROR_CONTENT_TYPE_IS_NOT_SUPPORTED")


async def test_an_update_may_change_the_email_to_one_that_is_free(v2: V2) -> None:
    ann, _ = await v2.make_contact("ann@b.example"), await v2.make_contact("bob@b.example")
    moved = await v2.done("PUT", f"/contacts/{ann}", {"email": "ann@c.example"})
    assert (moved["id"], moved["email"]) == (ann, "ann@c.example")
    assert await v2.refused("PUT", f"/contacts/{ann}", {"email": "BOB@b.example"}) == (
        400,
        "Error: ERROR_NON_UNIQUE_EMAIL",
    )
    assert await v2.refused("GET", "/contacts/ann@b.example") == NOT_FOUND


async def test_a_suppressed_contact_is_left_alone_but_shown(v2: V2) -> None:
    contact_id = await v2.make_contact("ann@b.example")
    list_id = await v2.make_list()
    await v2.done("POST", "/contacts/unsubscribe", {"email": "ann@b.example"})
    body = {"email": "ann@b.example", "dataFields": [{"key": "FIRSTNAME", "value": "Ann"}]}
    for method, path, sent in (
        ("POST", "/contacts", body),
        ("PUT", f"/contacts/{contact_id}", body),
        ("POST", f"/address-books/{list_id}/contacts", body),
        ("POST", "/contacts/with-consent", {"contact": body}),
        ("PUT", f"/contacts/{contact_id}/with-consent", {"contact": body}),
        ("PUT", f"/contacts/{contact_id}/preferences", []),
    ):
        assert await v2.refused(method, path, sent) == SUPPRESSED
    shown = await v2.done("GET", f"/contacts/{contact_id}")
    assert (shown["status"], _values(shown)) == ("Unsubscribed", {})


async def test_deleting_does_not_lift_a_suppression(v2: V2) -> None:
    contact_id = await v2.make_contact("ann@b.example")
    await v2.done("PUT", "/contacts/suppress-contacts", [{"id": contact_id}])
    await v2.done("DELETE", f"/contacts/{contact_id}", status=204)
    assert await v2.refused("POST", "/contacts", {"email": "ann@b.example"}) == SUPPRESSED


async def test_a_deleted_contact_comes_back_from_the_bin_until_that_is_emptied(v2: V2) -> None:
    contact_id = await v2.make_contact("ann@b.example", FIRSTNAME="Ann")
    await v2.done("DELETE", f"/contacts/{contact_id}", status=204)
    assert await v2.refused("GET", f"/contacts/{contact_id}") == NOT_FOUND
    assert await v2.done("GET", "/contacts/count") == 0
    restored = await v2.done("POST", "/contacts", {"email": "ann@b.example"}, 201)
    assert (restored["id"], _values(restored)) == (contact_id, {"FIRSTNAME": "Ann"})
    await v2.done("DELETE", f"/contacts/{contact_id}", status=204)
    await v2.done("POST", "/accounts/empty-recycle-bin/", status=202)
    assert await v2.make_contact("ann@b.example") != contact_id


@pytest.mark.parametrize(
    "setting, code",
    [
        pytest.param("blocked_addresses", "Error: ERROR_EMAIL_BANNED", id="blocked by the vendor"),
        pytest.param("globally_suppressed", SUPPRESSED[1], id="suppressed everywhere"),
    ],
)
async def test_an_address_that_is_barred_can_be_nobodys(v2: V2, setting: str, code: str) -> None:
    setattr(v2.account.settings, setting, {"ann@b.example"})
    assert await v2.refused("POST", "/contacts", {"email": "ANN@b.example"}) == (400, code)


async def test_the_contact_allowance_stops_new_contacts_alone(v2: V2) -> None:
    await v2.make_contact("ann@b.example")
    v2.account.settings.contact_allowance = 1
    await v2.make_contact("ann@b.example", FIRSTNAME="Ann")
    assert await v2.refused("POST", "/contacts", {"email": "bob@b.example"}) == (
        400,
        "Error: ERROR_CONTACT_TOOMANY",
    )


async def test_verified_double_opt_in_waits_for_its_confirmation(v2: V2) -> None:
    body = {"email": "ann@b.example", "optInType": "VerifiedDouble"}
    assert (await v2.done("POST", "/contacts", body, 201))["status"] == "PendingOptIn"


async def test_listings_go_by_select_and_skip_and_show_data_when_asked(v2: V2) -> None:
    for name in "abc":
        await v2.make_contact(f"{name}@b.example", FIRSTNAME=name)
    page = await v2.done("GET", "/contacts?select=2&skip=1")
    assert [contact["email"] for contact in page] == ["b@b.example", "c@b.example"]
    assert [contact["dataFields"] for contact in page] == [None, None]
    full = await v2.done("GET", "/contacts?WithFullData=True&Select=1&Skip=")
    assert [_values(contact) for contact in full] == [{"FIRSTNAME": "a"}]
    assert await v2.done("GET", "/contacts?skip=3") == []


async def test_since_listings_begin_at_the_date(v2: V2) -> None:
    ann = await v2.make_contact("ann@b.example")
    v2.account.clock.advance(10)
    await v2.make_contact("bob@b.example")
    since = v2.account.clock.now_ms() // 1000
    v2.account.clock.advance(10)
    await v2.done("PUT", f"/contacts/{ann}", {"email": "ann@b.example", "optInType": "Double"})
    at = text_of(since * 1000)

    async def emails(path: str) -> list[str]:
        return [contact["email"] for contact in await v2.done("GET", path)]

    assert await emails(f"/contacts/created-since/{at}") == ["bob@b.example"]
    assert await emails(f"/contacts/modified-since/{at}") == ["bob@b.example", "ann@b.example"]
    assert await emails("/contacts/modified-since/2020-01-01?select=1&skip=1") == ["ann@b.example"]
    assert await emails("/contacts/created-since/2020-01-01T00:00:00+0000") == [
        "ann@b.example",
        "bob@b.example",
    ]


@pytest.mark.parametrize(
    "query",
    ["select=0", "select=-1", "select=1001", "select=all", "skip=-1", "skip=x", "withFullData=2"],
)
async def test_a_page_that_cannot_be_is_refused(v2: V2, query: str) -> None:
    status, message = await v2.refused("GET", f"/contacts?{query}")
    assert (status, message.split()[-1]) == (400, "ERROR_PARAMETER_INVALID")


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-01-01T25:00:00Z"])
async def test_a_date_that_is_none_is_refused(v2: V2, date: str) -> None:
    status, message = await v2.refused("GET", f"/contacts/modified-since/{date}")
    assert (status, message) == (400, "date is not valid. ERROR_PARAMETER_INVALID")


@pytest.mark.parametrize(
    "path, count",
    [
        pytest.param("/contacts", 1000, id="all"),
        pytest.param("/contacts/created-since/2020-01-01", 1000, id="created since"),
        pytest.param("/contacts/modified-since/2020-01-01", 2000, id="modified since"),
    ],
)
async def test_the_size_of_a_page_that_is_not_asked_for_is_the_documented_one(
    v2: V2, path: str, count: int
) -> None:
    contacts = [{"email": f"c{number}@b.example"} for number in range(2001)]
    body = {"contacts": contacts, "addressBookIds": []}
    job = await v2.done("POST", "/contacts/import-collection", body, 202)
    await v2.done("GET", f"/contacts/import/{job['id']}")
    assert len(await v2.done("GET", path)) == count


async def test_a_batch_is_retrieved_by_a_get_with_a_body(v2: V2) -> None:
    ann = await v2.make_contact("ann@b.example", FIRSTNAME="Ann")
    wanted = [{"id": ann}, {"id": 0, "email": "ANN@b.example"}, {"id": 7}, {"email": "x@b.example"}]
    body = {"contacts": wanted, "withFullData": True}
    batch = await v2.done("GET", "/contacts/retrieve-collection", body)
    assert [contact["id"] for contact in batch["contacts"]] == [ann, ann]
    assert _values(batch["contacts"][0]) == {"FIRSTNAME": "Ann"}
    assert batch["notFound"] == [{"id": 7, "email": None}, {"id": 0, "email": "x@b.example"}]
    assert await v2.refused("GET", "/contacts/retrieve-collection", {"contacts": []}) == (
        400,
        "Error: ERROR_CONTACTS_ARE_NOT_SPECIFIED",
    )


async def test_consent_is_kept_with_the_contact(v2: V2) -> None:
    fields = [
        {"key": "TEXT", "value": "Yes"},
        {"key": "DATETIMECONSENTED", "value": "2026-01-02T03:04:05Z"},
        {"key": "URL", "value": "https://a.example"},
        {"key": "IPADDRESS", "value": "127.0.0.1"},
        {"key": "USERAGENT", "value": "curl"},
    ]
    sent = {"contact": {"email": "ann@b.example"}, "consentFields": [{"fields": fields}]}
    made = await v2.done("POST", "/contacts/with-consent", sent, 201)
    assert made["consentFields"] == [{"id": None, "fields": fields}]
    kept = await v2.done("GET", "/contacts/ann@b.example/with-consent")
    assert [record["fields"] for record in kept["consentFields"]] == [fields]
    assert kept["consentFields"][0]["id"]
    assert kept["contact"]["id"] == made["contact"]["id"]


async def test_consent_and_preferences_come_with_an_update(v2: V2) -> None:
    contact_id = await v2.make_contact("ann@b.example")
    names = {"publicName": "Events", "privateName": "Events", "isPreference": True}
    preference = await v2.done("POST", "/preferences", names)
    body = {
        "contact": {"email": "ann@b.example"},
        "consentFields": [{"fields": [{"key": "consenttext", "value": "Yes"}]}],
        "preferences": [{"id": preference["id"], "isPreference": True, "isOptedIn": True}],
    }
    path = f"/contacts/{contact_id}/with-consent-and-preferences"
    updated = await v2.done("PUT", path, body)
    assert [node["isOptedIn"] for node in updated["preferences"]] == [True]
    assert updated["consentFields"][0]["fields"][0] == {"key": "TEXT", "value": "Yes"}
    body["preferences"] = [{"id": 7, "isPreference": True, "isOptedIn": True}]
    assert await v2.refused("PUT", path, body) == (404, "Error: ERROR_PREFERENCE_NOT_FOUND")
