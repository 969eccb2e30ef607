"""Contact links that a caller sets or takes away, who knows them from elsewhere."""

from datetime import datetime
from typing import Final

import asyncpg

from app.clients.dotdigital import Contact, DotdigitalClient
from app.clients.dotdigital import NotFound as NoSuchContact
from app.db import Database, PoolConnection
from app.errors import Conflict, Invalid, NotFound
from app.services.account_calls import ask
from app.services.contacts_let_go import let_go
from app.services.dotdigital import DotdigitalConnector
from app.services.people import Held

#: contact_links_contact.
_HOLDER: Final = """
SELECT person_id FROM contact_links
WHERE account_id = $1 AND contact_id = $2 AND person_id <> $3
"""
#: import_records_pkey.
_IN_FLIGHT: Final = """
SELECT EXISTS (SELECT FROM import_records WHERE account_id = $1 AND person_id = $2)
"""
#: The email is noted as the one last sent, so that a person with another one changes the contact's.
_LINK: Final = """
INSERT INTO contact_links (account_id, person_id, contact_id, state, account_status, email_key,
                           mobile_sent, linked_at)
VALUES ($1, $2, $3, 'pending', $4, lower($5), $6, $7)
ON CONFLICT (account_id, person_id) DO UPDATE
    SET contact_id = excluded.contact_id, state = excluded.state, reason = NULL,
        reason_detail = NULL, account_status = excluded.account_status,
        email_key = excluded.email_key, mobile_sent = excluded.mobile_sent, mobile_refused = NULL,
        acknowledged = NULL, sent_fingerprint = NULL, sent_version = NULL,
        linked_at = excluded.linked_at
"""
_MAKE_DUE: Final = """
INSERT INTO person_changes AS due (account_id, person_id, version)
SELECT $1, id, version FROM people WHERE id = $2
ON CONFLICT (account_id, person_id) DO UPDATE
    SET changed_at = clock_timestamp(), attempts = 0, next_attempt_at = '-infinity'
"""
_OPT_OUT: Final = """
UPDATE people SET no_email = true, opt_out_reason = $2 WHERE id = $1 AND NOT no_email
"""
_UNLINK: Final = """
WITH held AS (
    SELECT account_id, person_id, email_key, mobile_sent FROM contact_links
    WHERE account_id = $1 AND person_id = $2 AND contact_id IS NOT NULL FOR UPDATE
)
UPDATE contact_links AS link
SET contact_id = NULL, state = 'unlinked', reason = NULL, reason_detail = NULL,
    account_status = NULL, email_key = NULL, mobile_sent = NULL, acknowledged = NULL,
    sent_fingerprint = NULL, sent_version = NULL, linked_at = NULL
FROM held
WHERE link.account_id = held.account_id AND link.person_id = held.person_id
RETURNING held.email_key, held.mobile_sent
"""
_NOTE: Final = """
INSERT INTO audit_log (actor, action, subject_type, subject_id, detail)
VALUES ($1, $2, 'person', $3, $4)
"""


async def contact_there(
    database: Database, connector: DotdigitalConnector, account_id: int, contact_id: int
) -> Contact:
    """Return the contact as Dotdigital has it; one call.

    Raises NotFound for an account that isn't there, Invalid for such a contact, and a `Problem`
    where Dotdigital can't be asked.
    """

    async def question(client: DotdigitalClient) -> Contact | None:
        try:
            return await client.contacts.get("contactId", contact_id)
        except NoSuchContact:
            return None

    contact = await ask(database, connector, account_id, question)
    if contact is None:
        raise Invalid.at(
            "/body/contact_id", f"Dotdigital has no contact {contact_id} in account {account_id}."
        )
    return contact


async def link_person(
    connection: PoolConnection,
    held: Held,
    account_id: int,
    contact: Contact,
    *,
    suppressed_there: bool,
    at: datetime,
    actor: str,
) -> None:
    """Tie a held person to this contact, in place of the one it had, and make it due.

    The contact may have another email than the person: then it gets the person's, as it does
    when a linked person's email changes. Where Dotdigital doesn't mail the contact, the person
    gets ``no_email``, for opt-out wins. Raises Conflict for a contact that somebody else has, or a
    person in flight.
    """
    await _refuse_in_flight(connection, account_id, held.person_id)
    holder = await connection.fetchval(_HOLDER, account_id, contact.contact_id, held.person_id)
    if holder is not None:
        raise Conflict(
            f"Person {holder} is linked to contact {contact.contact_id} in account {account_id}: "
            f"DELETE /v1/people/{holder}/links/{account_id} frees it.",
            extensions={"person_id": holder},
        )
    mobile = contact.mobile_number and f"+{contact.mobile_number.removeprefix('+')}"
    status = contact.email_status or contact.status
    try:
        await connection.execute(
            _LINK,
            account_id,
            held.person_id,
            contact.contact_id,
            status,
            contact.email,
            mobile,
            at,
        )
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"Contact {contact.contact_id} was linked to somebody just now.") from error
    await connection.execute(_MAKE_DUE, account_id, held.person_id)
    if suppressed_there:
        await connection.execute(_OPT_OUT, held.person_id, status)
    detail = {"account_id": account_id, "contact_id": contact.contact_id}
    await connection.execute(_NOTE, actor, "person_linked", held.person_id, detail)


async def unlink_person(
    connection: PoolConnection, held: Held, account_id: int, actor: str
) -> None:
    """Take the link away; the contact stays as it is.

    The person isn't due by it: whatever changes it next links it again, by its email. Raises
    NotFound where there is no link, Conflict for a person in flight.
    """
    await _refuse_in_flight(connection, account_id, held.person_id)
    freed = await connection.fetchrow(_UNLINK, account_id, held.person_id)
    if freed is None:
        raise NotFound(f"Person {held.person_id} is linked to no contact in account {account_id}.")
    await let_go(
        connection,
        [account_id],
        emails=[freed["email_key"], held.email_key],
        numbers=[freed["mobile_sent"]],
        apart_from=[held.person_id],
    )
    detail = {"account_id": account_id}
    await connection.execute(_NOTE, actor, "person_unlinked", held.person_id, detail)


async def _refuse_in_flight(connection: PoolConnection, account_id: int, person_id: int) -> None:
    if await connection.fetchval(_IN_FLIGHT, account_id, person_id):
        raise Conflict(
            "An import that holds this person is in flight and will settle its link: try again "
            "when it has ended."
        )
