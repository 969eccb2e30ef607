"""Who has to be looked at again because an account's settings changed."""

from enum import Enum

from app.db import WriteSession, raw_connection
from app.services.account_settings import AccountSettings


class Affected(Enum):
    """Some of the people, as a condition on ``person`` for the account ``$1``."""

    #: Whoever is on an open list of the account is for it either way.
    NOT_ON_A_LIST = """
        NOT EXISTS (SELECT FROM list_members AS member
                    JOIN lists AS list ON list.id = member.list_id
                    WHERE member.person_id = person.id AND list.account_id = $1
                      AND list.record_state = 'open' AND list.synchronisation_with IS NOT NULL
                      AND member.sync_state <> 'leaving')"""
    HAS_MOBILE_NUMBER = "person.mobile_number IS NOT NULL"
    MOBILE_NUMBER_TAKEN = """
        EXISTS (SELECT FROM contact_links AS link
                WHERE link.account_id = $1 AND link.person_id = person.id
                  AND (link.reason = 'mobile_number_taken'
                       OR link.state = 'failed' AND person.mobile_number IS NOT NULL
                          AND lower(link.reason) IN ('duplicate', 'duplicateidentifier',
                                                     'contacts:idalreadyexists')))"""
    EMAIL_TAKEN = """
        EXISTS (SELECT FROM contact_links AS link
                WHERE link.account_id = $1 AND link.person_id = person.id
                  AND link.state = 'failed'
                  AND lower(link.reason) IN ('email_linked_elsewhere', 'duplicate',
                                             'duplicateidentifier', 'contacts:idalreadyexists'))"""
    OPTED_OUT_WITHOUT_CONTACT = """
        person.no_email AND NOT EXISTS (SELECT FROM contact_links AS link
                WHERE link.account_id = $1 AND link.person_id = person.id
                  AND link.contact_id IS NOT NULL)"""


#: Like a new mapping: who is due already is marked as changed again, so that a run that took the
#: old settings can see that there is news, and whose tries are used up is tried anew.
_MAKE_DUE = """
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT $1, person.id, person.version, 'changed', clock_timestamp()
FROM people AS person
WHERE person.deleted_at IS NULL AND ({conditions})
ORDER BY person.id
ON CONFLICT (account_id, person_id) DO UPDATE
    SET changed_at = excluded.changed_at, attempts = 0, next_attempt_at = '-infinity'
"""


def affected_by(before: AccountSettings, after: AccountSettings) -> set[Affected]:
    """Say whom the change concerns.

    Not `resubscribe_mode`: how somebody is brought back holds for who lifts ``no_email`` from now
    on, and brings nobody back by itself.
    """
    changed = {
        name
        for name in (
            "people",
            "send_mobile_number",
            "mobile_conflict",
            "email_conflict",
            "suppress_unknown",
        )
        if getattr(before, name) != getattr(after, name)
    }
    affected = set()
    if "people" in changed:
        affected.add(Affected.NOT_ON_A_LIST)
    if "send_mobile_number" in changed:
        affected.add(Affected.HAS_MOBILE_NUMBER)
    if "mobile_conflict" in changed and after.send_mobile_number:
        affected.add(Affected.MOBILE_NUMBER_TAKEN)
    if "email_conflict" in changed:
        affected.add(Affected.EMAIL_TAKEN)
    if "suppress_unknown" in changed and after.suppress_unknown:
        affected.add(Affected.OPTED_OUT_WITHOUT_CONTACT)
    return affected


async def make_affected_due(
    session: WriteSession, account_id: int, before: AccountSettings, after: AccountSettings
) -> int:
    """Make everyone due whom the change concerns; return how many they are."""
    affected = affected_by(before, after)
    if not affected:
        return 0
    conditions = " OR ".join(f"({each.value})" for each in affected)
    connection = await raw_connection(session)
    status: str = await connection.execute(_MAKE_DUE.format(conditions=conditions), account_id)
    return int(status.rpartition(" ")[2])
