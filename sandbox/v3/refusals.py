"""v3's refusals, with the vendor's words where it gives them (`contacts-v3.json` [spec])."""

from sandbox import inferred
from sandbox.answers import Refusal, v3_refusal
from sandbox.state import Failure


def bad_json() -> Refusal:
    """Refuse a body that is no JSON."""
    return v3_refusal(400, "contacts:badJson", "The request JSON is badly formed")


def bad_request(description: str) -> Refusal:
    """Refuse a body whose envelope is not what the schema says."""
    return v3_refusal(400, "contacts:badRequest", description)


def invalid_id(identifier: str, value: object) -> Refusal:
    """Refuse a value that can't be one of its identifier."""
    return v3_refusal(
        400,
        "contacts:invalidId",
        f"The id value '{value}' is invalid for the identifier '{identifier}'",
    )


def patch_of_unknown_contact_id(value: str) -> Refusal:
    """Refuse to make a contact of a contact id."""
    status, code = inferred.PATCH_OF_UNKNOWN_CONTACT_ID
    text = f"The id value '{value}' is invalid for the identifier 'contactId'"
    return v3_refusal(status, code, text)


def invalid_filter(value: str) -> Refusal:
    """Refuse a query parameter."""
    return v3_refusal(400, "contacts:invalidFilter", f"The filter value '{value}' is invalid")


def invalid_contact(failures: list[Failure]) -> Refusal:
    """Refuse a single contact for what is wrong with it."""
    details = [(failure.item or failure.code, failure.description) for failure in failures]
    return v3_refusal(400, "contacts:invalidContacts", "Invalid contact data", details)


def not_found(identifier: str, value: str) -> Refusal:
    """Refuse a call for a contact that there is none of."""
    return v3_refusal(
        404,
        "contacts:contactNotFound",
        "The following contacts could not be found",
        [(value, f"Not found using the identifier '{identifier}'")],
    )


def id_exists(identifier: str, value: str) -> Refusal:
    """Refuse to give a contact the identifier of another."""
    return v3_refusal(
        409,
        "contacts:idAlreadyExists",
        f"The id value '{value}' for the identifier '{identifier}' already exists. "
        "All identifiers must be unique!",
        [(identifier, f"{value} is in use")],
    )


def too_many_imports() -> Refusal:
    """Refuse an import while all slots are taken."""
    return v3_refusal(
        429,
        "contacts:tooManyActiveImports",
        "Your import request cannot be accepted as too many imports are being processed for you "
        "account. Please wait for an import to complete and then resubmit.",
    )


def too_many_deletions() -> Refusal:
    """Refuse a bulk delete while all slots are taken."""
    return v3_refusal(
        429,
        "contacts:tooManyBulkDeleteJobs",
        "Your bulk delete request cannot be accepted as too many bulk delete jobs are being "
        "processed for you account. Please wait for a bulk delete job to complete and then "
        "resubmit.",
    )
