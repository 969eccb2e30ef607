"""Opt-outs and opt-ins in Dotdigital: which of them are news here, and which of two came last.

An opt-out is by address, so it is everybody's who has the address, and an opt-in there is held
against the latest opt-out of any of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from app.sync.rules.mailability import awaits_opt_in, is_suppressed
from app.sync.rules.opt_in_order import opted_out_since

_HARD_BOUNCED: Final = "hardbounced"
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Consent:
    """What is known here of one person with the address."""

    no_email: bool = False
    email_undeliverable: bool = False
    opted_out_at: datetime | None = None
    opted_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SuppressionThere:
    """One row of Dotdigital's suppressions."""

    reason: str
    #: None where it can't be read.
    removed_at: datetime | None
    #: When we had it suppressed, by our clock; of the contact, or of the bare address.
    suppressed_at: datetime | None = None
    #: A contact of ours has the address.
    is_contact: bool = True


class OptOutNews(Enum):
    """What a suppression there means for one person here."""

    #: Known here, our own, or no reason not to mail.
    NONE = "none"
    #: The person must not be mailed.
    OPTED_OUT = "opted_out"
    #: Mail to the address bounced for good.
    UNDELIVERABLE = "undeliverable"
    #: The person opted in here since: it is for the send job to ask for that there.
    OLDER = "older"


def is_hard_bounce(status: str | None) -> bool:
    """Say whether mail bounced for good: a fact about the address, not a wish."""
    return status is not None and status.lower() == _HARD_BOUNCED


def news_of(there: SuppressionThere, person: Consent) -> OptOutNews:
    """Say what a suppression means for one who has the address.

    Of an opt-out and an opt-in at the same time, or at an unknown one, the opt-out wins.
    """
    if is_hard_bounce(there.reason):
        return OptOutNews.NONE if person.email_undeliverable else OptOutNews.UNDELIVERABLE
    if person.no_email or not is_suppressed(there.reason) or is_own(there):
        return OptOutNews.NONE
    if person.opted_in_at is None or opted_out_since(
        person.opted_in_at,
        there.removed_at,
        there.reason,
        there.suppressed_at,
        is_contact=there.is_contact,
    ):
        return OptOutNews.OPTED_OUT
    return OptOutNews.OLDER


def is_own(there: SuppressionThere) -> bool:
    """Say whether it is the suppression that we asked for, which is no news when it comes back."""
    return not opted_out_since(
        _LONG_AGO,
        there.removed_at,
        there.reason,
        there.suppressed_at,
        is_contact=there.is_contact,
    )


def opted_out_by(status_at: datetime | None, person: Consent) -> bool:
    """Say whether a contact that is found opted out, by ``status_at`` at the latest, is news.

    When it opted out isn't known, but that it was no later than its contact was last changed.
    """
    if person.no_email:
        return False
    return person.opted_in_at is None or status_at is None or status_at >= person.opted_in_at


def opted_in_since(
    people: Iterable[Consent], opted_in_at: datetime | None, off_at: datetime | None
) -> bool:
    """Say whether a contact that is mailed again opted in later than all of them opted out.

    ``opted_in_at``: no later than that, by Dotdigital's clock; ``off_at``: when the contact was
    last known to be off there. An opt-out here that came after that was never there, so whether it
    came before the opt-in isn't known, and it wins.
    """
    for person in people:
        if not person.no_email:
            continue
        out_at = person.opted_out_at
        if out_at is None or opted_in_at is None or opted_in_at <= out_at:
            return False
        if off_at is None or off_at < out_at:
            return False
    return True


class Mailability(Enum):
    """How a contact's status stands to what was known of it."""

    SAME = "same"
    #: Off there now, and was not known to be.
    WENT_OFF = "went_off"
    #: Mailed there now, and was known to be off.
    CAME_BACK = "came_back"
    #: Mailed there now: it answered the question whether it wants to be.
    CONFIRMED = "confirmed"


def movement(known: str | None, now: str | None, *, in_doubt: bool) -> Mailability:
    """Compare a contact's email status with the one that was known.

    ``in_doubt``: it was asked back, and whether that went through isn't known. A contact that was
    asked whether it wants to be mailed stays off until it answers, which is no news.
    """
    asked = in_doubt or awaits_opt_in(known)
    if is_suppressed(now):
        return Mailability.SAME if asked or is_suppressed(known) else Mailability.WENT_OFF
    if now is None or now.lower() != "subscribed":
        return Mailability.SAME
    if asked:
        return Mailability.CONFIRMED
    return Mailability.CAME_BACK if is_suppressed(known) else Mailability.SAME
