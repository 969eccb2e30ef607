"""v2: forms, which its paths still call surveys, and what was answered to them."""

from collections.abc import Iterable

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state.surveys import Survey
from sandbox.v2.refusals import invalid, refused
from sandbox.v2.requests import Page, as_flag, page, path_id, since_instant
from sandbox.v2.survey_shapes import pages_json, response_json, survey_json

#: Most forms or responses a page [doc]; how many without ``select`` is contradicted.
MAX_SELECT = 500


async def list_all(call: Call) -> Response:
    """Return all forms."""
    return _listing(call, call.account.surveys)


async def list_active_since(call: Call) -> Response:
    """Return the forms that changed, or were answered, since a date."""
    since_ms = since_instant(call)
    active = (each for each in call.account.surveys if each.is_active_since(since_ms))
    return _listing(call, active)


async def get(call: Call) -> Response:
    """Return one form."""
    return json_answer(survey_json(_find(call), call.account.clock.now_ms()))


async def list_fields(call: Call) -> Response:
    """Return the pages of a form and the fields on them."""
    return json_answer(pages_json(_find(call)))


async def list_responses(call: Call) -> Response:
    """Return all that was answered to a form."""
    survey, part = _find(call), _page(call)
    found = survey.responses[part.skip : part.stop]
    return json_answer([response_json(each) for each in found])


async def list_responses_since(call: Call) -> Response:
    """Return what was answered to a form, or changed, since a date."""
    survey, since_ms, part = _find(call), since_instant(call), _page(call)
    found = survey.since(since_ms)[part.skip : part.stop]
    return json_answer([response_json(each) for each in found])


def _find(call: Call) -> Survey:
    survey = call.account.surveys.find(path_id(call))
    if survey is None:
        raise refused("SURVEY_NOT_FOUND")
    return survey


def _page(call: Call) -> Page:
    return page(call, default=MAX_SELECT, most=MAX_SELECT)


def _listing(call: Call, surveys: Iterable[Survey]) -> Response:
    part, name = _page(call), "assignedToAddressBookOnly"
    only_assigned = as_flag(call.parameter(name) or "false")
    if only_assigned is None:
        raise invalid(name)
    meant = [each for each in surveys if each.makes_contacts or not only_assigned]
    now_ms = call.account.clock.now_ms()
    return json_answer([survey_json(each, now_ms) for each in meant[part.skip : part.stop]])


OPERATIONS = (
    Operation("GET", "/v2/surveys", list_all),
    Operation("GET", "/v2/surveys/with-activity-since/{date}", list_active_since),
    Operation("GET", "/v2/surveys/{id}", get),
    Operation("GET", "/v2/surveys/{id}/fields", list_fields),
    Operation("GET", "/v2/surveys/{id}/responses", list_responses),
    Operation("GET", "/v2/surveys/{id}/responses/with-activity-since/{date}", list_responses_since),
)
