"""One person's record that failed, as decisions hand it to whoever keeps it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PersonFailure:
    """One person's record that failed: what was tried was read at this version and instant."""

    person_id: int
    version: int
    changed_at: datetime
    code: str
    #: Dotdigital's own text, or ours where it never came so far.
    text: str
    #: The person's fields that are at fault, where it is known.
    fields: tuple[str, ...] = ()
    #: The text without any of the person's values; None where it has none of them.
    impersonal: str | None = None
