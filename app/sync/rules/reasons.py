"""Why a person is not synced: each reason in words that the API shows, and what to do next.

Fields are called by the names that the API has for them.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A word for the link, what it says, and what to do next."""

    sentence: str
    #: What somebody can do about it.
    next_step: str
    #: What it says where the other person is known, as ``{other}``.
    of_other: str

    def __new__(cls, word: str, sentence: str, next_step: str, of_other: str = "") -> Self:
        """Keep the sentences beside the word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        member.next_step = next_step
        member.of_other = of_other or f"{sentence} It is person {{other}}."
        return member

    DELETED = (
        "deleted",
        "The person is deleted.",
        "POST /v1/people/bulk with its external_ref restores it.",
    )
    MERGED = (
        "merged",
        "The person was merged into another one.",
        "Look at that person instead.",
        "The person was merged into person {other}.",
    )
    NOT_TICKED = (
        "sync_with_mailer_off",
        "sync_with_mailer is false for the person.",
        "Set it to true to have the person sent.",
    )
    NOT_ON_A_LIST = (
        "not_on_a_list",
        "The account takes list members only, and the person is on no open list of it.",
        (
            "Put the person on a list that is synchronised with the account, or set people to all "
            "in the account's settings."
        ),
    )
    BLANK_EMAIL = (
        "blank_email",
        "The email is blank, and a contact needs one.",
        "Give the person an email.",
    )
    OPTED_OUT = (
        "no_email",
        "no_email is true for the person, or for another one with this email address.",
        "Only where the address may be mailed again, set no_email to false there.",
        "no_email is true for person {other}, who has the same email address.",
    )
    ADDRESS_OPTED_OUT = (
        "address_opted_out",
        "This email address opted out before; only a later opt-in of whoever has it lifts that.",
        (
            "Only where the address may be mailed again, set the person's no_email to true and "
            "then to false: that is an opt-in."
        ),
    )
    LINKED_ELSEWHERE = (
        "email_linked_elsewhere",
        "Another person with this email address holds the contact.",
        "Merge the two with POST /v1/people/{id}/merge, or give one of them another email.",
    )
    SUPPRESSED_THERE = (
        "suppressed_there",
        "Dotdigital will not mail this address.",
        (
            "account_status says why: who unsubscribed comes back by an opt-in, which is no_email "
            "set to true and then to false; whom a suppression audience holds, by leaving that "
            "list (GET /v1/people/{id}/sync names it); an address that bounces or is blocked has "
            "to be replaced."
        ),
    )
    OPT_IN_PENDING = (
        "opt_in_pending",
        "Dotdigital asked the contact whether it wants to be mailed again, and has no answer yet.",
        "Nothing is to be done here: the contact has to confirm.",
    )
    MOBILE_TAKEN = (
        "mobile_number_taken",
        "Another person's contact has this mobile number, and Dotdigital takes a number only once.",
        (
            "Change one of the two numbers, or set mobile_conflict to send_without in the "
            "account's settings."
        ),
    )
    VALUE_MISMATCH = (
        "value_mismatch",
        "A value doesn't fit the data field that it is mapped to.",
        "Correct the value, or map the field to a data field of another type.",
    )
    UNLINKED = (
        "unlinked",
        (
            "The person has no contact there any more: it was deleted in Dotdigital, or unlinked "
            "here, and nobody is made again by that alone."
        ),
        (
            "To have a new contact made, change the person, or run send_people with mode full, "
            "which makes all of them."
        ),
    )
    MAPPING_LEFT_OUT = (
        "mapping_left_out",
        "Dotdigital no longer has what a mapping points at, so the person is there without it.",
        (
            "Make it there again, or change the mapping; POST /v1/failures/{id}/retry has the next "
            "run look for it."
        ),
    )
    REFUSED = (
        "refused",
        "Dotdigital refused the record.",
        "GET /v1/failures says what it answered.",
    )

    def told(self, other: int | None = None) -> str:
        """Return what it says, with the other person in it where there is one."""
        return self.sentence if other is None else self.of_other.format(other=other)


def sentence_of(word: str) -> str | None:
    """Return what a reason says and what to do, by its word; None for a word that is none."""
    for reason in Reason:
        if reason.value == word:
            return f"{reason.sentence} {reason.next_step}"
    return None
