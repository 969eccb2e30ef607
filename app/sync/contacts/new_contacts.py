"""A contact that nobody here is linked to: a person is linked, or made, or neither. No I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never

from app.clients.dotdigital import Contact
from app.sync.contacts.contact_consents import Consents, reason_of
from app.sync.contacts.contact_work import Plans, Standing, Work, is_storable, link_of, state_of
from app.sync.contacts.field_news import FieldNews, first_values, later, merge_fields
from app.sync.contacts.taking_plan import Row
from app.sync.rules.consent_news import Consent, is_hard_bounce, opted_in_since
from app.sync.rules.email_match import matched_by
from app.sync.rules.mailability import SUBSCRIBED, is_suppressed
from app.sync.rules.new_contact import Bearer, Create, Ignore, Link, Stranger, fate_of

#: A person who is still to be made, as a row.
_NOBODY: Mapping[str, Any] = {
    **dict.fromkeys(
        (
            *("person_id", "external_ref", "email", "mobile_number", "first_name", "last_name"),
            *("title", "job_title", "organisation", "address_line_1", "address_line_2", "city"),
            *("county", "state", "postcode", "country", "created_at", "updated_at"),
            *("opted_out_at", "opted_in_at", "linked_to", "acknowledged", "last_read"),
            *("in_flight", "sent_fingerprint", "mobile_holder", "mobile_sent", "email_sent"),
            "mobile_refused",
        )
    ),
    "custom": {},
    "sync_with_mailer": True,
    "no_email": False,
    "email_undeliverable": False,
}


class Newcomer:
    """A contact that nobody is linked to."""

    def __init__(self, contact: Contact, standing: Standing, plans: Plans) -> None:
        self._contact = contact
        self._standing = standing
        self._plans = plans
        self._work = Work(contact.contact_id)
        self._consents = Consents(contact, plans, self._work)
        self._is_off = is_suppressed(contact.email_status)
        self._live = [row for row in standing.bearers if row["gone_at"] is None]

    def judge(self) -> Work:
        """Return the work."""
        if self._standing.is_erased:
            return self._work
        self._judge_consent()
        fate = fate_of(self._described(), self._bearers(), self._plans.settings.new_contacts)
        match fate:
            case Link(person_id):
                self._link(next(row for row in self._live if row["person_id"] == person_id))
            case Create(kind):
                self._create(kind)
            case Ignore():
                self._doubt()
            case _:
                assert_never(fate)
        return self._work

    def _doubt(self) -> None:
        """Name the contact that stands in the way, where this one has the email that it had."""
        theirs = matched_by(self._contact.email or "")
        for row in self._live:
            if row["linked_to"] is not None and matched_by(row["email_sent"] or "") == theirs:
                self._work.doubted = row["linked_to"]

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

    def _described(self) -> Stranger:
        email = self._contact.email
        return Stranger(
            created_at=self._contact.created_at,
            has_email=email is not None and is_storable(email),
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
        work.link = link_of(after, contact, plans, work, fields, merges=True, is_new=True)
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
                "opt_out_reason": reason_of(contact.email_status or ""),
            }
            work.counts["opted_out"] = 1
        if columns["email_undeliverable"]:
            work.counts["undeliverable"] = 1
        work.new_person = columns
        row = {**_NOBODY, **columns}
        work.link = link_of(row, contact, plans, work, FieldNews(), merges=True, is_new=True)
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
        link.state = state_of("unlinked", status, is_due=self._work.is_due)


def _international(mobile_number: str | None) -> str | None:
    digits = (mobile_number or "").lstrip("+")
    return f"+{digits}" if digits.isascii() and digits.isdecimal() else None
