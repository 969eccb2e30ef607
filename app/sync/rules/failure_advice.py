"""What to do about a failure, in one sentence a code."""

_ADVICE = {
    "invalidemail": "Correct the person's email address.",
    "invaliddomain": "Correct the domain of the person's email address.",
    "blocker": "Dotdigital blocks this address for every account; use another one.",
    "suppressedbydomain": "The account suppresses this domain; lift that in Dotdigital, or use "
    "another address.",
    "invalidphonenumber": "Correct the person's mobile number, with its country code.",
    "duplicate": "Another contact in Dotdigital has this email or mobile number; change one of "
    "them, or merge the two people.",
    "duplicateidentifier": "Another contact in Dotdigital has this email or mobile number; change "
    "one of them, or merge the two people.",
    "novalididentifiers": "Give the person an email address that Dotdigital takes.",
    "invalidcontactid": "The contact is gone in Dotdigital; the person is sent again as a new one.",
    "apischemaviolation": "A value doesn't fit its data field; check the mappings and the value.",
    "mobile_number_taken": "Change the number on one of the two people, or set the account's "
    "mobile_conflict to send_without.",
    "email_linked_elsewhere": "Merge the two people or change one email, or set the account's "
    "email_conflict to relink.",
    "value_mismatch": "Correct the value, or map the field to a data field of another type.",
    "unsendable": "Correct the person's values, then retry.",
    "consentrecordsnotapplied": "The contact stands without the consent record; check the record's "
    "text, address and time.",
    "refused": "Look the reason up in Dotdigital's documentation, correct the person, then retry.",
    "unknown": "Look the import up in Dotdigital, then retry.",
    "not_in_report": "Dotdigital's report doesn't name the record; it is sent again by itself.",
    "rejectedbywatchdog": "Dotdigital's list-quality check stopped the import; ask its support to "
    "clear it, then retry.",
    "exceedsallowedcontactlimit": "The account's contact allowance is used up; raise it in "
    "Dotdigital, or sync fewer people.",
    "import_failed": "Dotdigital failed to run the import; it is sent again by itself.",
    "removal_failed": "The members are taken off again by themselves.",
    "invalidaddressbookids": "The list is gone in Dotdigital; the next run makes another one, with "
    "every member.",
    "invalidcontactstatus": "Dotdigital doesn't bring back who complained or is blocked.",
    "kind_unknown": "Bring every replica to the version that made the mapping, or delete the "
    "mapping.",
    "list_limit": "Delete a list or a segment there, or raise the account's lists_limit if the "
    "package allows more; it is tried again by itself.",
    "list_name_taken": "Rename one of the two; in Dotdigital a segment's name counts as well.",
    "list_name_reserved": "Give the list another name, or bind it to another one.",
    "list_name_invalid": "Give the list a name that Dotdigital takes.",
    "list_bound_elsewhere": "Take dotdigital_list_id out of one of the two.",
    "no_such_list": "Set dotdigital_list_id to a list that is there, or to null, so that one of "
    "the same name is taken or made.",
}


def advice(code: str) -> str:
    """Return what to do about this code; codes compare without regard to case."""
    return _ADVICE.get(code.lower(), "Look the code up in Dotdigital's documentation, then retry.")


def with_advice(text: str, code: str) -> str:
    """Return Dotdigital's text, or ours, as a sentence, and behind it what to do."""
    said = text.strip()
    if said and said[-1] not in ".!?:":
        said += "."
    return f"{said} {advice(code)}".strip()
