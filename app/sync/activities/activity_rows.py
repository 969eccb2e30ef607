"""What Dotdigital's rows tell, kind by kind; nothing is called or stored here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.clients.dotdigital import (
    CampaignActivity,
    CampaignClick,
    CampaignOpen,
    CampaignPageView,
    InsightRecord,
    SurveyPage,
    SurveyResponse,
)
from app.sync.rules.activities import Told
from app.sync.rules.document_links import DocumentLinks

#: Contact id to when it unsubscribed, where that is known.
UnsubscribedAt = Callable[[int | None], datetime | None]

_URL_NAMES = ("url", "pageurl", "page_url", "location", "href", "page")


def tells_of_recipient(
    chosen: frozenset[str], unsubscribed_at: UnsubscribedAt
) -> Callable[[CampaignActivity], Iterable[Told]]:
    """Return what reads a recipient: its send, and that it bounced or unsubscribed.

    Neither bounces nor unsubscribes have a date of their own [spec].
    """

    def read(row: CampaignActivity) -> Iterable[Told]:
        if "email_send" in chosen:
            yield _of_recipient(row, "email_send", {})
        if "email_bounce" in chosen:
            for kind, has_bounced in (("hard", row.hard_bounced), ("soft", row.soft_bounced)):
                if has_bounced:
                    details = {"bounce_type": kind, "dated_by": "send"}
                    yield _of_recipient(row, "email_bounce", details, mark=kind, is_once=True)
        if "email_unsubscribe" in chosen and row.unsubscribed:
            left_at = unsubscribed_at(row.contact_id)
            if left_at is not None and (row.sent_at is None or left_at >= row.sent_at):
                details = {"dated_by": "suppression"}
                yield _of_recipient(row, "email_unsubscribe", details, at=left_at, is_once=True)
            else:
                details = {"dated_by": "send"}
                yield _of_recipient(row, "email_unsubscribe", details, is_once=True)

    return read


def _of_recipient(
    row: CampaignActivity,
    type_: str,
    details: dict[str, Any],
    *,
    at: datetime | None = None,
    mark: str | None = None,
    is_once: bool = False,
) -> Told:
    return Told(
        type_,
        at or row.sent_at,
        row.contact_id,
        row.email,
        details,
        mark,
        row.sent_at_text,
        is_once,
    )


def tells_of_open(row: CampaignOpen) -> Iterable[Told]:
    """Read an open."""
    details = {
        "mail_client": row.mail_client,
        "mail_client_version": row.mail_client_version,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "is_html": row.is_html,
        "is_forward": row.is_forward,
    }
    return (
        Told(
            "email_open",
            row.opened_at,
            row.contact_id,
            row.email,
            details,
            "forwarded" if row.is_forward else None,
            row.opened_at_text,
        ),
    )


def tells_of_click(
    chosen: frozenset[str], documents: DocumentLinks
) -> Callable[[CampaignClick], Iterable[Told]]:
    """Return what reads a click: one on a document is a download in place of it."""

    def read(row: CampaignClick) -> Iterable[Told]:
        type_ = "download" if documents.leads_to_document(row.url) else "email_click"
        if type_ not in chosen:
            return ()
        details = {
            "url": row.url,
            "keyword": row.keyword,
            "ip_address": row.ip_address,
            "user_agent": row.user_agent,
        }
        return (
            Told(
                type_,
                row.clicked_at,
                row.contact_id,
                row.email,
                details,
                row.url,
                row.clicked_at_text,
            ),
        )

    return read


def tells_of_page_view(row: CampaignPageView) -> Iterable[Told]:
    """Read a page view."""
    return (
        Told(
            "page_view",
            row.viewed_at,
            row.contact_id,
            row.email,
            {"url": row.url},
            row.url,
            row.viewed_at_text,
        ),
    )


@dataclass(frozen=True, slots=True)
class Form:
    """A form, with what its questions and choices say."""

    id: int
    name: str | None
    #: Question id to its text; those of parts of a question too.
    questions: Mapping[int, str | None] = field(default_factory=dict)
    #: Question id and choice id to the choice's text.
    choices: Mapping[tuple[int, int], str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, form_id: int, name: str | None, pages: Iterable[SurveyPage]) -> "Form":
        """Return the form with what is asked on these pages."""
        questions: dict[int, str | None] = {}
        choices: dict[tuple[int, int], str | None] = {}
        pending = [each for page in pages for each in page.fields]
        while pending:
            asked = pending.pop()
            questions[asked.id] = asked.text
            for choice in asked.choices:
                if choice.id is not None:
                    choices[asked.id, choice.id] = choice.text
            pending.extend(asked.sub_fields)
        return cls(form_id, name, questions, choices)

    def tells_of(self, row: SurveyResponse) -> Iterable[Told]:
        """Read a response; one that was only begun is no submission yet."""
        if not row.complete:
            return ()
        # A completed one without that date was completed when it was begun, for all we know.
        has_date = row.completed_at is not None or row.completed_at_text is not None
        details = {
            "form_id": self.id,
            "form": self.name,
            "response_id": row.id,
            "answers": [
                {"question": self._question(each.field_id), "answer": self._answer(each)}
                for each in row.answers
            ],
        }
        return (
            Told(
                "form_submission",
                row.completed_at if has_date else row.started_at,
                None,
                row.email,
                details,
                str(row.id),
                row.completed_at_text if has_date else row.started_at_text,
                is_once=True,
            ),
        )

    def _question(self, field_id: int | None) -> str | int | None:
        return self.questions.get(field_id or 0) or field_id

    def _answer(self, given: Any) -> Any:  # noqa: ANN401 - it is what JSON is
        asked = given.sub_field_id or given.field_id or 0
        value = given.value
        if isinstance(value, list):
            return [self._choice(asked, each) for each in value]
        return self._choice(asked, value)

    def _choice(self, field_id: int, value: Any) -> Any:  # noqa: ANN401 - it is what JSON is
        if isinstance(value, int) and not isinstance(value, bool):
            return self.choices.get((field_id, value)) or value
        return value


def tells_of_visit(row: InsightRecord) -> Iterable[Told]:
    """Read a visit that the site tracking saw; what stands in one isn't documented."""
    plain = {str(name).lower(): value for name, value in row.contents.items()}
    url = next((plain[name] for name in _URL_NAMES if isinstance(plain.get(name), str)), None)
    return (
        Told(
            "page_view",
            row.created_at or row.updated_at,
            row.contact_id,
            None,
            {"url": url, "visit": row.key, **({"seen": row.contents} if row.contents else {})},
            row.key,
            row.created_at_text or row.updated_at_text,
            is_once=True,
        ),
    )
