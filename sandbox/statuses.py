"""Statuses of contacts and how the two APIs spell them.

The sandbox keeps the nineteen statuses of the email channel as v3 spells them (`contacts-v3.json`,
emailChannelStatus [spec]); v2 and the contact's own status are read off that one.
"""

from typing import Final, Literal, TypeAlias

ListStatus: TypeAlias = Literal["subscribed", "suppressed", "pending"]

SUBSCRIBED: Final = "subscribed"
UNSUBSCRIBED: Final = "unsubscribed"
PENDING_OPT_IN: Final = "pendingOptIn"
SUPPRESSED: Final = "suppressed"
HARD_BOUNCED: Final = "hardBounced"
SOFT_BOUNCED: Final = "softBounced"
NO_SUBSCRIPTION: Final = "noSubscription"

#: Statuses of the email channel, v3 spelling to v2 spelling; v2 knows fewer [spec].
V2_STATUS: Final[dict[str, str]] = {
    NO_SUBSCRIPTION: "NotAvailableInThisVersion",
    SUBSCRIBED: "Subscribed",
    UNSUBSCRIBED: "Unsubscribed",
    SOFT_BOUNCED: "SoftBounced",
    HARD_BOUNCED: "HardBounced",
    "ispComplained": "IspComplained",
    PENDING_OPT_IN: "PendingOptIn",
    "directComplaint": "DirectComplaint",
    "spamTrap": "NotAvailableInThisVersion",
    "deleted": "Deleted",
    "blockedlocalpart": "NotAllowed",
    "sharedsuppression": "SharedSuppression",
    "sharedDomainSuppression": "DomainSuppression",
    SUPPRESSED: "Suppressed",
    "purchased": "NotAvailableInThisVersion",
    "knownComplainer": "NotAvailableInThisVersion",
    "knownLitigator": "NotAvailableInThisVersion",
    "binned": "NotAvailableInThisVersion",
    "domainSuppressed": "DomainSuppression",
}
EMAIL_STATUSES: Final = frozenset(V2_STATUS)

#: Statuses under which Dotdigital mails, or would once somebody confirms.
MAILABLE: Final = frozenset({SUBSCRIBED, PENDING_OPT_IN})
#: Statuses under which it mails nobody and a suppression record stands.
SUPPRESSING: Final = EMAIL_STATUSES - MAILABLE - {NO_SUBSCRIPTION}

#: Statuses of a contact as a whole [spec]; every other way to be suppressed reads `suppressed`.
_CONTACT_STATUSES: Final = frozenset(
    {SUBSCRIBED, UNSUBSCRIBED, PENDING_OPT_IN, "deleted", SUPPRESSED, "binned", NO_SUBSCRIPTION}
)

EMAIL_TYPES: Final = {"plaintext": "PlainText", "html": "Html"}
OPT_IN_TYPES: Final = {
    "unknown": "Unknown",
    "single": "Single",
    "double": "Double",
    "verifieddouble": "VerifiedDouble",
}
SMS_STATUSES: Final = frozenset({NO_SUBSCRIPTION, SUBSCRIBED, UNSUBSCRIBED, SUPPRESSED})


def contact_status(email_status: str) -> str:
    """Return the status of the contact as a whole; `hardBounced` reads `suppressed` [fixtures]."""
    return email_status if email_status in _CONTACT_STATUSES else SUPPRESSED
