"""Erasure of a person (GDPR): everything goes, here and in Dotdigital; a hash of the email stays.

Beside the hash it says since when the address was opted out, so that nobody who is made again with
it is mailed. That holds without Dotdigital, which keeps a deleted contact's opt-out for a while.

The contacts go first. Only when every account has confirmed it is anything deleted here, so that an
erasure that fails can be asked for again; no session is held meanwhile.
"""

import hmac
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from app.clients.dotdigital import DotdigitalClient
from app.clients.dotdigital import NotFound as NoSuchContact
from app.db import Database, PoolConnection
from app.errors import Conflict, NotFound
from app.services.account_calls import ask
from app.services.cipher import key_kept_in
from app.services.contacts_let_go import let_go
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings

log = structlog.get_logger(__name__)

_PURPOSE: Final = b"dotsync: emails of people who were erased"
#: How often it is begun anew because a job linked the person to a contact meanwhile.
_MOST_ROUNDS: Final = 3

#: The person and whoever was merged into it: they are one. people_pkey, people_merged_into.
_WHO: Final = """
SELECT id, email, email_key FROM people WHERE id = $1 OR merged_into_id = $1 ORDER BY id
"""
_HOLD: Final = "SELECT id FROM people WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE"
#: contact_links_person.
_CONTACTS: Final = """
SELECT account_id, contact_id FROM contact_links
WHERE person_id = ANY ($1::bigint[]) AND contact_id IS NOT NULL ORDER BY account_id, contact_id
"""
#: Emails that nobody else has. people_email_key.
_OWN_EMAILS: Final = """
SELECT DISTINCT person.email FROM people AS person
WHERE person.id = ANY ($1::bigint[]) AND person.email IS NOT NULL
  AND NOT EXISTS (SELECT FROM people AS other
                  WHERE other.email_key = person.email_key AND other.deleted_at IS NULL
                    AND other.id <> ALL ($1::bigint[]))
"""
_IN_FLIGHT: Final = """
SELECT EXISTS (SELECT FROM accounts JOIN import_records AS flying
               ON flying.account_id = accounts.id AND flying.person_id = ANY ($1::bigint[]))
"""
#: Activities that were never matched, of these contacts or addresses.
#: online_activities_orphans_contact, online_activities_orphans_email, online_activities_pkey.
_DELETE_ORPHANS: Final = """
WITH orphan AS (
    SELECT activity.occurred_at, activity.id
    FROM unnest($1::bigint[], $2::bigint[]) AS gone (account_id, contact_id)
    JOIN online_activities AS activity
        ON activity.account_id = gone.account_id AND activity.contact_id = gone.contact_id
    WHERE activity.person_id IS NULL
    UNION
    SELECT occurred_at, id FROM online_activities
    WHERE person_id IS NULL AND lower(email) = ANY ($3::text[])
)
DELETE FROM online_activities AS activity USING orphan
WHERE activity.occurred_at = orphan.occurred_at AND activity.id = orphan.id
"""
_FORGET_REMATCHES: Final = "DELETE FROM activity_rematches WHERE email_key = ANY ($1::text[])"
#: failures_subject.
_DELETE_FAILURES: Final = """
DELETE FROM failures
WHERE subject_type IN ('person', 'member') AND subject_id = ANY ($1::bigint[])
"""
#: What their contacts had. contact_links_person.
_FREED: Final = """
SELECT email_key, mobile_sent FROM contact_links
WHERE person_id = ANY ($1::bigint[]) AND contact_id IS NOT NULL
"""
#: Opted out addresses that nobody has by now: the hash says so from now on.
_FORGET_ADDRESSES: Final = """
DELETE FROM address_opt_outs AS kept
WHERE kept.email_key = ANY ($2::text[])
  AND NOT EXISTS (SELECT FROM people AS other
                  WHERE other.email_key = kept.email_key AND other.id <> ALL ($1::bigint[]))
"""
#: Answers that are kept for a day under their Idempotency-Key, where they speak of these people.
_FORGET_ANSWERS: Final = """
DELETE FROM idempotency_keys AS kept
USING unnest($1::text[]) AS named (text)
WHERE position(convert_to(named.text, 'UTF8') IN kept.body) > 0
   OR kept.headers ->> 'location' = named.text
"""
#: Links, memberships, changes, conflicts and activities go along, by foreign keys and triggers.
_DELETE: Final = "DELETE FROM people WHERE id = ANY ($1::bigint[])"
#: Since when these people's addresses are opted out: by themselves, by others who have them, or by
#: an opt-out that was kept and that no opt-in of theirs lifted. people_email_key.
_OPTED_OUT: Final = """
SELECT person.email, person.email_key, max(opted_out.at) AS opted_out_at
FROM people AS person
CROSS JOIN LATERAL (
    SELECT coalesce(person.opted_out_at, person.updated_at) AS at WHERE person.no_email
    UNION ALL
    SELECT coalesce(other.opted_out_at, other.updated_at) FROM people AS other
    WHERE other.email_key = person.email_key AND other.no_email AND other.deleted_at IS NULL
    UNION ALL
    SELECT kept.opted_out_at FROM address_opt_outs AS kept
    WHERE kept.email_key = person.email_key
      AND kept.opted_out_at >= coalesce(person.opted_in_at, '-infinity')
) AS opted_out
WHERE person.id = ANY ($1::bigint[]) AND person.email IS NOT NULL
GROUP BY person.email, person.email_key
"""
#: Whoever else has such an address stays opted out by it, as `address_opt_outs.sql: keep` has it.
#: people_email_key.
_KEEP_SHARED: Final = """
INSERT INTO address_opt_outs AS kept (account_id, email_key, source, opted_out_at)
SELECT account.id, given.email_key,
       CASE WHEN coalesce((account.settings ->> 'suppress_unknown')::boolean, true)
            THEN 'never_a_contact' ELSE 'left' END,
       max(given.opted_out_at)
FROM accounts AS account
CROSS JOIN unnest($2::text[], $3::timestamptz[]) AS given (email_key, opted_out_at)
WHERE EXISTS (SELECT FROM people AS other
              WHERE other.email_key = given.email_key AND other.id <> ALL ($1::bigint[]))
GROUP BY account.id, given.email_key
ORDER BY account.id, given.email_key
ON CONFLICT (account_id, email_key) DO UPDATE
    SET opted_out_at = greatest(kept.opted_out_at, excluded.opted_out_at),
        source = excluded.source, refusal = NULL,
        dotdigital_import_id = NULL, confirmed_at = NULL
"""
_REMEMBER: Final = """
INSERT INTO erasures AS kept (email_hash, erased_at, opted_out_at)
SELECT email_hash, $2, opted_out_at
FROM unnest($1::bytea[], $3::timestamptz[]) AS given (email_hash, opted_out_at)
ON CONFLICT (email_hash) DO UPDATE
    SET erased_at = excluded.erased_at,
        opted_out_at = greatest(kept.opted_out_at, excluded.opted_out_at)
"""
_NOTE: Final = """
INSERT INTO audit_log (actor, action, subject_type, subject_id)
VALUES ($1, 'person_erased', 'person', $2)
"""

#: Whoever writes people into an import takes the shared lock, whoever erases them the other: so an
#: erasure sees every import that holds its person, or the import finds the person gone.
SUBMITTING: Final = "SELECT pg_advisory_xact_lock_shared(hashtext('dotsync.submitting'))"
_ERASING: Final = "SELECT pg_advisory_xact_lock(hashtext('dotsync.submitting'))"

_Contact = tuple[int, int]


class EmailHashes:
    """Makes the hashes that erased emails are recognised by, with each key there is."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys that credentials are encrypted with, the newest first."""
        self._keys = [hmac.digest(key.encode(), _PURPOSE, "sha256") for key in keys]

    @classmethod
    def of(cls, settings: Settings) -> "EmailHashes":
        """Return the ones of this service."""
        return cls(settings.credentials_keys or [key_kept_in(settings.data_dir)])

    def all_of(self, email: str) -> list[bytes]:
        """Return the hashes of this address in whatever spelling, that of the newest key first."""
        plain = unicodedata.normalize("NFC", email.strip().casefold()).encode()
        return [hmac.digest(key, plain, "sha256") for key in self._keys]


async def erased_among(
    connection: PoolConnection, emails: Iterable[str], hashes: EmailHashes
) -> set[str]:
    """Return those of these addresses whose person was erased. erasures_pkey."""
    by_hash = {each: email for email in emails for each in hashes.all_of(email)}
    rows = await connection.fetch(
        "SELECT email_hash FROM erasures WHERE email_hash = ANY ($1::bytea[])", list(by_hash)
    )
    return {by_hash[row["email_hash"]] for row in rows}


async def opted_out_erasures(
    connection: PoolConnection, hashes: Sequence[bytes]
) -> dict[bytes, datetime]:
    """Return those of these hashes whose address had opted out, and when. erasures_opted_out."""
    rows = await connection.fetch(
        """SELECT email_hash, opted_out_at FROM erasures
           WHERE email_hash = ANY ($1::bytea[]) AND opted_out_at IS NOT NULL""",
        hashes,
    )
    return {row["email_hash"]: row["opted_out_at"] for row in rows}


async def erase_person(
    database: Database,
    connector: DotdigitalConnector,
    hashes: EmailHashes,
    person_id: int,
    at: datetime,
    actor: str,
) -> None:
    """Erase a person, and whoever was merged into it, here and in every account.

    A call for each linked contact. Where the person isn't linked, a contact of its email goes too,
    unless somebody else has that email. Raises NotFound; Conflict while an import holds the person;
    and a `Problem` where Dotdigital doesn't delete a contact: nothing is erased then.
    """
    deleted: set[_Contact] = set()
    for _ in range(_MOST_ROUNDS):
        doomed = await _look_up(database, person_id)
        for contact in doomed.contacts:
            if contact not in deleted:
                await _ask_to_delete(database, connector, *contact)
                deleted.add(contact)
        for account_id, email in doomed.unlinked:
            await ask(database, connector, account_id, _deletion("email", email))
        async with database.transaction() as connection:
            if await _erase(connection, doomed, hashes, at):
                await connection.execute(_NOTE, actor, person_id)
                log.info("person_erased", person_id=person_id, contacts=len(deleted))
                return
    raise Conflict("A job works on this person at this moment: try again.")


@dataclass(frozen=True, slots=True)
class _Doomed:
    ids: list[int]
    emails: list[str]
    email_keys: list[str]
    contacts: list[_Contact]
    #: Account and email, where the person has no contact that we know of.
    unlinked: list[tuple[int, str]]


async def _look_up(database: Database, person_id: int) -> _Doomed:
    async with database.pool.acquire() as connection:
        people = await connection.fetch(_WHO, person_id)
        ids = [row["id"] for row in people]
        if person_id not in ids:
            raise NotFound(f"There is no person {person_id}.")
        await _refuse_in_flight(connection, ids)
        contacts = [tuple(row) for row in await connection.fetch(_CONTACTS, ids)]
        emails = [row["email"] for row in await connection.fetch(_OWN_EMAILS, ids)]
        # An account that is out of order has nothing that we put there, or it would be linked.
        accounts = await connection.fetch("SELECT id FROM accounts WHERE state = 'ok' ORDER BY id")
    linked = {account_id for account_id, _ in contacts}
    return _Doomed(
        ids=ids,
        emails=[row["email"] for row in people if row["email"] is not None],
        email_keys=[row["email_key"] for row in people if row["email_key"] is not None],
        contacts=contacts,
        unlinked=[
            (row["id"], email) for row in accounts if row["id"] not in linked for email in emails
        ],
    )


async def _refuse_in_flight(connection: PoolConnection, ids: Sequence[int]) -> None:
    if await connection.fetchval(_IN_FLIGHT, ids):
        raise Conflict(
            "An import that holds this person is in flight, and would bring the contact back. "
            "Nothing was erased; try again when it has ended."
        )


async def _ask_to_delete(
    database: Database, connector: DotdigitalConnector, account_id: int, contact_id: int
) -> None:
    await ask(database, connector, account_id, _deletion("contactId", contact_id))


def _deletion(identifier: str, value: str | int) -> Callable[[DotdigitalClient], Awaitable[None]]:
    async def delete(client: DotdigitalClient) -> None:
        try:
            await client.contacts.delete(identifier, value)
        except NoSuchContact:
            log.info("contact_gone_already", identifier=identifier)

    return delete


async def _erase(
    connection: PoolConnection, doomed: _Doomed, hashes: EmailHashes, at: datetime
) -> bool:
    """Delete all that is here of these people; False where they have another contact by now."""
    await connection.execute(_ERASING)
    await connection.fetch(_HOLD, doomed.ids)
    await _refuse_in_flight(connection, doomed.ids)
    contacts = {tuple(row) for row in await connection.fetch(_CONTACTS, doomed.ids)}
    if not contacts <= set(doomed.contacts):
        return False
    await connection.execute("SELECT set_config('dotsync.erasing', 'on', true)")
    await _remember(connection, doomed, hashes, at)
    await connection.execute(
        _DELETE_ORPHANS,
        [account_id for account_id, _ in doomed.contacts],
        [contact_id for _, contact_id in doomed.contacts],
        doomed.email_keys,
    )
    await connection.execute(_FORGET_REMATCHES, doomed.email_keys)
    await connection.execute(_DELETE_FAILURES, doomed.ids)
    named = [*doomed.emails, *(f"/v1/people/{person_id}" for person_id in doomed.ids)]
    await connection.execute(_FORGET_ANSWERS, named)
    freed = await connection.fetch(_FREED, doomed.ids)
    await connection.execute(_FORGET_ADDRESSES, doomed.ids, doomed.email_keys)
    await connection.execute(_DELETE, doomed.ids)
    accounts = await connection.fetch("SELECT id FROM accounts")
    await let_go(
        connection,
        [row["id"] for row in accounts],
        emails=[*doomed.email_keys, *(row["email_key"] for row in freed)],
        numbers=[row["mobile_sent"] for row in freed],
    )
    return True


async def _remember(
    connection: PoolConnection, doomed: _Doomed, hashes: EmailHashes, at: datetime
) -> None:
    """Keep a hash of each address, and that it was opted out if it was."""
    kept: dict[bytes, datetime | None] = {hashes.all_of(each)[0]: None for each in doomed.emails}
    opted_out = await connection.fetch(_OPTED_OUT, doomed.ids)
    for row in opted_out:
        newest = hashes.all_of(row["email"])[0]
        kept[newest] = max(row["opted_out_at"], kept.get(newest) or row["opted_out_at"])
    await connection.execute(_REMEMBER, list(kept), at, list(kept.values()))
    await connection.execute(
        _KEEP_SHARED,
        doomed.ids,
        [row["email_key"] for row in opted_out],
        [row["opted_out_at"] for row in opted_out],
    )
