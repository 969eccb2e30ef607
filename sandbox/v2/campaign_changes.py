"""v2: making, changing, copying, deleting and sending campaigns, and what they carry."""

import dataclasses
import uuid
from typing import Any

from starlette.responses import Response

from sandbox import inferred
from sandbox.answers import empty, json_answer
from sandbox.calls import Call, Operation
from sandbox.clock import read_instant, text_of
from sandbox.state import mailing
from sandbox.state.activity import Activity
from sandbox.state.campaigns import MAX_NAME, REPLY_ACTIONS, Campaign, Sending
from sandbox.state.documents import Document
from sandbox.v2.campaign_shapes import campaign_json, document_json, typed_campaign_json
from sandbox.v2.campaigns import find_campaign
from sandbox.v2.refusals import refused
from sandbox.v2.requests import Fields, as_int32, path_id, read_fields

INVALID = "CAMPAIGN_INVALID"
SEND_INVALID = "CAMPAIGN_SEND_INVALID"

_ACTIONS = {action.lower(): action for action in REPLY_ACTIONS}


async def create(call: Call) -> Response:
    """Make a campaign: 201 as the generated document says, the YAML has 200."""
    said = _read(read_fields(call, INVALID))
    account = call.account
    campaign = Campaign(
        id=account.campaigns.take_id(),
        created_ms=account.clock.stamp(),
        from_address=account.main_email,
        **said,
    )
    return json_answer(typed_campaign_json(account.campaigns.add(campaign)), 201)


async def update(call: Call) -> Response:
    """Change a campaign that was not sent yet."""
    campaign = find_campaign(call, "id")
    said = _read(read_fields(call, INVALID))
    if campaign.sent_ms is not None:
        raise refused("CAMPAIGN_READONLY")
    for name, value in said.items():
        setattr(campaign, name, value)
    return json_answer(campaign_json(campaign, contents=True))


async def copy(call: Call) -> Response:
    """Make a campaign like another, not sent to anybody."""
    original = find_campaign(call)
    account = call.account
    made = dataclasses.replace(
        original,
        id=account.campaigns.take_id(),
        name=f"Copy of {original.name}"[:MAX_NAME],
        created_ms=account.clock.stamp(),
        status="Unsent",
        scheduled_ms=None,
        links=list(original.links),
        pages=[],
        tags=list(original.tags),
        list_ids=[],
        attachment_ids=list(original.attachment_ids),
        activity=Activity(),
    )
    return json_answer(campaign_json(account.campaigns.add(made), contents=True), 201)


async def delete(call: Call) -> Response:
    """Delete a campaign, and what is reported of it [doc]."""
    campaign = find_campaign(call)
    if campaign.sent_ms is not None and not call.account.settings.sent_campaigns_are_deletable:
        raise refused("CAMPAIGN_READONLY")
    call.account.campaigns.delete(campaign)
    return empty(204)


async def send(call: Call) -> Response:
    """Send a campaign to lists, segments and contacts; with neither to all contacts [doc]."""
    account, body = call.account, read_fields(call, SEND_INVALID)
    campaign = account.campaigns.find(body.integer("campaignId") or 0)
    if campaign is None:
        raise refused("CAMPAIGN_NOT_FOUND")
    list_ids, contact_ids = _ids(body, "addressBookIds"), _ids(body, "contactIds")
    for list_id in list_ids:
        if account.lists.find(list_id) is None and list_id not in account.lists.segments:
            raise refused("ADDRESSBOOK_NOT_FOUND")
    now_ms = account.clock.stamp()
    at_ms = max(now_ms, _send_date(body) or now_ms)
    sending = Sending(str(uuid.uuid4()), campaign.id, list_ids, contact_ids, at_ms)
    if at_ms > now_ms:
        sending = _schedule(call, campaign, sending, (at_ms - now_ms) / 1000)
    else:
        mailing.send_out(account, campaign, list_ids, contact_ids, at_ms)
    account.campaigns.sendings[sending.id] = sending
    return json_answer(await _sending_json(call, sending), 202)


async def get_sending(call: Call) -> Response:
    """Return how far a sending is."""
    sending = call.account.campaigns.sendings.get(call.path["sendId"].lower())
    if sending is None:
        raise refused(inferred.UNKNOWN_SENDING)
    return json_answer(await _sending_json(call, sending))


async def attach(call: Call) -> Response:
    """Let a campaign carry a document."""
    campaign = find_campaign(call)
    document = _document(call, read_fields(call, "DOCUMENT_INVALID").integer("id") or 0)
    if document.id in campaign.attachment_ids:
        raise refused("DOCUMENT_ALREADYATTACHED")
    campaign.attachment_ids.append(document.id)
    return json_answer(document_json(document))


async def detach(call: Call) -> Response:
    """Let a campaign carry a document no longer."""
    campaign = find_campaign(call)
    document = _document(call, path_id(call, "documentId"))
    if document.id not in campaign.attachment_ids:
        raise refused("DOCUMENT_NOT_FOUND")
    campaign.attachment_ids.remove(document.id)
    return empty(204)


def _document(call: Call, document_id: int) -> Document:
    document = call.account.documents.find(document_id)
    if document is None:
        raise refused("DOCUMENT_NOT_FOUND")
    return document


def _read(body: Fields) -> dict[str, Any]:
    """Return the parts of a campaign; the first five are required [spec]."""
    parts = {
        "name": body.text("name"),
        "subject": body.text("subject"),
        "from_name": body.text("fromName"),
        "html": body.text("htmlContent"),
        "plain": body.text("plainTextContent"),
    }
    if None in parts.values() or len(parts["name"] or "") > MAX_NAME:
        raise refused(INVALID)
    action = body.choice("replyAction", _ACTIONS, REPLY_ACTIONS)
    return parts | {
        "reply_action": action or "Unset",
        "reply_to": body.text("replyToAddress") or "",
    }


def _ids(body: Fields, name: str) -> list[int]:
    ids = [number for each in body.items(name) if (number := as_int32(each)) is not None]
    if len(ids) < len(body.items(name)):
        raise refused(SEND_INVALID)
    return ids


def _send_date(body: Fields) -> int | None:
    text = body.text("sendDate")
    if text is None:
        return None
    try:
        return read_instant(text)
    except (ValueError, OverflowError):
        raise refused(SEND_INVALID) from None


def _schedule(call: Call, campaign: Campaign, sending: Sending, in_s: float) -> Sending:
    """Send it when its time has come by the sandbox's clock, unless it was deleted by then."""
    account = call.account

    def apply(start: int, stop: int) -> None:
        del start, stop
        if account.campaigns.find(campaign.id) is campaign:
            lists, contacts = sending.list_ids, sending.contact_ids
            mailing.send_out(account, campaign, lists, contacts, sending.at_ms)

    campaign.scheduled_ms = sending.at_ms
    job = account.jobs.submit(
        "sending",
        "v2",
        total=1,
        duration_s=in_s,
        apply=apply,
        report=None,
        finish=lambda: "Sent",
        fate=call.fate,
    )
    return dataclasses.replace(sending, job=job)


async def _sending_json(call: Call, sending: Sending) -> dict[str, Any]:
    status: str | None = "Sent"
    if sending.job is not None:
        status = await call.account.jobs.look(sending.job)
    return {
        "id": sending.id,
        "campaignId": sending.campaign_id,
        "addressBookIds": sending.list_ids,
        "contactIds": sending.contact_ids,
        "sendDate": text_of(sending.at_ms),
        "splitTestOptions": None,
        "status": status or "Scheduled",
    }


_ONE = "/v2/campaigns/{campaignId}"

OPERATIONS = (
    Operation("POST", "/v2/campaigns", create),
    Operation("PUT", "/v2/campaigns/{id}", update),
    Operation("DELETE", _ONE, delete),
    Operation("POST", f"{_ONE}/copy", copy),
    Operation("POST", "/v2/campaigns/send", send),
    Operation("GET", "/v2/campaigns/send/{sendId}", get_sending),
    Operation("POST", f"{_ONE}/attachments", attach),
    Operation("DELETE", f"{_ONE}/attachments/{{documentId}}", detach),
)
