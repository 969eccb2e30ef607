"""Consents: added to a person, and told to each account with the person's next record."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.db import PoolConnection

#: Goes behind what names a consent. Primary key of consents_told.
_COLUMNS: Final = """
SELECT consent.id, consent.text, consent.consented_at, consent.url, consent.ip_address,
       consent.user_agent, consent.created_at,
       ARRAY(SELECT told.account_id FROM consents_told AS told
             WHERE told.consent_id = consent.id ORDER BY told.account_id) AS told
"""
#: consents_person.
_PAGE: Final = (
    _COLUMNS
    + """
FROM consents AS consent
WHERE consent.person_id = $1 AND consent.id > $2 ORDER BY consent.id LIMIT $3
"""
)
#: The trigger makes the person due.
_ADD: Final = """
INSERT INTO consents (person_id, text, consented_at, url, ip_address, user_agent)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id, text, consented_at, url, ip_address, user_agent, created_at,
          '{}'::bigint[] AS told
"""

Consent = Mapping[str, Any]


async def consents_after(
    connection: PoolConnection, person_id: int, after_id: int, limit: int
) -> Sequence[Consent]:
    """Return the person's consents after this id, ascending."""
    rows: Sequence[Consent] = await connection.fetch(_PAGE, person_id, after_id, limit)
    return rows


async def add_consent(
    connection: PoolConnection, person_id: int, values: Mapping[str, Any]
) -> Consent:
    """Add a consent to a person who must be there; return it."""
    row: Consent = await connection.fetchrow(
        _ADD,
        person_id,
        values["text"],
        values["consented_at"],
        values["url"],
        values["ip_address"],
        values["user_agent"],
    )
    return row
