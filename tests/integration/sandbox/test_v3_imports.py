"""v3 of the sandbox: what an import does with each of its contacts."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v3_calls import V3, Json, calling_v3, codes, entry

CONSENT = {
    "text": "Yes",
    "dateTimeConsented": "2026-01-05T09:00:00Z",
    "url": "https://shop.example/signup",
    "ipAddress": "192.0.2.1",
    "userAgent": "curl",
}


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        yield v3


def _summary(**counts: int) -> dict[str, int]:
    names = ("newContacts", "updatedContacts", "globallySuppressed", "invalidEntries")
    return {**dict.fromkeys((*names, "duplicateIdentifiers"), 0), **counts}


async def test_import_creates_and_updates_and_says_which(v3: V3) -> None:
    first = await v3.imported(entry(identifiers={"email": "ann@b.example"}))
    report = await v3.imported(
        entry(identifiers={"email": "ANN@b.example", "mobileNumber": "+447700900123"}),
        entry(identifiers={"email": "bob@b.example"}),
    )
    [ann] = first["created"]
    assert report["updated"] == [
        {
            "contactId": ann["contactId"],
            "identifiers": {"email": "ann@b.example", "mobileNumber": "447700900123"},
        }
    ]
    assert report["created"] == [
        {"contactId": ann["contactId"] + 1, "identifiers": {"email": "bob@b.example"}}
    ]
    assert report["failures"] == []
    assert report["summary"] == _summary(newContacts=1, updatedContacts=1)


async def test_vendors_own_example_is_taken(v3: V3) -> None:
    [known] = v3.control.add_contacts([{"identifiers": {"email": "old@emailsim.io"}}])
    report = await v3.imported(
        {
            "matchIdentifier": "email",
            "identifiers": {"email": "jane.doe@emailsim.io"},
            "dataFields": {"firstName": "Jane", "lastName": "Doe", "gender": "female"},
        },
        {
            "matchIdentifier": "mobileNumber",
            "identifiers": {"email": "john.doe@emailsim.io", "mobileNumber": "447123123123"},
            "dataFields": {"firstName": "John", "lastName": "Doe", "gender": "male"},
            "channelProperties": {"email": {"emailType": "Html"}},
        },
        {
            "matchIdentifier": "contactId",
            "identifiers": {"contactId": known, "email": "my-new-email@emailsim.io"},
        },
        option="overwrite",
    )
    assert report["failures"] == []
    assert report["updated"] == [
        {"contactId": known, "identifiers": {"email": "my-new-email@emailsim.io"}}
    ]
    assert (await v3.get("mobileNumber/447123123123"))["dataFields"]["GENDER"] == "male"


async def test_vendors_php_clients_example_is_taken(v3: V3) -> None:
    report = await v3.imported(
        {
            "matchIdentifier": "mobileNumber",
            "identifiers": {"email": "chaz@b.example", "mobileNumber": "44123123123"},
            "channelProperties": {
                "email": {"emailType": "Html", "optInType": "Single"},
                "sms": {"optInType": "Single"},
            },
            "consentRecords": [{**CONSENT, "dateTimeConsented": "2018-01-26T21:29:00"}],
        }
    )
    assert report["failures"] == []


@pytest.mark.parametrize(
    "option,first,last",
    [
        pytest.param(None, None, "Lee", id="overwrite is what happens unless something is said"),
        pytest.param("overwrite", None, "Lee", id="overwrite"),
        pytest.param("overwriteIfNotEmpty", "Ann", "Lee", id="only with what isn't empty"),
        pytest.param("overwriteIfEmpty", "Ann", "Ash", id="only what is empty"),
    ],
)
async def test_merge_option_decides_over_each_field(
    v3: V3, option: str | None, first: str | None, last: str
) -> None:
    await v3.import_one(dataFields={"FIRSTNAME": "Ann", "LASTNAME": "Ash"})
    merged = await v3.import_one(
        option=option, dataFields={"FIRSTNAME": "", "lastname": "Lee", "GENDER": "female"}
    )
    fields = merged["dataFields"]
    assert (fields["FIRSTNAME"], fields["LASTNAME"], fields["GENDER"]) == (first, last, "female")


@pytest.mark.parametrize(
    "type_,value,kept",
    [
        pytest.param("String", "Ünïcode 東京", "Ünïcode 東京", id="text"),
        pytest.param("String", "", None, id="empty text"),
        pytest.param("String", "x" * 1000, "x" * 1000, id="longest text"),
        pytest.param("Numeric", 7, 7, id="whole number"),
        pytest.param("Numeric", -0.25, -0.25, id="fraction"),
        pytest.param("Numeric", 0, 0, id="zero"),
        pytest.param("Boolean", False, False, id="no"),
        pytest.param("Date", "2026-11-30", "2026-11-30T00:00:00Z", id="day"),
        pytest.param("Date", "2026-11-30T10:00:00+02:00", "2026-11-30T08:00:00Z", id="with zone"),
        pytest.param(
            "Date", "2023-02-27T21:50:26.583162Z", "2023-02-27T21:50:26.583162Z", id="with fraction"
        ),
        pytest.param("Numeric", None, None, id="null"),
    ],
)
async def test_data_field_keeps_a_value_of_its_type(
    v3: V3, type_: str, value: Json, kept: Json
) -> None:
    v3.control.add_data_field("Custom-1", type_)
    contact = await v3.import_one(dataFields={"CUSTOM-1": value})
    assert contact["dataFields"]["Custom-1"] == kept


@pytest.mark.parametrize(
    "type_,value",
    [
        pytest.param("String", 7, id="number for a text"),
        pytest.param("String", ["a"], id="array"),
        pytest.param("String", {"a": 1}, id="object"),
        pytest.param("String", "x" * 1001, id="too long a text"),
        pytest.param("Numeric", "seven", id="word for a number"),
        pytest.param("Numeric", "7", id="text for a number"),
        pytest.param("Numeric", True, id="yes for a number"),
        pytest.param("Numeric", 10**18, id="too many digits"),
        pytest.param("Boolean", "yes", id="text for a yes"),
        pytest.param("Boolean", 1, id="number for a yes"),
        pytest.param("Date", "30/11/2026", id="day in another order"),
        pytest.param("Date", 20261130, id="number for a day"),
    ],
)
async def test_value_of_another_type_fails_its_contact_alone(
    v3: V3, type_: str, value: Json
) -> None:
    v3.control.add_data_field("CUSTOM", type_)
    report = await v3.imported(
        entry(dataFields={"CUSTOM": value, "FIRSTNAME": "Ann"}),
        entry(identifiers={"email": "bob@b.example"}),
    )
    assert codes(report) == [["apiSchemaViolation"]]
    assert report["summary"] == _summary(newContacts=1, invalidEntries=1)
    assert v3.account.find("email", "ann@b.example") is None


async def test_typed_text_is_read_where_the_account_allows(v3: V3) -> None:
    v3.control.set_settings({"reads_typed_text": True})
    v3.control.add_data_field("SEATS", "Numeric")
    v3.control.add_data_field("VIP", "Boolean")
    contact = await v3.import_one(dataFields={"SEATS": "3.5", "VIP": "Yes", "FIRSTNAME": 7})
    fields = contact["dataFields"]
    assert (fields["SEATS"], fields["VIP"], fields["FIRSTNAME"]) == (3.5, True, "7")


async def test_unknown_data_field_fails_or_is_ignored_as_set(v3: V3) -> None:
    report = await v3.imported(entry(dataFields={"NOSUCH": "x"}))
    assert codes(report) == [["apiSchemaViolation"]]
    v3.control.set_settings({"unknown_data_fields": "ignore"})
    assert "NOSUCH" not in (await v3.import_one(dataFields={"NOSUCH": "x"}))["dataFields"]


@pytest.mark.parametrize(
    "broken,code",
    [
        pytest.param({"identifiers": {"email": "bob@emailsim@io.com"}}, "invalidEmail", id="two @"),
        pytest.param({"identifiers": {"email": "ann@host"}}, "invalidEmail", id="no domain"),
        pytest.param({"identifiers": {"email": "a b@c.example"}}, "invalidEmail", id="a space"),
        pytest.param({"identifiers": {"email": ".a@c.example"}}, "invalidEmail", id="leading dot"),
        pytest.param({"identifiers": {"email": 7}}, "invalidEmail", id="a number for an email"),
        pytest.param({"identifiers": {"email": ""}}, "invalidEmail", id="an empty email"),
        pytest.param(
            {"identifiers": {"email": "a@b.example", "mobileNumber": "0770"}},
            "invalidPhoneNumber",
            id="no number",
        ),
        pytest.param({"identifiers": {"email": None}}, "noValidIdentifiers", id="null"),
        pytest.param({"identifiers": {}}, "noValidIdentifiers", id="no identifier"),
        pytest.param({"identifiers": None}, "apiSchemaViolation", id="no identifiers"),
        pytest.param({"matchIdentifier": "name"}, "invalidMatchIdentifier", id="unknown match"),
        pytest.param({"matchIdentifier": None}, "invalidMatchIdentifier", id="no match"),
        pytest.param({"matchIdentifier": 7}, "invalidMatchIdentifier", id="a number for a match"),
        pytest.param(
            {"matchIdentifier": "contactId", "identifiers": {"contactId": 7}},
            "invalidContactId",
            id="a contact id of nobody",
        ),
        pytest.param(
            {"matchIdentifier": "contactId", "identifiers": {"contactId": "ann"}},
            "invalidContactId",
            id="no contact id",
        ),
        pytest.param(
            {"identifiers": {"email": "a@b.example", "crm": "7"}},
            "apiSchemaViolation",
            id="no such identifier",
        ),
        pytest.param(
            {"channelProperties": {"email": {"status": "softBounced"}}},
            "invalidContactStatus",
            id="a status nobody can ask for",
        ),
        pytest.param(
            {"channelProperties": {"sms": {"status": "bounced"}}},
            "invalidContactStatus",
            id="a status no number can be given",
        ),
        pytest.param(
            {"channelProperties": {"email": {"emailType": "rtf"}}},
            "apiSchemaViolation",
            id="no such email type",
        ),
        pytest.param({"dataFields": []}, "apiSchemaViolation", id="data fields as an array"),
        pytest.param({"lists": list(range(101))}, "apiSchemaViolation", id="101 lists"),
        pytest.param({"lists": ["News"]}, "apiSchemaViolation", id="a list by its name"),
        pytest.param({"preferences": [7]}, "apiSchemaViolation", id="a bare preference"),
        pytest.param(
            {"preferences": [{"id": 7, "isOptedIn": "yes"}]}, "apiSchemaViolation", id="a word"
        ),
    ],
)
async def test_broken_contact_fails_alone(v3: V3, broken: dict[str, Json], code: str) -> None:
    report = await v3.imported({**entry(), **broken}, entry(identifiers={"email": "bob@b.example"}))
    assert codes(report) == [[code]]
    assert "contactId" not in report["failures"][0]
    assert report["summary"] == _summary(newContacts=1, invalidEntries=1)


@pytest.mark.parametrize(
    "address",
    [
        "a.b+c@d-e.example",
        "o'hara@b.test",
        "ü@ö.example",
        "a@sub.b.co.uk",
        "a@b.xn--p1ai",
        "_@b.io",
    ],
)
async def test_address_that_a_server_could_have_is_taken(v3: V3, address: str) -> None:
    report = await v3.imported(entry(identifiers={"email": address}))
    assert [each["identifiers"]["email"] for each in report["created"]] == [address]


@pytest.mark.parametrize(
    "text", ["a@b", "a@-b.example", "a@b-.example", "a..b@c.example", "a@b..example", "a@1.2.3.4"]
)
async def test_address_that_no_server_has_is_not_taken(v3: V3, text: str) -> None:
    assert codes(await v3.imported(entry(identifiers={"email": text}))) == [["invalidEmail"]]


@pytest.mark.parametrize("nothing", [7, "ann@b.example", None, []])
async def test_entry_that_is_no_object_fails_alone(v3: V3, nothing: Json) -> None:
    report = await v3.imported(nothing, entry())
    assert codes(report) == [["apiSchemaViolation"]]
    assert report["summary"] == _summary(newContacts=1, invalidEntries=1)


async def test_failure_names_the_entry_as_it_was_sent(v3: V3) -> None:
    report = await v3.imported(entry(identifiers={"email": "not-an-address", "mobileNumber": None}))
    assert report["failures"] == [
        {
            "matchIdentifier": "email",
            "identifiers": {"email": "not-an-address"},
            "failures": [
                {"failureCode": "invalidEmail", "description": "Invalid value for 'email'"}
            ],
        }
    ]


async def test_identifier_of_another_is_a_duplicate(v3: V3) -> None:
    ann, bob = v3.control.add_contacts(
        [
            {"identifiers": {"email": "ann@b.example", "mobileNumber": "447700900123"}},
            {"identifiers": {"email": "bob@b.example"}},
        ]
    )
    report = await v3.imported(
        entry(identifiers={"email": "new@b.example", "mobileNumber": "447700900123"}),
        entry("contactId", identifiers={"contactId": bob, "email": "Ann@b.example"}),
    )
    assert codes(report) == [["duplicateIdentifier"], ["duplicateIdentifier"]]
    assert report["summary"] == _summary(duplicateIdentifiers=2)
    known = report["failures"][1]
    assert (known["contactId"], known["identifiers"]) == (bob, {"email": "Ann@b.example"})
    assert (await v3.get(f"contactId/{bob}"))["identifiers"] == {"email": "bob@b.example"}
    assert v3.account.find("mobileNumber", "447700900123") is v3.account.contacts.by_id(ann)


async def test_second_entry_for_the_same_contact_is_a_duplicate(v3: V3) -> None:
    report = await v3.imported(
        entry(identifiers={"email": "ann@b.example"}, dataFields={"FIRSTNAME": "One"}),
        entry(identifiers={"email": "Ann@B.example"}, dataFields={"FIRSTNAME": "Two"}),
    )
    assert codes(report) == [["duplicateIdentifier"]]
    assert report["summary"] == _summary(newContacts=1, duplicateIdentifiers=1)
    assert (await v3.get("email/ann@b.example"))["dataFields"]["FIRSTNAME"] == "One"


async def test_email_swap_within_one_import_goes_by_order(v3: V3) -> None:
    ann, bob = v3.control.add_contacts(
        [{"identifiers": {"email": "ann@b.example"}}, {"identifiers": {"email": "bob@b.example"}}]
    )
    report = await v3.imported(
        entry("contactId", identifiers={"contactId": ann, "email": "ann@c.example"}),
        entry("contactId", identifiers={"contactId": bob, "email": "ann@b.example"}),
    )
    assert report["failures"] == []
    assert (await v3.get("email/ann@b.example"))["contactId"] == bob


async def test_contact_id_is_taken_as_text_too(v3: V3) -> None:
    [ann] = v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    report = await v3.imported(
        entry("contactId", identifiers={"contactId": str(ann), "email": "ann@c.example"})
    )
    assert [each["contactId"] for each in report["updated"]] == [ann]


async def test_contacts_join_the_lists_they_are_given(v3: V3) -> None:
    news, offers = v3.control.add_list("News"), v3.control.add_list("Offers")
    await v3.import_one(lists=[news.id])
    contact = await v3.import_one(lists=[offers.id])
    assert [each["name"] for each in contact["lists"]] == ["News", "Offers"]
    assert len(news.members) == len(offers.members) == 1


async def test_parts_that_there_are_none_of_are_left_out_and_told(v3: V3) -> None:
    news = v3.control.add_list("News")
    preference = v3.control.add_preference("Topics > Events")
    report = await v3.imported(
        entry(
            dataFields={"FIRSTNAME": "Ann"},
            lists=[news.id, 7],
            preferences=[
                {"id": preference.id, "isOptedIn": True},
                {"id": preference.category_id, "isOptedIn": True},
            ],
            consentRecords=[CONSENT, {"text": "No"}],
        )
    )
    assert codes(report) == [
        ["consentRecordsNotApplied", "invalidAddressBookIds", "apiSchemaViolation"]
    ]
    [made] = report["created"]
    assert report["failures"][0]["contactId"] == made["contactId"]
    assert report["summary"] == _summary(newContacts=1)
    contact = await v3.get(f"contactId/{made['contactId']}")
    assert contact["dataFields"]["FIRSTNAME"] == "Ann"
    assert [each["id"] for each in contact["lists"]] == [news.id]
    assert [each["id"] for each in contact["preferences"]] == [preference.id]
    assert "consentRecords" not in contact


async def test_consent_records_are_added_to_those_there_are(v3: V3) -> None:
    await v3.import_one(consentRecords=[CONSENT])
    contact = await v3.import_one(consentRecords=[{**CONSENT, "text": "Yes, again"}])
    assert [each["text"] for each in contact["consentRecords"]] == ["Yes", "Yes, again"]


@pytest.mark.parametrize(
    "setting,value,code,count",
    [
        pytest.param(
            "globally_suppressed",
            "ann@b.example",
            "globallySuppressed",
            {"globallySuppressed": 1},
            id="on the vendor's own list",
        ),
        pytest.param(
            "blocked_addresses", "ann@b.example", "blocker", {"invalidEntries": 1}, id="blocked"
        ),
        pytest.param(
            "suppressed_domains",
            "b.example",
            "suppressedByDomain",
            {"invalidEntries": 1},
            id="of a suppressed domain",
        ),
    ],
)
async def test_barred_address_is_not_taken(
    v3: V3, setting: str, value: str, code: str, count: dict[str, int]
) -> None:
    v3.control.set_settings({setting: [value]})
    report = await v3.imported(entry(identifiers={"email": "Ann@b.example"}))
    assert codes(report) == [[code]]
    assert report["summary"] == _summary(**count)


async def test_codes_are_spelt_as_the_guide_lists_them_where_that_is_set(v3: V3) -> None:
    v3.control.set_settings({"failure_code_case": "pascal"})
    report = await v3.imported(entry(), entry(), entry(identifiers={"email": "x"}))
    assert codes(report) == [["Duplicate"], ["InvalidEmail"]]


async def test_binned_contact_comes_back_with_its_id(v3: V3) -> None:
    [ann] = v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    v3.control.delete(ann)
    report = await v3.imported(entry())
    assert [each["contactId"] for each in report["updated"]] == [ann]


async def test_binned_contact_is_not_matched_by_its_id(v3: V3) -> None:
    [ann] = v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    v3.control.delete(ann)
    report = await v3.imported(entry("contactId", identifiers={"contactId": ann}))
    assert codes(report) == [["invalidContactId"]]
    assert report["failures"][0]["identifiers"] == {"contactId": ann}


async def test_address_of_a_binned_contact_is_free_for_another(v3: V3) -> None:
    ann, bob = v3.control.add_contacts(
        [{"identifiers": {"email": "ann@b.example"}}, {"identifiers": {"email": "bob@b.example"}}]
    )
    v3.control.delete(ann)
    report = await v3.imported(
        entry("contactId", identifiers={"contactId": bob, "email": "ann@b.example"})
    )
    assert report["failures"] == []
    assert (await v3.get("email/ann@b.example"))["contactId"] == bob
