"""A walk over everything that the sandbox answers, with good input and bad, noting each answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.sandbox import PASSWORD, USERNAME, Sandbox
from sandbox.state import Account

Json: TypeAlias = Any

UNKNOWN_GUID = "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6"
SINCE = "2020-01-02T03:04:05Z"
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
CONSENT_RECORDS = [
    {
        "text": "Yes",
        "dateTimeConsented": SINCE,
        "url": "https://a.example/",
        "ipAddress": "127.0.0.1",
        "userAgent": "curl",
    }
]


@dataclass(frozen=True)
class Answered:
    """One call and what came back; the body parsed where it is JSON, None where there is none."""

    method: str
    path: str
    status: int
    body: Json


@dataclass
class Walk:
    """A fresh sandbox, and what it answered so far."""

    sandbox: Sandbox
    account: Account
    control: Control
    http: httpx.AsyncClient
    answers: list[Answered] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Json = None, **options: Json) -> Answered:
        """Make a call and note what comes back."""
        if body is not None:
            options["json"] = body
        answer = await self.http.request(method, path, **options)
        parsed: Json = answer.text or None
        if answer.headers.get("content-type", "").startswith("application/json"):
            parsed = answer.json()
        noted = Answered(method, path.partition("?")[0], answer.status_code, parsed)
        self.answers.append(noted)
        return noted

    async def good(self, method: str, path: str, body: Json = None, **options: Json) -> Json:
        """Make a call that must go well; return its body."""
        noted = await self.call(method, path, body, **options)
        assert noted.status < 400, noted
        return noted.body

    async def bad(self, method: str, path: str, body: Json = None, **options: Json) -> None:
        """Make a call that must be refused."""
        noted = await self.call(method, path, body, **options)
        assert 400 <= noted.status < 500, noted


@asynccontextmanager
async def beginning_walk() -> AsyncIterator[Walk]:
    """Open a sandbox in the process."""
    sandbox = Sandbox()
    account = sandbox.add_default_account()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(sandbox)),
        base_url="https://r1-api.sandbox.example",
        auth=(USERNAME, PASSWORD),
    ) as http:
        yield Walk(sandbox, account, Control(sandbox), http)
    await sandbox.world.close()


async def walk_everywhere(go: Walk) -> None:
    """Exercise every operation: each goes well at least once, and each that can fail fails."""
    await walk_inside(go)
    await walk_gate(go)


async def walk_inside(go: Walk) -> None:
    """Exercise what calls find once they were let in."""
    await walk_account(go)
    await walk_data_fields(go)
    await walk_preferences(go)
    await walk_lists(go)
    await walk_contacts(go)
    await walk_imports(go)
    await walk_suppressions(go)
    await walk_v3_contacts(go)
    await walk_v3_pages(go)
    await walk_v3_jobs(go)
    await walk_custom_identifiers(go)


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


async def walk_gate(go: Walk) -> None:
    """Fail at what stands before every operation: credentials, region, package, limits."""
    paths = ("/v2/contacts", "/contacts/v3", "/configuration/v3/customIdentifiers")
    for path in paths:
        await go.bad("GET", path, auth=("nobody", "wrong"))
    go.control.move_account("r2")
    for path in paths:
        await go.bad("GET", path)
    await go.good("GET", "/v2/account-info")
    go.control.move_account("r1")
    go.control.set_settings({"missing_features": ["preferences", "custom-identifiers"]})
    for path in ("/v2/preferences", "/configuration/v3/customIdentifiers"):
        await go.bad("GET", path)
    go.control.set_settings({"missing_features": [], "rate_limits": {"lowCallRate": 0}})
    for path in ("/v2/contacts", "/contacts/v3"):
        await go.bad("GET", path)
    go.control.set_settings({"rate_scheme": "flat", "flat_rate_limit": 0})
    await go.bad("GET", "/v2/contacts")
