"""The shapes of forms in v2's answers, which calls them surveys."""

from typing import Any

from sandbox.clock import text_of
from sandbox.state.surveys import Question, Response, Survey

_DAY_MS = 86_400_000


def survey_json(survey: Survey, now_ms: int) -> dict[str, Any]:
    """Return a form with its figures as of now."""
    completed = [each for each in survey.responses if each.completed_ms is not None]
    # Whole milliseconds that filling it in took [spec example].
    times = [(each.completed_ms or 0) - each.started_ms for each in completed]
    ended = sorted(each.completed_ms or 0 for each in completed)
    joins = survey.makes_contacts
    return {
        "id": survey.id,
        "name": survey.name,
        "url": survey.url,
        "dateSurveyCreated": text_of(survey.created_ms),
        "dateSurveyModified": text_of(survey.modified_ms),
        "state": survey.state,
        "firstActiveDate": text_of(survey.created_ms),
        "lastInactiveDate": None,
        "scheduledStartDate": None,
        "scheduledEndDate": None,
        "confirmationMode": "Text",
        "submissionMode": "Multiple",
        "fieldCount": len(survey.questions),
        "notifyCreatorOnResponse": False,
        "respondentNotificationType": "None",
        "respondentNotificationCampaignId": None,
        "isAssignedToAddressBook": joins,
        "assignedAddressBookTarget": (
            "AllContacts" if survey.list_id is None else "SpecificAddressBook"
        ),
        "assignedSpecificAddressBookId": survey.list_id if joins else None,
        "firstResponseDate": text_of(ended[0]) if ended else None,
        "lastResponseDate": text_of(ended[-1]) if ended else None,
        "totalCompleteResponses": len(completed),
        "totalCompleteResponsesInLastDay": sum(at_ms > now_ms - _DAY_MS for at_ms in ended),
        "totalCompleteResponsesInLastWeek": sum(at_ms > now_ms - 7 * _DAY_MS for at_ms in ended),
        "totalIncompleteResponses": len(survey.responses) - len(completed),
        "totalViews": max(survey.views, len(survey.responses)),
        "totalBounces": max(0, survey.views - len(survey.responses)),
        "timeToCompleteMax": max(times, default=None),
        "timeToCompleteMin": min(times, default=None),
        "timeToCompleteTotal": sum(times) if times else None,
        "sourceDirectTotal": len(survey.responses),
        "sourceEmailTotal": 0,
        "sourceEmbeddedTotal": 0,
        "sourcePopoverTotal": 0,
        "sourceFacebookTotal": 0,
        "sourceTwitterTotal": 0,
        "sourceGooglePlusTotal": 0,
        "sourceOtherTotal": 0,
    }


def pages_json(survey: Survey) -> list[dict[str, Any]]:
    """Return the pages of a form with their fields; the sandbox's have one."""
    fields = [_question_json(question) for question in survey.questions]
    return [{"id": 1, "name": None, "fields": fields}]


def response_json(response: Response) -> dict[str, Any]:
    """Return what somebody answered; no contact id stands there [doc]."""
    completed_ms = response.completed_ms
    return {
        "id": response.id,
        "email": response.email,
        "started": True,
        "dateStarted": text_of(response.started_ms),
        "complete": completed_ms is not None,
        "dateCompleted": None if completed_ms is None else text_of(completed_ms),
        "givenAnswers": [
            {"fieldId": question_id, "subFieldId": None, "value": value}
            for question_id, value in response.answers.items()
        ],
    }


def _question_json(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "type": question.type,
        "text": question.text,
        "isRequired": question.is_required,
        "defaultValue": None,
        "mode": None if question.choices else "singleline",
        "choices": [
            {"id": number, "text": text} for number, text in enumerate(question.choices, start=1)
        ],
        "subFields": [],
        "hasOtherOption": False,
        "otherOptionChoiceId": 0,
        "otherOptionSubFieldId": 0,
        "otherOptionTextFieldId": 0,
        "isAssignedToContactDataField": question.data_field is not None,
        "assignedContactDataFieldName": question.data_field,
        "assignedContactDataExistsAction": "OverwriteData",
    }
