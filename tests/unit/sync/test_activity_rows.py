"""What Dotdigital's rows tell."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.clients.dotdigital import (
    CampaignActivity,
    CampaignClick,
    InsightRecord,
    SurveyAnswer,
    SurveyPage,
    SurveyResponse,
)
from app.sync.activities.activity_rows import (
    Form,
    tells_of_click,
    tells_of_recipient,
    tells_of_visit,
)
from app.sync.rules.document_links import DocumentLinks

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
RECIPIENT = CampaignActivity(
    contact_id=7,
    email="ann@example.com",
    opens=0,
    page_views=0,
    clicks=0,
    forwards=0,
    estimated_forwards=0,
    replies=0,
    sent_at=AT,
    sent_at_text="2026-03-02T12:00:00Z",
    first_opened_at=None,
    first_opened_at_text=None,
    last_opened_at=None,
    last_opened_at_text=None,
    first_open_ip=None,
    unsubscribed=False,
    soft_bounced=False,
    hard_bounced=False,
)
ALL = frozenset({"email_send", "email_bounce", "email_unsubscribe"})


def types(row: CampaignActivity, chosen: frozenset[str] = ALL) -> list[str]:
    return [told.type for told in tells_of_recipient(chosen, lambda _: None)(row)]


def test_a_recipient_tells_of_its_send_and_of_what_was_chosen_else() -> None:
    assert types(RECIPIENT) == ["email_send"]
    both = replace(RECIPIENT, soft_bounced=True, hard_bounced=True, unsubscribed=True)
    assert types(both) == ["email_send", "email_bounce", "email_bounce", "email_unsubscribe"]
    assert types(both, frozenset({"email_unsubscribe"})) == ["email_unsubscribe"]
    assert types(both, frozenset()) == []


@pytest.mark.parametrize(
    "left_at, occurred_at, dated_by",
    [
        pytest.param(None, AT, "send", id="not known"),
        pytest.param(AT + timedelta(days=2), AT + timedelta(days=2), "suppression", id="known"),
        pytest.param(AT - timedelta(days=2), AT, "send", id="of another campaign"),
    ],
)
def test_an_unsubscribe_is_dated_by_its_suppression(
    left_at: datetime | None, occurred_at: datetime, dated_by: str
) -> None:
    row = replace(RECIPIENT, unsubscribed=True)
    *_, told = tells_of_recipient(ALL, lambda _: left_at)(row)
    assert (told.occurred_at, told.details) == (occurred_at, {"dated_by": dated_by})
    assert told.is_once


@pytest.mark.parametrize(
    "chosen, url, expected",
    [
        pytest.param({"email_click", "download"}, "https://a.example/", ["email_click"], id="page"),
        pytest.param(
            {"email_click", "download"}, "https://a.example/x.pdf", ["download"], id="document"
        ),
        pytest.param({"email_click"}, "https://a.example/x.pdf", [], id="no downloads"),
        pytest.param({"download"}, "https://a.example/", [], id="no clicks"),
    ],
)
def test_a_click_is_one_activity(chosen: set[str], url: str, expected: list[str]) -> None:
    row = CampaignClick(7, "ann@example.com", AT, "", url, "here", None, None)
    read = tells_of_click(frozenset(chosen), DocumentLinks())
    assert [told.type for told in read(row)] == expected


PAGES = [
    SurveyPage.model_validate(
        {
            "id": 1,
            "fields": [
                {"id": 21, "text": "Address", "type": "email"},
                {"id": 22, "text": "Class", "choices": [{"id": 1, "text": "A"}, {"id": 2}]},
                {
                    "id": 23,
                    "text": "Days",
                    "subFields": [
                        {"id": 31, "text": "From", "choices": [{"id": 4, "text": "Mon"}]}
                    ],
                },
            ],
        }
    )
]


@pytest.mark.parametrize(
    "answer, expected",
    [
        pytest.param((21, None, "a@b.example"), ("Address", "a@b.example"), id="text"),
        pytest.param((22, None, 1), ("Class", "A"), id="a choice"),
        pytest.param((22, None, 2), ("Class", 2), id="a choice without a text"),
        pytest.param((22, None, [1, 9]), ("Class", ["A", 9]), id="several choices"),
        pytest.param((21, None, 5), ("Address", 5), id="a number"),
        pytest.param((21, None, True), ("Address", True), id="yes or no"),
        pytest.param((23, 31, 4), ("Days", "Mon"), id="a part of a question"),
        pytest.param((99, None, "x"), (99, "x"), id="a question that is gone"),
        pytest.param((None, None, "x"), (None, "x"), id="no question"),
    ],
)
def test_answers_are_given_in_words(answer: tuple[Any, ...], expected: tuple[Any, Any]) -> None:
    form = Form.of(3, "Sign-up", PAGES)
    row = SurveyResponse(9, None, True, AT, "", True, AT, "", [SurveyAnswer(*answer)])
    (told,) = form.tells_of(row)
    assert told.details["answers"] == [{"question": expected[0], "answer": expected[1]}]


@pytest.mark.parametrize(
    "complete, completed_at, text, expected",
    [
        pytest.param(False, None, None, [], id="only begun"),
        pytest.param(True, AT + timedelta(hours=1), "t", [AT + timedelta(hours=1)], id="complete"),
        pytest.param(True, None, None, [AT], id="complete, and nobody knows when"),
        pytest.param(True, None, "2020-01-021T", [None], id="complete, and the date is spoilt"),
    ],
)
def test_a_form_is_submitted_when_it_is_complete(
    complete: bool, completed_at: datetime | None, text: str | None, expected: list[datetime | None]
) -> None:
    row = SurveyResponse(9, None, True, AT, "", complete, completed_at, text, [])
    assert [told.occurred_at for told in Form(3, None).tells_of(row)] == expected


@pytest.mark.parametrize(
    "contents, url",
    [
        pytest.param({"pageUrl": "https://a.example/"}, "https://a.example/", id="by its name"),
        pytest.param({"Title": "Home"}, None, id="without one"),
        pytest.param({"url": 5, "location": "https://b.example/"}, "https://b.example/", id="text"),
    ],
)
def test_a_visit_tells_its_page(contents: dict[str, Any], url: str | None) -> None:
    (told,) = tells_of_visit(InsightRecord("v-1", 7, AT, "", None, None, contents))
    assert (told.details["url"], told.details["seen"], told.mark) == (url, contents, "v-1")
