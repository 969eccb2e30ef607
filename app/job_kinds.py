"""The jobs, each named once: how often it runs by itself, and what its runs count.

What a job does is `app/sync/<its name>.py: run`, found there by the name. Accounts get the row of a
new job when the service starts; the API, its documents and the schedule go by this table.
"""

from dataclasses import dataclass
from typing import Final

from app.activity_types import ACTIVITY_TYPES


@dataclass(frozen=True, slots=True)
class JobKind:
    """One job, as everything but its work needs to know it."""

    #: How often it runs by itself once it is enabled, until somebody says otherwise.
    interval_s: float
    #: What its runs count; all of it is shown, also while it is zero.
    counts: tuple[str, ...]
    #: The shortest interval that it takes. Dotdigital's least tier may be 35 calls a minute, shared
    #: with whatever else uses the account, and a run makes a call or two to see that nothing is
    #: new.
    least_interval_s: float = 10.0


JOB_KINDS: Final[dict[str, JobKind]] = {
    "send_people": JobKind(
        interval_s=300.0,
        counts=(
            "considered",
            "created",
            "updated",
            "deleted",
            "suppressed",
            "resubscribed",
            "unchanged",
            "skipped",
            "failed",
            "pending",
            "imports",
        ),
    ),
    "retrieve_people": JobKind(
        interval_s=300.0,
        counts=(
            "seen",
            "created",
            "updated",
            "opted_out",
            "opted_in",
            "undeliverable",
            "conflicts",
            "unlinked",
            "unchanged",
        ),
    ),
    "retrieve_activities": JobKind(
        interval_s=900.0,
        counts=("mailshots", "stored", "duplicates", "matched", *ACTIVITY_TYPES),
    ),
    # Calls nobody.
    "match_activities": JobKind(
        interval_s=300.0, counts=("considered", "matched"), least_interval_s=1.0
    ),
    "send_lists": JobKind(
        interval_s=1200.0,
        counts=(
            "lists",
            "lists_created",
            "added",
            "suppressed",
            "removed",
            "exited",
            "waiting",
            "failed",
        ),
    ),
    "monitor_imports": JobKind(
        interval_s=30.0, counts=("open", "finished", "acknowledged", "failed")
    ),
}
