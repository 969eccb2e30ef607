"""Which came last: an opt-in here, or an opt-out there."""

from datetime import datetime, timedelta

#: How far the two clocks may be apart, and the call take. Further, and the opt-out wins.
_SAME = timedelta(minutes=1)


def opted_out_since(
    opted_in_at: datetime,
    removed_at: datetime | None,
    reason: str,
    suppressed_at: datetime | None,
    *,
    is_contact: bool,
) -> bool:
    """Say whether a suppression there stands against an opt-in here.

    ``suppressed_at``: when we had it suppressed, by our clock. That one followed an opt-out here,
    and the opt-in is known to be newer than that. A contact of ours is ``Suppressed`` by us, an
    address that is none ``Unsubscribed``; who unsubscribes by its own wish is never ours. Of an
    opt-out at the same time or at an unknown one, the opt-out wins.
    """
    if removed_at is None:
        return True
    is_ours = (
        reason.lower() == ("suppressed" if is_contact else "unsubscribed")
        and suppressed_at is not None
        and abs(removed_at - suppressed_at) <= _SAME
    )
    return not is_ours and removed_at >= opted_in_at
