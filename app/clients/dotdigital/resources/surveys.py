"""Forms, which v2's paths call surveys, and what was filled in; v2-forms.yaml [spec].

Whether forms of the newer editor are among them isn't stated.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field

from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.paging import SkipPage
from app.clients.dotdigital.resources.v2_pages import v2_pages
from app.clients.dotdigital.wire import (
    Count,
    Id,
    Incoming,
    Instant,
    Text,
    dated,
    id_of,
    in_query,
    lowered,
    many,
    one,
    rows,
    text_of,
)

#: Forms or responses in one page, at most [spec].
MAX_SURVEY_ROWS: Final = 500


def _choice(given: Any) -> Any:  # noqa: ANN401 - it is what JSON is
    return {"text": given} if isinstance(given, str) else given


def _or_none(given: Any) -> Any:  # noqa: ANN401 - it is what JSON is
    return given or []


class Survey(Incoming):
    """A form."""

    id: int
    name: Text = None
    #: Where it is filled in.
    url: Text = None
    #: ``Active``, ``Inactive``, ``Pending``, ``Expired`` or ``SurveyFeatureDisabled``.
    state: Text = None
    #: ``Single`` or ``Multiple``: how often one may fill it in.
    submission_mode: Text = None
    created_at: Instant = None
    #: Each text is a date as it was given: beside a None it is one that can't be read.
    created_at_text: Text = None
    modified_at: Instant = None
    modified_at_text: Text = None
    first_response_at: Instant = None
    first_response_at_text: Text = None
    last_response_at: Instant = None
    last_response_at_text: Text = None
    field_count: Count = 0
    #: ``AllContacts`` or ``SpecificAddressBook``, which the list's id is of.
    assigned_address_book_target: Text = None
    list_id: Id = None
    total_complete_responses: Count = 0
    total_incomplete_responses: Count = 0
    total_views: Count = 0

    spellings: ClassVar = {
        "datesurveycreated": "created_at",
        "datesurveymodified": "modified_at",
        "firstresponsedate": "first_response_at",
        "lastresponsedate": "last_response_at",
        "assignedspecificaddressbookid": "list_id",
    }


class SurveyChoice(Incoming):
    """One of the answers that a question offers."""

    id: Id = None
    text: Text = None


class SurveyField(Incoming):
    """A question; ``sub_fields`` are the parts of one that has several."""

    id: int
    #: Such as ``email``, ``radiolist``.
    type: Text = None
    #: The question.
    text: Text = None
    is_required: bool | None = None
    choices: Annotated[
        list[Annotated[SurveyChoice, BeforeValidator(_choice)]], BeforeValidator(_or_none)
    ] = Field(default_factory=list)
    sub_fields: Annotated[list["SurveyField"], BeforeValidator(_or_none)] = Field(
        default_factory=list
    )
    #: Where the answer goes with the contact; ``Email`` for the address itself.
    assigned_contact_data_field_name: Text = None


class SurveyPage(Incoming):
    """A page of a form, with its questions."""

    id: int
    name: Text = None
    fields: Annotated[list[SurveyField], BeforeValidator(_or_none)] = Field(default_factory=list)


@dataclass(slots=True)
class SurveyAnswer:
    """What was answered to one question, or to a part of it."""

    field_id: int | None
    sub_field_id: int | None
    #: As given; the id of a choice where the question offers some.
    value: Any


@dataclass(slots=True)
class SurveyResponse:
    """A form that somebody filled in, or began to."""

    id: int
    #: None where the form doesn't ask for it [inferred]; the contact isn't named otherwise.
    email: str | None
    started: bool
    started_at: datetime | None
    #: Each text is a date as it was given: beside a None it is one that can't be read.
    started_at_text: str | None
    complete: bool
    completed_at: datetime | None
    completed_at_text: str | None
    answers: list[SurveyAnswer]


class SurveysResource:
    """Reads forms, their questions and the answers.

    Every method that yields pages goes on from a page's ``next_skip``, given the same bound, and
    raises ValueError for a page of more than 500 rows. Whether a bound is inclusive isn't stated.
    """

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    def pages(
        self, *, select: int = MAX_SURVEY_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[Survey]]:
        """Yield pages of every form. A call each."""
        return v2_pages(
            self._caller,
            Call("GET", _ALL, read=many(Survey)),
            select=select,
            skip=skip,
            most=MAX_SURVEY_ROWS,
        )

    def with_activity_since(
        self, since: datetime, *, select: int = MAX_SURVEY_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[Survey]]:
        """Yield pages of forms that changed, or were filled in, since then. A call each."""
        call = Call(
            "GET",
            f"{_ALL}/with-activity-since/{{date}}",
            read=many(Survey),
            path={"date": in_query(since)},
        )
        return v2_pages(self._caller, call, select=select, skip=skip, most=MAX_SURVEY_ROWS)

    async def get(self, survey_id: int) -> Survey:
        """Return one form. One call. Raises NotFound."""
        return await self._caller.send(Call("GET", _ONE, read=one(Survey), path={"id": survey_id}))

    async def fields(self, survey_id: int) -> list[SurveyPage]:
        """Return a form's pages with their questions. One call. Raises NotFound."""
        return await self._caller.send(
            Call("GET", f"{_ONE}/fields", read=many(SurveyPage), path={"id": survey_id})
        )

    def responses(
        self,
        survey_id: int,
        *,
        since: datetime | None = None,
        select: int = MAX_SURVEY_ROWS,
        skip: int = 0,
    ) -> AsyncIterator[SkipPage[SurveyResponse]]:
        """Yield pages of what was filled in, all or what changed since then. A call each.

        One that was begun is here too, and comes again once it is complete. Raises NotFound.
        """
        path: dict[str, str | int] = {"id": survey_id}
        template = f"{_ONE}/responses"
        if since is not None:
            path["date"] = in_query(since)
            template = f"{template}/with-activity-since/{{date}}"
        call = Call("GET", template, read=_read_responses, path=path)
        return v2_pages(self._caller, call, select=select, skip=skip, most=MAX_SURVEY_ROWS)


_ALL: Final = "/v2/surveys"
_ONE: Final = "/v2/surveys/{id}"


def _response(row: Mapping[str, Any]) -> SurveyResponse:
    started_at, started_at_text = dated(row.get("dateStarted"))
    completed_at, completed_at_text = dated(row.get("dateCompleted"))
    return SurveyResponse(
        id=int(row["id"]),
        email=text_of(row.get("email")),
        started=bool(row.get("started")),
        started_at=started_at,
        started_at_text=started_at_text,
        complete=bool(row.get("complete")),
        completed_at=completed_at,
        completed_at_text=completed_at_text,
        answers=[_answer(lowered(each)) for each in row.get("givenAnswers") or ()],
    )


def _answer(given: Mapping[str, Any]) -> SurveyAnswer:
    return SurveyAnswer(
        field_id=id_of(given.get("fieldid")),
        sub_field_id=id_of(given.get("subfieldid")),
        value=given.get("value"),
    )


_read_responses = rows(
    _response, "id", "email", "started", "dateStarted", "complete", "dateCompleted", "givenAnswers"
)
