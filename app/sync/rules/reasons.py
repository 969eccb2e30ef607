"""Why a person is not synced: each reason with the sentence that the API shows word for word."""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A word for the link, and its sentence as ``sentence``."""

    sentence: str

    def __new__(cls, word: str, sentence: str) -> Self:
        """Keep the sentence beside the word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        return member

    DELETED = "deleted", "The person is deleted."
    MERGED = "merged", "The person was merged into another one."
    NOT_TICKED = "sync_with_mailer_off", "Sync with Mailer is not ticked for the person."
    NOT_ON_A_LIST = (
        "not_on_a_list",
        "The account takes list members only, and the person is on no open list of it.",
    )
    BLANK_EMAIL = "blank_email", "The email is blank, and a contact needs one."
    OPTED_OUT = (
        "no_email",
        "No Email is ticked for the person, or for another one with this email address.",
    )
    ADDRESS_OPTED_OUT = (
        "address_opted_out",
        "This email address opted out before; only a later opt-in of whoever has it lifts that.",
    )
    LINKED_ELSEWHERE = (
        "email_linked_elsewhere",
        "Another person with this email address holds the contact.",
    )
    SUPPRESSED_THERE = "suppressed_there", "Dotdigital will not mail this address."
    OPT_IN_PENDING = (
        "opt_in_pending",
        "Dotdigital asked the contact whether it wants to be mailed again, and has no answer yet.",
    )
    MOBILE_TAKEN = (
        "mobile_number_taken",
        "Another person's contact has this mobile number, and Dotdigital takes a number only once.",
    )
    VALUE_MISMATCH = "value_mismatch", "A value doesn't fit the data field that it is mapped to."
    REFUSED = "refused", "Dotdigital refused the record."


def sentence_of(word: str) -> str | None:
    """Return the sentence of a reason by its word; None for a word that is none."""
    for reason in Reason:
        if reason.value == word:
            return reason.sentence
    return None
