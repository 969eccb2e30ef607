"""A walk over v2 of the sandbox: each operation goes well, and fails where it can."""

from tests.contract.sandbox_calls import SINCE, UNKNOWN_GUID, Json, Walk

ANN = {"email": "ann@b.example"}
CONSENT = [
    {
        "fields": [
            {"key": "TEXT", "value": "Yes"},
            {"key": "DATETIMECONSENTED", "value": SINCE},
            {"key": "URL", "value": "https://a.example/"},
            {"key": "IPADDRESS", "value": "127.0.0.1"},
            {"key": "USERAGENT", "value": "curl"},
        ]
    }
]


async def walk_account(go: Walk) -> None:
    """Ask for the account and the time, empty the recycle bin."""
    await go.good("GET", "/v2/account-info")
    await go.good("GET", "/v2/server-time")
    await go.good("GET", "/v2/server-time", headers={"Accept": "text/plain"})
    await go.good("POST", "/v2/accounts/empty-recycle-bin")


async def walk_data_fields(go: Walk) -> None:
    """Make and delete data fields, one of them in use."""
    await go.good("POST", "/v2/data-fields", {"name": "SEATS", "type": "Numeric"})
    vip = {"Name": "vip", "Type": "boolean", "Visibility": "public", "DefaultValue": "true"}
    await go.good("POST", "/v2/data-fields", vip)
    await go.good("GET", "/v2/data-fields")
    invalid: list[Json] = [
        vip,
        {},
        {"name": "A B", "type": "Date"},
        {"name": "ID", "type": "String"},
        [],
    ]
    for body in invalid:
        await go.bad("POST", "/v2/data-fields", body)
    await go.bad("POST", "/v2/data-fields", content=b"{")
    used = go.account.data_fields.find("VIP")
    assert used is not None
    used.used_by.append(("Campaign", 5501))
    await go.bad("DELETE", "/v2/data-fields/VIP")
    used.used_by.clear()
    await go.good("DELETE", "/v2/data-fields/VIP")
    await go.bad("DELETE", "/v2/data-fields/VIP")


async def walk_preferences(go: Walk) -> None:
    """Make preferences, opt in, list who did."""
    topics = await go.good("POST", "/v2/preferences", {"publicName": "T", "privateName": "T"})
    events = await go.good(
        "POST",
        "/v2/preferences",
        {
            "publicName": "Events",
            "privateName": "Events",
            "isPreference": True,
            "categoryId": topics["id"],
            "order": "top",
        },
    )
    await go.bad("POST", "/v2/preferences", {"publicName": "T"})
    path = f"/v2/preferences/{events['id']}"
    await go.good("PUT", path, {"id": events["id"], "publicName": "E", "privateName": "E"})
    await go.bad("PUT", path, {"publicName": "E"})
    await go.good("GET", "/v2/preferences")
    await go.good("GET", f"/v2/preferences/modified-since/{SINCE}")
    await go.bad("GET", "/v2/preferences/modified-since/then")
    contact = await go.good("POST", "/v2/contacts", ANN)
    opt_in = [{"id": events["id"], "isPreference": True, "isOptedIn": True}]
    news = await go.good("POST", "/v2/address-books", {"name": "Opted in"})
    await go.good("POST", f"/v2/address-books/{news['id']}/contacts", ANN)
    for kind in ("contact", "contacts"):
        own = f"/v2/{kind}/{contact['id']}/preferences"
        await go.good("PUT", own, opt_in)
        await go.good("GET", own)
        await go.bad("PUT", own, [{"id": 7, "isOptedIn": True}])
        await go.bad("GET", f"/v2/{kind}/7/preferences")
    for start in ("/v2/contacts", f"/v2/address-books/{news['id']}/contacts"):
        opted_in = f"{start}/with-preference/{events['id']}"
        await go.good("GET", opted_in)
        await go.good("GET", f"{opted_in}/opt-ins-since/{SINCE}")
        await go.bad("GET", f"{start}/with-preference/7")
        await go.bad("GET", f"{opted_in}/opt-ins-since/then")
    await go.good("GET", "/v2/contacts/ann@b.example/subscriptions")
    await go.bad("GET", "/v2/contacts/x@b.example/subscriptions")
    await go.good("DELETE", path)
    await go.bad("DELETE", path)


async def walk_lists(go: Walk) -> None:
    """Make lists, fill and empty them; read segments."""
    news = await go.good("POST", "/v2/address-books/", {"Name": "News", "Visibility": "Public"})
    await go.bad("POST", "/v2/address-books", {"name": "NEWS"})
    for kind in ("", "/private", "/public"):
        await go.good("GET", f"/v2/address-books{kind}?select=10&skip=0")
        await go.bad("GET", f"/v2/address-books{kind}?select=0")
    path = f"/v2/address-books/{news['id']}"
    await go.good("GET", path)
    await go.good("PUT", path, {"name": "Old news", "visibility": "Private"})
    await go.bad("PUT", path, {})
    added = await go.good("POST", f"{path}/contacts", {"email": "bob@b.example"})
    await go.bad("POST", f"{path}/contacts", {"email": "bob"})
    await go.good("GET", f"{path}/contacts?withFullData=true")
    await go.bad("GET", f"{path}/contacts?withFullData=2")
    await go.good("GET", f"{path}/contacts/modified-since/{SINCE}")
    await go.bad("GET", f"{path}/contacts/modified-since/then")
    await go.good("DELETE", f"{path}/contacts/{added['id']}")
    await go.bad("DELETE", f"{path}/contacts/7")
    job = await go.good("POST", f"{path}/contacts/delete", [added["id"]])
    await go.bad("POST", f"{path}/contacts/delete", [])
    await go.good("GET", f"/v2/contacts/deletion/{job['id']}")
    await go.bad("GET", f"/v2/contacts/deletion/{UNKNOWN_GUID}")
    await go.good("POST", f"{path}/contacts/delete-all")
    await go.bad("POST", "/v2/address-books/7/contacts/delete-all")
    await go.good("DELETE", f"{path}/contacts")
    await go.bad("DELETE", "/v2/address-books/7/contacts")
    segment = go.account.lists.add_segment("Keen readers", {added["id"]})
    await go.good("GET", "/v2/segments")
    await go.good("GET", f"/v2/address-books/{segment.id}/contacts")
    for method in ("GET", "POST"):
        await go.good(method, f"/v2/segments/refresh/{segment.id}")
        await go.bad(method, "/v2/segments/refresh/7")
    await go.bad("GET", "/v2/segments?skip=-1")
    await go.good("DELETE", path)
    await go.bad("DELETE", path)
    await go.bad("GET", path)


async def walk_contacts(go: Walk) -> None:
    """Make, change, list and delete contacts of v2."""
    full = ANN | {
        "optInType": "Single",
        "emailType": "PlainText",
        "dataFields": [{"key": "FIRSTNAME", "value": "Ann"}, {"key": "SEATS", "value": "3"}],
    }
    contact = await go.good("POST", "/v2/contacts/", full)
    for body in ({}, {"email": "ann"}, full | {"dataFields": [{"key": "NONE", "value": "1"}]}):
        await go.bad("POST", "/v2/contacts", body)
    path = f"/v2/contacts/{contact['id']}"
    await go.good("GET", path)
    await go.good("GET", "/v2/contacts/ann@b.example")
    await go.bad("GET", "/v2/contacts/7")
    await go.good("PUT", path, full)
    await go.bad("PUT", path, {})
    await go.good("GET", f"{path}/address-books")
    await go.bad("GET", "/v2/contacts/7/address-books")
    for listing in ("", f"/created-since/{SINCE}", f"/modified-since/{SINCE}"):
        await go.good("GET", f"/v2/contacts{listing}?withFullData=true&select=10")
        await go.bad("GET", f"/v2/contacts{listing}?select=1001")
    await go.good("GET", "/v2/contacts/count")
    wanted = {"contacts": [{"id": contact["id"]}, {"email": "x@b.example"}], "withFullData": True}
    await go.good("GET", "/v2/contacts/retrieve-collection", wanted)
    await go.bad("GET", "/v2/contacts/retrieve-collection", {"contacts": []})
    consent = {"contact": full, "consentFields": CONSENT}
    await go.good("POST", "/v2/contacts/with-consent", consent)
    await go.bad("POST", "/v2/contacts/with-consent", full)
    await go.good("PUT", f"{path}/with-consent", consent)
    await go.bad("PUT", f"{path}/with-consent", full)
    await go.good("GET", f"{path}/with-consent")
    await go.bad("GET", "/v2/contacts/7/with-consent")
    preferences = [{"id": node.id, "isOptedIn": True} for node in go.account.preferences]
    both = consent | {"preferences": preferences}
    await go.good("POST", "/v2/contacts/with-consent-and-preferences", both)
    await go.bad("POST", "/v2/contacts/with-consent-and-preferences", {"preferences": []})
    await go.good("PUT", f"{path}/with-consent-and-preferences", both)
    await go.bad("PUT", f"{path}/with-consent-and-preferences", {"preferences": []})
    await go.good("DELETE", path)
    await go.bad("DELETE", path)


async def walk_imports(go: Walk) -> None:
    """Import by v2 from a file, a form and JSON; ask about one that is under way."""
    news = await go.good("POST", "/v2/address-books", {"name": "Imported"})
    upload = {"file": ("contacts.csv", b"Email,FIRSTNAME\nann@b.example,Ann\nx,X\n", "text/csv")}
    for start in ("/v2/contacts/import", f"/v2/address-books/{news['id']}/contacts/import"):
        for path in (start, f"{start}/with-merge-option/1"):
            await go.good("POST", path, files=upload)
            await go.bad("POST", path, {"fileName": "contacts.csv"})
        await go.bad("POST", f"{start}/with-merge-option/3", files=upload)
    body = {"addressBookIds": [news["id"]], "mergeOption": 0, "contacts": [ANN, {"email": "x"}]}
    job = await go.good("POST", "/v2/contacts/import-collection", body)
    await go.bad("POST", "/v2/contacts/import-collection", {"contacts": []})
    for path in ("", "/report", "/report-faults"):
        await go.good("GET", f"/v2/contacts/import/{job['id']}{path}")
        await go.bad("GET", f"/v2/contacts/import/{UNKNOWN_GUID}{path}")
    go.account.settings.import_duration_s = 60
    job = await go.good("POST", "/v2/contacts/import-collection", body)
    await go.good("GET", f"/v2/contacts/import/{job['id']}")
    await go.bad("GET", f"/v2/contacts/import/{job['id']}/report")
    go.account.settings.active_import_limit = 0
    await go.bad("POST", "/v2/contacts/import-collection", body)
    go.account.settings.import_duration_s = 0
    go.account.settings.active_import_limit = 25


async def walk_suppressions(go: Walk) -> None:
    """Leave and come back, for the account and for one list."""
    news = await go.good("POST", "/v2/address-books", {"name": "Left"})
    wanted = {"unsubscribedContact": ANN}
    on_list = f"/v2/address-books/{news['id']}/contacts"
    await go.good("POST", on_list, ANN)
    for start in ("/v2/contacts", on_list):
        await go.good("POST", f"{start}/unsubscribe", ANN)
        await go.bad("POST", f"{start}/unsubscribe", {"email": "ann"})
        await go.good("GET", f"{start}/unsubscribed-since/{SINCE}")
        await go.bad("GET", f"{start}/unsubscribed-since/then")
        await go.bad("POST", on_list, ANN)
        for path in ("resubscribe", "resubscribe-with-no-challenge"):
            await go.good("POST", f"{start}/{path}", wanted)
            await go.bad("POST", f"{start}/{path}", ANN)
    await go.good("PUT", "/v2/contacts/suppress-contacts", [ANN, {"id": 7}])
    await go.bad("PUT", "/v2/contacts/suppress-contacts", {})
    await go.bad("POST", "/v2/contacts", ANN)
    for status in ("hardBounced", "ispComplained", "sharedsuppression", "spamTrap"):
        await go.good("POST", "/v2/contacts", {"email": f"{status}@b.example"})
        go.control.suppress(f"{status}@b.example", status)
        body = {"unsubscribedContact": {"email": f"{status}@b.example"}}
        await go.good("POST", "/v2/contacts/resubscribe-with-no-challenge", body)
    await go.good("GET", f"/v2/contacts/suppressed-since/{SINCE}")
    await go.bad("GET", "/v2/contacts/suppressed-since/then")
    await go.good("GET", "/v2/contacts?withFullData=true")


#: In the order in which they build on each other.
PARTS = (
    walk_account,
    walk_data_fields,
    walk_preferences,
    walk_lists,
    walk_contacts,
    walk_imports,
    walk_suppressions,
)
