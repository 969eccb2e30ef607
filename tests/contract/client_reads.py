"""The reads that the client can make of campaigns, forms, documents and visits, and of all ids.

Cases of `test_client_requests`, which holds each of them against the vendor's documents.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.clients.dotdigital import DotdigitalClient

SINCE = datetime(2026, 1, 2, 4, 4, 5, 678, tzinfo=UTC)

Act = Callable[[DotdigitalClient], Awaitable[object]]


@dataclass(frozen=True)
class Case:
    """One call: the method it is of, what is done, and what Dotdigital answers."""

    method: str
    act: Act
    #: The example's name, a body, or None for an empty one.
    answer: Any = None
    status: int = 200
    form: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.form}".strip()


async def all_of(pages: AsyncIterator[Any]) -> list[Any]:
    return [page async for page in pages]


CAMPAIGN: dict[str, Any] = {
    "id": 5501,
    "name": "March news",
    "subject": "March news!",
    "fromName": "Harbour Trust",
    "fromAddress": {"id": 12, "email": "news@harbour.example"},
    "htmlContent": "<p>Hello</p>",
    "plainTextContent": "Hello",
    "replyAction": "Webmail",
    "replyToAddress": "",
    "isSplitTest": False,
    "status": "Sent",
}
FILTERED = [
    {
        **CAMPAIGN,
        "type": "Standard",
        "tags": ["news"],
        "sentDate": "2026-03-01T09:00:00Z",
        "scheduledDate": None,
    }
]
INSIGHTS = {
    "_links": {name: {"marker": "", "link": "https://a.example"} for name in ("self", "first")},
    "_items": [
        {
            "key": "v-1",
            "json": {"url": "https://www.harbour.example/"},
            "created": "2026-03-01T10:12:00Z",
            "updated": "2026-03-01T10:12:00Z",
            "ownerContactId": 700101,
        }
    ],
}
SURVEY = {
    "id": 77,
    "name": "Regatta sign-up",
    "url": "https://r2.dotdigital-pages.com/p/EXAMPLE",
    "state": "Active",
    "totalCompleteResponses": 31,
}


def _stream(name: str, **since: datetime) -> Act:
    return lambda client: all_of(getattr(client.campaigns, name)(5501, **since))


READS = [
    Case(
        "campaigns.pages", lambda c: all_of(c.campaigns.pages()), "v2-campaigns-with-activity-since"
    ),
    Case("campaigns.sent_since", lambda c: all_of(c.campaigns.sent_since(SINCE)), FILTERED),
    Case(
        "campaigns.with_activity_since",
        lambda c: all_of(c.campaigns.with_activity_since(SINCE, select=7, skip=3)),
        "v2-campaigns-with-activity-since",
    ),
    Case(
        "campaigns.metrics",
        lambda c: all_of(c.campaigns.metrics(SINCE, SINCE)),
        "v2-campaigns-metrics",
    ),
    Case("campaigns.get", lambda c: c.campaigns.get(5501), CAMPAIGN),
    Case("campaigns.details", lambda c: c.campaigns.details(5501), "v2-campaign-with-details"),
    Case("campaigns.summary", lambda c: c.campaigns.summary(5501), "v2-campaign-summary"),
    Case("campaigns.attachments", lambda c: c.campaigns.attachments(5501), "v2-documents"),
    *[
        Case(
            f"campaigns.{name}",
            _stream(name, **since),
            f"v2-campaign-{name}-since",
            form=" ".join(since),
        )
        for name in ("activities", "opens", "clicks")
        for since in ({}, {"since": SINCE})
    ],
    Case(
        "campaigns.page_views",
        lambda c: all_of(c.campaigns.page_views(5501, SINCE)),
        "v2-campaign-page-views-since",
    ),
    Case("campaigns.hard_bounces", _stream("hard_bounces"), "v2-campaign-hard-bouncing"),
    Case("contacts.ids", lambda c: all_of(c.contacts.ids()), "v3-contacts-last-page"),
    Case(
        "contacts.ids",
        lambda c: all_of(c.contacts.ids(limit=2, marker="bzI6NzAwMTAy")),
        "v3-contacts-last-page",
        form="from a marker on",
    ),
    Case("documents.folders", lambda c: c.documents.folders(), "v2-document-folders"),
    Case("documents.in_folder", lambda c: c.documents.in_folder(2), "v2-documents"),
    Case("documents.all", lambda c: c.documents.all(), []),
    Case(
        "insight_data.contact_records",
        lambda c: all_of(c.insight_data.contact_records()),
        INSIGHTS,
    ),
    Case(
        "insight_data.contact_records",
        lambda c: all_of(
            c.insight_data.contact_records("visits", modified_since=SINCE, limit=2, marker="abc")
        ),
        INSIGHTS,
        form="modified, from a marker on",
    ),
    Case("surveys.pages", lambda c: all_of(c.surveys.pages()), "v2-surveys-with-activity-since"),
    Case(
        "surveys.with_activity_since",
        lambda c: all_of(c.surveys.with_activity_since(SINCE)),
        "v2-surveys-with-activity-since",
    ),
    Case("surveys.get", lambda c: c.surveys.get(77), SURVEY),
    Case("surveys.fields", lambda c: c.surveys.fields(77), "v2-survey-fields"),
    Case(
        "surveys.responses",
        lambda c: all_of(c.surveys.responses(77)),
        "v2-survey-responses-since",
    ),
    Case(
        "surveys.responses",
        lambda c: all_of(c.surveys.responses(77, since=SINCE)),
        "v2-survey-responses-since",
        form="since",
    ),
]
