"""What is to be done in Dotdigital for one person: the decision, and nothing else.

Reading order is priority: an opt-out goes before everything, a deleted person before its fields.
"""

from dataclasses import dataclass
from typing import assert_never

from app.sync.rules.eligibility import Policy, Standing, obstacle
from app.sync.rules.reasons import Reason


@dataclass(frozen=True, slots=True)
class Create:
    """A new contact, matched by email."""


@dataclass(frozen=True, slots=True)
class Update:
    """The linked contact, matched by its id, so that a changed email changes it there too."""

    contact_id: int


@dataclass(frozen=True, slots=True)
class Suppress:
    """The linked contact must not be mailed; goes before anything else."""

    contact_id: int


@dataclass(frozen=True, slots=True)
class Delete:
    """The contact goes: its person is deleted and nobody else has the email."""

    contact_id: int


@dataclass(frozen=True, slots=True)
class Release:
    """The link goes and the contact stays.

    Another eligible person takes the contact over, or the person leaves it for the one that has its
    new email.
    """

    contact_id: int


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is sent; the link says why."""

    reason: Reason
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing is sent, and it is a failure that somebody has to mend."""

    reason: Reason
    person_id: int | None = None


Action = Create | Update | Suppress | Delete | Release | Skip | Refuse

_CREATE = Create()


def decide(standing: Standing, policy: Policy, *, email_wanted_by_another: bool = False) -> Action:
    """Decide what one person needs in one account.

    ``email_wanted_by_another``: another eligible person has this email, so that the contact of a
    deleted one goes over to that person. Whether an `Update` really costs a call is decided later,
    by the fingerprint of what would be sent.
    """
    linked = standing.contact_id
    opted_out = standing.no_email or standing.shared_opt_out
    if linked is not None and opted_out and not standing.suppressed_there:
        return Suppress(linked)
    if linked is not None and (standing.deleted or standing.merged):
        return Release(linked) if email_wanted_by_another else Delete(linked)
    reason = obstacle(standing, policy)
    if reason is None:
        return _CREATE if linked is None else Update(linked)
    if reason is Reason.LINKED_ELSEWHERE and linked is not None:
        # The person's own contact would need an email that another contact has.
        if policy.relink_taken_email:
            return Release(linked)
        return Refuse(reason, standing.email_holder)
    return _held_back(reason, standing)


def _held_back(reason: Reason, standing: Standing) -> Skip | Refuse:
    match reason:
        case Reason.LINKED_ELSEWHERE:
            return Skip(reason, standing.email_holder)
        case Reason.MOBILE_TAKEN:
            return Refuse(reason, standing.mobile_holder)
        case Reason.VALUE_MISMATCH | Reason.REFUSED:
            return Refuse(reason)
        case (
            Reason.DELETED
            | Reason.MERGED
            | Reason.NOT_TICKED
            | Reason.NOT_ON_A_LIST
            | Reason.BLANK_EMAIL
            | Reason.OPTED_OUT
            | Reason.SUPPRESSED_THERE
        ):
            return Skip(reason)
        case _:
            assert_never(reason)
