"""Rows of due people as a run reads them, and plans of mappings, without a database."""

from typing import Any

from app.models import Mapping
from app.sync.people.payloads import PayloadPlan
from tests.clock import START

FIRST_NAME = {"person_field": "first_name", "dotdigital_field": "FIRSTNAME"}

#: Of somebody called Ann who was never sent.
_NEW: dict[str, Any] = {
    "change_reason": "changed",
    "attempts": 0,
    "changed_at": START,
    "version": 3,
    "kind": "person",
    "mobile_number": None,
    "first_name": "Ann",
    "last_name": None,
    "title": None,
    "job_title": None,
    "organisation": None,
    "address_line_1": None,
    "address_line_2": None,
    "city": None,
    "county": None,
    "state": None,
    "postcode": None,
    "country": None,
    "custom": {},
    "external_ref": None,
    "sync_with_mailer": True,
    "no_email": False,
    "email_undeliverable": False,
    "deleted": False,
    "merged_into_id": None,
    "opted_out_at": None,
    "opted_in_at": None,
    "address_opted_out_at": None,
    "address_source": None,
    "address_refusal": None,
    "is_opt_out_told": True,
    "last_sent_at": None,
    "opt_out_told": None,
    "opted_in_since": False,
    "updated_at": START,
    "contact_id": None,
    "email_sent": None,
    "account_status": None,
    "link_state": None,
    "link_reason": None,
    "opt_in_asked": None,
    "suppressed_at": None,
    "mobile_sent": None,
    "mobile_refused": None,
    "sent_fingerprint": None,
    "filled": None,
    "base": None,
    "base_preferences": None,
    "email_holder": None,
    "email_in_flight": None,
    "mobile_holder": None,
    "opted_out_by": None,
    "on_a_list": False,
    "heir": None,
    "consents": None,
}


def due_person(person_id: int = 1, **overrides: Any) -> dict[str, Any]:  # noqa: ANN401 - any column
    """Return the row of a due person called Ann who was never sent, unless told otherwise.

    ``email_key`` is what Postgres makes of the email.
    """
    row = _NEW | {"person_id": person_id, "email": f"p{person_id}@example.com"}
    row |= overrides
    if "email_key" not in overrides:
        row["email_key"] = None if row["email"] is None else row["email"].lower()
    return row


def plan_of(*mappings: dict[str, Any]) -> PayloadPlan:
    """Return the plan of these mappings; of first_name to FIRSTNAME where none is given."""
    rows = []
    for number, given in enumerate(mappings or [FIRST_NAME], start=1):
        values: dict[str, Any] = {
            "id": number,
            "account_id": 1,
            "data_field_type": "String",
        } | given
        if values.get("kind") == "preference":
            values["data_field_type"] = None
        rows.append(Mapping(**values))
    return PayloadPlan(rows)
