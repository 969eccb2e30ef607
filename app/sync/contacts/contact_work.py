"""What one contact comes to here: the people, the link and the address that it changes. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.clients.dotdigital import Contact
from app.services.account_settings import AccountSettings
from app.sync.contacts.field_news import FieldNews, FoundConflict, read_of, settle_link
from app.sync.contacts.taking_plan import Row, TakingPlan
from app.sync.people.payloads import PayloadPlan
from app.sync.rules.consent_news import Consent
from app.sync.rules.mailability import awaits_opt_in, is_suppressed

#: States of a link that this job keeps up to date; the others are the send job's word.
_OWN_STATES = frozenset({"synced", "pending", "suppressed", "unlinked"})
_LONGEST_EMAIL = 254

CONSENT_COLUMNS = frozenset(
    {"no_email", "opted_out_at", "opted_in_at", "opt_out_reason", "email_undeliverable"}
)


@dataclass(frozen=True, slots=True)
class Plans:
    """What contacts are read by."""

    taking: TakingPlan
    payloads: PayloadPlan
    settings: AccountSettings
    #: Now, by Dotdigital's clock as far as it is known.
    now: datetime
    #: Values that are only sent are looked at too.
    sees_all: bool = False
    #: What was changed there before this has been read, by Dotdigital's clock.
    read_until: datetime | None = None


@dataclass(slots=True)
class LinkWrite:
    """What a link becomes."""

    contact_id: int
    #: As it is sent, for Postgres to fold; None where nothing is known of it.
    email: str | None
    mobile_sent: str | None
    account_status: str | None
    acknowledged: dict[str, Any] | None
    last_read: dict[str, Any]
    fingerprint: bytes | None
    #: None to let it stand.
    state: str | None
    #: The opt-in here that has been answered there.
    opt_in_asked: datetime | None
    is_new: bool


@dataclass(slots=True)
class Work:
    """What one contact comes to; empty where there is nothing to do."""

    contact_id: int
    #: Columns of people, by their ids.
    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Columns of a person to be made, beside the link.
    new_person: dict[str, Any] | None = None
    #: The linked person.
    person_id: int | None = None
    link: LinkWrite | None = None
    #: The person is for the send job.
    is_due: bool = False
    unlinks: bool = False
    #: Another contact that whoever has the email is linked to; two don't have the same, so that one
    #: may be gone.
    doubted: int | None = None
    #: The contact's address is mailed again: it is not kept off any more.
    lifted_email: str | None = None
    #: Since when, if it is known.
    lifted_at: datetime | None = None
    #: An address that the contact gave up, and since when it is to stay off mail.
    freed_email: str | None = None
    freed_off_at: datetime | None = None
    conflicts: list[FoundConflict] = field(default_factory=list)
    #: What it adds to the run's counts, but for what was seen.
    counts: dict[str, int] = field(default_factory=dict)
    #: The page may be older than what is known here: left for another time.
    is_deferred: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is to be written."""
        return not (
            self.people
            or self.new_person is not None
            or self.link is not None
            or self.unlinks
            or self.is_due
            or self.lifted_email
        )


@dataclass(slots=True)
class Standing:
    """Who a contact has to do with here."""

    #: The person who is linked to it.
    holder: Row | None = None
    #: Everybody who has its email, the deleted ones too.
    bearers: Sequence[Row] = ()
    #: The address as it is kept off mail, if it is.
    kept: Mapping[str, Any] | None = None
    is_erased: bool = False


def consent_of(row: Row) -> Consent:
    """Return what is known of a person's consent."""
    return Consent(
        no_email=row["no_email"],
        email_undeliverable=row["email_undeliverable"],
        opted_out_at=row["opted_out_at"],
        opted_in_at=row["opted_in_at"],
    )


def mobile_to_send(row: Row, settings: AccountSettings) -> str | None:
    """Return the number that the send job would send along."""
    if not settings.send_mobile_number or row["mobile_holder"] is not None:
        return None
    number = (row["mobile_number"] or "").strip() or None
    if settings.mobile_conflict == "send_without" and row["mobile_refused"] == number:
        return None
    return number


def link_of(
    row: Row,
    contact: Contact,
    plans: Plans,
    work: Work,
    fields: FieldNews,
    *,
    merges: bool,
    is_new: bool = False,
) -> LinkWrite:
    """Return the link of a person as it is afterwards, but for what is known of its consent."""
    last_read: dict[str, Any] = {"contact_id": contact.contact_id}
    acknowledged, fingerprint = row["acknowledged"], row["sent_fingerprint"]
    if merges:
        settle_link(
            fields,
            row,
            contact,
            plans.taking,
            plans.payloads,
            mobile_to_send(row, plans.settings),
            sees_all=plans.sees_all or is_new,
        )
        last_read |= fields.read_values
        acknowledged, fingerprint = fields.acknowledged, fields.fingerprint
        work.is_due |= fingerprint is None
    elif not is_new:
        last_read |= {key: value for key, value in read_of(row).items() if key != "off_at"}
    mobile = contact.mobile_number
    return LinkWrite(
        contact_id=contact.contact_id,
        email=contact.email,
        mobile_sent=None if mobile is None else f"+{mobile.lstrip('+')}",
        account_status=None,
        acknowledged=acknowledged,
        last_read=last_read,
        fingerprint=fingerprint,
        state=None,
        opt_in_asked=None,
        is_new=is_new,
    )


def state_of(state: str | None, status: str | None, *, is_due: bool) -> str | None:
    """Return the link's state, or None where another job's word stands."""
    if state is not None and state not in _OWN_STATES:
        return None
    if is_suppressed(status) or awaits_opt_in(status):
        return "suppressed"
    return "pending" if is_due else "synced"


def off_at_of(row: Row) -> datetime | None:
    """Return when the contact that the person is linked to went off, as last read."""
    written = read_of(row).get("off_at")
    return None if written is None else datetime.fromisoformat(written)


def is_storable(email: str) -> bool:
    """Say whether the address can be a person's."""
    given = email.strip()
    if "@" not in given or "\x00" in given or len(given) > _LONGEST_EMAIL:
        return False
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True
