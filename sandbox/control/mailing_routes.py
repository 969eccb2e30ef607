"""The control calls about campaigns, forms and documents over HTTP."""

import dataclasses
from typing import Any

from sandbox.control.requests import ACCOUNT, Action, ControlRequest
from sandbox.state.campaigns import Campaign


def _shown(campaign: Campaign) -> dict[str, Any]:
    activity = campaign.activity
    return {
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "recipients": len(activity),
        "opens": len(activity.opens),
        "clicks": len(activity.clicks),
        "page_views": len(activity.views),
    }


def _campaign_id(request: ControlRequest) -> int:
    return int(request.path["campaign"])


def _add_campaign(request: ControlRequest) -> dict[str, Any]:
    body = dict(request.body)
    if "type" in body:
        body["type_"] = body.pop("type")
    return _shown(request.control.campaigns.add(**body, account_id=request.account_id))


def _campaigns(request: ControlRequest) -> list[dict[str, Any]]:
    return [_shown(campaign) for campaign in request.account.campaigns]


def _generate(request: ControlRequest) -> dict[str, Any]:
    made = request.control.campaigns.generate(**request.body, account_id=request.account_id)
    return {"ids": made}


def _send(request: ControlRequest) -> dict[str, Any]:
    control, campaign_id = request.control.campaigns, _campaign_id(request)
    count = control.send(campaign_id, **request.body, account_id=request.account_id)
    return {"recipients": count}


def _act(request: ControlRequest) -> dict[str, Any]:
    control, campaign_id = request.control.campaigns, _campaign_id(request)
    control.act(campaign_id, **request.body, account_id=request.account_id)
    return _shown(control.find(campaign_id, request.account_id))


def _delete_campaign(request: ControlRequest) -> dict[str, Any]:
    request.control.campaigns.delete(_campaign_id(request), request.account_id)
    return {}


def _add_form(request: ControlRequest) -> dict[str, Any]:
    survey = request.control.forms.add(**request.body, account_id=request.account_id)
    return {"id": survey.id, "questions": list(map(dataclasses.asdict, survey.questions))}


def _submit(request: ControlRequest) -> dict[str, Any]:
    survey_id = int(request.path["form"])
    made = request.control.forms.submit(survey_id, **request.body, account_id=request.account_id)
    return dataclasses.asdict(made)


def _add_folder(request: ControlRequest) -> dict[str, Any]:
    made = request.control.documents.add_folder(**request.body, account_id=request.account_id)
    return {"id": made.id}


def _add_document(request: ControlRequest) -> dict[str, Any]:
    made = request.control.documents.add(**request.body, account_id=request.account_id)
    return {"id": made.id, "file_name": made.file_name, "url": made.url}


_ONE = f"{ACCOUNT}/campaigns/{{campaign}}"

MAILING_CALLS: tuple[tuple[str, str, Action], ...] = (
    ("POST", f"{ACCOUNT}/campaigns", _add_campaign),
    ("GET", f"{ACCOUNT}/campaigns", _campaigns),
    ("POST", f"{ACCOUNT}/campaigns/generate", _generate),
    ("POST", f"{_ONE}/send", _send),
    ("POST", f"{_ONE}/activity", _act),
    ("DELETE", _ONE, _delete_campaign),
    ("POST", f"{ACCOUNT}/forms", _add_form),
    ("POST", f"{ACCOUNT}/forms/{{form}}/responses", _submit),
    ("POST", f"{ACCOUNT}/document-folders", _add_folder),
    ("POST", f"{ACCOUNT}/documents", _add_document),
)
