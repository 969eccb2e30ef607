"""What v2 says no with: the texts that its clients compare word for word [sdk:magento2 and others].

Statuses follow from the codes, see `sandbox.answers`.
"""

from sandbox.answers import Refusal, json_answer, v2_refusal

_TEXTS = {
    "ADDRESSBOOK_DUPLICATE": "That name is in use already, please choose another.",
    "ADDRESSBOOK_NOTWRITABLE": "Address book cannot be written to via the API.",
    "CONTACT_SUPPRESSED": "Contact is suppressed.",
    "IMPORT_REPORT_NOT_FOUND": "Import is not processed yet or completed with error.",
    "NON_UNIQUE_DATAFIELD": "Field already exists.",
}


def refused(code: str) -> Refusal:
    """Refuse with a code of the vendor's, without its prefix, and its text where one is known."""
    return v2_refusal(code, _TEXTS.get(code, "Error:"))


def invalid(parameter: str) -> Refusal:
    """Refuse a parameter of the path or the query."""
    return v2_refusal("PARAMETER_INVALID", f"{parameter} is not valid.")


def invalid_email() -> Refusal:
    """Refuse something that is no address [sdk:magento2]."""
    return v2_refusal("PARAMETER_INVALID", "Email is not a valid email address.")


def invalid_file() -> Refusal:
    """Refuse an upload without a named file; the one message without a code [sdk issue]."""
    return Refusal(json_answer({"message": "file must be valid"}, 400))
