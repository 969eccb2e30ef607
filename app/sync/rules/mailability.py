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
