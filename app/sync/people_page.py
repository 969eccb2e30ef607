"""A page of due people, sorted by what each of them needs. No I/O: rows in, work out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from app.clients.dotdigital import ImportContact, UnsendableContactError, encode_contact
from app.sync.payloads import MappedValueError, Payload, PayloadPlan
from app.sync.person_failures import PersonFailure
from app.sync.rules.contact_action import (
    Create,
    Delete,
    Refuse,
    Release,
    Skip,
    Suppress,
    Update,
    decide,
)
from app.sync.rules.eligibility import Policy, Standing
from app.sync.rules.email_match import matched_by
from app.sync.rules.mailability import is_suppressed
from app.sync.rules.reasons import Reason

Row = Mapping[str, Any]


@dataclass(slots=True)
class Entry:
    """One person's record for an import."""

    person_id: int
    #: What the acknowledgement settles: changes up to this version, and up to this instant.
    version: int
    changed_at: datetime
    email_key: str
    contact_id: int | None
    mobile_number: str | None
    #: What was left out of the record, for the link to say.
    note: str | None
    suppressed: bool
    fingerprint: bytes
    acknowledged: dict[str, Any]
    encoded: bytes


@dataclass(slots=True)
class Held:
    """One person who is not sent, and why."""

    person_id: int
    version: int
    changed_at: datetime
    reason: Reason
    detail: str | None


class Claims:
    """Emails and numbers of records that no table shows yet, by who has them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._emails: dict[str, int] = {}
        self._mobiles: dict[str, int] = {}

    def take(self, entry: Entry) -> None:
        """Keep others off the email and the number of this record."""
        self._emails[matched_by(entry.email_key)] = entry.person_id
        if entry.mobile_number is not None:
            self._mobiles[entry.mobile_number] = entry.person_id

    def holder_of_email(self, email_key: str, person_id: int) -> int | None:
        """Return another person who has this email, in whatever spelling."""
        holder = self._emails.get(matched_by(email_key))
        return None if holder == person_id else holder

    def holder_of_mobile(self, mobile_number: str, person_id: int) -> int | None:
        """Return another person who has this number."""
        holder = self._mobiles.get(mobile_number)
        return None if holder == person_id else holder


@dataclass(slots=True)
class Unchanged:
    """One person whose payload is the one that was acknowledged."""

    person_id: int
    version: int
    changed_at: datetime
    #: Dotdigital's side is known to be suppressed.
    suppressed: bool


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
    #: Still due: their contacts are to go.
    departing: list[int] = field(default_factory=list)
    #: How many records are followed by a fill.
    fills_to_come: int = 0

    def extend(self, other: "SortedPage") -> None:
        """Put what people further on need behind this."""
        self.records += other.records
        self.fills += other.fills
        self.held += other.held
        self.unchanged += other.unchanged
        self.failures += other.failures
        self.opting_out += other.opting_out
        self.departing += other.departing
        self.fills_to_come += other.fills_to_come


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
    return Standing(
        person_id=person_id,
        email_key=email_key,
        deleted=row["deleted"],
        merged=row["merged"],
        sync_with_mailer=row["sync_with_mailer"],
        no_email=row["no_email"],
        shared_opt_out=row["shared_opt_out"],
        on_a_list=row["on_a_list"],
        contact_id=row["contact_id"],
        email_sent=row["email_sent"],
        suppressed_there=is_suppressed(row["account_status"]),
        email_holder=email_holder,
        mobile_number=mobile,
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
            case Delete() | Release():
                page.departing.append(standing.person_id)
            case Skip(reason, other):
                page.held.append(
                    Held(
                        standing.person_id,
                        row["version"],
                        row["changed_at"],
                        reason,
                        _named(other),
                    )
                )
            case Refuse(reason, other):
                text = reason.sentence if other is None else f"{reason.sentence} {_named(other)}."
                page.failures.append(
                    PersonFailure(standing.person_id, row["version"], reason.value, text)
                )
            case _:
                assert_never(action)
    return page


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
    try:
        payload = plan.payload(row)
        _sort_payload(page, row, standing, payload, policy, claims, resend=resend)
    except MappedValueError as error:
        code, text = "value_mismatch", str(error)
    except UnsendableContactError as error:
        code, text = "unsendable", f"The record can't be sent: {error}."
    else:
        return
    page.failures.append(PersonFailure(standing.person_id, row["version"], code, text))


def _sort_payload(
    page: SortedPage,
    row: Row,
    standing: Standing,
    payload: Payload,
    policy: Policy,
    claims: Claims,
    *,
    resend: bool,
) -> None:
    """Put the person among those to be sent, or the unchanged; raises UnsendableContactError."""
    email = row["email"].strip()
    mobile, note = _mobile_to_send(standing, policy)
    fingerprint = payload.fingerprint(email, mobile)
    filled: dict[str, Any] | None = row["filled"]
    fills = bool(payload.filling) and payload.filling != filled
    again = resend and row["change_reason"] == "full"
    if standing.contact_id is None or again or fingerprint != row["sent_fingerprint"]:
        # The fill has still to follow, so this record does not settle the version that stands.
        version = row["version"] - 1 if fills else row["version"]
        encoded = _encoded(email, standing.contact_id, mobile, payload)
        target = page.records
        page.fills_to_come += fills
    elif fills:
        version, filled = row["version"], payload.filling
        encoded = _encoded_fill(standing.contact_id, payload)
        target = page.fills
    else:
        page.unchanged.append(
            Unchanged(
                standing.person_id, row["version"], row["changed_at"], standing.suppressed_there
            )
        )
        return
    entry = Entry(
        person_id=standing.person_id,
        version=version,
        changed_at=row["changed_at"],
        email_key=standing.email_key or "",
        contact_id=standing.contact_id,
        mobile_number=mobile,
        note=note,
        suppressed=standing.suppressed_there,
        fingerprint=fingerprint,
        acknowledged=payload.acknowledgeable(filled=filled),
        encoded=encoded,
    )
    claims.take(entry)
    target.append(entry)


def _mobile_to_send(standing: Standing, policy: Policy) -> tuple[str | None, str | None]:
    """Return the number that goes along, and the note for the link where it is left out."""
    if not policy.send_mobile_number or standing.mobile_number is None:
        return None, None
    if standing.mobile_holder is not None:
        return None, f"{_named(standing.mobile_holder)} has the number, so it was left out."
    return standing.mobile_number, None


def _encoded(email: str, contact_id: int | None, mobile: str | None, payload: Payload) -> bytes:
    return encode_contact(
        ImportContact(
            match_identifier="email" if contact_id is None else "contactId",
            contact_id=contact_id,
            email=email,
            mobile_number=mobile,
            data_fields=payload.data_fields,
            preferences=payload.preferences,
        )
    )


def _encoded_fill(contact_id: int, payload: Payload) -> bytes:
    return encode_contact(
        ImportContact(
            match_identifier="contactId", contact_id=contact_id, data_fields=payload.filling
        )
    )


def _named(person_id: int | None) -> str | None:
    return None if person_id is None else f"Person {person_id}"
