"""What becomes of a contact that no person here is linked to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bearer:
    """One person who has the contact's email."""

    person_id: int
    sync_with_mailer: bool = True
    #: Deleted or merged, and since when.
    gone_at: datetime | None = None
    #: Another contact that the person is linked to.
    linked_to: int | None = None


@dataclass(frozen=True, slots=True)
class Stranger:
    """What decides over the contact, beside who has its email."""

    #: None where it can't be read.
    created_at: datetime | None = None
    has_email: bool = True
    #: Whoever had the email was erased.
    is_erased: bool = False
    is_suppressed: bool = False
    #: We keep the address on Dotdigital's suppression list ourselves, for nobody's contact.
    is_kept_out: bool = False
    #: Somebody who has the email must not be mailed.
    must_not_be_mailed: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """The person who has the email, and takes the contact."""

    person_id: int


@dataclass(frozen=True, slots=True)
class Create:
    """A person is made of it."""

    kind: Literal["person", "lead"]


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing is made of it, and nobody is linked."""


Fate = Link | Create | Ignore

_IGNORE = Ignore()


def fate_of(
    stranger: Stranger,
    bearers: Sequence[Bearer],
    new_contacts: Literal["person", "lead", "ignore"],
) -> Fate:
    """Decide over one contact.

    Somebody who has the email is linked where it would be sent as well; who opted out is kept off
    a contact that is off already, which would only get its fields. A person who was deleted later
    than the contact was made is not made again of it.
    """
    if not stranger.has_email or stranger.is_erased:
        return _IGNORE
    live = [each for each in bearers if each.gone_at is None]
    if live:
        return _fate_among(stranger, live)
    is_ours = stranger.is_suppressed and stranger.is_kept_out
    if new_contacts == "ignore" or is_ours or _is_left_over(stranger, bearers):
        return _IGNORE
    return Create(new_contacts)


def _fate_among(stranger: Stranger, live: Sequence[Bearer]) -> Fate:
    is_off = stranger.is_suppressed and stranger.must_not_be_mailed
    if is_off or any(each.linked_to is not None for each in live):
        return _IGNORE
    sent = [each.person_id for each in live if each.sync_with_mailer]
    return Link(min(sent)) if sent else _IGNORE


def _is_left_over(stranger: Stranger, gone: Sequence[Bearer]) -> bool:
    """Say whether somebody who had the email was deleted after the contact was made."""
    made_at = stranger.created_at
    return any(
        made_at is None or (each.gone_at is not None and each.gone_at >= made_at) for each in gone
    )
