"""Faults that a control call holds ready for calls to come.

A fault waits for calls whose method and path fit, lets the first few pass if told so, strikes as
often as told, and is spent.
"""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count


class FaultKind(StrEnum):
    """What can go wrong."""

    #: Answers `status` and `body` without doing anything.
    STATUS = "status"
    #: Waits `seconds` of the sandbox's clock before it goes on.
    LATENCY = "latency"
    #: Resets the connection without doing anything.
    RESET = "reset"
    #: Does the call, then resets the connection: the answer is lost.
    LOST_ANSWER = "lost_answer"
    #: Does the call, announces the whole answer and breaks off in the middle.
    TRUNCATED = "truncated"
    #: Does the call and gives every item of its listing twice.
    DUPLICATES = "duplicates"
    #: Begins a page by `rows` too early, so that it repeats the end of the page before it.
    REPEATED_ROWS = "repeated_rows"
    #: Begins a page by `rows` too late, so that these are in no page.
    SKIPPED_ROWS = "skipped_rows"
    #: Does the call and spoils the first `rows` of its listing, as `spoil` says.
    SPOILT_ROWS = "spoilt_rows"
    #: Does the call and adds a campaign to its listing that is not there.
    UNKNOWN_CAMPAIGN = "unknown_campaign"
    #: Answers 429 as if the tier were used up until the minute's end, without doing anything.
    RATE_LIMITED = "rate_limited"
    #: The import or deletion that the call submits ends with `job_status` and does nothing.
    JOB_ENDS = "job_ends"
    #: The import or deletion that the call submits never ends.
    JOB_HANGS = "job_hangs"
    #: The import that the call submits is done, but its report leaves out a `share` of records.
    REPORT_LOSES = "report_loses"


class Spoil(StrEnum):
    """What is wrong with a row; where the row does not have it, nothing."""

    #: `contactId` is null.
    NO_CONTACT_ID = "no_contact_id"
    #: `email` is null.
    NO_EMAIL = "no_email"
    #: `email` is in capitals.
    EMAIL_CASE = "email_case"
    #: Dates are none, such as the vendor's own example `2020-01-021T...`.
    MALFORMED_DATE = "malformed_date"


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault. ``path`` is a pattern as of a shell, held against path and template."""

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    #: How often it strikes; None for as long as it is there.
    times: int | None = 1
    #: How many calls that fit it lets pass first.
    after: int = 0
    account_id: int | None = None
    status: int = 503
    #: JSON, or a text to be sent as it is; None for v2's maintenance message under 503.
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    job_status: str = "Failed"
    share: float = 0.5
    #: How many rows of a page are repeated, skipped or spoilt.
    rows: int = 1
    spoil: Spoil = Spoil.NO_CONTACT_ID
    id: int = 0
    #: How often it has struck.
    struck: int = 0

    def __post_init__(self) -> None:
        """Read the spoil; raises ValueError for one that there is not."""
        self.spoil = Spoil(self.spoil)

    def fits(self, method: str, path: str, template: str) -> bool:
        """Say whether a call is one that this fault waits for."""
        if self.method not in {"*", method}:
            return False
        return any(fnmatch.fnmatchcase(one.lower(), self.path.lower()) for one in (path, template))

    @property
    def is_spent(self) -> bool:
        """It has struck as often as it was told."""
        return self.times is not None and self.struck >= self.times


class Faults:
    """The faults that wait, in the order in which they were given."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = count(1)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Hold a fault ready."""
        fault.id = next(self._ids)
        self._faults.append(fault)
        return fault

    def remove(self, fault_id: int | None = None) -> None:
        """Take a fault back, or all of them."""
        if fault_id is None:
            self._faults.clear()
        else:
            self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def strike(
        self, method: str, path: str, template: str, account_id: int | None
    ) -> dict[FaultKind, Fault]:
        """Return what strikes this call, one of a kind, and count it."""
        striking: dict[FaultKind, Fault] = {}
        for fault in self._faults:
            if fault.is_spent or fault.kind in striking:
                continue
            if fault.account_id not in {None, account_id} or not fault.fits(method, path, template):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.struck += 1
            striking[fault.kind] = fault
        return striking
