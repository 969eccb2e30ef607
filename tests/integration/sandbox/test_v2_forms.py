"""v2 of the sandbox: forms and what was answered to them; documents."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v2_calls import V2, Json, calling_v2

NOW = "2027-03-01T09:00:00.000Z"


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        v2.control.move_clock(to="2027-03-01T09:00:00Z")
        yield v2


async def test_fields_tell_where_answers_go(v2: V2) -> None:
    survey = v2.control.forms.add()
    [page] = await v2.done("GET", f"/surveys/{survey.id}/fields")
    told = [
        (field["id"], field["type"], field["assignedContactDataFieldName"])
        for field in page["fields"]
    ]
    assert told == [(21, "email", "Email"), (22, "text", "FIRSTNAME"), (23, "radiolist", None)]
    assert page["fields"][2]["choices"] == [
        {"id": 1, "text": "Dinghy"},
        {"id": 2, "text": "Keelboat"},
    ]


async def test_response_holds_answers_by_field_and_choices_by_id(v2: V2) -> None:
    survey = v2.control.forms.add()
    response = v2.control.forms.submit(
        survey.id, "Ann@B.example", {"FIRSTNAME": "Ann", "Which class?": "Keelboat"}
    )
    assert await v2.done("GET", f"/surveys/{survey.id}/responses") == [
        {
            "id": response.id,
            "email": "Ann@B.example",
            "started": True,
            "dateStarted": NOW,
            "complete": True,
            "dateCompleted": NOW,
            "givenAnswers": [
                {"fieldId": 21, "subFieldId": None, "value": "Ann@B.example"},
                {"fieldId": 22, "subFieldId": None, "value": "Ann"},
                {"fieldId": 23, "subFieldId": None, "value": 2},
            ],
        }
    ]


async def test_who_fills_in_a_form_becomes_a_contact_on_its_list(v2: V2) -> None:
    list_id = await v2.make_list()
    survey = v2.control.forms.add(list_id=list_id)
    v2.control.forms.submit(survey.id, "ann@b.example", {"FIRSTNAME": "Ann"})
    v2.control.forms.submit(survey.id, "ANN@b.example", {"FIRSTNAME": "Anna"})
    assert await v2.members(list_id) == ["ann@b.example"]
    contact = await v2.done("GET", "/contacts/ann@b.example")
    assert {"key": "FIRSTNAME", "value": "Anna"} in contact["dataFields"]


async def test_form_that_asks_for_no_address_makes_nobody(v2: V2) -> None:
    survey = v2.control.forms.add("Poll", questions=[{"text": "Well?"}], makes_contacts=False)
    v2.control.forms.submit(survey.id, answers={"Well?": "Yes"})
    [response] = await v2.done("GET", f"/surveys/{survey.id}/responses")
    assert response["email"] is None
    assert v2.account.contacts.live_count == 0
    assert await v2.done("GET", "/surveys?assignedToAddressBookOnly=true") == []
    assert len(await v2.done("GET", "/surveys")) == 1


async def test_response_that_is_completed_later_is_news_again(v2: V2) -> None:
    survey = v2.control.forms.add()
    begun = v2.control.forms.submit(survey.id, "ann@b.example", complete=False)
    assert v2.account.contacts.live_count == 0
    v2.control.move_clock(advance_s=3600)
    since = f"/surveys/{survey.id}/responses/with-activity-since/2027-03-01T09:30:00Z"
    assert await v2.done("GET", since) == []
    v2.control.forms.submit(survey.id, answers={"FIRSTNAME": "Ann"}, response_id=begun.id)
    [response] = await v2.done("GET", since)
    assert (response["id"], response["dateStarted"], response["complete"]) == (begun.id, NOW, True)
    assert v2.account.contacts.live_count == 1


async def test_late_response_takes_its_place_in_time(v2: V2) -> None:
    survey = v2.control.forms.add()
    for day in ("05", "03", "04"):
        v2.control.forms.submit(survey.id, f"day{day}@b.example", at=f"2027-02-{day}")
    path = f"/surveys/{survey.id}/responses"
    found = await v2.done("GET", path)
    assert [each["dateCompleted"][8:10] for each in found] == ["03", "04", "05"]
    found = await v2.done("GET", f"{path}/with-activity-since/2027-02-04")
    assert [each["dateCompleted"][8:10] for each in found] == ["04", "05"]


async def test_activity_since_a_date_finds_its_forms(v2: V2) -> None:
    answered, _ = v2.control.forms.add("A"), v2.control.forms.add("B")
    v2.control.move_clock(advance_s=86_400)
    v2.control.forms.submit(answered.id, "ann@b.example")
    path = "/surveys/with-activity-since"
    found = await v2.done("GET", f"{path}/2027-03-02")
    assert [(each["id"], each["totalCompleteResponses"]) for each in found] == [(answered.id, 1)]
    assert len(await v2.done("GET", f"{path}/2027-03-01")) == 2


async def test_responses_come_500_a_page(v2: V2) -> None:
    survey = v2.control.forms.add()
    for number in range(501):
        v2.control.forms.submit(survey.id, f"reader{number}@b.example")
    path = f"/surveys/{survey.id}/responses"
    assert len(await v2.done("GET", path)) == 500
    assert len(await v2.done("GET", f"{path}?select=500&skip=500")) == 1
    refused = await v2.refused("GET", f"{path}?select=501")
    assert refused == (400, "select is not valid. ERROR_PARAMETER_INVALID")


async def test_unknown_form_is_not_found(v2: V2) -> None:
    for part in ("", "/fields", "/responses"):
        refused = await v2.refused("GET", f"/surveys/7{part}")
        assert refused == (404, "Error: ERROR_SURVEY_NOT_FOUND")


async def test_documents_lie_in_a_tree_of_folders(v2: V2) -> None:
    reports = v2.control.documents.add_folder("Reports")
    made = await v2.done("POST", f"/document-folders/{reports.id}", {"name": "2026"}, 201)
    assert await v2.done("GET", "/document-folders") == [
        {
            "id": reports.id,
            "name": "Reports",
            "childFolders": [{"id": made["id"], "name": "2026", "childFolders": None}],
        }
    ]
    path = f"/document-folders/{made['id']}/documents"
    document = await v2.done("POST", path, {"fileName": "annual-report.pdf", "data": "UERG"})
    assert (document["name"], document["fileSize"]) == ("annual-report", 3)
    assert document["fileName"].endswith("/files/1_annual-report.pdf")
    assert await v2.done("GET", path) == [document]
    assert await v2.done("GET", f"/document-folders/{reports.id}/documents") == []


@pytest.mark.parametrize(
    "body,answer",
    [
        pytest.param(
            {"fileName": "report", "data": "UERG"},
            (400, "Error: ERROR_DOCUMENT_NAMEINVALID"),
            id="no ending",
        ),
        pytest.param({"fileName": "report.pdf"}, (400, "file must be valid"), id="nothing in it"),
        pytest.param([], (400, "Error: ERROR_MALFORMED_REQUEST"), id="no file"),
    ],
)
async def test_document_that_is_not_right_is_refused(
    v2: V2, body: Json, answer: tuple[int, str]
) -> None:
    folder = v2.control.documents.add_folder("Reports")
    assert await v2.refused("POST", f"/document-folders/{folder.id}/documents", body) == answer


async def test_campaign_carries_documents(v2: V2) -> None:
    document, campaign = v2.control.documents.add(), v2.control.campaigns.add()
    path = f"/campaigns/{campaign.id}/attachments"
    attached = await v2.done("POST", path, {"id": document.id})
    assert await v2.done("GET", path) == [attached]
    refused = await v2.refused("POST", path, {"id": document.id})
    assert refused == (400, "Error: ERROR_DOCUMENT_ALREADYATTACHED")
    await v2.done("DELETE", f"{path}/{document.id}", status=204)
    assert await v2.done("GET", path) == []
