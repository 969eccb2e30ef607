"""A contact that a person is linked to, held against that person. No I/O."""

from datetime import datetime

from app.clients.dotdigital import Contact
from app.sync.contacts.contact_consents import Consents, movement_of
from app.sync.contacts.contact_work import (
    CONSENT_COLUMNS,
    Plans,
    Standing,
    Work,
    is_storable,
    link_of,
    off_at_of,
    state_of,
)
from app.sync.contacts.field_news import FieldNews, FoundConflict, later, merge_fields
from app.sync.contacts.taking_plan import Row
from app.sync.rules.consent_news import Mailability, is_hard_bounce
from app.sync.rules.email_match import matched_by
from app.sync.rules.mailability import SUBSCRIBED, is_suppressed


class Held:
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
        self._consents = Consents(contact, plans, work)
        self._status: str | None = self._row["account_status"]
        self._off_at = off_at_of(self._row)
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
            fields = merge_fields(
                row,
                self._contact,
                plans.taking,
                sees_all=plans.sees_all,
                read_until=plans.read_until,
            )
            if fields.changes:
                self._work.people.setdefault(row["person_id"], {}).update(fields.changes)
            self._work.conflicts += fields.conflicts
        self._write_link(fields)

    def _judge_consent(self) -> None:
        status, known = self._contact.email_status, self._status
        if is_hard_bounce(status) and not is_hard_bounce(known):
            self._consents.opt_out(self._people, status or "")
        match movement_of(self._contact, self._row):
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
        self._off_at = later(self._off_at, self._contact.updated_at or self._plans.now)
        if self._consents.opt_out(self._people, status):
            # Somebody opted in here since, which is still to be told there.
            self._work.is_due = True

    def _came_back(self, *, was_asked: bool) -> None:
        known, self._status = self._status, SUBSCRIBED
        if is_hard_bounce(known):
            self._consents.deliverable(self._people)
        if any(row["no_email"] for row in self._people):
            off_at = later(self._row["suppressed_at"], self._off_at)
            # Where a call of ours may have come late, it is perhaps nobody's wish.
            is_theirs = self._row["opt_in_doubt_at"] is None
            if is_theirs and self._consents.opt_in(self._people, off_at):
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
        elif is_storable(theirs) and not self._is_erased:
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
            or self._off_at != off_at_of(row)
        )
        if not moved:
            return
        link = link_of(
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
        link.state = state_of(row["link_state"], self._status, is_due=work.is_due)
        work.link = link
        updated = bool(set(changes) - CONSENT_COLUMNS)
        if updated:
            work.counts["updated"] = 1
