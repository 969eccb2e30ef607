"""What is to be done in Dotdigital for one person: the decision, and nothing else.

Reading order is priority: an opt-out goes before everything, a deleted person before its fields.
"""

from dataclasses import dataclass
from typing import assert_never

from app.sync.rules.eligibility import (
    Policy,
    Standing,
    lifts,
    must_not_be_mailed,
    obstacle,
    opted_out_by,
)
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
class HandOver:
    """The contact goes over from a deleted person to another eligible one with its email."""

    contact_id: int
    heir: int


@dataclass(frozen=True, slots=True)
class Resubscribe:
    """Dotdigital is asked to mail the address again; None where no contact of ours has it."""

    contact_id: int | None


@dataclass(frozen=True, slots=True)
class Relink:
    """The person leaves its contact, which stays, for the one that has its new email."""

    contact_id: int
    #: That another contact has the email is inferred from a refusal, and is to be looked up.
    to_verify: bool = False


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


Action = Create | Update | Suppress | Delete | HandOver | Resubscribe | Relink | Skip | Refuse

_CREATE = Create()


def decide(standing: Standing, policy: Policy) -> Action:
    """Decide what one person needs in one account.

    Whether an `Update` really costs a call is decided later, by the fingerprint of what would be
    sent.
    """
    linked = standing.contact_id
    if linked is not None:
        is_off = standing.suppressed_there and standing.opt_out_told
        if must_not_be_mailed(standing) and not is_off:
            return Suppress(linked)
        if standing.deleted or standing.merged:
            return Delete(linked) if standing.heir is None else HandOver(linked, standing.heir)
    reason = obstacle(standing, policy)
    if reason is None:
        return (
            _CREATE
            if linked is None and (not standing.address_opted_out or standing.address_unknown_there)
            else _sent(standing, policy)
        )
    if reason is Reason.LINKED_ELSEWHERE and linked is not None:
        # The person's own contact would need an email that another contact has.
        if policy.relink_taken_email:
            return Relink(linked)
        return Refuse(reason, standing.email_holder)
    return _held_back(reason, standing)


def _sent(standing: Standing, policy: Policy) -> Create | Update | Resubscribe | Relink:
    linked = standing.contact_id
    if linked is None:
        return Resubscribe(None)
    if standing.email_sent != standing.email_key:
        # First the contact gets the new email: what is brought back is the address that it has.
        taken = standing.refused_as_taken and policy.relink_taken_email
        return Relink(linked, to_verify=True) if taken else Update(linked)
    address_there = standing.address_opted_out and not standing.address_unknown_there
    opted_out_there = standing.liftable_there or address_there
    if standing.opt_in_in_doubt or (opted_out_there and lifts(standing, policy)):
        return Resubscribe(linked)
    return Update(linked)


def _held_back(reason: Reason, standing: Standing) -> Skip | Refuse:
    match reason:
        case Reason.LINKED_ELSEWHERE:
            return Skip(reason, standing.email_holder)
        case Reason.MOBILE_TAKEN:
            return Refuse(reason, standing.mobile_holder)
        case Reason.VALUE_MISMATCH | Reason.REFUSED:
            return Refuse(reason)
        case Reason.MERGED:
            return Skip(reason, standing.merged_into)
        case Reason.OPTED_OUT:
            return Skip(reason, opted_out_by(standing))
        case (
            Reason.DELETED
            | Reason.NOT_TICKED
            | Reason.NOT_ON_A_LIST
            | Reason.BLANK_EMAIL
            | Reason.ADDRESS_OPTED_OUT
            | Reason.SUPPRESSED_THERE
            | Reason.OPT_IN_PENDING
            | Reason.UNLINKED
            | Reason.MAPPING_LEFT_OUT
        ):
            return Skip(reason)
        case _:
            assert_never(reason)
