"""What can be set for one Dotdigital account, as the jobs read it.

Not in here: what a caller may send; `schemas.accounts` mirrors this for it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, Self


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The settings of one account; what was never set stands at its default."""

    #: Whom the account is for: everyone with ``sync_with_mailer``, or who is on one of its lists.
    people: Literal["all", "list_members"] = "all"
    #: How somebody whose ``no_email`` was lifted is brought back.
    resubscribe_mode: Literal["never", "challenge", "no_challenge"] = "challenge"
    #: What a contact that was made in Dotdigital becomes here.
    new_contacts: Literal["person", "lead", "ignore"] = "person"
    #: What happens when a linked person's new email belongs to another contact.
    email_conflict: Literal["fail", "relink"] = "fail"
    #: What happens when a person's mobile number belongs to another contact.
    mobile_conflict: Literal["fail", "send_without"] = "fail"
    #: Where the first reading of activities starts; None: 90 days back.
    activities_since: datetime | None = None
    #: Contacts in one import, at most.
    batch_size: int = 10_000
    #: Size of one import's body, at most, in units of 1,000,000 bytes.
    batch_megabytes: int = 20
    #: Members who join or leave lists that make a batch full, so that it waits no longer.
    list_batch_size: int = 1000
    #: How long a batch of list members waits to be filled.
    batch_wait_seconds: int = 1200
    #: How long a run watches its own imports before it hands them over.
    import_wait_seconds: int = 60
    send_mobile_number: bool = True
    #: Whether a person with ``no_email`` who was never a contact is suppressed there all the same.
    suppress_unknown: bool = True
    #: Lists that the account's package allows.
    lists_limit: int = 1000
    #: Imports that we keep open at once; Dotdigital allows an account 25, other callers' included.
    max_open_imports: int = 10

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Read what an account row holds; members that are not known any more are passed over."""
        known = {field.name for field in fields(cls)}
        given = {name: value for name, value in stored.items() if name in known}
        since = given.get("activities_since")
        if isinstance(since, str):
            moment = datetime.fromisoformat(since)
            given["activities_since"] = (
                moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            ).astimezone(UTC)
        return cls(**given)

    def to_stored(self) -> dict[str, Any]:
        """Return what an account row holds: plain JSON, the instant as text."""
        stored = asdict(self)
        if self.activities_since is not None:
            stored["activities_since"] = self.activities_since.astimezone(UTC).isoformat()
        return stored
