"""`POST /contacts/v3/delete` and its status: up to 5000 contacts into the recycle bin."""

from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from sandbox.answers import json_answer, v3_refusal
from sandbox.calls import Call, Operation
from sandbox.state import Account
from sandbox.v3 import refusals
from sandbox.v3.contacts import identifier_fits
from sandbox.v3.job_ids import is_job_id

MAX_CONTACTS = 5000

#: Identifiers in the order in which an entry is read, with the code for a value that is none.
_INVALID_CODES = {
    "contactId": "invalidContactId",
    "email": "invalidEmail",
    "mobileNumber": "invalidPhoneNumber",
}


@dataclass(slots=True)
class DeletionReport:
    """What became of the contacts of one deletion."""

    requested: int
    deleted: list[Any] = field(default_factory=list)
    failures: list[Any] = field(default_factory=list)
    unknown: int = 0
    invalid: int = 0

    def fail(self, identifier: object, code: str, description: str) -> None:
        """Note an entry that was not deleted."""
        reason = {"failureCode": code, "description": description}
        self.failures.append({"identifier": identifier, "failures": [reason]})


async def delete_contacts(call: Call) -> Response:
    """Take a bulk delete in."""
    account = call.account
    references = _references(call)
    if account.jobs.active("deletion") >= account.settings.active_deletion_limit:
        raise refusals.too_many_deletions()
    report = DeletionReport(len(references))

    def apply(start: int, stop: int) -> None:
        for reference in references[start:stop]:
            _delete(account, reference, report)

    job = account.jobs.submit(
        "deletion",
        "v3",
        total=len(references),
        duration_s=account.settings.deletion_duration_s,
        apply=apply,
        report=report,
        fate=call.fate,
    )
    return json_answer({"deleteId": job.id}, 202)


async def deletion_status(call: Call) -> Response:
    """Answer how far a bulk delete is, and once it is finished what became of each contact."""
    delete_id = call.path["deleteId"]
    if not is_job_id(delete_id):
        raise v3_refusal(
            400,
            "contacts:invalidDeleteId",
            f"The id value '{delete_id}' is not a recognized deletion job identifier",
        )
    job = call.account.jobs.find(delete_id, "deletion", "v3")
    if job is None:
        raise v3_refusal(
            404,
            "contacts:importNotFound",
            f"The import request '{delete_id}' could not be found!",
        )
    status = await call.account.jobs.look(job)
    body: dict[str, Any] = {"deleteId": job.id, "status": status or "NotFinished"}
    report = job.report
    if status is not None and job.fate.status is None and isinstance(report, DeletionReport):
        body["summary"] = {
            "requestedContacts": report.requested,
            "deletedContacts": len(report.deleted),
            "unknownContacts": report.unknown,
            "invalidEntries": report.invalid,
        }
        body["deleted"] = report.deleted
        body["failures"] = report.failures
    return json_answer(body)


def _references(call: Call) -> list[dict[str, Any]]:
    try:
        body = call.json()
    except ValueError:
        raise refusals.bad_json() from None
    if not isinstance(body, list):
        raise refusals.bad_request("The request must be an array")
    if not body:
        raise v3_refusal(
            400,
            "contacts:noContactsSpecified",
            "You must specifiy 1 or more contacts to be deleted!",
        )
    if len(body) > MAX_CONTACTS:
        raise refusals.bad_request(f"At most {MAX_CONTACTS} contacts can be deleted at once")
    if not all(isinstance(reference, dict) and reference for reference in body):
        raise refusals.bad_request("A contact is named by an identifier")
    return body


def _delete(account: Account, reference: dict[str, Any], report: DeletionReport) -> None:
    identifier = next((name for name in _INVALID_CODES if name in reference), None)
    identifier = identifier or next(iter(reference))
    given = reference[identifier]
    value = str(given)
    if isinstance(given, bool | None) or not identifier_fits(account, identifier, value):
        report.invalid += 1
        code = _INVALID_CODES.get(identifier, "invalidContact")
        report.fail(reference, code, f"Invalid value for '{identifier}'")
        return
    contact = account.find(identifier, value)
    if contact is None:
        report.unknown += 1
        report.fail(reference, "contactNotFound", "The contact could not be found")
        return
    account.delete(contact)
    report.deleted.append(reference)


OPERATIONS = (
    Operation("POST", "/contacts/v3/delete", delete_contacts),
    Operation("GET", "/contacts/v3/delete/{deleteId}", deletion_status),
)
