"""Forms, their questions, and what was filled in."""

from datetime import UTC, datetime

import pytest
import respx

from app.clients.dotdigital import (
    MAX_SURVEY_ROWS,
    DotdigitalClient,
    NotFound,
    ProtocolError,
    SurveyAnswer,
    SurveyChoice,
    SurveyResponse,
)
from tests.factories.dotdigital import example

SINCE = datetime(2026, 3, 1, 8, tzinfo=UTC)
AT = "2026-03-01T08:00:00Z"


async def test_forms_that_were_filled_in_since_are_read(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    route = dotdigital.get(f"/v2/surveys/with-activity-since/{AT}")
    route.respond(json=example("v2-surveys-with-activity-since"))
    [page] = [page async for page in client.surveys.with_activity_since(SINCE)]
    [survey] = page.items
    assert (survey.id, survey.name, survey.state) == (77, "Regatta sign-up", "Active")
    assert survey.url == "https://r2.dotdigital-pages.com/p/EXAMPLE"
    assert survey.last_response_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert survey.created_at == datetime(2026, 2, 1, 9, tzinfo=UTC)
    assert survey.modified_at_text == "2026-02-03T09:00:00Z"
    assert (survey.assigned_address_book_target, survey.list_id) == ("SpecificAddressBook", 9021)
    assert (survey.total_complete_responses, survey.field_count) == (31, 2)
    assert dict(route.calls.last.request.url.params) == {"select": "500", "skip": "0"}


async def test_all_forms_are_read_and_one_alone(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    [given] = example("v2-surveys-with-activity-since")
    # The YAML shows one object where there is an array.
    dotdigital.get("/v2/surveys").respond(json=given)
    dotdigital.get("/v2/surveys/77").respond(json={**given, "assignedSpecificAddressBookId": None})
    [page] = [page async for page in client.surveys.pages(select=7, skip=3)]
    assert [survey.id for survey in page.items] == [77]
    assert (await client.surveys.get(77)).list_id is None


async def test_the_questions_of_a_form_are_read_page_by_page(
    shared_dir: object, client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/surveys/77/fields").respond(json=example("v2-survey-fields"))
    [page] = await client.surveys.fields(77)
    email, regatta = page.fields
    assert (email.id, email.type, email.text) == (21, "email", "Email address")
    assert (email.is_required, email.assigned_contact_data_field_name) == (True, "Email")
    assert regatta.choices == [
        SurveyChoice(id=1, text="Dinghy"),
        SurveyChoice(id=2, text="Keelboat"),
    ]


async def test_questions_are_read_in_every_shape_the_documents_show(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    part = {"id": 2, "text": "Street", "choices": ["Yes", "No"], "subFields": None}
    dotdigital.get("/v2/surveys/77/fields").respond(
        json=[
            {"id": 1, "fields": [{"id": 1, "choices": None, "subFields": [part]}]},
            {"id": 2, "name": "End", "fields": None},
        ]
    )
    first, last = await client.surveys.fields(77)
    [address] = first.fields
    assert [field.text for field in address.sub_fields] == ["Street"]
    assert [choice.text for choice in address.sub_fields[0].choices] == ["Yes", "No"]
    assert (last.name, last.fields) == ("End", [])


@pytest.mark.parametrize(
    "since, path",
    [
        pytest.param(None, "/v2/surveys/77/responses", id="all"),
        pytest.param(SINCE, f"/v2/surveys/77/responses/with-activity-since/{AT}", id="since"),
    ],
)
async def test_what_was_filled_in_is_read(
    shared_dir: object,
    client: DotdigitalClient,
    dotdigital: respx.MockRouter,
    since: datetime | None,
    path: str,
) -> None:
    route = dotdigital.get(path).respond(json=example("v2-survey-responses-since"))
    [page] = [page async for page in client.surveys.responses(77, since=since, skip=25)]
    assert page.items == [
        SurveyResponse(
            id=90031,
            email="ines.okafor@mail.example",
            started=True,
            started_at=datetime(2026, 3, 2, 15, 57, 10, tzinfo=UTC),
            started_at_text="2026-03-02T15:57:10Z",
            complete=True,
            completed_at=datetime(2026, 3, 2, 16, tzinfo=UTC),
            completed_at_text="2026-03-02T16:00:00Z",
            answers=[
                SurveyAnswer(21, None, "ines.okafor@mail.example"),
                SurveyAnswer(22, None, 2),
            ],
        )
    ]
    assert dict(route.calls.last.request.url.params) == {"select": "500", "skip": "25"}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"id": 1}, id="nothing is given"),
        pytest.param(
            {"id": 1, "email": None, "dateStarted": None, "givenAnswers": None}, id="nulls"
        ),
        pytest.param({"Id": "1", "Email": "", "GivenAnswers": []}, id="another case"),
    ],
)
async def test_a_response_is_read_as_far_as_it_goes(
    client: DotdigitalClient, dotdigital: respx.MockRouter, row: dict[str, object]
) -> None:
    dotdigital.get("/v2/surveys/77/responses").respond(json=[row])
    page = await anext(client.surveys.responses(77))
    [response] = page.items
    assert (response.id, response.email, response.complete) == (1, None, False)
    assert (response.started_at, response.started_at_text, response.answers) == (None, None, [])


@pytest.mark.parametrize("body", [[{}], ["x"], [{"id": 1, "givenAnswers": ["x"]}]], ids=repr)
async def test_what_is_no_response_is_refused(
    client: DotdigitalClient, dotdigital: respx.MockRouter, body: object
) -> None:
    dotdigital.get("/v2/surveys/77/responses").respond(json=body)
    with pytest.raises(ProtocolError):
        await anext(client.surveys.responses(77))


async def test_a_server_that_gives_all_responses_at_once_is_believed(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    # The YAML knows neither select nor skip for responses.
    route = dotdigital.get("/v2/surveys/77/responses")
    route.respond(json=[{"id": number} for number in range(MAX_SURVEY_ROWS + 1)])
    [page] = [page async for page in client.surveys.responses(77)]
    assert (len(page.items), route.call_count) == (MAX_SURVEY_ROWS + 1, 2)


async def test_pages_of_more_than_the_api_gives_are_not_asked_for(client: DotdigitalClient) -> None:
    with pytest.raises(ValueError, match="1 to 500 rows"):
        client.surveys.responses(77, select=MAX_SURVEY_ROWS + 1)


async def test_a_form_that_is_gone_is_not_found(
    client: DotdigitalClient, dotdigital: respx.MockRouter
) -> None:
    dotdigital.get("/v2/surveys/7/responses").respond(404, json={"message": "Error:"})
    with pytest.raises(NotFound):
        await anext(client.surveys.responses(7))
