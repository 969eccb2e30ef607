"""Consent that changes there, for everybody here who has the address. No I/O."""

from collections.abc import Sequence
from datetime import datetime

from app.clients.dotdigital import Contact
from app.sync.contacts.contact_work import Plans, Work, consent_of
from app.sync.contacts.field_news import later
from app.sync.contacts.taking_plan import Row
from app.sync.rules.consent_news import (
    Consent,
    Mailability,
    is_hard_bounce,
    movement,
    opted_in_since,
    opted_out_by,
)
from app.sync.rules.mailability import RESUBSCRIBING


def movement_of(contact: Contact, holder: Row) -> Mailability:
    """Say how the contact's status stands to what is known of it here."""
    known = holder["account_status"]
    return movement(known, contact.email_status, in_doubt=known == RESUBSCRIBING)


def reason_of(status: str) -> str:
    """Return a status of v3 as v2 spells the reason of a suppression."""
    return status[:1].upper() + status[1:]


class Consents:
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
                    row, no_email=True, opted_out_at=out_at, opt_out_reason=reason_of(status)
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
