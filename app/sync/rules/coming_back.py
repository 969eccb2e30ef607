"""Who may be resubscribed: nobody whose latest opt-out is newer than the latest opt-in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Dotdigital's clock is asked for, and may be given in whole seconds.
_SLACK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Consent:
    """What is known of a person's own wish to be mailed."""

    no_email: bool = False
    #: Another live person with the same email has ``no_email``.
    shared_opt_out: bool = False
    opted_out_at: datetime | None = None
    opted_in_at: datetime | None = None


def stays_out(consent: Consent) -> bool:
    """Say whether the person's own opt-out stands; an opt-in of the same time doesn't lift it."""
    if consent.no_email or consent.shared_opt_out:
        return True
    if consent.opted_out_at is None:
        return False
    return consent.opted_in_at is None or consent.opted_in_at <= consent.opted_out_at


def rejoins(consent: Consent, joined_at: datetime, left_at: datetime | None) -> bool:
    """Say whether joining a list is newer than having opted out of it, and so brings it back.

    Both instants by one clock. An unknown time of the opt-out counts as newer.
    """
    return not stays_out(consent) and left_at is not None and left_at < joined_at


def was_ours(unsubscribed_at: datetime | None, left_at: datetime | None) -> bool:
    """Say whether an opt-out is the one that a suppression audience of ours made.

    ``unsubscribed_at``: before our call, ``left_at``: what Dotdigital keeps, both by its clock. An
    opt-out keeps its first date there [inferred], so one that is older was the contact's own.
    """
    if unsubscribed_at is None or left_at is None:
        return False
    return left_at >= unsubscribed_at - _SLACK
