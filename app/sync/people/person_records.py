"""One person's record for an import: made of mapped values, or found to be what stands there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.clients.dotdigital import MAX_CONSENTS, ConsentRecord, ImportContact, encode_contact
from app.sync.people.payloads import Payload
from app.sync.rules.eligibility import Policy, Standing, lifts

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
    #: Consents that go along.
    consent_ids: list[int] | None
    #: What was left out of the record, for the link to say.
    note: str | None
    suppressed: bool
    fingerprint: bytes
    acknowledged: dict[str, Any]
    encoded: bytes
    #: It writes over values of a contact that may have moved there, or over what a contact has
    #: that nobody is linked to yet: these are read before.
    overwrites: bool = False
    #: It isn't sent after all, for its person was changed meanwhile: it keeps nobody off anything.
    is_dropped: bool = False


@dataclass(slots=True)
class Unchanged:
    """One person whose payload is the one that was acknowledged."""

    person_id: int
    version: int
    changed_at: datetime
    #: Dotdigital's side is known to be suppressed.
    suppressed: bool
    #: What was left out of the payload, for the link to say.
    note: str | None = None


@dataclass(slots=True)
class Made:
    """What a person's payload came to; one of the first three is there."""

    #: To be created or updated, overwriting.
    record: Entry | None = None
    #: Linked, with values that only fill a blank there.
    fill: Entry | None = None
    unchanged: Unchanged | None = None
    #: The person is looked at again once this record stands.
    to_follow: bool = False


def make_record(
    row: Row, standing: Standing, payload: Payload, policy: Policy, *, resend: bool
) -> Made:
    """Hold a person's payload against what Dotdigital acknowledged; raises UnsendableContactError.

    ``resend``: people who are due because of a full run are sent whatever was sent before.
    """
    email = row["email"].strip()
    mobile, note = _mobile_to_send(standing, policy)
    fingerprint = payload.fingerprint(email, mobile)
    filled: dict[str, Any] | None = row["filled"]
    fills = bool(payload.filling) and payload.filling != filled
    consents: list[Mapping[str, Any]] = row["consents"] or []
    again = (resend and row["change_reason"] == "full") or bool(consents)
    to_follow, is_fill, overwrites = False, False, False
    if standing.contact_id is None or again or fingerprint != row["sent_fingerprint"]:
        # A fill, the way back of who opted in, or more consents than go at once have still to
        # follow: this record does not settle the version that stands.
        more = len(consents) > MAX_CONSENTS
        to_follow = fills or more or (standing.liftable_there and lifts(standing, policy))
        version = row["version"] - 1 if to_follow else row["version"]
        consents = consents[:MAX_CONSENTS]
        tells_all = resend and row["change_reason"] == "full"
        fields = payload.news(row["base"], tells_all=tells_all)
        preferences = payload.preference_news(row["base_preferences"], tells_all=tells_all)
        is_linked = standing.contact_id is not None
        overwrites = payload.comes_back(fields, preferences, is_linked=is_linked)
        encoded = _encoded(email, standing.contact_id, mobile, fields, preferences, consents)
    elif fills:
        version, filled, is_fill = row["version"], payload.filling, True
        encoded = _encoded_fill(standing.contact_id, payload)
    else:
        return Made(
            unchanged=Unchanged(
                standing.person_id, row["version"], row["changed_at"], _is_off(standing), note
            )
        )
    entry = Entry(
        person_id=standing.person_id,
        version=version,
        changed_at=row["changed_at"],
        email_key=standing.email_key or "",
        contact_id=standing.contact_id,
        mobile_number=mobile,
        consent_ids=[each["id"] for each in consents] or None,
        note=note,
        suppressed=_is_off(standing),
        fingerprint=fingerprint,
        acknowledged=payload.acknowledgeable(filled=filled, base=row["base"]),
        encoded=encoded,
        overwrites=overwrites,
    )
    return Made(fill=entry) if is_fill else Made(record=entry, to_follow=to_follow)


def _is_off(standing: Standing) -> bool:
    return standing.suppressed_there or standing.opt_in_pending


def _mobile_to_send(standing: Standing, policy: Policy) -> tuple[str | None, str | None]:
    """Return the number that goes along, and the note for the link where it is left out."""
    if not policy.send_mobile_number or standing.mobile_number is None:
        return None, None
    if standing.mobile_holder is not None:
        return None, f"{named(standing.mobile_holder)} has the number, so it was left out."
    if standing.mobile_refused and policy.send_without_taken_mobile:
        return None, "Another contact in Dotdigital has the number, so it was left out."
    return standing.mobile_number, None


def _encoded(
    email: str,
    contact_id: int | None,
    mobile: str | None,
    data_fields: Mapping[str, Any],
    preferences: Sequence[tuple[int, bool]],
    consents: Sequence[Mapping[str, Any]],
) -> bytes:
    return encode_contact(
        ImportContact(
            match_identifier="email" if contact_id is None else "contactId",
            contact_id=contact_id,
            email=email,
            mobile_number=mobile,
            data_fields=data_fields,
            preferences=preferences,
            consent_records=[_consent(each) for each in consents],
        )
    )


def _consent(row: Mapping[str, Any]) -> ConsentRecord:
    return ConsentRecord(
        text=row["text"],
        consented_at=datetime.fromisoformat(row["consented_at"]),
        url=row["url"],
        ip_address=row["ip_address"],
        user_agent=row["user_agent"],
    )


def _encoded_fill(contact_id: int, payload: Payload) -> bytes:
    return encode_contact(
        ImportContact(
            match_identifier="contactId", contact_id=contact_id, data_fields=payload.filling
        )
    )


def named(person_id: int | None) -> str | None:
    """Return how a person is spoken of."""
    return None if person_id is None else f"Person {person_id}"
