"""A walk over v3 of the sandbox: each operation goes well, and fails where it can."""

from tests.contract.sandbox_calls import SINCE, UNKNOWN_GUID, Json, Walk

CONSENT_RECORDS = [
    {
        "text": "Yes",
        "dateTimeConsented": SINCE,
        "url": "https://a.example/",
        "ipAddress": "127.0.0.1",
        "userAgent": "curl",
    }
]


async def walk_v3_contacts(go: Walk) -> None:
    """Make, change, replace and delete contacts of v3."""
    preference = go.control.add_preference("Topics > Shows")
    news = go.control.add_list("Read by v3")
    full = {
        "identifiers": {"email": "cy@b.example", "mobileNumber": "+447700900123"},
        "dataFields": {"FIRSTNAME": "Cy", "SEATS": 3, "LASTSUBSCRIBED": SINCE},
        "channelProperties": {
            "email": {"emailType": "html", "optInType": "single", "status": "subscribed"},
            "sms": {"status": "subscribed"},
        },
        "lists": [news.id],
        "preferences": [{"id": preference.id, "isOptedIn": True}],
        "consentRecords": CONSENT_RECORDS,
    }
    made = await go.good("POST", "/contacts/v3", full)
    await go.bad("POST", "/contacts/v3", full)
    invalid: list[Json] = [{}, [], {"identifiers": {"email": "cy"}}, {"identifiers": {}}]
    for body in invalid:
        await go.bad("POST", "/contacts/v3", body)
    await go.bad("POST", "/contacts/v3", content=b"{")
    path = f"/contacts/v3/contactId/{made['contactId']}"
    await go.good("GET", path)
    await go.good("GET", "/contacts/v3/mobileNumber/447700900123")
    await go.bad("GET", "/contacts/v3/email/x@b.example")
    await go.bad("GET", "/contacts/v3/contactId/x")
    await go.good("PATCH", f"{path}?merge-option=overwrite-if-empty", {"dataFields": {"SEATS": 4}})
    await go.good("PATCH", "/contacts/v3/email/new@b.example", {"lists": [news.id]})
    await go.bad("PATCH", path, {"identifiers": {"email": "new@b.example"}})
    await go.bad("PATCH", path, {"dataFields": {"SEATS": "many"}})
    await go.good("PATCH", path, {"channelProperties": {"email": {"status": "unsubscribed"}}})
    resubscribe = {
        "status": "subscribed",
        "resubscribeOptions": {"resubscribeWithNoChallenge": False, "preferredLocale": "en-EN"},
    }
    await go.good("PATCH", path, {"channelProperties": {"email": resubscribe}})
    replaced = {name: value for name, value in full.items() if name != "consentRecords"}
    await go.good("PUT", path, replaced)
    await go.bad("PUT", path, {})
    await go.bad("PUT", path, {"identifiers": {"email": "new@b.example"}})
    await go.bad("PUT", "/contacts/v3/email/x@b.example", replaced)
    await go.good("DELETE", "/contacts/v3/email/new@b.example")
    await go.bad("DELETE", "/contacts/v3/email/new@b.example")


async def walk_v3_pages(go: Walk) -> None:
    """List contacts by v3, as the spec has them and as one client saw them."""
    everything = {
        "data-fields": "[[ALL]]",
        "include": "channelProperties|lists|preferences|consentRecords",
        "limit": "2",
    }
    page = await go.good("GET", "/contacts/v3", params=everything)
    marker = page["_links"]["next"]["marker"]
    await go.good("GET", "/contacts/v3", params={**everything, "marker": marker})
    await go.good("GET", "/contacts/v3", params={"~modified": f"gte::{SINCE}"})
    await go.good("GET", "/contacts/v3", params={"~created": "gte::2100-01-01T00:00:00Z"})
    for params in (
        {"~modified": "yesterday"},
        {"limit": "5001"},
        {"include": "all"},
        {"marker": "there"},
        {"~listId": "1", "~segmentId": "2"},
    ):
        await go.bad("GET", "/contacts/v3", params=params)
    go.control.set_settings({"quirky_timestamps": True, "empty_data_fields": True})
    await go.good("GET", "/contacts/v3", params=everything)
    go.control.set_settings({"quirky_timestamps": False, "empty_data_fields": False})


async def walk_v3_jobs(go: Walk) -> None:
    """Import and delete by v3: finished, under way, failed, too many."""
    entries = [
        {"matchIdentifier": "email", "identifiers": {"email": "dee@b.example"}},
        {"matchIdentifier": "email", "identifiers": {"email": "dee"}},
        {"matchIdentifier": "email", "identifiers": {"email": "cy@b.example"}, "lists": [7]},
        {"matchIdentifier": "contactId", "identifiers": {"contactId": 7}},
        {"matchIdentifier": "email", "identifiers": {"mobileNumber": "+447700900124"}},
    ]
    deletions = [{"email": "dee@b.example"}, {"email": "x@b.example"}, {"contactId": 7}]
    for case in ("camel", "pascal"):
        go.control.set_settings({"failure_code_case": case})
        job = await go.good("PUT", "/contacts/v3/import", {"contacts": entries})
        await go.good("GET", f"/contacts/v3/import/{job['importId']}")
        job = await go.good("POST", "/contacts/v3/delete", deletions)
        await go.good("GET", f"/contacts/v3/delete/{job['deleteId']}")
    go.control.set_settings({"import_duration_s": 60, "deletion_duration_s": 60})
    job = await go.good("PUT", "/contacts/v3/import", {"contacts": entries[:1]})
    await go.good("GET", f"/contacts/v3/import/{job['importId']}")
    job = await go.good("POST", "/contacts/v3/delete", deletions)
    await go.good("GET", f"/contacts/v3/delete/{job['deleteId']}")
    go.control.set_settings({"active_import_limit": 0, "active_deletion_limit": 0})
    await go.bad("PUT", "/contacts/v3/import", {"contacts": entries})
    await go.bad("POST", "/contacts/v3/delete", deletions)
    go.control.set_settings({"active_import_limit": 25, "active_deletion_limit": 25})
    invalid: list[Json] = [{}, [], {"contacts": []}, {"contacts": entries, "mergeOption": "x"}]
    for body in invalid:
        await go.bad("PUT", "/contacts/v3/import", body)
    invalid = [{}, []]
    for body in invalid:
        await go.bad("POST", "/contacts/v3/delete", body)
    odd: list[Json] = [["x"], [{}], [{"email": "x"}], [{"contactId": "x"}]]
    for body in odd:
        answered = await go.call("POST", "/contacts/v3/delete", body)
        if answered.status == 202:
            go.sandbox.clock.advance(60)
            await go.good("GET", f"/contacts/v3/delete/{answered.body['deleteId']}")
    for path in ("/contacts/v3/import", "/contacts/v3/delete"):
        await go.bad("GET", f"{path}/{UNKNOWN_GUID}")
        await go.bad("GET", f"{path}/7")


async def walk_custom_identifiers(go: Walk) -> None:
    """Make, use and delete custom identifiers."""
    path = "/configuration/v3/customIdentifiers"
    await go.good("POST", path, {"name": "crmId"})
    for body in ({"name": "crmId"}, {"name": "N" * 51}, {}):
        await go.bad("POST", path, body)
    await go.good("GET", path)
    eve = {"identifiers": {"email": "eve@b.example", "crmId": "7"}}
    await go.good("POST", "/contacts/v3", eve)
    await go.good("GET", "/contacts/v3/crmId/7")
    go.control.set_settings({"custom_identifier_limit": 1})
    await go.bad("POST", path, {"name": "other"})
    await go.bad("DELETE", f"{path}/none")
    go.account.custom_identifiers["crmid"].used_by = "Program 7"
    await go.bad("DELETE", f"{path}/crmId")
    go.account.custom_identifiers["crmid"].used_by = None
    await go.good("DELETE", f"{path}/crmId")
    await go.bad("GET", "/contacts/v3/crmId/7")


#: In the order in which they build on each other.
PARTS = (
    walk_v3_contacts,
    walk_v3_pages,
    walk_v3_jobs,
    walk_custom_identifiers,
)
