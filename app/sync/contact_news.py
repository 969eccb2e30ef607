"""A page of contacts held against the people here: what each of them is news of. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from app.clients.dotdigital import Contact
from app.services.account_settings import AccountSettings
from app.sync.field_news import (
    FieldNews,
    FoundConflict,
    first_values,
    later,
    merge_fields,
    read_of,
    settle_link,
)
from app.sync.payloads import PayloadPlan
from app.sync.rules.consent_news import (
    Consent,
    Mailability,
    is_hard_bounce,
    movement,
    opted_in_since,
    opted_out_by,
)
from app.sync.rules.email_match import matched_by
from app.sync.rules.mailability import (
    RESUBSCRIBING,
    SUBSCRIBED,
    awaits_opt_in,
    is_suppressed,
)
from app.sync.rules.new_contact import Bearer, Create, Ignore, Link, Stranger, fate_of
from app.sync.taking_plan import Row, TakingPlan

#: Statuses of contacts that are in the recycle bin, or gone.
_GONE = frozenset({"deleted", "binned"})
_LONGEST_EMAIL = 254
#: States of a link that this job keeps up to date; the others are the send job's word.
_OWN_STATES = frozenset({"synced", "pending", "suppressed", "unlinked"})


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


def needs_bearers(contact: Contact, holder: Row | None) -> bool:
    """Say whether everybody who has the contact's email is to be looked up, for it to be judged."""
    if holder is None:
        return contact.email is not None
    return _movement(contact, holder) is not Mailability.SAME


def asks_for_erasures(contact: Contact, holder: Row | None) -> bool:
    """Say whether the contact's email may not be one that was erased."""
    if contact.email is None:
        return False
    return holder is None or matched_by(contact.email) != matched_by(holder["email"] or "")


def judge(contact: Contact, standing: Standing, plans: Plans) -> Work:
    """Say what one contact comes to."""
    holder = standing.holder
    is_gone = contact.status.lower() in _GONE or (contact.email_status or "").lower() in _GONE
    if holder is None:
        return Work(contact.contact_id) if is_gone else _Stranger(contact, standing, plans).judge()
    work = Work(contact.contact_id, person_id=holder["person_id"])
    if not holder["is_settled"]:
        work.is_deferred = True
    elif is_gone:
        work.unlinks = True
        work.counts["unlinked"] = 1
    else:
        _Held(contact, holder, standing, plans, work).judge()
    return work


def consent_of(row: Row) -> Consent:
    """Return what is known of a person's consent."""
    return Consent(
        no_email=row["no_email"],
        email_undeliverable=row["email_undeliverable"],
        opted_out_at=row["opted_out_at"],
        opted_in_at=row["opted_in_at"],
    )


def _movement(contact: Contact, holder: Row) -> Mailability:
    known = holder["account_status"]
    return movement(known, contact.email_status, in_doubt=known == RESUBSCRIBING)


def _reason_of(status: str) -> str:
    """Return a status of v3 as v2 spells the reason of a suppression."""
    return status[:1].upper() + status[1:]


def mobile_to_send(row: Row, settings: AccountSettings) -> str | None:
    """Return the number that the send job would send along."""
    if not settings.send_mobile_number or row["mobile_holder"] is not None:
        return None
    return (row["mobile_number"] or "").strip() or None


class _Consents:
    """Changes of consent, for all who have an address."""

    def __init__(self, contact: Contact, plans: Plans, work: Work) -> None:
        self._contact = contact
        self._plans = plans
        self._work = work

    def opt_out(self, people: Sequence[Row], status: str) -> bool:
        """Let these people be off as the contact is; says whether one of them opted in since."""
        opted_in_since = False
        at = self._contact.updated_at
        for row in people:
            consent = consent_of(row)
            if is_hard_bounce(status):
                self._undeliverable(row, consent)
            elif opted_out_by(at, consent):
                out_at = later(at or self._plans.now, row["opted_in_at"])
                self._change(
                    row, no_email=True, opted_out_at=out_at, opt_out_reason=_reason_of(status)
                )
                self._count("opted_out")
            elif not consent.no_email:
                opted_in_since = True
        return opted_in_since

    def opt_in(self, people: Sequence[Row], off_at: datetime | None) -> bool:
        """Let these people be mailed again, unless one of them opted out later; says which."""
        at = self._contact.updated_at
        if not opted_in_since([consent_of(row) for row in people], at, off_at):
            return False
        for row in people:
            if row["no_email"]:
                self._change(row, no_email=False, opted_in_at=at, opt_out_reason=None)
                self._count("opted_in")
        self._work.lifted_email, self._work.lifted_at = self._contact.email, at
        return True

    def deliverable(self, people: Sequence[Row]) -> None:
        """Let mail to these people go through again."""
        for row in people:
            if row["email_undeliverable"]:
                self._change(row, email_undeliverable=False)

    def _undeliverable(self, row: Row, consent: Consent) -> None:
        if not consent.email_undeliverable:
            self._change(row, email_undeliverable=True)
            self._count("undeliverable")

    def _change(self, row: Row, **columns: object) -> None:
        self._work.people.setdefault(row["person_id"], {}).update(columns)

    def _count(self, name: str) -> None:
        self._work.counts[name] = self._work.counts.get(name, 0) + 1


class _Held:
    """A contact that a person is linked to."""

    def __init__(
        self, contact: Contact, holder: Row, standing: Standing, plans: Plans, work: Work
    ) -> None:
        self._contact = contact
        self._row = holder
        live = [row for row in standing.bearers if row["gone_at"] is None]
        others = [row for row in live if row["person_id"] != self._row["person_id"]]
        self._people = [self._row, *others]
        self._plans = plans
        self._work = work
        self._consents = _Consents(contact, plans, work)
        self._status: str | None = self._row["account_status"]
        self._off_at = _instant(read_of(self._row).get("off_at"))
        self._opt_in_asked: datetime | None = self._row["opt_in_asked"]
        self._is_erased = standing.is_erased
        self._keeps_email = False

    def judge(self) -> None:
        """Fill the work in."""
        self._judge_consent()
        row = self._row
        fields = FieldNews()
        if row["gone_at"] is None and row["sync_with_mailer"]:
            self._judge_email()
            plans = self._plans
            fields = merge_fields(row, self._contact, plans.taking, sees_all=plans.sees_all)
            if fields.changes:
                self._work.people.setdefault(row["person_id"], {}).update(fields.changes)
            self._work.conflicts += fields.conflicts
        self._write_link(fields)

    def _judge_consent(self) -> None:
        status, known = self._contact.email_status, self._status
        if is_hard_bounce(status) and not is_hard_bounce(known):
            self._consents.opt_out(self._people, status or "")
        match _movement(self._contact, self._row):
            case Mailability.WENT_OFF:
                self._went_off(status or "")
            case Mailability.CAME_BACK | Mailability.CONFIRMED as moved:
                self._came_back(was_asked=moved is Mailability.CONFIRMED)
            case Mailability.SAME:
                if status is not None and is_suppressed(status) and is_suppressed(known):
                    self._status = status if is_hard_bounce(status) else known
                elif self._row["no_email"] and status == SUBSCRIBED:
                    # Off here and mailed there: it is the send job's to tell.
                    self._work.is_due = not self._row["is_due"]

    def _went_off(self, status: str) -> None:
        self._status = status
        if is_hard_bounce(status):
            return
        self._off_at = later(self._off_at, self._contact.updated_at)
        if self._consents.opt_out(self._people, status):
            # Somebody opted in here since, which is still to be told there.
            self._work.is_due = True

    def _came_back(self, *, was_asked: bool) -> None:
        known, self._status = self._status, SUBSCRIBED
        if is_hard_bounce(known):
            self._consents.deliverable(self._people)
        if any(row["no_email"] for row in self._people):
            off_at = later(self._row["suppressed_at"], self._off_at)
            if self._consents.opt_in(self._people, off_at):
                self._opt_in_asked = self._contact.updated_at
            else:
                self._work.is_due = True
        elif was_asked:
            self._work.counts["opted_in"] = 1
            self._work.lifted_email = self._contact.email

    def _judge_email(self) -> None:
        row, theirs = self._row, self._contact.email
        if theirs is None or matched_by(theirs) == matched_by(row["email"] or ""):
            return
        base = row["email_sent"]
        if base is not None and matched_by(theirs) == matched_by(base):
            return
        ours_moved = base is not None and matched_by(base) != matched_by(row["email"] or "")
        self._work.is_due |= ours_moved
        if ours_moved:
            self._work.conflicts.append(
                FoundConflict(
                    None, "email", base, row["email"], theirs, "prefer_dotsync", "dotsync"
                )
            )
        elif _is_storable(theirs) and not self._is_erased:
            self._work.people.setdefault(row["person_id"], {}).update(
                email=theirs.strip(), email_undeliverable=is_hard_bounce(self._status)
            )
            self._work.freed_email = base
            if row["no_email"] or is_suppressed(self._status):
                self._work.freed_off_at = row["opted_out_at"] or self._plans.now
        else:
            self._keeps_email = True

    def _write_link(self, fields: FieldNews) -> None:
        row, work, contact = self._row, self._work, self._contact
        theirs = contact.email
        email_moved = theirs is not None and matched_by(theirs) != matched_by(
            row["email_sent"] or ""
        )
        changes = work.people.get(row["person_id"], {})
        moved = (
            fields.moved
            or bool(changes)
            or (email_moved and not self._keeps_email)
            or self._status != row["account_status"]
            or self._off_at != _instant(read_of(row).get("off_at"))
        )
        if not moved:
            return
        link = _link_of(
            {**row, **changes},
            contact,
            self._plans,
            work,
            fields,
            merges=row["gone_at"] is None and row["sync_with_mailer"],
        )
        if self._keeps_email:
            link.email = row["email_sent"]
        link.account_status = self._status
        link.opt_in_asked = self._opt_in_asked
        if self._off_at is not None:
            link.last_read["off_at"] = self._off_at.isoformat()
        link.state = _state_of(row["link_state"], self._status, is_due=work.is_due)
        work.link = link
        updated = bool(set(changes) - _CONSENT_COLUMNS)
        if updated:
            work.counts["updated"] = 1


_CONSENT_COLUMNS = frozenset(
    {"no_email", "opted_out_at", "opted_in_at", "opt_out_reason", "email_undeliverable"}
)


def _link_of(
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


class _Stranger:
    """A contact that nobody is linked to."""

    def __init__(self, contact: Contact, standing: Standing, plans: Plans) -> None:
        self._contact = contact
        self._standing = standing
        self._plans = plans
        self._work = Work(contact.contact_id)
        self._consents = _Consents(contact, plans, self._work)
        self._is_off = is_suppressed(contact.email_status)
        self._live = [row for row in standing.bearers if row["gone_at"] is None]

    def judge(self) -> Work:
        """Return the work."""
        if self._standing.is_erased:
            return self._work
        self._judge_consent()
        fate = fate_of(self._stranger(), self._bearers(), self._plans.settings.new_contacts)
        match fate:
            case Link(person_id):
                self._link(next(row for row in self._live if row["person_id"] == person_id))
            case Create(kind):
                self._create(kind)
            case Ignore():
                pass
            case _:
                assert_never(fate)
        return self._work

    def _judge_consent(self) -> None:
        """Hold the contact's status against who has its address and no other contact."""
        people = [row for row in self._live if row["linked_to"] is None]
        status = self._contact.email_status
        kept = self._standing.kept
        if self._is_off and status is not None:
            if kept is None:
                self._consents.opt_out(people, status)
        elif status == SUBSCRIBED:
            off_at = None if kept is None else kept["confirmed_at"]
            if kept is not None or any(row["no_email"] for row in people):
                kept_consent = [] if kept is None else [kept]
                self._come_back(people, off_at, kept_consent)

    def _come_back(
        self, people: Sequence[Row], off_at: datetime | None, kept: Sequence[Mapping[str, Any]]
    ) -> None:
        at = self._contact.updated_at
        address = [Consent(no_email=True, opted_out_at=each["opted_out_at"]) for each in kept]
        if opted_in_since(address, at, off_at):
            self._consents.opt_in(people, off_at)

    def _stranger(self) -> Stranger:
        email = self._contact.email
        return Stranger(
            created_at=self._contact.created_at,
            has_email=email is not None and _is_storable(email),
            is_suppressed=self._is_off,
            is_kept_out=self._standing.kept is not None,
            must_not_be_mailed=self._standing.kept is not None
            or any(self._after(row)["no_email"] for row in self._live),
        )

    def _bearers(self) -> list[Bearer]:
        return [
            Bearer(
                row["person_id"],
                sync_with_mailer=row["sync_with_mailer"],
                gone_at=row["gone_at"],
                linked_to=row["linked_to"],
            )
            for row in self._standing.bearers
        ]

    def _after(self, row: Row) -> Row:
        return {**row, **self._work.people.get(row["person_id"], {})}

    def _link(self, row: Row) -> None:
        work, contact, plans = self._work, self._contact, self._plans
        work.person_id = row["person_id"]
        fields = merge_fields(row, contact, plans.taking, sees_all=True)
        if fields.changes:
            work.people.setdefault(row["person_id"], {}).update(fields.changes)
        work.conflicts += fields.conflicts
        after = self._after(row)
        work.link = _link_of(after, contact, plans, work, fields, merges=True, is_new=True)
        self._finish(after)
        if any(self._after(each)["no_email"] for each in self._live) and not self._is_off:
            work.is_due = True
        work.counts["updated"] = 1

    def _create(self, kind: str) -> None:
        contact, plans, work = self._contact, self._plans, self._work
        email = contact.email or ""
        columns: dict[str, Any] = first_values(contact, kind, plans.taking)
        columns |= {
            "kind": kind,
            "email": email.strip(),
            "mobile_number": _international(contact.mobile_number),
            "email_undeliverable": is_hard_bounce(contact.email_status),
        }
        if self._is_off and not is_hard_bounce(contact.email_status):
            columns |= {
                "no_email": True,
                "opted_out_at": contact.updated_at or plans.now,
                "opt_out_reason": _reason_of(contact.email_status or ""),
            }
            work.counts["opted_out"] = 1
        if columns["email_undeliverable"]:
            work.counts["undeliverable"] = 1
        work.new_person = columns
        row = {**_NOBODY, **columns}
        work.link = _link_of(row, contact, plans, work, FieldNews(), merges=True, is_new=True)
        work.is_due |= plans.taking.sends_what_moves(kind)
        self._finish(row)
        work.counts["created"] = 1

    def _finish(self, row: Row) -> None:
        link, status = self._work.link, self._contact.email_status
        if link is None:
            return
        link.account_status = status
        if self._is_off and (off_at := later(self._contact.updated_at, None)) is not None:
            link.last_read["off_at"] = off_at.isoformat()
        if not row["no_email"] and row["opted_in_at"] == self._contact.updated_at:
            link.opt_in_asked = row["opted_in_at"]
        link.state = _state_of("unlinked", status, is_due=self._work.is_due)


#: A person who is still to be made, as a row.
_NOBODY: Mapping[str, Any] = {
    **dict.fromkeys(
        (
            *("person_id", "external_ref", "email", "mobile_number", "first_name", "last_name"),
            *("title", "job_title", "organisation", "address_line_1", "address_line_2", "city"),
            *("county", "state", "postcode", "country", "created_at", "updated_at"),
            *("opted_out_at", "opted_in_at", "linked_to", "acknowledged", "last_read"),
            *("in_flight", "sent_fingerprint", "mobile_holder", "mobile_sent", "email_sent"),
        )
    ),
    "custom": {},
    "sync_with_mailer": True,
    "no_email": False,
    "email_undeliverable": False,
}


def _state_of(state: str | None, status: str | None, *, is_due: bool) -> str | None:
    """Return the link's state, or None where another job's word stands."""
    if state is not None and state not in _OWN_STATES:
        return None
    if is_suppressed(status) or awaits_opt_in(status):
        return "suppressed"
    return "pending" if is_due else "synced"


def _instant(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def _is_storable(email: str) -> bool:
    given = email.strip()
    if "@" not in given or "\x00" in given or len(given) > _LONGEST_EMAIL:
        return False
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def _international(mobile_number: str | None) -> str | None:
    digits = (mobile_number or "").lstrip("+")
    return f"+{digits}" if digits.isascii() and digits.isdecimal() else None
