"""Contacts that are let go of: whoever needs the email or the number of one is tried at once."""

from collections.abc import Iterable, Sequence
from typing import Final

from app.db import PoolConnection

#: However often it failed: what was in the way is gone. Who went without the number is sent again.
#: people_email_key, contact_links_number_taken, contact_links_mobile_refused, people_pkey; in the
#: order of the key, as everybody writes changes.
_TRY: Final = """
WITH refused AS (
    SELECT account_id, person_id FROM contact_links
    WHERE cardinality($3::text[]) > 0 AND account_id = ANY ($1::bigint[])
      AND mobile_refused = ANY ($3::text[])
    ORDER BY account_id, person_id FOR UPDATE
), forgotten AS (
    UPDATE contact_links AS link SET mobile_refused = NULL
    FROM refused
    WHERE link.account_id = refused.account_id AND link.person_id = refused.person_id
)
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT DISTINCT ON (account_id, person_id)
       account_id, person_id, version, 'sibling', clock_timestamp()
FROM (
    SELECT account.id, sharer.person_id, sharer.version
    FROM people_with_emails($2::text[]) AS sharer
    CROSS JOIN unnest($1::bigint[]) AS account (id)
    UNION ALL
    SELECT link.account_id, person.id, person.version
    FROM contact_links AS link
    JOIN people AS person ON person.id = link.person_id
    WHERE cardinality($3::text[]) > 0 AND link.account_id = ANY ($1::bigint[])
      AND link.reason = 'mobile_number_taken'
      AND person.mobile_number = ANY ($3::text[]) AND person.deleted_at IS NULL
    UNION ALL
    SELECT refused.account_id, person.id, person.version
    FROM refused JOIN people AS person ON person.id = refused.person_id
    WHERE person.deleted_at IS NULL
) AS waiting (account_id, person_id, version)
WHERE person_id <> ALL ($4::bigint[])
ORDER BY account_id, person_id
ON CONFLICT (account_id, person_id) DO UPDATE
    SET changed_at = excluded.changed_at, attempts = 0, next_attempt_at = '-infinity'
"""


async def let_go(
    connection: PoolConnection,
    account_ids: Sequence[int],
    *,
    emails: Iterable[str | None] = (),
    numbers: Iterable[str | None] = (),
    apart_from: Iterable[int] = (),
) -> None:
    """Have the others tried who need these emails, as they are compared, or these numbers.

    ``apart_from``: people who are not to be sent by that.
    """
    freed_emails = [email for email in emails if email]
    freed_numbers = [number for number in numbers if number]
    if freed_emails or freed_numbers:
        await connection.execute(_TRY, account_ids, freed_emails, freed_numbers, list(apart_from))
