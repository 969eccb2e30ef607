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
}


def advice(code: str) -> str:
    """Return what to do about this code; codes compare without regard to case."""
    return _ADVICE.get(code.lower(), "Look the code up in Dotdigital's documentation, then retry.")
