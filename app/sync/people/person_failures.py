"""One person's record that failed, as decisions hand it to whoever keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonFailure:
    """One person's record that failed, at the version that was tried."""

    person_id: int
    version: int
    code: str
    #: Dotdigital's own text, or ours where it never came so far.
    text: str
    #: The person's fields that are at fault, where it is known.
    fields: tuple[str, ...] = ()
