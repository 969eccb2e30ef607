"""Which of Dotdigital's contact statuses say that the address is not mailed."""

#: v3 statuses (contacts-v3.json, channelProperties.email.status) and their v2 names, in lower case.
SUPPRESSED_STATUSES = frozenset(
    {
        "unsubscribed",
        "suppressed",
        "hardbounced",
        "ispcomplained",
        "directcomplaint",
        "mailblocked",
        "spamtrap",
        "blockedlocalpart",
        "sharedsuppression",
        "shareddomainsuppression",
        "domainsuppressed",
        "domainsuppression",
        "knowncomplainer",
        "knownlitigator",
        "purchased",
        "notallowed",
        "nomxrecord",
    }
)


def is_suppressed(status: str | None) -> bool:
    """Say whether this status means that Dotdigital will not mail the contact."""
    return status is not None and status.lower() in SUPPRESSED_STATUSES


#: Opted out by a wish, theirs or ours, which a later wish can lift; the rest are Dotdigital's own.
_LIFTABLE_STATUSES = frozenset({"unsubscribed", "suppressed"})
#: Ours: the contact is being brought back, and how that went isn't known yet.
RESUBSCRIBING = "resubscribing"
#: As contacts-v3.json spells it: asked whether it wants to be mailed again, and yet to answer.
PENDING_OPT_IN = "pendingOptIn"
#: As contacts-v3.json spells it.
SUBSCRIBED = "subscribed"
SUPPRESSED = "suppressed"
#: Ours, of an address: somebody who opted out left it, and Dotdigital wasn't told of it.
LEFT = "left"
#: Ours, of an address: Dotdigital was told, and has no contact with it.
NOT_A_CONTACT = "not_a_contact"


def is_lifted_by_opt_in(status: str | None) -> bool:
    """Say whether an opt-in can bring back a contact of this status."""
    return status is not None and status.lower() in _LIFTABLE_STATUSES


def awaits_opt_in(status: str | None) -> bool:
    """Say whether the contact was asked, and is opted out until it answers."""
    return status is not None and status.lower() == PENDING_OPT_IN.lower()
