"""A page of due people, sorted by what each of them needs. No I/O: rows in, work out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from app.clients.dotdigital import UnsendableContactError
from app.sync.people.import_report import TAKEN_CODES
from app.sync.people.payloads import MappedValueError, PayloadPlan
from app.sync.people.person_failures import PersonFailure
from app.sync.people.person_records import Entry, Made, Row, Unchanged, make_record, named
from app.sync.rules.contact_action import (
    Create,
    Delete,
    HandOver,
    Refuse,
    Relink,
    Resubscribe,
    Skip,
    Suppress,
    Update,
    decide,
)
from app.sync.rules.eligibility import Policy, Standing, must_not_be_mailed
from app.sync.rules.email_match import matched_by
from app.sync.rules.mailability import (
    LEFT,
    NOT_A_CONTACT,
    RESUBSCRIBING,
    awaits_opt_in,
    is_lifted_by_opt_in,
    is_suppressed,
)
from app.sync.rules.reasons import Reason


@dataclass(slots=True)
class Held:
    """One person who is not sent, and why."""

    person_id: int
    version: int
    changed_at: datetime
    reason: Reason
    detail: str | None
    #: The other person that the reason speaks of.
    other: int | None = None


class Claims:
    """Emails and numbers of records that no table shows yet, by who has them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._emails: dict[str, Entry] = {}
        self._mobiles: dict[str, Entry] = {}

    def take(self, entry: Entry) -> None:
        """Keep others off the email and the number of this record."""
        self._emails[matched_by(entry.email_key)] = entry
        if entry.mobile_number is not None:
            self._mobiles[entry.mobile_number] = entry

    def holder_of_email(self, email_key: str, person_id: int) -> int | None:
        """Return another person who has this email, in whatever spelling."""
        return _other(self._emails.get(matched_by(email_key)), person_id)

    def holder_of_mobile(self, mobile_number: str, person_id: int) -> int | None:
        """Return another person who has this number."""
        return _other(self._mobiles.get(mobile_number), person_id)


def _other(entry: Entry | None, person_id: int) -> int | None:
    if entry is None or entry.is_dropped or entry.person_id == person_id:
        return None
    return entry.person_id


@dataclass(slots=True)
class Departure:
    """One person whose contact goes, or goes over to another one."""

    person_id: int
    version: int
    changed_at: datetime
    contact_id: int
    reason: Reason
    heir: int | None
    #: The address must not be mailed, and stays so without the contact.
    opted_out: bool
    #: None where it isn't known.
    opted_out_at: datetime | None
    row: Row


@dataclass(slots=True)
class Leaving:
    """One person who leaves its contact for the one that has its new email."""

    person_id: int
    version: int
    changed_at: datetime
    contact_id: int
    email: str
    to_verify: bool


@dataclass(slots=True)
class Return:
    """One person whose address Dotdigital is asked to mail again."""

    person_id: int
    contact_id: int | None
    email: str
    email_key: str
    version: int
    changed_at: datetime
    opted_in_at: datetime
    #: When we had it suppressed, if we did.
    suppressed_at: datetime | None
    #: Dotdigital may have been asked already.
    in_doubt: bool


@dataclass(slots=True)
class SortedPage:
    """What the people of a page need."""

    #: To be created or updated, overwriting.
    records: list[Entry] = field(default_factory=list)
    #: Linked, with values that only fill a blank there.
    fills: list[Entry] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    #: Nothing to send.
    unchanged: list[Unchanged] = field(default_factory=list)
    failures: list[PersonFailure] = field(default_factory=list)
    #: Still due, for the opt-outs go their own way, before all this.
    opting_out: list[int] = field(default_factory=list)
    #: Still due, all of these.
    departing: list[Departure] = field(default_factory=list)
    leaving: list[Leaving] = field(default_factory=list)
    returning: list[Return] = field(default_factory=list)
    #: Emails of who opted out and was never a contact, and since when.
    unknown_opt_outs: list[tuple[str, datetime]] = field(default_factory=list)
    #: Those people.
    unknown_opted_out: list[int] = field(default_factory=list)
    #: The same of who may be a contact, for an import of it came to an end that isn't known.
    doubtful_opt_outs: list[tuple[str, datetime]] = field(default_factory=list)
    #: Contacts that give up an email which somebody else here has, and that email.
    giving_up: list[tuple[int, str]] = field(default_factory=list)
    #: How many records are followed by another look at their people.
    to_follow: int = 0

    def extend(self, other: "SortedPage") -> None:
        """Put what people further on need behind this."""
        self.records += other.records
        self.fills += other.fills
        self.held += other.held
        self.unchanged += other.unchanged
        self.failures += other.failures
        self.opting_out += other.opting_out
        self.departing += other.departing
        self.leaving += other.leaving
        self.returning += other.returning
        self.unknown_opt_outs += other.unknown_opt_outs
        self.unknown_opted_out += other.unknown_opted_out
        self.doubtful_opt_outs += other.doubtful_opt_outs
        self.giving_up += other.giving_up
        self.to_follow += other.to_follow


def standing_of(row: Row, claims: Claims) -> Standing:
    """Return what the decision needs to know of this row."""
    person_id = row["person_id"]
    # As Postgres has it, blanks around it and all: links and records are looked up by it there.
    email_key = row["email_key"] if (row["email_key"] or "").strip() else None
    mobile = (row["mobile_number"] or "").strip() or None
    email_holder = row["email_holder"] or row["email_in_flight"]
    if email_holder is None and email_key is not None:
        email_holder = claims.holder_of_email(email_key, person_id)
    mobile_holder = None
    if mobile is not None:
        mobile_holder = row["mobile_holder"] or claims.holder_of_mobile(mobile, person_id)
    status, reason = row["account_status"], row["link_reason"]
    in_doubt = status == RESUBSCRIBING
    refused_as_taken = row["link_state"] == "failed" and (reason or "").lower() in TAKEN_CODES
    return Standing(
        person_id=person_id,
        email_key=email_key,
        deleted=row["deleted"],
        merged=row["merged_into_id"] is not None,
        merged_into=row["merged_into_id"],
        sync_with_mailer=row["sync_with_mailer"],
        no_email=row["no_email"],
        shared_opt_out=row["opted_out_by"] is not None,
        opted_out_by=row["opted_out_by"],
        address_opted_out=row["address_opted_out_at"] is not None,
        address_unknown_there=not in_doubt
        and (row["address_source"] == LEFT or row["address_refusal"] == NOT_A_CONTACT),
        opted_in_since=row["opted_in_since"],
        opt_in_answered=row["opt_in_asked"] == row["opted_in_at"] and not in_doubt,
        opt_in_in_doubt=in_doubt,
        on_a_list=row["on_a_list"],
        contact_id=row["contact_id"],
        email_sent=row["email_sent"],
        suppressed_there=is_suppressed(status),
        opt_out_told=row["is_opt_out_told"],
        liftable_there=is_lifted_by_opt_in(status),
        opt_in_pending=awaits_opt_in(status),
        refused_as_taken=refused_as_taken,
        heir=row["heir"],
        email_holder=email_holder,
        mobile_number=mobile,
        mobile_refused=mobile is not None and row["mobile_refused"] == mobile,
        mobile_holder=mobile_holder,
    )


def sort_page(
    rows: Iterable[Row], plan: PayloadPlan, policy: Policy, claims: Claims, *, resend: bool
) -> SortedPage:
    """Decide what each row needs; claims what the records to be sent take.

    ``resend``: people who are due because of a full run are sent whatever was sent before.
    """
    page = SortedPage()
    for row in rows:
        standing = standing_of(row, claims)
        action = decide(standing, policy)
        match action:
            case Create() | Update():
                _sort_sendable(page, row, standing, plan, policy, claims, resend=resend)
            case Suppress():
                page.opting_out.append(standing.person_id)
            case Delete(contact_id):
                page.departing.append(_departure(row, standing, contact_id, None))
            case HandOver(contact_id, heir):
                page.departing.append(_departure(row, standing, contact_id, heir))
            case Relink(contact_id, to_verify):
                page.leaving.append(
                    Leaving(
                        standing.person_id,
                        row["version"],
                        row["changed_at"],
                        contact_id,
                        standing.email_key or "",
                        to_verify,
                    )
                )
            case Resubscribe(contact_id):
                page.returning.append(_return(row, standing, contact_id))
            case Skip(reason, other):
                _hold(page, row, standing, reason, other, policy)
            case Refuse(reason, other):
                page.failures.append(_failure(row, reason.value, reason.told(other)))
            case _:
                assert_never(action)
    return page


def _hold(
    page: SortedPage,
    row: Row,
    standing: Standing,
    reason: Reason,
    other: int | None,
    policy: Policy,
) -> None:
    page.held.append(
        Held(standing.person_id, row["version"], row["changed_at"], reason, named(other), other)
    )
    # Where another person has the contact of this email, that one is suppressed.
    if standing.no_email and standing.email_key is not None and standing.email_holder is None:
        _keep_out(page, row, reason, policy)


def _keep_out(page: SortedPage, row: Row, reason: Reason, policy: Policy) -> None:
    """Have Dotdigital told of an opt-out without a contact, unless it was told already."""
    since = row["opted_out_at"] or row["updated_at"]
    known, is_left = row["address_opted_out_at"], row["address_source"] == LEFT
    is_news = known is None or known < since or is_left
    if reason is Reason.OPTED_OUT and policy.suppress_unknown:
        if is_news or row["address_refusal"] == NOT_A_CONTACT:
            page.unknown_opt_outs.append((row["email_key"], since))
            page.unknown_opted_out.append(row["person_id"])
    elif is_news and row["last_sent_at"] is not None:
        page.doubtful_opt_outs.append((row["email_key"], since))


def _departure(row: Row, standing: Standing, contact_id: int, heir: int | None) -> Departure:
    return Departure(
        person_id=standing.person_id,
        version=row["version"],
        changed_at=row["changed_at"],
        contact_id=contact_id,
        reason=Reason.MERGED if standing.merged else Reason.DELETED,
        heir=heir,
        opted_out=must_not_be_mailed(standing) or standing.suppressed_there,
        # Where the person opted in since, what stands there is what followed its own opt-out.
        opted_out_at=row["opted_out_at"] if standing.no_email or standing.opted_in_since else None,
        row=row,
    )


def _return(row: Row, standing: Standing, contact_id: int | None) -> Return:
    return Return(
        person_id=standing.person_id,
        contact_id=contact_id,
        email=row["email"].strip(),
        email_key=row["email_key"],
        version=row["version"],
        changed_at=row["changed_at"],
        opted_in_at=row["opted_in_at"],
        suppressed_at=row["suppressed_at"],
        in_doubt=standing.opt_in_in_doubt,
    )


def _sort_sendable(
    page: SortedPage,
    row: Row,
    standing: Standing,
    plan: PayloadPlan,
    policy: Policy,
    claims: Claims,
    *,
    resend: bool,
) -> None:
    fields: tuple[str, ...] = ()
    impersonal: str | None = None
    try:
        made = make_record(row, standing, plan.payload(row), policy, resend=resend)
    except MappedValueError as error:
        code, text, fields = "value_mismatch", str(error), error.fields
        impersonal = error.impersonal
    except UnsendableContactError as error:
        code, text = "unsendable", f"The record can't be sent: {error}."
    else:
        _take(page, made, claims)
        if made.record is not None and _gives_email_up(standing):
            page.giving_up.append((row["contact_id"], row["email_sent"]))
        return
    page.failures.append(_failure(row, code, text, fields, impersonal))


def _gives_email_up(standing: Standing) -> bool:
    """Say whether the contact gets another email, and isn't known to be off with the one it has."""
    return (
        standing.contact_id is not None
        and standing.email_sent not in (None, standing.email_key)
        and not standing.suppressed_there
    )


def _failure(
    row: Row,
    code: str,
    text: str,
    fields: tuple[str, ...] = (),
    impersonal: str | None = None,
) -> PersonFailure:
    return PersonFailure(
        row["person_id"], row["version"], row["changed_at"], code, text, fields, impersonal
    )


def _take(page: SortedPage, made: Made, claims: Claims) -> None:
    if made.unchanged is not None:
        page.unchanged.append(made.unchanged)
        return
    for entry, target in ((made.record, page.records), (made.fill, page.fills)):
        if entry is not None:
            claims.take(entry)
            target.append(entry)
    page.to_follow += made.to_follow
