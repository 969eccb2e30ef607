"""Who is sent to an account: the conditions, and the first one that stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.sync.rules.reasons import Reason


@dataclass(slots=True)
class Standing:
    """What is known of one person for one account when the decision is made."""

    person_id: int
    #: The person's email as it is compared; None when blank.
    email_key: str | None
    deleted: bool = False
    merged: bool = False
    #: The person that this one was merged into.
    merged_into: int | None = None
    sync_with_mailer: bool = True
    no_email: bool = False
    #: Another live person with the same email has ``no_email``.
    shared_opt_out: bool = False
    #: That other person.
    opted_out_by: int | None = None
    #: The address opted out in this account while it was no contact of ours.
    address_opted_out: bool = False
    #: Dotdigital knows nothing of that: it wasn't told, or has no contact with the address.
    address_unknown_there: bool = False
    #: The latest opt-in is newer than every opt-out that is known here.
    opted_in_since: bool = False
    #: Dotdigital was asked to follow that opt-in, and answered.
    opt_in_answered: bool = False
    #: Dotdigital was asked, and its answer isn't known.
    opt_in_in_doubt: bool = False
    #: On an open list of the account; asked only where the account takes list members alone.
    on_a_list: bool = False
    #: The contact the person is linked to.
    contact_id: int | None = None
    #: The email last sent for that contact, as it is compared.
    email_sent: str | None = None
    #: Dotdigital's side is known to be opted out or suppressed.
    suppressed_there: bool = False
    #: Since the latest opt-out: it may have come back by itself since an earlier one.
    opt_out_told: bool = True
    #: That by a wish, which a later opt-in can lift.
    liftable_there: bool = False
    #: Asked whether it wants to be mailed again, and yet to answer.
    opt_in_pending: bool = False
    #: Dotdigital refused the new email, or the number, as another contact's.
    refused_as_taken: bool = False
    #: For a person who goes: another one who is eligible, has the contact's email, and no contact.
    heir: int | None = None
    #: Another person who holds, or is about to hold, the contact of this email.
    email_holder: int | None = None
    mobile_number: str | None = None
    #: Dotdigital refused the number, as that of a contact which may be nobody's here.
    mobile_refused: bool = False
    #: Another person whose contact has this mobile number.
    mobile_holder: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the account's settings say of sending."""

    list_members_only: bool = False
    send_without_taken_mobile: bool = False
    #: A linked person whose new email another contact has leaves its own contact for that one.
    relink_taken_email: bool = False
    send_mobile_number: bool = True
    #: Who opts in again is brought back, by a challenge or without one.
    resubscribes: bool = True
    #: Who opted out and was never a contact goes onto Dotdigital's suppression list.
    suppress_unknown: bool = True


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of being synced, whether it holds, and the reason when it doesn't."""

    name: str
    holds: bool
    reason: Reason
    #: The other person that the reason speaks of.
    person_id: int | None = None
    #: What is behind it, said after the reason.
    detail: str | None = None


def obstacle(standing: Standing, policy: Policy) -> Reason | None:
    """Return the first condition that does not hold, or None when the person can be sent."""
    for _, holds, reason, _ in _checks(standing, policy):
        if not holds:
            return reason
    return None


def conditions(standing: Standing, policy: Policy) -> tuple[Condition, ...]:
    """Return every condition of being synced with its outcome, for who asks why not.

    Fields are sent of a linked person who opted out as well, and of one whom Dotdigital suppresses;
    but neither is mailed, so both are said here.
    """
    as_unlinked = {
        "not_opted_out": not (standing.no_email or standing.shared_opt_out),
        "address_not_opted_out": is_address_free(standing, policy),
    }
    return (
        *(
            Condition(name, as_unlinked.get(name, holds), reason, person_id)
            for name, holds, reason, person_id in _checks(standing, policy)
        ),
        Condition("not_suppressed_there", not standing.suppressed_there, Reason.SUPPRESSED_THERE),
        Condition("opt_in_confirmed", not standing.opt_in_pending, Reason.OPT_IN_PENDING),
    )


def lifts(standing: Standing, policy: Policy) -> bool:
    """Say whether an opt-in stands that Dotdigital is still to be asked to follow."""
    wanted = standing.opted_in_since and not (standing.no_email or standing.shared_opt_out)
    return policy.resubscribes and wanted and not standing.opt_in_answered


def is_address_free(standing: Standing, policy: Policy) -> bool:
    """Say whether a contact may be made of the address, or brought back with it.

    Where Dotdigital knows nothing of its opt-out, a later opt-in is all it takes.
    """
    if not standing.address_opted_out or lifts(standing, policy):
        return True
    return standing.address_unknown_there and standing.opted_in_since


def must_not_be_mailed(standing: Standing) -> bool:
    """Say whether the address is opted out as far as is known here; the strictest holds."""
    address = standing.address_opted_out and not standing.opted_in_since
    return standing.no_email or standing.shared_opt_out or address


def opted_out_by(standing: Standing) -> int | None:
    """Return whose opt-out holds for the person, where it is another one's."""
    return None if standing.no_email else standing.opted_out_by


def _checks(standing: Standing, policy: Policy) -> Iterator[tuple[str, bool, Reason, int | None]]:
    """Yield the conditions in the order that they are looked at."""
    linked = standing.contact_id is not None
    opted_out = standing.no_email or standing.shared_opt_out
    yield "not_merged", not standing.merged, Reason.MERGED, standing.merged_into
    yield "not_deleted", not standing.deleted, Reason.DELETED, None
    yield "sync_with_mailer", standing.sync_with_mailer, Reason.NOT_TICKED, None
    on_a_list = standing.on_a_list or not policy.list_members_only
    yield "on_a_list", on_a_list, Reason.NOT_ON_A_LIST, None
    yield "has_email", standing.email_key is not None, Reason.BLANK_EMAIL, None
    yield "not_opted_out", linked or not opted_out, Reason.OPTED_OUT, opted_out_by(standing)
    is_free = linked or is_address_free(standing, policy)
    yield "address_not_opted_out", is_free, Reason.ADDRESS_OPTED_OUT, None
    holder = standing.email_holder
    yield "email_free", holder is None, Reason.LINKED_ELSEWHERE, holder
    mobile_free = not _mobile_stands_in_the_way(standing, policy)
    mobile_holder = standing.mobile_holder if policy.send_mobile_number else None
    yield "mobile_number_free", mobile_free, Reason.MOBILE_TAKEN, mobile_holder


def _mobile_stands_in_the_way(standing: Standing, policy: Policy) -> bool:
    return (
        policy.send_mobile_number
        and standing.mobile_holder is not None
        and not policy.send_without_taken_mobile
    )
